//! A run of accesses of one thread.

use core::fmt;

use terrace_addr::{Access, AccessKind, Addr, convert};

/// A thread of a trace, counted from 0 without gaps.
///
/// In a single file threads are numbered in the order in which they first appear; in a directory of files in the
/// order of their thread ids. [`Batch::thread_id`] has the id that the trace gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ThreadIndex(u32);

impl ThreadIndex {
    /// The thread with this number.
    pub const fn new(index: u32) -> Self {
        Self(index)
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The number as an index.
    pub const fn index(self) -> usize {
        convert::index32(self.0)
    }
}

impl fmt::Display for ThreadIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// At most [`CAPACITY`](Self::CAPACITY) accesses of one thread, in its order.
///
/// A batch is made once and filled again and again: its memory is reused.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Always `CAPACITY` long, so that decoders write without growing it; the first `len` are the batch.
    slots: Vec<Access>,
    len: usize,
    thread: ThreadIndex,
    thread_id: u64,
    instructions: u64,
    first_reference: u64,
}

impl Batch {
    /// The most accesses that a batch holds: 64 KiB of them, so that a batch stays in a core's L2 cache between
    /// its writer and its reader.
    pub const CAPACITY: usize = 4096;

    /// An empty batch of thread 0.
    pub fn new() -> Self {
        let blank = Access { addr: Addr::ZERO, size: 0, kind: AccessKind::Fetch };
        Self {
            slots: vec![blank; Self::CAPACITY],
            len: 0,
            thread: ThreadIndex::default(),
            thread_id: 0,
            instructions: 0,
            first_reference: 0,
        }
    }

    /// The accesses.
    #[inline]
    pub fn accesses(&self) -> &[Access] {
        &self.slots[..self.len]
    }

    /// The thread that made them.
    #[inline]
    pub const fn thread(&self) -> ThreadIndex {
        self.thread
    }

    /// The thread's id in the trace (the operating system's, for drmemtrace); 0 where the format has none.
    #[inline]
    pub const fn thread_id(&self) -> u64 {
        self.thread_id
    }

    /// The number of instructions that these accesses belong to: the fetches in this batch.
    #[inline]
    pub const fn instructions(&self) -> u64 {
        self.instructions
    }

    /// The place of the first access in the whole stream, counted from 0.
    #[inline]
    pub const fn first_reference(&self) -> u64 {
        self.first_reference
    }

    /// Empties the batch and says which thread its accesses will belong to: for sources that are not files.
    pub fn start(&mut self, thread: ThreadIndex, thread_id: u64, first_reference: u64) {
        self.clear();
        self.set_thread(thread, thread_id);
        self.first_reference = first_reference;
    }

    /// Adds an access; a fetch counts as an instruction.
    ///
    /// # Panics
    /// If the batch is full.
    pub fn push(&mut self, access: Access) {
        self.slots[self.len] = access;
        self.len += 1;
        self.instructions += u64::from(access.kind == AccessKind::Fetch);
    }

    /// Takes the accesses from `at` on out, into a batch of their own.
    ///
    /// # Panics
    /// If there are fewer.
    pub fn split_off(&mut self, at: usize) -> Self {
        let mut rest = Self::new();
        rest.start(self.thread, self.thread_id, self.first_reference + convert::count(at));
        for &access in &self.accesses()[at..] {
            rest.push(access);
        }
        self.len = at;
        self.instructions -= rest.instructions;
        rest
    }

    /// Whether no further access fits.
    pub const fn is_full(&self) -> bool {
        self.len == Self::CAPACITY
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) const fn clear(&mut self) {
        self.len = 0;
        self.instructions = 0;
    }

    pub(crate) const fn set_thread(&mut self, thread: ThreadIndex, thread_id: u64) {
        self.thread = thread;
        self.thread_id = thread_id;
    }

    pub(crate) const fn set_first_reference(&mut self, first_reference: u64) {
        self.first_reference = first_reference;
    }

    /// The places that are still free; [`wrote`](Self::wrote) makes the first of them part of the batch.
    pub(crate) fn room(&mut self) -> &mut [Access] {
        &mut self.slots[self.len..]
    }

    pub(crate) fn wrote(&mut self, accesses: usize, instructions: u64) {
        self.len += accesses;
        debug_assert!(self.len <= Self::CAPACITY);
        self.instructions += instructions;
    }
}

impl Default for Batch {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_refilled_in_place() {
        let mut batch = Batch::new();
        assert!(batch.accesses().is_empty());
        let load = Access { addr: Addr::new(8), size: 8, kind: AccessKind::Load };
        batch.push(Access { kind: AccessKind::Fetch, ..load });
        batch.push(load);
        assert_eq!((batch.accesses().len(), batch.instructions()), (2, 1));
        batch.start(ThreadIndex::new(3), 77, 2);
        assert!(batch.accesses().is_empty() && !batch.is_full());
        assert_eq!((batch.thread().index(), batch.thread_id(), batch.first_reference()), (3, 77, 2));
        assert_eq!(batch.instructions(), 0);
    }
}
