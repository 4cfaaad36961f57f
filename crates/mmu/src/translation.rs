//! What a walk finds.

use terrace_addr::{AccessKind, Addr, Hpa, PageSize, Space, convert};
use terrace_table::{Entry, Format};

/// What a translation allows, and whom it belongs to, in the low bits beside its frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Allows(u64);

impl Allows {
    /// Stores may use it: permitted, and dirty wherever the walker would have to set it.
    pub(crate) const STORE: Self = Self(1);
    /// Fetches may use it.
    pub(crate) const FETCH: Self = Self(2);
    /// It is global.
    pub(crate) const GLOBAL: Self = Self(4);
    /// Bits 4:3: the level of the first dimension's leaf.
    const LEAF_SHIFT: u32 = 3;
    const LEAF: u64 = 3 << Self::LEAF_SHIFT;
    /// In a place of the first dimension's tables: the second allows stores to the table's page.
    pub(crate) const TABLE_STORE: Self = Self(1 << 5);
    /// What belongs to a translation whatever the layers below allow.
    const KEPT: u64 = Self::GLOBAL.0 | Self::LEAF;
    pub(crate) const EVERYTHING: Self = Self(3);
    const MASK: u64 = 0xfff;

    /// What an entry allows by itself.
    #[inline(always)]
    pub(crate) fn of<F: Format>(entry: Entry) -> Self {
        Self(u64::from(F::allows_store(entry)) | u64::from(F::allows_fetch(entry)) << 1)
    }

    /// With `other`, if `condition`.
    #[inline(always)]
    pub(crate) fn with_if(self, other: Self, condition: bool) -> Self {
        Self(self.0 | (other.0 * u64::from(condition)))
    }

    /// What both allow; global, and part of a page, as this is.
    #[inline(always)]
    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 & (other.0 | Self::KEPT))
    }

    /// As a part of a page of the first dimension that is `size` large.
    #[inline(always)]
    pub(crate) fn of_leaf(self, size: PageSize) -> Self {
        Self(self.0 & !Self::LEAF | u64::from(size.level()) << Self::LEAF_SHIFT)
    }

    /// The size of the first dimension's page.
    #[inline(always)]
    pub(crate) fn leaf(self) -> PageSize {
        let level = convert::low32((self.0 & Self::LEAF) >> Self::LEAF_SHIFT);
        PageSize::of_level(level).unwrap_or(PageSize::Size4K)
    }

    /// Whether a page of `size` is only a part of the first dimension's.
    #[inline(always)]
    pub(crate) fn is_part(self, size: PageSize) -> bool {
        (self.0 & Self::LEAF) >> Self::LEAF_SHIFT > u64::from(size.level())
    }

    /// Whether accesses of `kind` may use it.
    #[inline(always)]
    pub(crate) const fn permits(self, kind: AccessKind) -> bool {
        match kind {
            AccessKind::Load => true,
            AccessKind::Fetch => self.0 & Self::FETCH.0 != 0,
            AccessKind::Store => self.0 & Self::STORE.0 != 0,
        }
    }

    #[inline(always)]
    pub(crate) const fn is_global(self) -> bool {
        self.0 & Self::GLOBAL.0 != 0
    }

    /// Whether bits of the table's entries may be set.
    #[inline(always)]
    pub(crate) const fn permits_table_store(self) -> bool {
        self.0 & Self::TABLE_STORE.0 != 0
    }
}

/// An address of 4 KiB alignment and what it allows, in one word: the content of arrays.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Packed(u64);

impl Packed {
    #[inline(always)]
    pub(crate) fn new(address: Addr<Hpa>, allows: Allows) -> Self {
        debug_assert!(address.is_aligned(PageSize::Size4K), "tables and frames are aligned");
        Self(address.get() | allows.0)
    }

    /// The 4 KiB part around `addr` of a page of `size` with this frame.
    #[inline(always)]
    pub(crate) fn part_of<S: Space>(frame: Addr<Hpa>, addr: Addr<S>, size: PageSize, allows: Allows) -> Self {
        Self(frame.get() | addr.offset_in(size) & !Allows::MASK | allows.0)
    }

    /// The same of the page that this is.
    #[inline(always)]
    pub(crate) fn part<S: Space>(self, addr: Addr<S>, size: PageSize) -> Self {
        Self(self.0 | addr.offset_in(size) & !Allows::MASK)
    }

    /// The page of `size` that this is a part of.
    #[inline(always)]
    pub(crate) const fn whole(self, size: PageSize) -> Self {
        Self(self.0 & (Allows::MASK | !(size.bytes() - 1)))
    }

    /// The same frame, with something else allowed.
    #[inline(always)]
    pub(crate) const fn allowing(self, allows: Allows) -> Self {
        Self(self.0 & !Allows::MASK | allows.0)
    }

    /// The same frame as that of a table of the first dimension, whose entries are limited by `allows`.
    #[inline(always)]
    pub(crate) fn of_table(self, allows: Allows) -> Self {
        self.allowing(allows.with_if(Allows::TABLE_STORE, self.allows().permits(AccessKind::Store)))
    }

    #[inline(always)]
    pub(crate) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    #[inline(always)]
    pub(crate) const fn bits(self) -> u64 {
        self.0
    }

    #[inline(always)]
    pub(crate) const fn address(self) -> Addr<Hpa> {
        Addr::truncate(self.0 & !Allows::MASK)
    }

    #[inline(always)]
    pub(crate) const fn allows(self) -> Allows {
        Allows(self.0 & Allows::MASK)
    }
}

/// Where an access went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Translation {
    /// The first byte's address in memory.
    pub addr: Addr<Hpa>,
    /// The size of the entry that served it.
    pub size: PageSize,
}
