//! One server: its cores, and its memory to the byte.

mod extents;
mod policy;

use std::collections::BTreeMap;

pub(crate) use extents::joined;
pub use extents::{Extent, Extents};
pub use policy::ExtentPolicy;
use terrace_raw::prefetch;

use crate::spec::Demand;
use crate::trace::VmId;
use crate::units::Cores;

/// The memory of a VM on its server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Blocks {
    /// One block: segment mode is possible.
    One(Extent),
    /// Several, from the lowest; none touches the next.
    Several(Box<[Extent]>),
}

impl Blocks {
    pub(crate) fn of(blocks: Vec<Extent>) -> Self {
        match joined(blocks).as_slice() {
            &[one] => Self::One(one),
            several => Self::Several(several.into()),
        }
    }

    /// The blocks.
    pub fn as_slice(&self) -> &[Extent] {
        match self {
            Self::One(block) => std::slice::from_ref(block),
            Self::Several(blocks) => blocks,
        }
    }

    /// Whether the VM is in one block.
    pub const fn is_contiguous(&self) -> bool {
        matches!(self, Self::One(_))
    }
}

/// A server that is on: two cache lines.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Server {
    pub(crate) free_cores: Cores,
    /// VMs that are here.
    vms: u32,
    pub(crate) extents: Extents,
    /// Who has which block, by its start, where repair wants to know.
    pub(crate) used: Option<Box<Used>>,
}

const _: () = assert!(size_of::<Server>() == 128, "a server is two cache lines");

/// Who has which block: its size, by its start.
pub(crate) type Used = BTreeMap<u64, (u64, VmId)>;

/// What indices know of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) cores: Cores,
    pub(crate) memory: u64,
    /// The largest free extent.
    pub(crate) run: u64,
}

impl Room {
    /// With so much more, at a guess: what is given back makes the largest extent larger.
    pub(crate) fn with(&self, demand: Demand) -> Self {
        Self {
            cores: self.cores.more(demand.cores),
            memory: self.memory + demand.memory,
            run: self.run + demand.memory,
        }
    }

    #[cfg(test)]
    pub(crate) fn holds(&self, demand: Demand) -> bool {
        self.cores >= demand.cores && self.memory >= demand.memory
    }
}

impl Server {
    pub(crate) fn new(cores: Cores, memory: u64, policy: ExtentPolicy, used: Option<Used>) -> Self {
        Self { free_cores: cores, vms: 0, extents: Extents::new(memory, policy), used: used.map(Box::new) }
    }

    /// Asks for what an operation will touch, without waiting.
    pub(crate) fn foresee(&self) {
        prefetch(&self.free_cores);
        self.extents.foresee();
    }

    pub(crate) fn room(&self) -> Room {
        Room { cores: self.free_cores, memory: self.extents.free(), run: self.extents.largest() }
    }

    /// Whether no VM is here.
    pub(crate) const fn is_empty(&self) -> bool {
        self.vms == 0
    }

    /// Takes a VM in, in one block if any extent holds it; nothing if there is no room.
    pub(crate) fn place(&mut self, vm: VmId, demand: Demand, policy: ExtentPolicy) -> Option<Blocks> {
        let cores = self.free_cores.less(demand.cores)?;
        let blocks = match self.extents.take(demand.memory, policy) {
            Some(block) => Blocks::One(block),
            None => Blocks::of(self.extents.scatter(demand.memory, policy)?),
        };
        self.free_cores = cores;
        self.own(vm, &blocks);
        Some(blocks)
    }

    /// Lets a VM go.
    pub(crate) fn release(&mut self, blocks: &Blocks, cores: Cores) {
        self.disown(blocks);
        for &block in blocks.as_slice() {
            self.extents.give(block);
        }
        self.free_cores = self.free_cores.more(cores);
    }

    pub(crate) fn own(&mut self, vm: VmId, blocks: &Blocks) {
        self.vms += 1;
        if let Some(used) = &mut self.used {
            used.extend(blocks.as_slice().iter().map(|block| (block.start, (block.bytes, vm))));
        }
    }

    pub(crate) fn disown(&mut self, blocks: &Blocks) {
        self.vms -= 1;
        if let Some(used) = &mut self.used {
            for block in blocks.as_slice() {
                used.remove(&block.start);
            }
        }
    }
}
