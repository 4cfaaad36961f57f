//! References to memory, and where they are counted.

use terrace_addr::{AccessKind, Addr, Cycles, Hpa};
use terrace_raw::vector::Vector;
use terrace_table::Entry;

use super::prefetch::Asked;
use crate::cache::{Hierarchy, LINE_SHIFT, MEMORY, Purpose};
use crate::counters::Tally;
use crate::watch::{EntryRead, Watch};

/// What the references of an access go through, where they are counted, and who looks on.
pub(super) struct References<'a, 'h, V, W> {
    pub(super) vector: V,
    pub(super) hierarchy: &'a mut Hierarchy<'h>,
    pub(super) tally: &'a mut Tally,
    pub(super) watch: &'a mut W,
}

impl<V: Vector, W: Watch> References<'_, '_, V, W> {
    /// The entry of `level` is read, which the walk may have asked for.
    #[inline(always)]
    pub(super) fn read_table(&mut self, addr: Addr<Hpa>, level: u32, asked: Option<Asked>) {
        let waiting = self.hierarchy.waiting();
        match asked {
            None => waiting.push_entry(addr),
            Some(asked) => waiting.push_unusual(addr, Purpose::entry_after_asking(asked.step(level))),
        }
    }

    /// An entry that a walk will read is asked for.
    pub(super) fn prefetch(&mut self, addr: Addr<Hpa>, purpose: Purpose) {
        self.hierarchy.waiting().push_unusual(addr, purpose);
    }

    /// A line of the third level is looked at.
    pub(super) fn third_level(&mut self, addr: Addr<Hpa>) {
        self.hierarchy.waiting().push_unusual(addr, Purpose::THIRD_LEVEL);
    }

    /// What was read just now, as a watcher is told of it.
    pub(super) fn read(&mut self, level: u32, at: Addr<Hpa>, entry: Entry) -> EntryRead {
        let before = self.tally.walk_cycles;
        let server = self.hierarchy.settle_last(self.vector, self.tally);
        let served_by = (server.level != MEMORY).then_some(server.level + 1);
        let latency = Cycles::new(self.tally.walk_cycles - before);
        EntryRead { level, at, bits: entry.0, served_by, latency }
    }

    /// The lines of `bytes` bytes of data, at least one, from `addr` on are referred to.
    #[inline(always)]
    pub(super) fn data(&mut self, addr: Addr<Hpa>, bytes: u64, kind: AccessKind) {
        let last = (addr.get() + bytes - 1) >> LINE_SHIFT;
        let mut line = addr.get() >> LINE_SHIFT;
        while line <= last {
            self.make_room();
            self.hierarchy.waiting().push_data(Addr::new(line << LINE_SHIFT), kind);
            line += 1;
        }
    }

    /// Lets what waits go, if there is much of it.
    #[inline(always)]
    pub(super) fn make_room(&mut self) {
        if self.hierarchy.waiting().is_nearly_full() {
            self.hierarchy.settle(self.vector, self.tally);
        }
    }
}
