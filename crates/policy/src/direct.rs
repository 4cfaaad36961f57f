//! Address spaces of which a part is translated by an addition.

use terrace_addr::{Addr, Bytes, Lower, Upper};

/// A direct segment: a part of an address space that lies in one piece, and is translated by registers in place of its
/// tables (Basu et al., ISCA 2013).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DirectSegment {
    /// The first address, a multiple of 4 KiB.
    pub start: Addr<Upper>,
    /// Where that is, a multiple of 4 KiB.
    pub base: Addr<Lower>,
    /// The length, a multiple of 4 KiB.
    pub bytes: Bytes,
}
