//! The machines of Gemini's tests.

use terrace_addr::{Addr, Ghpa, Gpa, Gva, Hpa, Nanos};
use terrace_policy::{Role, SpaceId, System, Value};

use super::{BASE, Ground, Guest, HUGE, Half, Hypervisor, MIB};

pub(crate) type Host<G> = Hypervisor<G, Hpa, Ground>;
pub(crate) type TwoLayers = Guest<Gpa, Host<Gpa>>;
pub(crate) type ThreeLayers = Guest<Gpa, Hypervisor<Gpa, Ghpa, Host<Ghpa>>>;
pub(crate) type Set<'a> = &'a [(&'a str, Value)];

pub(crate) const OFF: Value = Value::Word("off");
pub(crate) const GUEST: u64 = 256 * MIB;
/// Khugepaged's pace is eight blocks in ten seconds; these tests wait for a multiple of what they need.
pub(crate) const LONG: u64 = 300;

/// How fragmented each layer is at first, and how much memory the host has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memories {
    pub(crate) guest: f64,
    pub(crate) host: f64,
    pub(crate) host_bytes: u64,
}

pub(crate) const CLEAN: Memories = Memories { guest: 0.0, host: 0.0, host_bytes: 512 * MIB };
pub(crate) const FRAGMENTED: Memories = Memories { guest: 0.6, host: 0.8, host_bytes: 512 * MIB };

pub(crate) fn two_layers(system: &System, set: Set<'_>, memories: Memories) -> TwoLayers {
    over(system, set, set, memories)
}

/// A guest, and below it a host that is set in another way.
pub(crate) fn over(system: &System, set: Set<'_>, below: Set<'_>, memories: Memories) -> TwoLayers {
    let mut host = Half::new(Role::Host, memories.host_bytes, system, below);
    let mut guest = Half::new(Role::Guest, GUEST, system, set);
    host.fragment(memories.host);
    guest.fragment(memories.guest);
    Guest::new(guest, Hypervisor::new(host, GUEST, Ground))
}

/// A program that fills a region of so many bytes.
pub(crate) fn program(machine: &mut TwoLayers, bytes: u64) -> (SpaceId, Addr<Gva>) {
    let (space, start) = machine.begin(bytes);
    machine.fill(space, start, bytes);
    (space, start)
}

/// Small regions, as a system that has run for a while has: none can hold a huge page.
pub(crate) fn noise(machine: &mut TwoLayers, regions: u64) {
    let (space, _) = machine.begin(BASE);
    for _ in 0..regions {
        let start = machine.map(space, MIB);
        machine.fill(space, start, MIB);
    }
}

pub(crate) fn checked(machine: &TwoLayers) -> f64 {
    machine.half.check();
    machine.below.half.check();
    machine.aligned_share()
}

pub(crate) fn is_huge(machine: &TwoLayers, space: SpaceId, at: Addr<Gva>) -> bool {
    machine.half.kernel.leaf(space, at).is_some_and(|leaf| leaf.page.size().bytes() == HUGE)
}

pub(crate) const fn second(seconds: u64) -> Value {
    Value::Time(Nanos::new(seconds * 1_000_000_000))
}
