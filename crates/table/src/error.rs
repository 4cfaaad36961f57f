//! Why a change of a table was refused. A refused change leaves every mapping as it was.

use terrace_addr::PageSize;
use thiserror::Error;

/// Why a change of a table was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TableError {
    /// The page is outside the addresses that the table's levels translate.
    #[error("address {addr:#x} is outside what a table of {levels} levels translates")]
    OutOfRange {
        /// The page's first address.
        addr: u64,
        /// Levels of the table.
        levels: u32,
    },
    /// The frame is not aligned to the page's size.
    #[error("frame {frame:#x} is not aligned to a page of {size}")]
    Misaligned {
        /// The frame.
        frame: u64,
        /// The page's size.
        size: PageSize,
    },
    /// Something is mapped there already.
    #[error("{addr:#x} is mapped already, by an entry of level {level}")]
    Mapped {
        /// An address that is mapped.
        addr: u64,
        /// The level of the entry that is in the way: the page's own where smaller pages are mapped below it.
        level: u32,
    },
    /// No leaf of this size is there.
    #[error("no leaf of {size} maps {addr:#x}")]
    NoSuchLeaf {
        /// The page's first address.
        addr: u64,
        /// The page's size.
        size: PageSize,
    },
    /// Leaves of this size cannot be split, or nothing smaller can be merged into it.
    #[error("a page of {size} has no smaller pages")]
    Indivisible {
        /// The size.
        size: PageSize,
    },
    /// The smaller pages below do not make up one frame.
    #[error(
        "the pages below {addr:#x} are not one aligned frame with equal permissions: entry {entry} differs"
    )]
    NotUniform {
        /// The page's first address.
        addr: u64,
        /// The number of the first entry that does not fit.
        entry: u16,
    },
    /// No frame was left for a table page.
    #[error("no frame is left for a table page")]
    NoFrame,
}
