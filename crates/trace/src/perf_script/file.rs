//! One file, line by line.

use terrace_addr::{Access, AccessKind, Addr};

use super::line::{LOOKED_AT, Line, is_surely_a_sample};
use crate::content::Content;
use crate::lines::{Lines, length};
use crate::source::Decode;
use crate::thread_ids::ThreadIds;
use crate::{Batch, Place, Progress, Statistics, TraceError, TraceErrorKind};

/// A file that is being decoded.
pub(crate) struct TraceFile {
    lines: Lines,
    threads: ThreadIds,
    statistics: Statistics,
}

impl TraceFile {
    pub(crate) fn new(content: Content) -> Self {
        Self {
            lines: Lines::new(content, LOOKED_AT),
            threads: ThreadIds::default(),
            statistics: Statistics::default(),
        }
    }

    /// Fills a batch; at the end of the file it stays empty.
    fn fill(&mut self, batch: &mut Batch) -> Result<bool, TraceError> {
        batch.clear();
        while !batch.is_full() {
            if self.lines.whole().is_empty() && !self.lines.refill()? {
                self.check_end()?;
                break;
            }
            let lines = self.lines.whole();
            let taken = length(lines);
            match Line::of(&lines[..taken]) {
                Line::Access { address, kind, thread } => {
                    let number = self.threads.number(thread);
                    if batch.is_empty() {
                        batch.set_thread(number, thread);
                    } else if batch.thread() != number {
                        break;
                    }
                    let addr = Addr::try_new(address).map_err(|error| {
                        self.error(TraceErrorKind::Record)
                            .found(format!("the data address {address:#x}"))
                            .expected(format!("a canonical address ({error})"))
                            .advice("Take the line out, or print the samples again with perf script.")
                    })?;
                    batch.push(Access { addr, size: 1, kind });
                    self.statistics.records += 1;
                    self.statistics.loads += u64::from(kind == AccessKind::Load);
                    self.statistics.stores += u64::from(kind == AccessKind::Store);
                }
                Line::WithoutAddress => self.statistics.without_address += 1,
                Line::Foreign => self.statistics.foreign_lines += 1,
            }
            self.lines.advance(taken);
        }
        Ok(!batch.is_empty())
    }

    /// Checks that the last line has an end, and that there was a sample with an address.
    fn check_end(&self) -> Result<(), TraceError> {
        if !self.lines.unfinished().is_empty() {
            return Err(self
                .error(TraceErrorKind::Truncated)
                .found("the end of the file inside a line")
                .expected("a line end after each line")
                .advice("The file is cut short: copy it again, or print it again with perf script."));
        }
        if self.statistics.records > 0 {
            return Ok(());
        }
        let Statistics { foreign_lines, without_address, .. } = self.statistics;
        let lines = foreign_lines + without_address;
        Err(TraceError::new(self.lines.path(), TraceErrorKind::Format, Place::Whole)
            .found(format!(
                "no sample with a data address ({lines} lines in all, {without_address} of them samples without)"
            ))
            .expected("a perf-script trace, with lines such as \"sh 12/12 3.4: mem-loads: 7ffe1000\"")
            .advice("Record with perf mem record, print with perf script -F comm,pid,tid,time,event,addr,ip"))
    }

    /// An error in the first line that was not taken.
    fn error(&self, kind: TraceErrorKind) -> TraceError {
        let Statistics { records, foreign_lines, without_address, .. } = self.statistics;
        let number = records + foreign_lines + without_address + 1;
        TraceError::new(self.lines.path(), kind, self.lines.place(number))
    }
}

impl Decode for TraceFile {
    fn decode(&mut self, batch: &mut Batch) -> Result<bool, TraceError> {
        self.fill(batch).map_err(|error| self.lines.blame(error))
    }

    fn progress(&self) -> Progress {
        self.lines.progress()
    }

    fn statistics(&self) -> Statistics {
        self.statistics
    }
}

/// Whether content that starts with `start` is what perf script prints: its first line that is neither empty nor a
/// comment is a sample, with a time, a cpu or both ids among its fields.
pub(crate) fn starts_like_a_trace(start: &[u8]) -> bool {
    let mut lines = start.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
    let first = lines.find(|line| !line.is_empty() && !line.starts_with(b"#"));
    first.is_some_and(is_surely_a_sample)
}
