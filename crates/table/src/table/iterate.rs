//! The leaves of a range.

use terrace_addr::{Addr, Space, Span, convert};

use super::{LeafIn, Table, leaf_of};
use crate::{EntryIndex, Format, TableMemory};

/// The leaves of a range, in the order of their addresses. Made by [`Table::leaves`].
pub struct Leaves<'a, U, F, M: TableMemory> {
    table: &'a Table<U, F, M>,
    /// Where to look next, as an offset from the lowest address of the table; the upper half of a virtual space
    /// follows the lower half.
    at: u64,
    /// The first offset that is not looked at.
    end: u64,
    /// Up to here what is next is in the node of level 1 of `nodes`.
    near_end: u64,
    /// The level of the node to look in, and the nodes on the way to it, by their levels.
    level: u32,
    nodes: [M::Node; LEVELS],
}

/// What lies ahead in the nodes above the last.
enum Ahead<L> {
    Leaf(L),
    /// A node of level 1.
    Near,
    End,
}

/// Levels have numbers below.
const LEVELS: usize = 6;

/// The place of the node of level 1.
const LAST: usize = 1;

impl<U: Space, F: Format, M: TableMemory> Table<U, F, M> {
    /// The leaves that map any address of `span`, in the order of their addresses (a virtual space's upper half
    /// after its lower half). Absent parts are skipped at the size of the absent entry.
    pub fn leaves(&self, span: Span<U>) -> Leaves<'_, U, F, M> {
        let bits = self.upper_bits();
        let at = span.start.get() & ((1 << bits) - 1);
        self.leaves_between(at, at.saturating_add(span.bytes).min(1 << bits))
    }

    /// All leaves.
    pub fn all_leaves(&self) -> Leaves<'_, U, F, M> {
        self.leaves_between(0, 1 << self.upper_bits())
    }

    fn leaves_between(&self, at: u64, end: u64) -> Leaves<'_, U, F, M> {
        Leaves {
            table: self,
            at,
            end,
            near_end: 0,
            level: self.level_count(),
            nodes: [self.root_node; LEVELS],
        }
    }

    /// The address at an offset from the table's lowest.
    fn addr_at(&self, offset: u64) -> Addr<U> {
        Addr::truncate(offset).canonical_if_virtual(self.format.levels().width())
    }
}

impl<U: Space, F: Format, M: TableMemory> Leaves<'_, U, F, M> {
    /// Goes on in the nodes above the last.
    fn above(&mut self) -> Ahead<LeafIn<U, M>> {
        while self.at < self.end {
            // Behind a node's last entry the node above goes on.
            while self.level < self.table.level_count()
                && self.at.trailing_zeros() >= shift_of_entry(self.level + 1)
            {
                self.level += 1;
            }
            let (addr, entry) = loop {
                let (addr, level) = (self.table.addr_at(self.at), self.level);
                let node = self.nodes[convert::index32(level)];
                if level == 1 {
                    self.near_end = self.end.min((self.at | (bytes_of_entry(2) - 1)) + 1);
                    return Ahead::Near;
                }
                let (entry, child) = self.table.read(node, level, EntryIndex::of(addr, level));
                if !F::is_present(entry) || F::is_leaf(entry, level) {
                    break (addr, entry);
                }
                self.level -= 1;
                self.nodes[convert::index32(self.level)] = child;
            };
            // Past the entry: what it maps is one leaf, or nothing.
            self.at = (self.at | (bytes_of_entry(self.level) - 1)) + 1;
            if F::is_present(entry)
                && let Some(leaf) = leaf_of::<U, F, _>(addr, self.level, entry)
            {
                return Ahead::Leaf(leaf);
            }
        }
        Ahead::End
    }
}

impl<U: Space, F: Format, M: TableMemory> Iterator for Leaves<'_, U, F, M> {
    type Item = LeafIn<U, M>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            while self.at < self.near_end {
                let addr = self.table.addr_at(self.at);
                self.at = (self.at | (bytes_of_entry(1) - 1)) + 1;
                let entry = self.table.memory.read_last(self.nodes[LAST], EntryIndex::of(addr, 1));
                if F::is_present(entry) {
                    return leaf_of::<U, F, _>(addr, 1, entry);
                }
            }
            match self.above() {
                Ahead::Leaf(leaf) => return Some(leaf),
                Ahead::Near => {}
                Ahead::End => return None,
            }
        }
    }
}

/// What an entry of `level` maps, in bytes.
const fn bytes_of_entry(level: u32) -> u64 {
    1 << shift_of_entry(level)
}

/// The same as a power of two.
const fn shift_of_entry(level: u32) -> u32 {
    12 + 9 * (level - 1)
}

/// The addresses that the entry of `level` for `addr` maps.
pub(super) fn span_of_entry<U: Space>(addr: Addr<U>, level: u32) -> Span<U> {
    let bytes = bytes_of_entry(level);
    Span { start: Addr::truncate(addr.get() & !(bytes - 1)), bytes }
}
