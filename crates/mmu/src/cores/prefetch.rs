//! Asking for entries of a walk before it comes to them.

use terrace_addr::{Addr, Gpa, Hpa, Space};
use terrace_raw::vector::Vector;
use terrace_table::{EntryIndex, Format, SimulatedMemory, Table};

use super::references::References;
use super::walk_cache::Place;
use crate::cache::{Purpose, WalkStep};
use crate::watch::Watch;

/// The levels whose entries are asked for: bit n for level n.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Prefetched(u32);

/// A walk has asked for entries, in this dimension of tables.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    dimension: u16,
}

impl Prefetched {
    pub(super) fn of(levels: &[u32]) -> Self {
        Self(levels.iter().fold(0, |all, level| all | 1 << level))
    }

    /// Asks, at the start of a walk of `table` from `start` on, for the entries of these levels that it will read: as
    /// far as the tables lead to them now, and `known` says where they are in memory.
    #[inline(always)]
    pub(super) fn ask<U: Space, F: Format, L: Space, V: Vector, W: Watch>(
        self,
        references: &mut References<'_, '_, V, W>,
        table: &Table<U, F, SimulatedMemory<L>>,
        addr: Addr<U>,
        start: &Place,
        known: impl Fn(Addr<L>) -> Option<Addr<Hpa>>,
    ) -> Option<Asked> {
        if self.0 == 0 { None } else { self.ask_for(references, table, addr, start, known) }
    }

    #[cold]
    #[inline(never)]
    fn ask_for<U: Space, F: Format, L: Space, V: Vector, W: Watch>(
        self,
        references: &mut References<'_, '_, V, W>,
        table: &Table<U, F, SimulatedMemory<L>>,
        addr: Addr<U>,
        start: &Place,
        known: impl Fn(Addr<L>) -> Option<Addr<Hpa>>,
    ) -> Option<Asked> {
        let asked = Asked { dimension: u16::from(U::NAME == Gpa::NAME) };
        let mut any = false;
        let Place { mut level, mut node, .. } = *start;
        while level > 1 {
            let (entry, child) = table.read(node, level, EntryIndex::of(addr, level));
            if !F::is_present(entry) || F::is_leaf(entry, level) {
                break;
            }
            (level, node) = (level - 1, child);
            let Some(place) = known(F::node_address(entry)) else { break };
            if self.0 >> level & 1 != 0 {
                let at = place.within(EntryIndex::of(addr, level).byte_offset());
                references.prefetch(at, Purpose::asked(asked.step(level), !any));
                any = true;
            }
        }
        any.then_some(asked)
    }
}

impl Asked {
    /// The walk's step at an entry of `level`.
    #[inline(always)]
    pub(super) fn step(self, level: u32) -> WalkStep {
        WalkStep::new(self.dimension, level)
    }
}
