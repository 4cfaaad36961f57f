//! Blocks of 2 MiB, by number.

use terrace_addr::{Addr, Lower, Page, PageSize, Upper};
use terrace_policy::SpaceId;

const SHIFT: u32 = PageSize::Size2M.shift();

/// The base pages of a block.
pub(super) const PAGES: u16 = 512;

/// A block of an address space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct UpperBlock(u64);

/// A block of memory: physical addresses end at 52 bits, so that 31 bits are enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LowerBlock(u32);

/// A block and the address space that it belongs to.
pub(super) type Place = (SpaceId, UpperBlock);

/// Numbers of blocks of memory end here.
const LOWER_END: u64 = 1 << (52 - SHIFT);

impl UpperBlock {
    /// Behind all others.
    pub(super) const LAST: Self = Self(u64::MAX);

    pub(super) const fn of(at: Addr<Upper>) -> Self {
        Self(at.get() >> SHIFT)
    }

    pub(super) const fn start(self) -> Addr<Upper> {
        Addr::truncate(self.0 << SHIFT)
    }

    pub(super) const fn page(self) -> Page<Upper> {
        Page::containing(self.start(), PageSize::Size2M)
    }

    /// The block so many blocks further on.
    pub(super) const fn plus(self, blocks: u64) -> Self {
        Self(self.0.saturating_add(blocks))
    }

    /// How many blocks further on it is than `other`; 0 if it is not.
    pub(super) const fn after(self, other: Self) -> u64 {
        self.0.saturating_sub(other.0)
    }

    /// The first block that begins at an address or behind it.
    pub(super) const fn first_from(at: u64) -> Self {
        Self(at.div_ceil(1 << SHIFT))
    }
}

impl LowerBlock {
    /// The first of all.
    pub(super) const FIRST: Self = Self(0);

    pub(super) const fn of(at: Addr<Lower>) -> Self {
        Self(terrace_addr::convert::low32(at.get() >> SHIFT))
    }

    pub(super) const fn start(self) -> Addr<Lower> {
        Addr::truncate(terrace_addr::convert::count(terrace_addr::convert::index32(self.0)) << SHIFT)
    }

    /// The block that an address of memory begins, if it begins one.
    pub(super) fn begun_at(at: Addr<Lower>) -> Option<Self> {
        at.is_aligned(PageSize::Size2M).then(|| Self::of(at))
    }

    /// The block with this number, if there can be one.
    pub(super) fn numbered(number: u64) -> Option<Self> {
        (number < LOWER_END).then(|| Self(terrace_addr::convert::low32(number)))
    }

    pub(super) fn number(self) -> u64 {
        u64::from(self.0)
    }

    /// The block so many blocks further on, if there can be one.
    pub(super) fn plus(self, blocks: u64) -> Option<Self> {
        Self::numbered(u64::from(self.0).checked_add(blocks)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_found_by_any_of_its_addresses() {
        let at = Addr::<Upper>::new(0x7000_0030_1000);
        assert_eq!(UpperBlock::of(at).start(), Addr::new(0x7000_0020_0000));
        assert_eq!(UpperBlock::of(at).plus(1).after(UpperBlock::of(at)), 1);
        assert_eq!(UpperBlock::first_from(0x20_0001), UpperBlock::of(Addr::new(0x40_0000)));
        let last = LowerBlock::of(Addr::new((1 << 52) - 1));
        assert_eq!(last.plus(1), None);
        assert_eq!(LowerBlock::numbered(last.number()), Some(last));
        assert_eq!(LowerBlock::begun_at(Addr::new(0x20_1000)), None);
    }

    #[test]
    fn addresses_of_the_upper_half_are_blocks_too() {
        let at = Addr::<Upper>::truncate(0xffff_8000_0020_0000);
        assert_eq!(UpperBlock::of(at).start(), at);
    }
}
