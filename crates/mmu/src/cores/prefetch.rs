//! Asking for entries of a walk before it comes to them.

use terrace_addr::{Addr, Hpa, Space};
use terrace_raw::vector::Vector;
use terrace_table::{EntryIndex, Format, SimulatedMemory, Table};

use super::references::References;
use super::walk_cache::{LEVELS, Place};

/// The levels whose entries are asked for: bit n for level n.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Prefetched(u32);

/// When the entries that were asked for are there: by their level, in walk cycles as they are counted; 0 for those
/// that were not.
pub(super) struct Asked([u64; LEVELS]);

impl Prefetched {
    pub(super) fn of(levels: &[u32]) -> Self {
        Self(levels.iter().fold(0, |all, level| all | 1 << level))
    }

    /// Asks, at the start of a walk of `table` from `start` on, for the entries of these levels that it will read: as
    /// far as the tables lead to them now, and `known` says where they are in memory.
    #[inline(always)]
    pub(super) fn ask<U: Space, F: Format, L: Space, V: Vector, W>(
        self,
        references: &mut References<'_, '_, V, W>,
        table: &Table<U, F, SimulatedMemory<L>>,
        addr: Addr<U>,
        start: &Place,
        known: impl Fn(Addr<L>) -> Option<Addr<Hpa>>,
    ) -> Option<Asked> {
        if self.0 == 0 { None } else { Some(self.ask_for(references, table, addr, start, known)) }
    }

    #[cold]
    #[inline(never)]
    fn ask_for<U: Space, F: Format, L: Space, V: Vector, W>(
        self,
        references: &mut References<'_, '_, V, W>,
        table: &Table<U, F, SimulatedMemory<L>>,
        addr: Addr<U>,
        start: &Place,
        known: impl Fn(Addr<L>) -> Option<Addr<Hpa>>,
    ) -> Asked {
        let mut ready = [0; LEVELS];
        let Place { mut level, mut node, .. } = *start;
        let now = references.tally.walk_cycles;
        while level > 1 {
            let (entry, child) = table.read(node, level, EntryIndex::of(addr, level));
            if !F::is_present(entry) || F::is_leaf(entry, level) {
                break;
            }
            (level, node) = (level - 1, child);
            let Some(place) = known(F::node_address(entry)) else { break };
            if self.0 >> level & 1 != 0 {
                let latency = references.prefetch(place.within(EntryIndex::of(addr, level).byte_offset()));
                ready[terrace_addr::convert::index32(level)] = now + latency;
            }
        }
        Asked(ready)
    }
}

impl Asked {
    /// The walk has read the entry of `level`, and waits for it if it is not there yet.
    #[inline(always)]
    pub(super) fn wait<V, W>(&self, references: &mut References<'_, '_, V, W>, level: u32) {
        let ready = self.0[terrace_addr::convert::index32(level) % LEVELS];
        references.tally.walk_cycles = references.tally.walk_cycles.max(ready);
    }
}
