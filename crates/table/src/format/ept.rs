//! Extended page tables (Intel SDM vol. 3, "The extended page-table mechanism").

use terrace_addr::{Addr, PageSize, Space};

use super::{Format, Levels};
use crate::{Entry, LeafFlags};

const READ: u64 = 1 << 0;
const WRITE: u64 = 1 << 1;
const EXECUTE: u64 = 1 << 2;
/// Bits 5:3 of a leaf: memory type 6, write-back.
const WRITE_BACK: u64 = 6 << 3;
/// In entries of level 2 and 3: maps a page.
const PAGE_SIZE: u64 = 1 << 7;

/// A 4- or 5-level extended page table.
///
/// Accessed and dirty bits have their places whether or not the processor keeps them (EPTP bit 6); that is the
/// walker's business. Every leaf made here may be read: execute-only mappings are not modelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ept {
    levels: Levels,
}

impl Ept {
    /// Tables of so many levels.
    pub const fn new(levels: Levels) -> Self {
        Self { levels }
    }
}

impl Format for Ept {
    const NAME: &'static str = "EPT";
    const ACCESSED: u64 = 1 << 8;
    const DIRTY: u64 = 1 << 9;

    #[inline(always)]
    fn levels(self) -> Levels {
        self.levels
    }

    #[inline(always)]
    fn is_present(entry: Entry) -> bool {
        entry.0 & (READ | WRITE | EXECUTE) != 0
    }

    #[inline(always)]
    fn is_leaf(entry: Entry, level: u32) -> bool {
        level == 1 || entry.has(PAGE_SIZE)
    }

    #[inline(always)]
    fn allows_store(entry: Entry) -> bool {
        entry.has(WRITE)
    }

    #[inline(always)]
    fn allows_fetch(entry: Entry) -> bool {
        entry.has(EXECUTE)
    }

    #[inline(always)]
    fn is_global(_: Entry) -> bool {
        false
    }

    fn node_entry<L: Space>(node: Addr<L>) -> Entry {
        Entry(node.get() | READ | WRITE | EXECUTE)
    }

    fn leaf_entry<L: Space>(frame: Addr<L>, size: PageSize, flags: LeafFlags) -> Entry {
        let mut entry = frame.get() | WRITE_BACK | READ;
        for (flag, bit) in [
            (LeafFlags::WRITE, WRITE),
            (LeafFlags::EXECUTE, EXECUTE),
            (LeafFlags::ACCESSED, Self::ACCESSED),
            (LeafFlags::DIRTY, Self::DIRTY),
        ] {
            if flags.contains(flag) {
                entry |= bit;
            }
        }
        if size != PageSize::Size4K {
            entry |= PAGE_SIZE;
        }
        Entry(entry)
    }

    fn leaf_flags(entry: Entry) -> LeafFlags {
        let mut flags = LeafFlags::USER;
        flags.set(LeafFlags::READ, entry.has(READ));
        flags.set(LeafFlags::WRITE, entry.has(WRITE));
        flags.set(LeafFlags::EXECUTE, entry.has(EXECUTE));
        flags.set(LeafFlags::ACCESSED, entry.has(Self::ACCESSED));
        flags.set(LeafFlags::DIRTY, entry.has(Self::DIRTY));
        flags
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use terrace_addr::Hpa;

    /// Intel SDM vol. 3, "Format of an EPT page-table entry" and "... page-directory entry that maps a 2-MByte
    /// page".
    #[test]
    fn bits_are_where_the_manual_has_them() {
        let frame = Addr::<Hpa>::new(0x1234_5600_0000);
        let all = LeafFlags::everything();
        assert_eq!(Ept::leaf_entry(frame, PageSize::Size4K, all), Entry(0x1234_5600_0037));
        let used = all | LeafFlags::ACCESSED | LeafFlags::DIRTY;
        assert_eq!(Ept::leaf_entry(frame, PageSize::Size2M, used), Entry(0x1234_5600_03b7));
        assert_eq!(Ept::node_entry(frame), Entry(0x1234_5600_0007));
        assert!(Ept::is_present(Entry(EXECUTE)) && !Ept::is_present(Entry(WRITE_BACK)));
    }
}
