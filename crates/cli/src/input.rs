//! Traces that a command reads: files, directories, standard input.

use std::io;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};

use terrace_result::{DigestSoFar, Digesting, Sha256, sha256_of};
use terrace_trace::{Format, Options, Source};

use crate::CliError;

/// What stands for standard input among the traces.
pub(crate) const STANDARD_INPUT: &str = "-";

/// Opens a trace; of this format, if one is insisted on.
pub(crate) fn open(trace: &Path, format: Option<Format>) -> Result<(Box<dyn Source>, Digest), CliError> {
    let mut options = Options::new();
    if let Some(format) = format {
        options = options.format(format);
    }
    if trace == Path::new(STANDARD_INPUT) {
        let (reader, digest) = Digesting::new(io::stdin());
        let source = options.open_stream(Box::new(reader), "standard input")?;
        return Ok((source, Digest::Stream(digest)));
    }
    Ok((options.open(trace)?, Digest::File(trace.to_owned())))
}

/// The digest of a trace, once it is needed.
pub(crate) enum Digest {
    File(PathBuf),
    Stream(DigestSoFar),
}

/// A digest that is being taken.
pub(crate) enum Digested {
    File(JoinHandle<io::Result<Sha256>>),
    Stream(DigestSoFar),
}

impl Digest {
    /// Takes the digest of a file beside other work; that of a stream comes with reading it.
    pub(crate) fn start(self) -> Digested {
        match self {
            Self::File(path) => Digested::File(thread::spawn(move || sha256_of(&path))),
            Self::Stream(digest) => Digested::Stream(digest),
        }
    }
}

impl Digested {
    /// The digest: of a stream, that of what was read.
    pub(crate) fn finish(self) -> io::Result<Sha256> {
        match self {
            // A reader that panicked would have ended the command too.
            Self::File(digest) => digest.join().unwrap_or_else(|_| Err(io::ErrorKind::Other.into())),
            Self::Stream(digest) => Ok(digest.get()),
        }
    }
}

/// How a trace is named: results do not depend on where it lies.
pub(crate) fn file_name(path: &Path) -> String {
    if path == Path::new(STANDARD_INPUT) {
        return "standard input".to_owned();
    }
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
