//! References to memory, and where they are counted.

use terrace_addr::{AccessKind, Addr, Cycles, Hpa, convert};
use terrace_raw::vector::Vector;
use terrace_table::Entry;

use crate::cache::{Hierarchy, LINE_SHIFT, MEMORY, Served};
use crate::counters::Tally;
use crate::watch::EntryRead;

/// What the references of an access go through, where they are counted, and who looks on.
pub(super) struct References<'a, 'h, V, W> {
    pub(super) vector: V,
    pub(super) hierarchy: &'a mut Hierarchy<'h>,
    pub(super) tally: &'a mut Tally,
    pub(super) watch: &'a mut W,
}

impl<V: Vector, W> References<'_, '_, V, W> {
    /// One table entry is read.
    #[inline(always)]
    pub(super) fn read_table(&mut self, addr: Addr<Hpa>) -> Served {
        let Self { vector, hierarchy, .. } = self;
        let served = hierarchy.access(*vector, addr, AccessKind::Load);
        self.tally.served[level(served)] += 1;
        self.tally.walk_cycles += served.latency.get();
        if served.level == MEMORY {
            self.tally.nodes[convert::index32(served.node)].table += 1;
        }
        served
    }

    /// An entry that a walk will read is asked for: the time until it is there.
    pub(super) fn prefetch(&mut self, addr: Addr<Hpa>) -> u64 {
        self.tally.prefetch_references += 1;
        self.beside(addr)
    }

    /// A line of the third level is looked at.
    pub(super) fn third_level(&mut self, addr: Addr<Hpa>) {
        self.tally.third_level_references += 1;
        self.tally.third_level_cycles += self.beside(addr);
    }

    /// A reference that is not one of a walk: its latency.
    fn beside(&mut self, addr: Addr<Hpa>) -> u64 {
        let served = self.hierarchy.access(self.vector, addr, AccessKind::Load);
        if served.level == MEMORY {
            self.tally.nodes[convert::index32(served.node)].table += 1;
        }
        served.latency.get()
    }

    /// The lines of `bytes` bytes of data, at least one, from `addr` on are referred to.
    #[inline(always)]
    pub(super) fn data(&mut self, addr: Addr<Hpa>, bytes: u64, kind: AccessKind) {
        let last = (addr.get() + bytes - 1) >> LINE_SHIFT;
        let mut line = addr.get() >> LINE_SHIFT;
        while line <= last {
            let Self { vector, hierarchy, .. } = self;
            let at = Addr::new(line << LINE_SHIFT);
            let served = hierarchy.access(*vector, at, kind);
            self.tally.data_served[level(served)] += 1;
            self.tally.data_cycles += served.latency.get();
            if served.level == MEMORY {
                self.tally.nodes[convert::index32(served.node)].data += 1;
            }
            line += 1;
        }
    }
}

/// The place of a count.
#[inline(always)]
const fn level(served: Served) -> usize {
    convert::index32(served.level & MEMORY)
}

impl Served {
    /// As a watcher is told of it, with what it cost the walk.
    pub(super) fn entry(self, level: u32, at: Addr<Hpa>, entry: Entry, cycles: u64) -> EntryRead {
        let served_by = (self.level != MEMORY).then_some(self.level + 1);
        let latency = Cycles::new(cycles);
        EntryRead { level, at, bits: entry.0, served_by, latency }
    }
}
