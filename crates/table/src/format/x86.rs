//! x86-64 paging (Intel SDM vol. 3, "4-level paging and 5-level paging"; AMD APM vol. 2, "Long-mode page
//! translation").

use terrace_addr::{Addr, PageSize, Space};

use super::{Format, Levels};
use crate::{Entry, LeafFlags};

const PRESENT: u64 = 1 << 0;
const WRITABLE: u64 = 1 << 1;
const USER: u64 = 1 << 2;
/// In entries of level 2 and 3: maps a page. In level 1 this bit is PAT.
const PAGE_SIZE: u64 = 1 << 7;
const GLOBAL: u64 = 1 << 8;
const EXECUTE_DISABLE: u64 = 1 << 63;

/// A 4- or 5-level x86-64 page table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct X86 {
    levels: Levels,
}

impl X86 {
    /// Tables of so many levels.
    pub const fn new(levels: Levels) -> Self {
        Self { levels }
    }
}

impl Format for X86 {
    const NAME: &'static str = "x86-64";
    const ACCESSED: u64 = 1 << 5;
    const DIRTY: u64 = 1 << 6;

    #[inline(always)]
    fn levels(self) -> Levels {
        self.levels
    }

    #[inline(always)]
    fn is_present(entry: Entry) -> bool {
        entry.has(PRESENT)
    }

    #[inline(always)]
    fn is_leaf(entry: Entry, level: u32) -> bool {
        level == 1 || entry.has(PAGE_SIZE)
    }

    #[inline(always)]
    fn allows_store(entry: Entry) -> bool {
        entry.has(WRITABLE)
    }

    #[inline(always)]
    fn allows_fetch(entry: Entry) -> bool {
        !entry.has(EXECUTE_DISABLE)
    }

    #[inline(always)]
    fn is_global(entry: Entry) -> bool {
        entry.has(GLOBAL)
    }

    fn node_entry<L: Space>(node: Addr<L>) -> Entry {
        Entry(node.get() | PRESENT | WRITABLE | USER)
    }

    fn leaf_entry<L: Space>(frame: Addr<L>, size: PageSize, flags: LeafFlags) -> Entry {
        let mut entry = frame.get() | PRESENT;
        for (flag, bit) in [
            (LeafFlags::WRITE, WRITABLE),
            (LeafFlags::USER, USER),
            (LeafFlags::GLOBAL, GLOBAL),
            (LeafFlags::ACCESSED, Self::ACCESSED),
            (LeafFlags::DIRTY, Self::DIRTY),
        ] {
            if flags.contains(flag) {
                entry |= bit;
            }
        }
        if !flags.contains(LeafFlags::EXECUTE) {
            entry |= EXECUTE_DISABLE;
        }
        if size != PageSize::Size4K {
            entry |= PAGE_SIZE;
        }
        Entry(entry)
    }

    fn leaf_flags(entry: Entry) -> LeafFlags {
        let mut flags = LeafFlags::READ;
        flags.set(LeafFlags::WRITE, entry.has(WRITABLE));
        flags.set(LeafFlags::EXECUTE, !entry.has(EXECUTE_DISABLE));
        flags.set(LeafFlags::USER, entry.has(USER));
        flags.set(LeafFlags::GLOBAL, entry.has(GLOBAL));
        flags.set(LeafFlags::ACCESSED, entry.has(Self::ACCESSED));
        flags.set(LeafFlags::DIRTY, entry.has(Self::DIRTY));
        flags
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use terrace_addr::Hpa;

    /// Intel SDM vol. 3, "Format of a 4-level/5-level paging-structure entry": tables for PTE and PDE (2M).
    #[test]
    fn bits_are_where_the_manual_has_them() {
        let frame = Addr::<Hpa>::new(0x1234_5600_0000);
        let pte = X86::leaf_entry(frame, PageSize::Size4K, LeafFlags::all_data());
        assert_eq!(pte, Entry(0x8000_1234_5600_0007));
        let used = LeafFlags::everything() | LeafFlags::GLOBAL | LeafFlags::ACCESSED | LeafFlags::DIRTY;
        assert_eq!(X86::leaf_entry(frame, PageSize::Size2M, used), Entry(0x1234_5600_01e7));
        assert_eq!(X86::node_entry(frame), Entry(0x1234_5600_0007));
    }
}
