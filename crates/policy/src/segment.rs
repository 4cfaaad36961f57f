//! Virtual machines whose memory is one block, or two, and how their memory changes.

use terrace_addr::{Addr, Bytes, Lower};

/// A block of memory that holds a part of a virtual machine's: what its guest calls `guest` lies at `base`, and so on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// The first guest-physical address, a multiple of 4 KiB.
    pub guest: u64,
    /// Where that is, a multiple of 4 KiB.
    pub base: Addr<Lower>,
    /// The length, a multiple of 4 KiB.
    pub bytes: Bytes,
}

/// What holds a virtual machine's memory: its guest-physical addresses from 0 on, and, where it has a second segment,
/// those from there on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segments {
    /// Begins at guest-physical address 0, and ends where the other one begins or below.
    pub low: Segment,
    /// The second one.
    pub high: Option<Segment>,
}

impl Segments {
    /// Both, the lower one first.
    pub fn iter(&self) -> impl Iterator<Item = Segment> {
        core::iter::once(self.low).chain(self.high)
    }

    /// Their lengths together.
    pub fn bytes(&self) -> Bytes {
        self.iter().map(|segment| segment.bytes).sum()
    }
}

/// How a virtual machine gives memory back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Balloon {
    /// Any pages that are free in the guest, wherever they are.
    Anywhere,
    /// The end of its memory, whose pages the guest moves away; it keeps all of it where that is not possible.
    Tail,
    /// The end of its memory; where that is not possible any pages that are free.
    TailOrAnywhere,
}
