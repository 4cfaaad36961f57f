//! What every reader offers.

use terrace_addr::AccessKind;

use crate::{Batch, Format, TraceError};

/// A stream of accesses.
pub trait Source: Send {
    /// Replaces the content of `batch` by the next accesses, at least one. `false` at the end of the stream.
    ///
    /// # Errors
    /// If the input is damaged, cut short or cannot be read. The stream has ended then: what came before the
    /// error was handed out up to a batch before its place, and further calls return `false`.
    fn next_batch(&mut self, batch: &mut Batch) -> Result<bool, TraceError>;

    /// What the records are.
    fn format(&self) -> Format;

    /// How much of the input stands behind the batches handed out so far.
    fn progress(&self) -> Progress;

    /// What was read for the batches handed out so far; complete at the end of the stream.
    fn statistics(&self) -> Statistics;

    /// What to know before a result from this trace is trusted: a sentence each, known as soon as the trace is open.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }
}

/// How far into its input a source is, in bytes as stored (compressed).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Bytes read. Equal to `total` at the end; never more, unless that is 0.
    pub read: u64,
    /// Bytes that the input has. 0 as long as that is not known: up to the end of a stream such as standard input.
    pub total: u64,
}

/// What the records of a trace were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Statistics {
    /// Records of all kinds; in a text, lines that are accesses.
    pub records: u64,
    /// Instructions fetched; each is a reference.
    pub fetches: u64,
    /// Loads; each is a reference.
    pub loads: u64,
    /// Stores; each is a reference.
    pub stores: u64,
    /// Prefetches, by software or hardware. No references here: they may be dropped without effect.
    pub prefetches: u64,
    /// Cache flushes.
    pub flushes: u64,
    /// Instructions that were executed again without being fetched (later rounds of a `rep` string instruction).
    pub unfetched: u64,
    /// Parts of instruction encodings.
    pub encodings: u64,
    /// Markers, and records of threads, processes, header and footer.
    pub markers: u64,
    /// Lines of text that are no records and were passed over: in a log of lackey, Valgrind's messages and what the
    /// program printed; comments and empty lines.
    pub foreign_lines: u64,
    /// The times of the first and of the last timestamp, in microseconds, where the format has timestamps.
    pub times: Option<(u64, u64)>,
    /// Samples of perf without a data address, or with 0 in its place, that were passed over.
    pub without_address: u64,
}

impl Statistics {
    /// Fetches, loads and stores.
    pub const fn references(&self) -> u64 {
        self.fetches + self.loads + self.stores
    }

    /// The references of one kind.
    pub const fn of_kind(&self, kind: AccessKind) -> u64 {
        match kind {
            AccessKind::Fetch => self.fetches,
            AccessKind::Load => self.loads,
            AccessKind::Store => self.stores,
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        *self = self.each(other, u64::wrapping_add);
        if let Some((first, last)) = other.times {
            self.at(first);
            self.at(last);
        }
    }

    /// Notes a timestamp.
    pub(crate) fn at(&mut self, time: u64) {
        let (first, last) = self.times.unwrap_or((time, time));
        self.times = Some((first.min(time), last.max(time)));
    }

    /// What came after `earlier`.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        self.each(earlier, u64::wrapping_sub)
    }

    fn each(&self, other: &Self, with: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            records: with(self.records, other.records),
            fetches: with(self.fetches, other.fetches),
            loads: with(self.loads, other.loads),
            stores: with(self.stores, other.stores),
            prefetches: with(self.prefetches, other.prefetches),
            flushes: with(self.flushes, other.flushes),
            unfetched: with(self.unfetched, other.unfetched),
            encodings: with(self.encodings, other.encodings),
            markers: with(self.markers, other.markers),
            foreign_lines: with(self.foreign_lines, other.foreign_lines),
            times: self.times,
            without_address: with(self.without_address, other.without_address),
        }
    }
}

/// A decoder before it is moved to a thread of its own: what [`Ahead`](crate::ahead::Ahead) drives.
pub(crate) trait Decode: Send {
    /// As [`Source::next_batch`]; the place of the first reference is set by the caller. Not called again after
    /// it returned `false` or an error.
    fn decode(&mut self, batch: &mut Batch) -> Result<bool, TraceError>;

    fn progress(&self) -> Progress;

    fn statistics(&self) -> Statistics;

    /// As [`Source::notes`].
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }
}
