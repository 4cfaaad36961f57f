//! The regions of memory of a program.

use terrace_addr::{Bytes, convert};

/// A region of a program, by its place in [`Program::regions`](crate::Program::regions).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegionId(u32);

impl RegionId {
    /// The region at this place.
    pub const fn new(index: u32) -> Self {
        Self(index)
    }

    /// The place.
    pub const fn index(self) -> usize {
        convert::index32(self.0)
    }
}

/// A region as a program declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionSpec {
    /// What it holds.
    pub name: String,
    /// Its size; of a region that grows or is mapped anew, the most that it will have.
    pub bytes: Bytes,
    /// What the program advises about page sizes.
    pub advice: Advice,
    /// What its pages hold once they are written.
    pub content: Content,
    /// How it comes to be.
    pub mapping: Mapping,
}

/// What a program advises about the page sizes of a region (`madvise(2)`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Advice {
    /// Nothing.
    #[default]
    Default,
    /// `MADV_HUGEPAGE`.
    HugePage,
    /// `MADV_NOHUGEPAGE`.
    NoHugePage,
}

/// What the pages of a region hold, as far as merging of equal pages goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Content {
    /// Zeros, also after writes.
    Zero,
    /// Every page something of its own.
    #[default]
    Unique,
    /// All pages the same as all other pages of this class.
    Equal(u32),
}

/// How a region comes to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mapping {
    /// Mapped in full before the program runs.
    #[default]
    AtStart,
    /// Empty before the program runs; each [`Grow`](crate::MarkKind::Grow) adds bytes at its end, as `brk` does.
    Grows,
    /// Mapped and unmapped as a whole by marks, any number of times.
    Later,
}

impl RegionSpec {
    /// A region that is mapped at the start, without advice, of pages that differ.
    pub fn new(name: impl Into<String>, bytes: Bytes) -> Self {
        Self {
            name: name.into(),
            bytes,
            advice: Advice::default(),
            content: Content::default(),
            mapping: Mapping::default(),
        }
    }
}
