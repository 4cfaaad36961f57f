//! One reference of a program to memory.

use core::fmt;
use core::str::FromStr;

use crate::{Addr, Gva};

/// What a reference does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum AccessKind {
    /// Fetches an instruction.
    Fetch,
    /// Reads data.
    Load,
    /// Writes data.
    Store,
}

impl AccessKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Fetch, Self::Load, Self::Store];

    /// The place of this kind in [`ALL`](Self::ALL).
    #[inline]
    pub const fn index(self) -> usize {
        match self {
            Self::Fetch => 0,
            Self::Load => 1,
            Self::Store => 2,
        }
    }

    /// The kind as machine files write it: `fetch`, `load`, `store`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fetch => "fetch",
            Self::Load => "load",
            Self::Store => "store",
        }
    }
}

impl fmt::Display for AccessKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A text that names no kind of access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownAccessKind;

impl fmt::Display for UnknownAccessKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown kind of access: expected fetch, load or store")
    }
}

impl core::error::Error for UnknownAccessKind {}

impl FromStr for AccessKind {
    type Err = UnknownAccessKind;

    fn from_str(text: &str) -> Result<Self, UnknownAccessKind> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or(UnknownAccessKind)
    }
}

/// One reference: `size` bytes from `addr` on. A size of 0 touches one byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// The first byte.
    pub addr: Addr<Gva>,
    /// The number of bytes.
    pub size: u16,
    /// What is done.
    pub kind: AccessKind,
}

impl Access {
    /// The last byte that is touched. It may lie beyond a page boundary, and wraps at the end of the space.
    #[inline]
    pub const fn last_byte(self) -> Addr<Gva> {
        let beyond = if self.size == 0 { 0 } else { crate::convert::wide(self.size) - 1 };
        self.addr.offset_by(beyond)
    }
}
