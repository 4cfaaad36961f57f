//! The leaves of a range.

use terrace_addr::{Addr, Space, Span, convert};

use super::{LeafIn, Table, leaf_at, leaf_of};
use crate::{EntryIndex, Format, TableMemory};

/// The leaves of a range, in the order of their addresses. Made by [`Table::leaves`].
pub struct Leaves<'a, U, F, M: TableMemory> {
    table: &'a Table<U, F, M>,
    /// Where to look next, as an offset from the lowest address of the table; the upper half of a virtual space
    /// follows the lower half.
    at: u64,
    /// The first offset that is not looked at.
    end: u64,
    /// The node of level 1 that was read last, and the first offset that it is for: the next leaf is most often there.
    last: Option<(u64, M::Node)>,
}

impl<U: Space, F: Format, M: TableMemory> Table<U, F, M> {
    /// The leaves that map any address of `span`, in the order of their addresses (a virtual space's upper half
    /// after its lower half). Absent parts are skipped at the size of the absent entry.
    pub fn leaves(&self, span: Span<U>) -> Leaves<'_, U, F, M> {
        let bits = self.upper_bits();
        let at = span.start.get() & ((1 << bits) - 1);
        Leaves { table: self, at, end: at.saturating_add(span.bytes).min(1 << bits), last: None }
    }

    /// All leaves.
    pub fn all_leaves(&self) -> Leaves<'_, U, F, M> {
        Leaves { table: self, at: 0, end: 1 << self.upper_bits(), last: None }
    }

    /// The address at an offset from the table's lowest.
    fn addr_at(&self, offset: u64) -> Addr<U> {
        Addr::truncate(offset).canonical_if_virtual(self.format.levels().width())
    }
}

impl<U: Space, F: Format, M: TableMemory> Iterator for Leaves<'_, U, F, M> {
    type Item = LeafIn<U, M>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.at < self.end {
            let addr = self.table.addr_at(self.at);
            let node_start = self.at & !(bytes_of_entry(2) - 1);
            if let Some((start, node)) = self.last
                && start == node_start
            {
                self.at = (self.at & !(bytes_of_entry(1) - 1)) + bytes_of_entry(1);
                let entry = self.table.memory.read_last(node, EntryIndex::of(addr, 1));
                if F::is_present(entry) {
                    return leaf_of::<U, F, _>(addr, 1, entry);
                }
                continue;
            }
            let step = self.table.path(addr).last()?;
            // Past the entry: what it maps is one leaf, or nothing.
            let bytes = bytes_of_entry(step.level);
            self.at = (self.at & !(bytes - 1)) + bytes;
            self.last = (step.level == 1).then_some((node_start, step.node));
            if let Some(leaf) = leaf_at::<U, F, _, _>(addr, &step) {
                return Some(leaf);
            }
        }
        None
    }
}

/// What an entry of `level` maps, in bytes.
const fn bytes_of_entry(level: u32) -> u64 {
    4096 * convert::count(EntryIndex::COUNT).pow(level - 1)
}

/// The addresses that the entry of `level` for `addr` maps.
pub(super) fn span_of_entry<U: Space>(addr: Addr<U>, level: u32) -> Span<U> {
    let bytes = bytes_of_entry(level);
    Span { start: Addr::truncate(addr.get() & !(bytes - 1)), bytes }
}
