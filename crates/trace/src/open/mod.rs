//! From a path to a source.

mod detect;

use std::num::NonZero;
use std::path::Path;
use std::thread::available_parallelism;

use crate::ahead::Ahead;
use crate::container::{self, Container, Opened, Piece, Reading};
use crate::content::Content;
use crate::drmemtrace::{Merged, Threads, thread_files};
use crate::records::{Records, partial};
use crate::source::Decode;
use crate::{Format, Place, Source, TraceError, TraceErrorKind, champsim, drmemtrace, lackey};

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

    fn directory(&self, path: &Path) -> Result<Box<dyn Decode>, TraceError> {
        if let Some(format @ (Format::ChampSim | Format::Lackey)) = self.format {
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
        let (opened, first) = opened(path, Reading { threads: self.threads, piece: PIECE })?;
        let format = detect::format(path, opened.container, first.content(), self.format)?;
        Ok((
            format,
            match format {
                Format::DrMemtrace => {
                    let records = Records::new(Content::new(path, opened, first));
                    Box::new(drmemtrace::TraceFile::new(records, Threads::Several))
                }
                Format::ChampSim => {
                    if opened.container == Container::Plain && !opened.total.is_multiple_of(64) {
                        return Err(partial(path, champsim::SIZE, opened.total));
                    }
                    Box::new(champsim::TraceFile::new(Records::new(Content::new(path, opened, first))))
                }
                Format::Lackey => Box::new(lackey::TraceFile::new(Content::new(path, opened, first))),
            },
        ))
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

/// Opens a file and unpacks its first piece.
fn opened(path: &Path, reading: Reading) -> Result<(Opened, Piece), TraceError> {
    let mut opened = container::open(path, reading)?;
    let mut first = Piece::default();
    opened.pieces.next_piece(&mut first)?;
    Ok((opened, first))
}
