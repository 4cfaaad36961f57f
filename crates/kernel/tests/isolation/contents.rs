//! What is in memory: a tag for each page, carried wherever the host says that it cleared and copied.

use terrace_addr::{Addr, Bytes, Hpa, convert};
use terrace_kernel::Content;

use crate::world::number;

/// What a page holds. Every write writes another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tag(u32);

impl Tag {
    /// What a frame holds that nobody has cleared: what others left there.
    const OTHERS: Self = Self(0);
    /// Cleared memory.
    const CLEARED: Self = Self(1);
}

/// What is in the host's memory, and what must be in L1's.
#[derive(Debug)]
pub(crate) struct Contents {
    /// By frame of the host.
    frames: Vec<Tag>,
    /// By page of L1's memory: what L1 or a guest of it wrote there last.
    expected: Vec<Tag>,
    /// By tag: the page of L1's memory that it was written to. The first two are nobody's.
    homes: Vec<u64>,
}

impl Contents {
    /// Of so many frames, and so many pages of L1's memory, which nobody has written.
    pub(crate) fn new(frames: u64, pages: u64) -> Self {
        Self {
            frames: vec![Tag::OTHERS; convert::index(frames)],
            expected: vec![Tag::CLEARED; convert::index(pages)],
            homes: vec![u64::MAX; 2],
        }
    }

    /// The host cleared or copied.
    pub(crate) fn follow(&mut self, content: Content<Hpa>) {
        let place = |at: Addr<Hpa>| convert::index(number(at));
        let count = |bytes: Bytes| convert::index(bytes.get() >> 12);
        match content {
            Content::Clear { at, bytes } => self.frames[place(at)..][..count(bytes)].fill(Tag::CLEARED),
            Content::Copy { from, to, bytes } => {
                self.frames.copy_within(place(from)..place(from) + count(bytes), place(to));
            }
            Content::Exchange { at: [one, other], bytes } => {
                for part in 0..count(bytes) {
                    self.frames.swap(place(one) + part, place(other) + part);
                }
            }
        }
    }

    /// A page of L1's memory is written, at this frame.
    pub(crate) fn write(&mut self, page: u64, frame: u64) {
        let tag = Tag(convert::narrow(self.homes.len()));
        self.homes.push(page);
        self.frames[convert::index(frame)] = tag;
        self.expected[convert::index(page)] = tag;
    }

    /// L1 gives pages of its memory back: when it uses them again they are cleared.
    pub(crate) fn forget(&mut self, from: u64, count: u64) {
        self.expected[convert::index(from)..][..convert::index(count)].fill(Tag::CLEARED);
    }

    /// Whether a frame holds what was written last to a page of L1's memory.
    pub(crate) fn is_last(&self, page: u64, frame: u64) -> bool {
        self.frames[convert::index(frame)] == self.expected[convert::index(page)]
    }

    /// Whether a page of L1's memory must be cleared memory.
    pub(crate) fn is_cleared(&self, page: u64) -> bool {
        self.expected[convert::index(page)] == Tag::CLEARED
    }

    /// The page of L1's memory that what a frame holds was written to, if somebody wrote it.
    pub(crate) fn home(&self, frame: u64) -> Option<u64> {
        let Tag(number) = self.frames[convert::index(frame)];
        Some(self.homes[convert::index32(number)]).filter(|&home| home != u64::MAX)
    }
}
