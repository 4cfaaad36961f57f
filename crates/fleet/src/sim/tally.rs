//! What is counted.

use terrace_addr::Nanos;

/// VMs that are there now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Live {
    pub(crate) vms: u64,
    /// Of these, those in one block.
    pub(crate) contiguous_vms: u64,
    /// Thousandths of cores of all of them, and of those in one block.
    pub(crate) cores: u64,
    pub(crate) contiguous_cores: u64,
}

/// What was counted over a simulation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// VMs that arrived.
    pub arrivals: u64,
    /// Of these, those for which no server had room.
    pub failed: u64,
    /// Of the others, those that got one block when they arrived,
    pub one_block: u64,
    /// those that got two,
    pub two_blocks: u64,
    /// and those that got three or more.
    pub more_blocks: u64,
    /// VMs that left.
    pub departures: u64,
    /// Changes of size that were asked for.
    pub resizes: u64,
    /// Of these, those that were made where the VM was, in as many blocks as before or fewer,
    pub resized_in_place: u64,
    /// those for which it got further blocks on its server,
    pub resized_scattered: u64,
    /// those for which it was moved, within its server or to another one,
    pub resized_moved: u64,
    /// and those that no server had room for: the VM keeps its size.
    pub resized_refused: u64,
    /// Bytes that were copied because of changes of size.
    pub resize_bytes: u64,
    /// VMs that repair put into one block on their server.
    pub repaired_locally: u64,
    /// VMs that repair put into one block on another server.
    pub repaired_by_migration: u64,
    /// Other VMs that were moved to make room for them.
    pub neighbours_moved: u64,
    /// Bytes that repair copied.
    pub repair_bytes: u64,
    /// The servers that there are.
    pub servers: u64,
    /// Servers that ever had a VM.
    pub servers_used: u64,
    /// The most servers that had a VM at the same time.
    pub peak_servers: u64,
    /// The most VMs that lived at the same time.
    pub peak_vms: u64,
    /// VMs times nanoseconds.
    pub vm_nanos: u128,
    /// Of these, those in one block.
    pub contiguous_vm_nanos: u128,
    /// Thousandths of cores of VMs times nanoseconds.
    pub core_nanos: u128,
    /// Of these, those of VMs in one block.
    pub contiguous_core_nanos: u128,
}

impl Tally {
    pub(crate) fn wait(&mut self, live: Live, nanos: u64) {
        let over = |count: u64| u128::from(count) * u128::from(nanos);
        self.vm_nanos += over(live.vms);
        self.contiguous_vm_nanos += over(live.contiguous_vms);
        self.core_nanos += over(live.cores);
        self.contiguous_core_nanos += over(live.contiguous_cores);
    }

    /// Core-seconds of all VMs.
    pub fn core_seconds(&self) -> f64 {
        ratio(self.core_nanos, THOUSANDTH_NANOS)
    }

    /// Core-seconds of VMs in one block.
    pub fn contiguous_core_seconds(&self) -> f64 {
        ratio(self.contiguous_core_nanos, THOUSANDTH_NANOS)
    }

    /// Of the time that VMs lived, the share in which they were in one block; 1 if none lived.
    pub fn contiguous_time_share(&self) -> f64 {
        if self.vm_nanos == 0 { 1.0 } else { ratio(self.contiguous_vm_nanos, self.vm_nanos) }
    }

    /// VMs that found a server.
    pub const fn placed(&self) -> u64 {
        self.one_block + self.two_blocks + self.more_blocks
    }
}

/// Thousandths of a core times nanoseconds, of a core-second.
const THOUSANDTH_NANOS: u128 = 1_000_000_000_000;

/// A ratio of long numbers, each of which is the nearest that there is with 53 bits, or its neighbour.
fn ratio(numerator: u128, denominator: u128) -> f64 {
    // 2^64
    const WORD: f64 = 18_446_744_073_709_551_616.0;
    let word = |value: u128| terrace_addr::convert::ratio(u64::try_from(value).unwrap_or(u64::MAX), 1);
    let real = |value: u128| word(value >> 64) * WORD + word(value & u128::from(u64::MAX));
    real(numerator) / real(denominator)
}

/// The state of a fleet at one time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// When.
    pub end: Nanos,
    /// VMs that live.
    pub vms: u64,
    /// Of these, those in one block.
    pub contiguous_vms: u64,
    /// Servers that ever had a VM: they stay on.
    pub servers_on: u64,
    /// Of these, those that have one now.
    pub servers_occupied: u64,
    /// Free bytes of the servers that are on.
    pub free: u64,
    /// The largest free extent of a server that is on.
    pub largest: u64,
    /// The mean over the servers that are on of their largest free extents.
    pub mean_largest: f64,
    /// Bytes that repair has copied until then.
    pub repaired: u64,
}
