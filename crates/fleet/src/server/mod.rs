//! One server: its cores, and its memory to the byte.

mod extents;
mod policy;

use std::collections::BTreeMap;

pub(crate) use extents::joined;
pub use extents::{Extent, Extents};
pub use policy::ExtentPolicy;

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

/// A server that is on.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) free_cores: Cores,
    pub(crate) extents: Extents,
    /// VMs that are here.
    vms: u32,
    /// Who has which block, by its start, where repair wants to know.
    pub(crate) used: Option<Used>,
}

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
    #[cfg(test)]
    pub(crate) fn holds(&self, demand: Demand) -> bool {
        self.cores >= demand.cores && self.memory >= demand.memory
    }
}

impl Server {
    pub(crate) fn new(cores: Cores, memory: u64, policy: ExtentPolicy, used: Option<Used>) -> Self {
        Self { free_cores: cores, extents: Extents::new(memory, policy), vms: 0, used }
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
