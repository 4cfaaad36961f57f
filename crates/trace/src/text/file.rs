//! One file, line by line.

use terrace_addr::AccessKind;

use super::line::{Base, EXAMPLE, Fault, LONGEST, Line};
use crate::content::Content;
use crate::lines::{Lines, length};
use crate::source::Decode;
use crate::thread_ids::ThreadIds;
use crate::{Batch, Place, Progress, Statistics, TraceError, TraceErrorKind};

/// What some programs write before the text: a byte order mark.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// A file that is being decoded.
pub(crate) struct TraceFile {
    lines: Lines,
    base: Base,
    threads: ThreadIds,
    /// Whether a header was seen; there is one at most.
    header: bool,
    statistics: Statistics,
    notes: Vec<String>,
}

impl TraceFile {
    pub(crate) fn new(content: Content) -> Self {
        let notes = notes(content.piece());
        Self {
            lines: Lines::new(content, LONGEST),
            base: Base::default(),
            threads: ThreadIds::default(),
            header: false,
            statistics: Statistics::default(),
            notes,
        }
    }

    /// Fills a batch; at the end of the file it stays empty.
    fn fill(&mut self, batch: &mut Batch) -> Result<bool, TraceError> {
        batch.clear();
        while !batch.is_full() {
            let last = self.lines.whole().is_empty() && !self.lines.refill()?;
            let lines = if last { self.lines.unfinished() } else { self.lines.whole() };
            let taken = length(lines);
            if taken == 0 {
                self.check_end()?;
                break;
            }
            let text = lines[..taken].strip_suffix(b"\n").unwrap_or(lines);
            let text = if self.number() == 1 { text.strip_prefix(MARK).unwrap_or(text) } else { text };
            let line = Line::of(text, self.base);
            match line.map_err(|fault| self.faulty(fault))? {
                Line::Blank => self.statistics.foreign_lines += 1,
                Line::Header(base) => self.name_fields(base)?,
                Line::Access { access, thread } => {
                    let number = self.threads.number(thread);
                    if batch.is_empty() {
                        batch.set_thread(number, thread);
                    } else if batch.thread() != number {
                        break;
                    }
                    batch.push(access);
                    self.count(access.kind);
                }
            }
            if last {
                self.lines.drop_unfinished();
            } else {
                self.lines.advance(taken);
            }
        }
        Ok(!batch.is_empty())
    }

    fn count(&mut self, kind: AccessKind) {
        self.statistics.records += 1;
        *match kind {
            AccessKind::Fetch => &mut self.statistics.fetches,
            AccessKind::Load => &mut self.statistics.loads,
            AccessKind::Store => &mut self.statistics.stores,
        } += 1;
    }

    fn name_fields(&mut self, base: Base) -> Result<(), TraceError> {
        if self.header || self.statistics.records > 0 {
            return Err(self.faulty(Fault {
                found: "a line that names the fields".to_owned(),
                expected: "such a line once, before the first access".to_owned(),
            }));
        }
        self.header = true;
        self.base = base;
        self.statistics.foreign_lines += 1;
        Ok(())
    }

    /// The line at hand, counted from 1.
    fn number(&self) -> u64 {
        self.statistics.records + self.statistics.foreign_lines + 1
    }

    fn faulty(&self, fault: Fault) -> TraceError {
        TraceError::new(self.lines.path(), TraceErrorKind::Record, self.lines.place(self.number()))
            .found(fault.found)
            .expected(fault.expected)
            .advice("Mend the line or take it out; what follows # on a line is a comment.")
    }

    fn check_end(&self) -> Result<(), TraceError> {
        if self.statistics.records > 0 {
            return Ok(());
        }
        let lines = self.statistics.foreign_lines;
        Err(TraceError::new(self.lines.path(), TraceErrorKind::Format, Place::Whole)
            .found(format!("no line that is an access ({lines} lines in all)"))
            .expected(format!("a text trace, with lines such as {EXAMPLE}"))
            .advice("Write a line for each access: an address, and where known its size, kind and thread."))
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

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

/// The first lines of a text up to its first access, if there is nothing else before that: whether fields are named,
/// what addresses are, and the access.
fn opening(start: &[u8]) -> Option<(bool, Base, Option<&[u8]>)> {
    let (mut named, mut base) = (false, Base::default());
    let mut rest = start.strip_prefix(MARK).unwrap_or(start);
    while !rest.is_empty() {
        let (line, others) = rest.split_at(length(rest));
        rest = others;
        match Line::of(line.strip_suffix(b"\n").unwrap_or(line), base).ok()? {
            Line::Blank => {}
            Line::Header(_) if named => return None,
            Line::Header(found) => (named, base) = (true, found),
            Line::Access { .. } => return Some((named, base, Some(line.trim_ascii()))),
        }
    }
    Some((named, base, None))
}

/// Whether content that starts with `start` is such a text: its first line that is neither empty nor a comment names
/// the fields, or is an access with a decimal digit in it (words can be hexadecimal, too).
pub(crate) fn starts_like_a_trace(start: &[u8]) -> bool {
    opening(start).is_some_and(|(named, _, access)| {
        named || access.is_some_and(|line| line.iter().any(u8::is_ascii_digit))
    })
}

/// What was decided about addresses, where the text does not say it.
fn notes(start: &[u8]) -> Vec<String> {
    let prefixed = |line: &[u8]| line.starts_with(b"0x") || line.starts_with(b"0X");
    match opening(start) {
        Some((_, Base::Hexadecimal, Some(line))) if !prefixed(line) => {
            let line: String = String::from_utf8_lossy(line).chars().take(20).collect();
            vec![format!(
                "Addresses without 0x, as in {line:?}, are read as hexadecimal; a first line \"address_decimal\" \
                 makes them decimal."
            )]
        }
        _ => Vec::new(),
    }
}
