//! A file as a header, sections and a trailer.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use terrace_addr::convert;

use super::bytes::Bytes;
use super::fault::Fault;
use super::footer::Footer;
use super::layout::{END_MAGIC, HEADER, MAGIC, TRAILER, VERSION, header};
use super::section::{HEAD, Head, Kind};
use crate::{Place, TraceError, TraceErrorKind};

/// A file whose sections are read.
pub(super) struct Sections {
    path: Arc<Path>,
    file: File,
    /// Bytes of the file.
    total: u64,
    /// Where the footer begins.
    end: u64,
    /// The section that was read last.
    head: [u8; HEAD],
    body: Vec<u8>,
}

impl Sections {
    /// Opens a file and reads its footer.
    pub(super) fn open(path: &Path) -> Result<(Self, Footer), TraceError> {
        let unreadable = |error| TraceError::unreadable(path, error);
        let file = File::open(path).map_err(unreadable)?;
        let total = file.metadata().map_err(unreadable)?.len();
        let mut sections =
            Self { path: path.into(), file, total, end: total, head: [0; HEAD], body: Vec::new() };
        sections.check_header()?;
        let length = sections.find_footer()?;
        let end = sections.end;
        sections.end = total;
        let (kind, next) = sections.read(end)?;
        sections.end = end;
        if kind != Kind::FOOTER || next != end + length {
            let found = format!("a section {} of {} bytes", kind.shown(), next - end);
            let expected = format!("the footer, of {length} bytes as the end mark says");
            return Err(sections.fault(Fault::damaged(found, expected), end));
        }
        let footer = Footer::read(&sections.body, end).map_err(|fault| sections.fault(fault, end))?;
        Ok((sections, footer))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of the file.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Where the sections end and the footer begins.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// What was read last: the head and the body of a section.
    pub(super) fn section(&self) -> (&[u8], &[u8]) {
        (&self.head, &self.body)
    }

    /// Reads the section at `offset`, and returns what it holds and where the next one begins.
    pub(super) fn read(&mut self, offset: u64) -> Result<(Kind, u64), TraceError> {
        let room = self.end.saturating_sub(offset).checked_sub(convert::count(HEAD));
        let room = room.ok_or_else(|| {
            let found = format!("{} bytes", self.end.saturating_sub(offset));
            self.fault(Fault::damaged(found, format!("a section, which has at least {HEAD}")), offset)
        })?;
        self.exact(offset, HEAD)?;
        self.head.copy_from_slice(&self.body);
        let head = Head::read(&self.head);
        if head.length > room {
            let found = format!("a section {} of {} bytes", head.kind.shown(), head.length);
            return Err(
                self.fault(Fault::damaged(found, format!("at most {room} before the footer")), offset)
            );
        }
        self.exact(offset + convert::count(HEAD), convert::index(head.length))?;
        head.check(&self.body).map_err(|fault| self.fault(fault, offset))?;
        Ok((head.kind, offset + convert::count(HEAD) + head.length))
    }

    /// The fault as an error of this file.
    pub(super) fn fault(&self, fault: Fault, offset: u64) -> TraceError {
        fault.at(&self.path, offset)
    }

    /// Replaces the body by the bytes from `offset` on.
    fn exact(&mut self, offset: u64, length: usize) -> Result<(), TraceError> {
        self.body.clear();
        match self.try_exact(offset, length) {
            Ok(()) if self.body.len() == length => Ok(()),
            Ok(()) => {
                let found = format!("the end of the file after {} bytes", self.body.len());
                Err(self.fault(Fault::cut(found, format!("{length} bytes")), offset))
            }
            Err(error) => Err(TraceError::unreadable(&self.path, error)),
        }
    }

    fn try_exact(&mut self, offset: u64, length: usize) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(offset))?;
        // No more than there is: the length is not what decides how much memory is reserved.
        let read = self.file.by_ref().take(convert::count(length)).read_to_end(&mut self.body);
        match read {
            Err(error) if error.kind() != ErrorKind::UnexpectedEof => Err(error),
            _ => Ok(()),
        }
    }

    fn check_header(&mut self) -> Result<(), TraceError> {
        let present = convert::index(self.total.min(convert::count(HEADER)));
        self.exact(0, present)?;
        let mut bytes = Bytes::new(&self.body);
        if bytes.array() != Some(MAGIC) {
            return Err(TraceError::new(&self.path, TraceErrorKind::Format, Place::Whole)
                .found("no mark of Terrace's format at its start")
                .expected("a terrace trace")
                .advice("Let the format be found, or convert the trace to Terrace's format."));
        }
        let version = bytes.u16();
        if version.is_some_and(|version| version != VERSION) {
            return Err(TraceError::new(&self.path, TraceErrorKind::Format, Place::Whole)
                .found(format!("version {} of Terrace's format", version.unwrap_or_default()))
                .expected(format!("version {VERSION}"))
                .advice("Read it with the Terrace that wrote it, or with a later one."));
        }
        if present == HEADER && self.body != header() {
            let fault =
                Fault::damaged("a header with bytes that have no meaning", "zeroes after the version");
            return Err(self.fault(fault, 0));
        }
        Ok(())
    }

    /// Finds where the footer begins, and returns the bytes of its section.
    fn find_footer(&mut self) -> Result<u64, TraceError> {
        let trailer = convert::count(TRAILER);
        let at = self.total.checked_sub(trailer).filter(|&at| at >= convert::count(HEADER));
        let mut fields = None;
        if let Some(at) = at {
            self.exact(at, TRAILER)?;
            let mut bytes = Bytes::new(&self.body);
            fields = bytes.u64().zip(bytes.u64()).filter(|_| bytes.rest() == END_MAGIC);
        }
        let Some((end, length)) = fields else {
            let found = format!("the end of the file at byte {} without an end mark", self.total);
            let fault = Fault::cut(found, "the mark that a writer puts at the end when all is written");
            return Err(self.fault(fault, self.total));
        };
        let fits = end.checked_add(length).and_then(|after| after.checked_add(trailer)) == Some(self.total);
        if !fits || end < convert::count(HEADER) {
            let found = format!("an end mark with a footer of {length} bytes at byte {end}");
            let fault = Fault::damaged(found, format!("a footer that ends at byte {}", self.total - trailer));
            return Err(self.fault(fault, self.total - trailer));
        }
        self.end = end;
        Ok(length)
    }
}
