//! From a path to a source.

mod detect;

use std::io::Read;
use std::num::NonZero;
use std::path::Path;
use std::thread::available_parallelism;

use terrace_addr::convert;

use crate::ahead::Ahead;
use crate::container::{self, Container, Opened, Piece, Reading};
use crate::content::Content;
use crate::drmemtrace::{Merged, Threads, thread_files};
use crate::records::{Records, partial};
use crate::source::Decode;
use crate::{
    Format, Place, Source, TraceError, TraceErrorKind, champsim, drmemtrace, lackey, perf_script, terrace,
    text,
};

/// Opens a trace: a file, or a directory of drmemtrace files. Its format is found by its content.
///
/// # Errors
/// If it cannot be read, is no trace, or its first bytes already show that it is damaged.
pub fn open(path: impl AsRef<Path>) -> Result<Box<dyn Source>, TraceError> {
    Options::new().open(path)
}

/// Opens a trace that must be of this format.
///
/// # Errors
/// As [`open`]; and if it is of another format.
pub fn open_as(path: impl AsRef<Path>, format: Format) -> Result<Box<dyn Source>, TraceError> {
    Options::new().format(format).open(path)
}

/// How to open a trace.
#[derive(Debug, Clone)]
pub struct Options {
    format: Option<Format>,
    threads: NonZero<usize>,
}

/// The most threads that inflate by default: a simulation that reads faster than this is not known.
const THREADS: usize = 4;

/// Bytes in a piece of a file: a piece stays in a core's L2 cache from inflating to decoding.
const PIECE: usize = 256 << 10;

/// Bytes in a piece of one of many files, which are all open at the same time.
const SMALL_PIECE: usize = 64 << 10;

/// What to do about a file of a directory that is no drmemtrace file.
const NO_THREAD: &str =
    "Take this file out of the directory, where each file must be the drmemtrace trace of a thread.";

impl Options {
    /// Any format, and as many threads as there are processors, at most 4.
    pub fn new() -> Self {
        let processors = available_parallelism().map_or(1, NonZero::get);
        Self { format: None, threads: NonZero::new(processors.min(THREADS)).unwrap_or(NonZero::<usize>::MIN) }
    }

    /// Insists on a format.
    pub fn format(mut self, format: Format) -> Self {
        self.format = Some(format);
        self
    }

    /// Sets how many threads inflate the members of a zip file that has several, beside the one that decodes. The
    /// accesses do not depend on it. Each may take 64 MiB.
    pub fn threads(mut self, threads: NonZero<usize>) -> Self {
        self.threads = threads;
        self
    }

    /// Opens a trace.
    ///
    /// # Errors
    /// As [`open`] and [`open_as`].
    pub fn open(&self, path: impl AsRef<Path>) -> Result<Box<dyn Source>, TraceError> {
        let path = path.as_ref();
        let metadata = path.metadata().map_err(|error| TraceError::unreadable(path, error))?;
        let (format, decoder) = if metadata.is_dir() {
            (Format::DrMemtrace, self.directory(path)?)
        } else if metadata.is_file() {
            self.file(path)?
        } else {
            return Err(TraceError::new(path, TraceErrorKind::Unreadable, Place::Whole)
                .found("neither a regular file nor a directory")
                .expected("a trace file, or a directory of them"));
        };
        Ok(Box::new(Ahead::start(path, format, decoder)?))
    }

    /// Opens a trace that is read from start to end, such as standard input, in any format and container but zip,
    /// whose directory is at the end. `name` stands for its path in errors.
    ///
    /// What the trace is gets found out when 256 KiB of it are unpacked, or all of it. The reader is then read by a
    /// thread that runs ahead. If the [`Source`] is dropped before its end, that thread stays until the reader gives
    /// something or ends.
    ///
    /// # Errors
    /// As [`open`] and [`open_as`]; and if it is a zip file.
    pub fn open_stream(
        &self,
        reader: Box<dyn Read + Send>,
        name: &str,
    ) -> Result<Box<dyn Source>, TraceError> {
        let name = Path::new(name);
        let (opened, first) = first(container::open_stream(name, reader, self.reading())?)?;
        let (format, decoder) = self.decoder(name, opened, first)?;
        Ok(Box::new(Ahead::start(name, format, decoder)?.leaving_its_thread()))
    }

    fn directory(&self, path: &Path) -> Result<Box<dyn Decode>, TraceError> {
        if let Some(format) = self.format.filter(|&format| format != Format::DrMemtrace) {
            return Err(TraceError::new(path, TraceErrorKind::Directory, Place::Whole)
                .found("a directory")
                .expected(format!("a {format} file"))
                .advice("Only drmemtrace traces are directories."));
        }
        let reading = Reading { threads: NonZero::<usize>::MIN, piece: SMALL_PIECE };
        let mut files = Vec::new();
        for file in thread_files(path)? {
            let (opened, first) = opened(&file, reading)?;
            detect::format(&file, opened.container, first.content(), Some(Format::DrMemtrace))
                .map_err(|error| error.advice(NO_THREAD))?;
            let records = Records::new(Content::new(&file, opened, first));
            files.push(drmemtrace::TraceFile::new(records, Threads::One));
        }
        Ok(Box::new(Merged::new(path, files)?))
    }

    fn file(&self, path: &Path) -> Result<(Format, Box<dyn Decode>), TraceError> {
        let (opened, first) = opened(path, self.reading())?;
        self.decoder(path, opened, first)
    }

    fn reading(&self) -> Reading {
        Reading { threads: self.threads, piece: PIECE }
    }

    /// The decoder of a file or stream, by what its `first` piece holds.
    fn decoder(
        &self,
        path: &Path,
        opened: Opened,
        first: Piece,
    ) -> Result<(Format, Box<dyn Decode>), TraceError> {
        let format = detect::format(path, opened.container, first.content(), self.format)?;
        let total = opened.total.filter(|_| opened.container == Container::Plain);
        let content = Content::new(path, opened, first);
        let check = |size: usize| match total {
            Some(total) if !total.is_multiple_of(convert::count(size)) => Err(partial(path, size, total)),
            _ => Ok(()),
        };
        Ok((
            format,
            match format {
                Format::DrMemtrace => {
                    Box::new(drmemtrace::TraceFile::new(Records::new(content), Threads::Several))
                }
                Format::ChampSim => {
                    check(champsim::SIZE)?;
                    Box::new(champsim::ChampSimFile::new(Records::new(content)))
                }
                Format::CloudSuite => {
                    check(champsim::CLOUDSUITE_SIZE)?;
                    Box::new(champsim::CloudSuiteFile::new(Records::new(content)))
                }
                Format::Lackey => Box::new(lackey::TraceFile::new(content)),
                Format::PerfScript => Box::new(perf_script::TraceFile::new(content)),
                Format::Terrace => match total {
                    Some(_) => Box::new(terrace::TraceFile::open(path)?),
                    None => return Err(no_plain_file(path)),
                },
                Format::Text => Box::new(text::TraceFile::new(content)),
            },
        ))
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

/// The fault of a file of Terrace's format that comes out of a container or a pipe: its index is at its end.
fn no_plain_file(path: &Path) -> TraceError {
    TraceError::new(path, TraceErrorKind::Format, Place::Whole)
        .found("a terrace trace inside a container or a stream")
        .expected("a plain file of it, whose end can be read first")
        .advice("Unpack it into a file; it is compressed already.")
}

/// Opens a file and unpacks its first piece.
fn opened(path: &Path, reading: Reading) -> Result<(Opened, Piece), TraceError> {
    first(container::open(path, reading)?)
}

/// Unpacks the first piece.
fn first(mut opened: Opened) -> Result<(Opened, Piece), TraceError> {
    let mut first = Piece::default();
    opened.pieces.next_piece(&mut first)?;
    Ok((opened, first))
}
