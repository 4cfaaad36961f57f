//! One entry of a node, and its place.

use core::fmt;

use terrace_addr::{Addr, Space, convert};

/// The 8 bytes of an entry, as the hardware reads them. All zero means that nothing is there.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
#[repr(transparent)]
pub struct Entry(pub u64);

impl Entry {
    /// The entry that refers to nothing.
    pub const EMPTY: Self = Self(0);

    /// Whether all bits of `mask` are set.
    #[inline(always)]
    pub const fn has(self, mask: u64) -> bool {
        self.0 & mask == mask
    }

    /// The entry with the bits of `mask` set.
    #[inline(always)]
    pub const fn with(self, mask: u64) -> Self {
        Self(self.0 | mask)
    }

    /// The entry with the bits of `mask` clear.
    #[inline(always)]
    pub const fn without(self, mask: u64) -> Self {
        Self(self.0 & !mask)
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

/// The number of an entry in its node, below 512.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(transparent)]
pub struct EntryIndex(u16);

impl EntryIndex {
    /// Entries of a node.
    pub const COUNT: usize = 512;

    /// The entry of a node of `level` that translates `addr`.
    #[inline(always)]
    pub const fn of<S: Space>(addr: Addr<S>, level: u32) -> Self {
        Self::truncate(addr.get() >> (12 + 9 * (level - 1)))
    }

    /// The low 9 bits of `number`.
    #[inline(always)]
    pub const fn truncate(number: u64) -> Self {
        Self(convert::low16(number & 511))
    }

    /// As an index of an array of 512.
    #[inline(always)]
    pub const fn get(self) -> usize {
        convert::index16(self.0) & 511
    }

    /// The number.
    #[inline(always)]
    pub const fn number(self) -> u16 {
        self.0
    }

    /// The offset of the entry in its node, in bytes.
    #[inline(always)]
    pub const fn byte_offset(self) -> u64 {
        convert::wide(self.0) * 8
    }

    /// All entries of a node, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..512).map(Self)
    }
}
