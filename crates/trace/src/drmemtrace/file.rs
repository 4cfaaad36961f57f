//! One file, record by record.

use terrace_addr::{Addr, Gva, convert};

use super::decoder::decode_references;
use super::file_type;
use super::record::{Class, HEADER, Record, SIZE, TIMESTAMP, VERSIONS};
use crate::records::Records;
use crate::source::Decode;
use crate::{Batch, Place, Progress, Statistics, ThreadIndex, TraceError, TraceErrorKind};

/// Whether a file may hold one thread or several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Threads {
    /// Any number, each named before its records. Batches end where threads change.
    Several,
    /// One, as in a directory of files to merge. Batches end where timestamps change.
    One,
}

/// A file that is being decoded.
pub(crate) struct TraceFile {
    records: Records<SIZE>,
    threads: Threads,
    /// Ids of the threads seen, in order of first appearance.
    seen: Vec<u64>,
    thread: Option<ThreadIndex>,
    /// The last timestamp, 0 before the first.
    timestamp: u64,
    footer: bool,
    statistics: Statistics,
    notes: Vec<String>,
}

/// What follows from a record that is no reference.
enum Next {
    /// It was taken.
    Record,
    /// The batch must end before it.
    Batch,
}

impl TraceFile {
    pub(crate) fn new(records: Records<SIZE>, threads: Threads) -> Self {
        let notes = file_type::notes(records.whole());
        Self {
            records,
            threads,
            seen: Vec::new(),
            thread: None,
            timestamp: 0,
            footer: false,
            statistics: Statistics::default(),
            notes,
        }
    }

    /// The timestamp that the accesses of the last batch belong to, in microseconds.
    pub(super) const fn timestamp(&self) -> u64 {
        self.timestamp
    }

    /// The id of the thread of the last batch.
    pub(super) fn thread_id(&self) -> Option<u64> {
        self.thread.map(|thread| self.seen[thread.index()])
    }

    pub(super) fn path(&self) -> &std::path::Path {
        self.records.path()
    }

    /// Fills a batch; at the end of the file it stays empty.
    fn fill(&mut self, batch: &mut Batch) -> Result<bool, TraceError> {
        batch.clear();
        while !batch.is_full() {
            let Some(bytes) = self.records.whole().first_chunk() else {
                if self.records.refill()? {
                    continue;
                }
                self.check_end()?;
                break;
            };
            let record = Record::of(bytes);
            self.check_order(record)?;
            if matches!(record.class(), Class::Reference(_)) {
                self.references(batch)?;
            } else if matches!(self.control(record, batch)?, Next::Batch) {
                break;
            }
        }
        Ok(!batch.is_empty())
    }

    /// Takes one record that is no reference.
    fn control(&mut self, record: Record, batch: &Batch) -> Result<Next, TraceError> {
        let counter = match record.class() {
            Class::Marker if record.size == TIMESTAMP => {
                if self.threads == Threads::One && !batch.is_empty() && record.value != self.timestamp {
                    return Ok(Next::Batch);
                }
                self.timestamp = record.value;
                self.statistics.at(record.value);
                &mut self.statistics.markers
            }
            Class::Thread => {
                if !batch.is_empty() && self.thread_id() != Some(record.value) {
                    return Ok(Next::Batch);
                }
                self.set_thread(record.value)?;
                &mut self.statistics.markers
            }
            Class::Footer => {
                self.footer = true;
                &mut self.statistics.markers
            }
            Class::Marker | Class::Other => &mut self.statistics.markers,
            Class::Prefetch => &mut self.statistics.prefetches,
            Class::Flush => &mut self.statistics.flushes,
            Class::Unfetched => &mut self.statistics.unfetched,
            Class::Encoding => &mut self.statistics.encodings,
            Class::Reference(_) | Class::Foreign => {
                return Err(self
                    .bad_record(0)
                    .found(format!("a record of type {}", record.number))
                    .expected("a type that belongs in a file (0 to 16, 18 to 29, 31 to 49)"));
            }
        };
        *counter += 1;
        self.statistics.records += 1;
        self.records.advance(SIZE);
        Ok(Next::Record)
    }

    /// Checks that a header comes first and nothing after the footer.
    fn check_order(&self, record: Record) -> Result<(), TraceError> {
        if self.footer {
            return Err(self
                .bad_record(0)
                .found(format!("a record of type {} after the footer record", record.number))
                .expected("the footer record to be the last"));
        }
        if self.statistics.records > 0 {
            return Ok(());
        }
        let error = |found| {
            self.error(TraceErrorKind::Format, 0)
                .found(found)
                .expected(format!("drmemtrace's header record (type {HEADER}) of a 64-bit program"))
        };
        if record.number != HEADER {
            return Err(error(format!("a record of type {}", record.number))
                .advice("This is no drmemtrace trace, or one that was not post-processed (drraw2trace)."));
        }
        if record.value >= VERSIONS {
            return Err(error(format!("format version {}", record.value))
                .advice("Traces of 32-bit programs have shorter records and are not read."));
        }
        Ok(())
    }

    fn set_thread(&mut self, id: u64) -> Result<(), TraceError> {
        if self.thread_id() == Some(id) {
            return Ok(());
        }
        let known = self.seen.iter().position(|&seen| seen == id);
        let index = known.unwrap_or(self.seen.len());
        if known.is_none() {
            if self.threads == Threads::One && index > 0 {
                return Err(self
                    .error(TraceErrorKind::Directory, 0)
                    .found(format!("thread {id} after thread {}", self.seen[0]))
                    .expected("one thread in each file of a directory")
                    .advice("Open the file by itself: a single file may hold several threads."));
            }
            self.seen.push(id);
        }
        self.thread = Some(ThreadIndex::new(convert::narrow(index)));
        Ok(())
    }

    /// Takes the references at hand into the batch.
    fn references(&mut self, batch: &mut Batch) -> Result<(), TraceError> {
        let records = self.records.whole();
        let run = decode_references(records, batch.room());
        let Some(thread) = self.thread else {
            return Err(self
                .bad_record(0)
                .found("a reference before any thread record")
                .expected("a record of type 22 that names the thread"));
        };
        if run.uncanonical != 0 {
            return Err(self.uncanonical(records));
        }
        batch.set_thread(thread, self.seen[thread.index()]);
        batch.wrote(run.references, run.fetches());
        self.statistics.records += convert::count(run.references);
        self.statistics.fetches += run.fetches();
        self.statistics.loads += run.loads;
        self.statistics.stores += run.stores;
        self.records.advance(run.references * SIZE);
        Ok(())
    }

    /// Finds the first address of `records` that is not canonical.
    fn uncanonical(&self, records: &[u8]) -> TraceError {
        let (records, _) = records.as_chunks::<SIZE>();
        let mut bad = records.iter().map(Record::of).enumerate().filter_map(|(index, record)| {
            let error = Addr::<Gva>::try_new(record.value).err()?;
            Some((index, record.number, error))
        });
        let (index, number, error) = bad.next().expect("decoding found one");
        self.bad_record(index * SIZE)
            .found(format!("address {:#x} in a record of type {number}", error.raw))
            .expected(format!("a canonical address ({error})"))
    }

    fn bad_record(&self, bytes: usize) -> TraceError {
        self.error(TraceErrorKind::Record, bytes).advice(
            "The file is damaged, or was written by an unknown version of drmemtrace: record it again.",
        )
    }

    fn error(&self, kind: TraceErrorKind, bytes: usize) -> TraceError {
        TraceError::new(self.records.path(), kind, self.records.place(bytes))
    }

    fn check_end(&self) -> Result<(), TraceError> {
        if self.footer {
            return Ok(());
        }
        let Place::Record { offset, .. } = self.records.place(0) else { unreachable!("records have places") };
        Err(TraceError::new(self.records.path(), TraceErrorKind::Truncated, Place::Content { offset })
            .found(format!("the end after {} records", self.statistics.records))
            .expected("a footer record (type 26) as the last")
            .advice("The trace is cut short: the recording was stopped, or the file was not copied whole."))
    }
}

impl Decode for TraceFile {
    fn decode(&mut self, batch: &mut Batch) -> Result<bool, TraceError> {
        self.fill(batch).map_err(|error| self.records.blame(error))
    }

    fn progress(&self) -> Progress {
        self.records.progress()
    }

    fn statistics(&self) -> Statistics {
        self.statistics
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}
