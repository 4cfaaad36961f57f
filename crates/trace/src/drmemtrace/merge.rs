//! The threads of a directory as one stream.
//!
//! A thread's accesses up to its next timestamp belong to the timestamp before them. All such segments come out in
//! order of (timestamp, thread id); a thread's own are never reordered.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::Path;

use terrace_addr::convert;

use super::TraceFile;
use crate::source::Decode;
use crate::{Batch, Place, Progress, Statistics, ThreadIndex, TraceError, TraceErrorKind};

/// A file with its next batch decoded, so that the time of that is known.
struct Thread {
    file: TraceFile,
    head: Batch,
    /// What was read up to the end of the head, and up to its start.
    read: [(Statistics, Progress); 2],
}

impl Thread {
    fn new(file: TraceFile) -> Result<Self, TraceError> {
        let start = (Statistics::default(), Progress { read: 0, total: file.progress().total });
        let mut this = Self { file, head: Batch::new(), read: [start; 2] };
        this.refill()?;
        Ok(this)
    }

    /// Decodes the next head.
    fn refill(&mut self) -> Result<(), TraceError> {
        self.file.decode(&mut self.head)?;
        self.read = [(self.file.statistics(), self.file.progress()), self.read[0]];
        Ok(())
    }
}

/// When the next batch of a thread is: ordered by time, then by thread id, which is the order of the indices.
type Turn = Reverse<(u64, usize)>;

/// The threads, in order of their ids.
pub(crate) struct Merged {
    threads: Vec<Thread>,
    /// A turn for every thread that has a batch left.
    turns: BinaryHeap<Turn>,
    /// Of the batches handed out: the heads are not among them.
    statistics: Statistics,
    progress: Progress,
}

impl Merged {
    /// Merges the `files` of `directory`, each of one thread.
    pub(crate) fn new(directory: &Path, files: Vec<TraceFile>) -> Result<Self, TraceError> {
        let mut threads = Vec::with_capacity(files.len());
        for file in files {
            threads.push(Thread::new(file)?);
        }
        // A file without references may lack a thread record: it sorts first and has no turn.
        threads.sort_by_key(|thread| thread.file.thread_id());
        for pair in threads.windows(2) {
            if let (Some(first), Some(second)) = (pair[0].file.thread_id(), pair[1].file.thread_id())
                && first == second
            {
                let (first_path, second_path) = (pair[0].file.path(), pair[1].file.path());
                return Err(TraceError::new(directory, TraceErrorKind::Directory, Place::Whole)
                    .found(format!(
                        "thread {first} in {} and {}",
                        first_path.display(),
                        second_path.display()
                    ))
                    .expected("one file for each thread")
                    .advice("Take the files of other recordings out of the directory."));
            }
        }
        let total = threads.iter().map(|thread| thread.file.progress().total).sum();
        let mut this = Self {
            turns: BinaryHeap::with_capacity(threads.len()),
            threads,
            statistics: Statistics::default(),
            progress: Progress { read: 0, total },
        };
        for index in 0..this.threads.len() {
            this.queue(index);
        }
        Ok(this)
    }

    /// Queues a thread if it has a batch. If it has none, its last records count now.
    fn queue(&mut self, index: usize) {
        let Thread { file, head, .. } = &self.threads[index];
        if head.is_empty() {
            self.count(index);
        } else {
            self.turns.push(Reverse((file.timestamp(), index)));
        }
    }

    /// Counts the head of a thread, and what was passed over before it, as handed out.
    fn count(&mut self, index: usize) {
        let [(statistics, progress), (before, progress_before)] = self.threads[index].read;
        self.statistics.add(&statistics.since(&before));
        self.progress.read += progress.read - progress_before.read;
    }
}

impl Decode for Merged {
    fn decode(&mut self, batch: &mut Batch) -> Result<bool, TraceError> {
        batch.clear();
        let Some(Reverse((_, index))) = self.turns.pop() else { return Ok(false) };
        self.count(index);
        let thread = &mut self.threads[index];
        core::mem::swap(batch, &mut thread.head);
        batch.set_thread(ThreadIndex::new(convert::narrow(index)), batch.thread_id());
        thread.refill()?;
        self.queue(index);
        Ok(true)
    }

    fn progress(&self) -> Progress {
        self.progress
    }

    fn statistics(&self) -> Statistics {
        self.statistics
    }

    fn notes(&self) -> Vec<String> {
        let mut notes: Vec<String> = self.threads.iter().flat_map(|thread| thread.file.notes()).collect();
        notes.sort();
        notes.dedup();
        notes
    }
}
