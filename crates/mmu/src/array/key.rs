//! What an entry is found by.

use terrace_addr::{Addr, PageSize, Space, convert};

/// The whole key of an entry: a page number (or a prefix), a size, and the number of a context.
///
/// 45 bits of a 57-bit address's 4 KiB page number, 2 of size, 16 of context: they fit side by side, so that
/// two keys are equal only if all three are. No key is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key(u64);

const CONTEXT_BITS: u32 = 16;
const SIZE_BITS: u32 = 2;
/// The widest address that is cached.
const ADDRESS_BITS: u32 = 57;

impl Key {
    /// The key of the page of size `size` that holds `addr`.
    #[inline(always)]
    pub(crate) fn page<S: Space>(addr: Addr<S>, size: PageSize, context: u16) -> Self {
        Self::page_of(addr, size.index(), context)
    }

    /// The same for the size with this index; without a branch on it.
    #[inline(always)]
    pub(crate) fn page_of<S: Space>(addr: Addr<S>, size: usize, context: u16) -> Self {
        let index = convert::narrow(size);
        Self::new(number(addr, 12 + 9 * index), index + 1, context)
    }

    /// The key, in the paging-structure cache of `level`, of the entry that translates `addr`.
    #[inline(always)]
    pub(crate) fn prefix<S: Space>(addr: Addr<S>, level: u32, context: u16) -> Self {
        Self::new(number(addr, 12 + 9 * (level - 1)), 1, context)
    }

    #[inline(always)]
    fn new(number: u64, size: u32, context: u16) -> Self {
        Self((number << SIZE_BITS | u64::from(size)) << CONTEXT_BITS | u64::from(context))
    }

    /// The key with these bits, unless they are those of an empty way.
    #[inline(always)]
    pub(crate) fn from_bits(bits: u64) -> Option<Self> {
        (bits != 0).then_some(Self(bits))
    }

    #[inline(always)]
    pub(crate) const fn bits(self) -> u64 {
        self.0
    }

    /// The page number or prefix: what selects the set.
    #[inline(always)]
    pub(crate) const fn number(self) -> u64 {
        self.0 >> (SIZE_BITS + CONTEXT_BITS)
    }

    /// The place of the page size among the sizes.
    #[inline(always)]
    pub(crate) const fn size_index(self) -> usize {
        convert::index((self.0 >> CONTEXT_BITS & 3) - 1)
    }

    /// The size of the page.
    pub(crate) fn size(self) -> PageSize {
        PageSize::ALL[self.size_index()]
    }

    /// The part of the address above `shift` bits, which is at least the page's own shift.
    #[inline(always)]
    pub(crate) const fn number_above(self, shift: u32) -> u64 {
        let own = 12 + 9 * self.size_index();
        self.number() >> (shift - convert::narrow(own))
    }

    #[inline(always)]
    pub(crate) const fn context(self) -> u16 {
        convert::low16(self.0)
    }

    /// 32 bits that differ for most keys of a set, the highest of them set: the lower part of the page number, and
    /// the size.
    #[inline(always)]
    pub(crate) const fn tag(self) -> u32 {
        convert::low32(self.0 >> CONTEXT_BITS) | 1 << 31
    }
}

/// The part of a virtual address above `shift` bits, as keys have it.
#[inline(always)]
pub(crate) fn number_above<S: Space>(addr: Addr<S>, shift: u32) -> u64 {
    number(addr, shift)
}

/// The bits of `addr` above `shift`, without those that a canonical address repeats.
#[inline(always)]
fn number<S: Space>(addr: Addr<S>, shift: u32) -> u64 {
    (addr.get() & ((1 << ADDRESS_BITS) - 1)) >> shift
}

#[cfg(test)]
mod tests {
    use super::*;
    use terrace_addr::Gva;

    #[test]
    fn the_parts_of_a_key_do_not_overlap() {
        let top = Addr::<Gva>::truncate(u64::MAX);
        let key = Key::page(top, PageSize::Size4K, u16::MAX);
        assert_eq!((key.number(), key.size_index(), key.context()), ((1 << 45) - 1, 0, u16::MAX));
        let zero = Key::page(Addr::<Gva>::ZERO, PageSize::Size1G, 0);
        assert_eq!((zero.number(), zero.size_index(), zero.context()), (0, 2, 0));
        assert_ne!(zero.bits(), 0);
        assert_eq!(Key::from_bits(key.bits()), Some(key));
    }
}
