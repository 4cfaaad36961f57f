//! Page sizes, and pages of a space.

use core::fmt;
use core::str::FromStr;

use crate::{Addr, Bytes, Space};

/// The size of a page or frame: the leaf sizes of x86-64 page tables and of EPT.
///
/// Ordered by size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PageSize {
    /// 4 KiB, mapped by a page-table entry (level 1).
    Size4K,
    /// 2 MiB, mapped by a page-directory entry (level 2).
    Size2M,
    /// 1 GiB, mapped by a page-directory-pointer-table entry (level 3).
    Size1G,
}

impl PageSize {
    /// All sizes, smallest first.
    pub const ALL: [Self; 3] = [Self::Size4K, Self::Size2M, Self::Size1G];

    /// The number of address bits inside a page.
    #[inline(always)]
    pub const fn shift(self) -> u32 {
        match self {
            Self::Size4K => 12,
            Self::Size2M => 21,
            Self::Size1G => 30,
        }
    }

    /// The size in bytes as a number.
    #[inline(always)]
    pub const fn bytes(self) -> u64 {
        1 << self.shift()
    }

    /// The size.
    pub const fn size(self) -> Bytes {
        Bytes::new(self.bytes())
    }

    /// How many 4 KiB pages it holds.
    pub const fn base_pages(self) -> u64 {
        self.bytes() >> Self::Size4K.shift()
    }

    /// The place of this size in [`ALL`](Self::ALL).
    #[inline(always)]
    pub const fn index(self) -> usize {
        match self {
            Self::Size4K => 0,
            Self::Size2M => 1,
            Self::Size1G => 2,
        }
    }

    /// The level of the table entry that maps a page of this size: 1, 2 or 3.
    #[inline(always)]
    pub const fn level(self) -> u32 {
        match self {
            Self::Size4K => 1,
            Self::Size2M => 2,
            Self::Size1G => 3,
        }
    }

    /// The size that an entry of `level` maps, if entries of that level may be leaves.
    #[inline(always)]
    pub const fn of_level(level: u32) -> Option<Self> {
        match level {
            1 => Some(Self::Size4K),
            2 => Some(Self::Size2M),
            3 => Some(Self::Size1G),
            _ => None,
        }
    }

    /// The next smaller size.
    pub const fn smaller(self) -> Option<Self> {
        Self::of_level(self.level() - 1)
    }

    /// The next larger size.
    pub const fn larger(self) -> Option<Self> {
        Self::of_level(self.level() + 1)
    }

    /// The size as people write it: `4K`, `2M`, `1G`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Size4K => "4K",
            Self::Size2M => "2M",
            Self::Size1G => "1G",
        }
    }
}

impl fmt::Display for PageSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A text that names no page size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownPageSize;

impl fmt::Display for UnknownPageSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown page size: expected 4K, 2M or 1G")
    }
}

impl core::error::Error for UnknownPageSize {}

impl FromStr for PageSize {
    type Err = UnknownPageSize;

    fn from_str(text: &str) -> Result<Self, UnknownPageSize> {
        Self::ALL.into_iter().find(|size| size.name().eq_ignore_ascii_case(text)).ok_or(UnknownPageSize)
    }
}

/// A page of the space `S`: an aligned range of one of the three sizes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Page<S> {
    start: Addr<S>,
    size: PageSize,
}

impl<S: Space> Page<S> {
    /// The page of size `size` that holds `addr`.
    #[inline]
    pub const fn containing(addr: Addr<S>, size: PageSize) -> Self {
        Self { start: addr.align_down(size), size }
    }

    /// The page that starts at `start`, if it is aligned to `size`.
    #[inline]
    pub const fn from_start(start: Addr<S>, size: PageSize) -> Option<Self> {
        if start.is_aligned(size) { Some(Self { start, size }) } else { None }
    }

    /// The first address.
    #[inline]
    pub const fn start(self) -> Addr<S> {
        self.start
    }

    /// The size.
    #[inline]
    pub const fn size(self) -> PageSize {
        self.size
    }

    /// The page's number: its first address divided by its size, in the bits that the address has.
    #[inline]
    pub const fn number(self) -> u64 {
        self.start.get() >> self.size.shift()
    }

    /// Whether `addr` lies in this page.
    #[inline]
    pub fn contains(self, addr: Addr<S>) -> bool {
        addr.align_down(self.size) == self.start
    }

    /// The page of the same size that follows; the last page is followed by the first.
    #[inline]
    pub const fn next(self) -> Self {
        Self { start: self.start.offset_by(self.size.bytes()), size: self.size }
    }
}

impl<S: Space> fmt::Debug for Page<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}+{}", self.start, self.size)
    }
}
