//! Why a trace cannot be written.

use std::io;
use std::path::{Path, PathBuf};

/// A trace that cannot be written. Nothing of it is left.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The operating system refused.
    #[error("{}: found {error}, expected to write a trace\nNothing was left there. Check the folder, its free space and the limits on file sizes.", .path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// The format cannot hold the trace.
    #[error("{}: found {found}, expected {expected}\n{advice}", .path.display())]
    Unfit {
        /// The file.
        path: PathBuf,
        /// What the trace has.
        found: String,
        /// What the format can hold.
        expected: String,
        /// What to do.
        advice: String,
    },
}

impl WriteError {
    pub(crate) fn refused(path: &Path, error: io::Error) -> Self {
        Self::Refused { path: path.to_owned(), error }
    }
}
