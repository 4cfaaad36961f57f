//! One file, line by line.

use terrace_addr::convert;

use super::decoder::{ROOM, decode};
use super::line::{EXAMPLE, LONGEST, fault, may_become_an_access, quoted};
use crate::content::Content;
use crate::lines::{Lines, length};
use crate::source::Decode;
use crate::{Batch, Place, Progress, Statistics, ThreadIndex, TraceError, TraceErrorKind};

/// A file that is being decoded.
pub(crate) struct TraceFile {
    lines: Lines,
    statistics: Statistics,
}

impl TraceFile {
    pub(crate) fn new(content: Content) -> Self {
        Self { lines: Lines::new(content, 2 * LONGEST), statistics: Statistics::default() }
    }

    /// Fills a batch; at the end of the file it stays empty.
    fn fill(&mut self, batch: &mut Batch) -> Result<bool, TraceError> {
        batch.start(ThreadIndex::default(), 0, 0);
        while batch.room().len() >= ROOM {
            if self.lines.whole().is_empty() && !self.lines.refill()? {
                self.check_end()?;
                break;
            }
            let run = decode(self.lines.whole(), batch.room());
            if run.bytes == 0 {
                return Err(self.faulty());
            }
            let fetches = convert::count(run.fetches);
            batch.wrote(run.references, fetches);
            self.statistics.records += convert::count(run.records);
            self.statistics.foreign_lines += convert::count(run.foreign);
            self.statistics.fetches += fetches;
            self.statistics.stores += convert::count(run.stores);
            self.statistics.loads += convert::count(run.references - run.fetches - run.stores);
            self.lines.advance(run.bytes);
        }
        Ok(!batch.is_empty())
    }

    /// The fault of the first line at hand, which starts like an access and is none.
    fn faulty(&self) -> TraceError {
        let lines = self.lines.whole();
        let (found, expected) = fault(&lines[..length(lines)]);
        self.error(TraceErrorKind::Record).found(found).expected(expected).advice(
            "The log is damaged, or something else was written into it: record it again with --log-file=FILE.",
        )
    }

    /// Checks that the file does not end inside an access, and had one.
    fn check_end(&mut self) -> Result<(), TraceError> {
        let unfinished = self.lines.unfinished();
        if may_become_an_access(unfinished) {
            return Err(self
                .error(TraceErrorKind::Truncated)
                .found(format!("the end of the file after {}", quoted(unfinished)))
                .expected("a line end after each access")
                .advice("The log is cut short: copy it again, or record it again."));
        }
        self.statistics.foreign_lines += u64::from(!unfinished.is_empty());
        self.lines.drop_unfinished();
        if self.statistics.records == 0 {
            let lines = self.statistics.foreign_lines;
            return Err(TraceError::new(self.lines.path(), TraceErrorKind::Format, Place::Whole)
                .found(format!("no line that is an access ({lines} lines in all)"))
                .expected(format!("a lackey trace, with lines such as {EXAMPLE}"))
                .advice("Record it with: valgrind --tool=lackey --trace-mem=yes --log-file=FILE PROGRAM"));
        }
        Ok(())
    }

    /// An error in the first line that was not taken.
    fn error(&self, kind: TraceErrorKind) -> TraceError {
        let number = self.statistics.records + self.statistics.foreign_lines + 1;
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
