//! A reader that counts what passes through it, for progress.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use terrace_addr::convert;

/// Bytes that have passed through a [`Counted`] reader since they were last [taken](Self::take).
#[derive(Debug, Clone, Default)]
pub(super) struct Counter(Arc<AtomicU64>);

impl Counter {
    /// The count, which starts from 0 again.
    pub(super) fn take(&self) -> u64 {
        self.0.swap(0, Ordering::Relaxed)
    }
}

/// A reader whose bytes are counted.
#[derive(Debug)]
pub(super) struct Counted<R> {
    reader: R,
    counter: Counter,
}

impl<R> Counted<R> {
    pub(super) fn new(reader: R) -> (Self, Counter) {
        let counter = Counter::default();
        (Self { reader, counter: counter.clone() }, counter)
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.counter.0.fetch_add(convert::count(read), Ordering::Relaxed);
        Ok(read)
    }
}
