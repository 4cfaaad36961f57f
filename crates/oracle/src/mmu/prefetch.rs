//! Entries that are asked for when a walk starts (MODEL.md, "Prefetched levels").

use std::collections::BTreeMap;

use terrace_addr::{Addr, Hpa, Space};
use terrace_table::{EntryIndex, Format, Node, SimulatedMemory, Table, TableMemory};

use super::Mmu;
use crate::counts::Counts;

/// What a walk of one dimension asked for.
pub(super) struct Asked {
    /// The walk cycles that had been counted then.
    since: u64,
    /// The latency of each, by the level of its table.
    latencies: BTreeMap<u32, u64>,
}

impl Asked {
    /// Cycles until the entry of `level` is there; 0 if it was not asked for.
    pub(super) fn left(&self, level: u32, counts: &Counts) -> u64 {
        let passed = counts.get("walk_cycles") - self.since;
        self.latencies.get(&level).map_or(0, |latency| latency.saturating_sub(passed))
    }
}

impl Mmu<'_> {
    /// Asks for the entries for `addr` of those prefetched levels to which the table of `level` at `node` leads now, by
    /// tables of which `place` knows where they are.
    pub(super) fn ask_ahead<U: Space, F: Format, L: Space>(
        &mut self,
        table: &Table<U, F, SimulatedMemory<L>>,
        addr: Addr<U>,
        level: u32,
        mut node: Node,
        place: impl Fn(Addr<L>) -> Option<Addr<Hpa>>,
    ) -> Asked {
        let mut asked = Asked { since: self.cpu.counts.get("walk_cycles"), latencies: BTreeMap::new() };
        for above in (2..=level).rev() {
            let index = EntryIndex::of(addr, above);
            let entry = table.memory().read(node, index);
            if !F::is_present(entry) || F::is_leaf(entry, above) {
                break;
            }
            node = table.memory().child(node, index);
            let level = above - 1;
            let offset = EntryIndex::of(addr, level).byte_offset();
            let Some(line) = place(F::node_address::<L>(entry).offset_by(offset)) else { break };
            if !self.prefetch.contains(&level) {
                continue;
            }
            let latency = self.refer_to_table(line).latency;
            self.cpu.counts.one("prefetch_references");
            asked.latencies.insert(level, latency);
        }
        asked
    }
}
