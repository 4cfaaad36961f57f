//! What can be wrong with results that are to be a page.

use std::io;
use std::path::PathBuf;

use terrace_result::ResultError;

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A file that cannot be read.
    #[error("{}: {cause}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// What is there is no result, or not of this version.
    #[error(transparent)]
    Result(#[from] ResultError),
    /// A `run.json` that is none.
    #[error("{}: found {cause}; expected the document that `terrace run --out` writes", path.display())]
    Circumstances {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        cause: serde_json::Error,
    },
    /// No run of any result came to its measured time.
    #[error(
        "{results}: found no run that came to its measured time; expected at least one\n  Each run's outcome says why: \
         terrace run prints it."
    )]
    NothingMeasured {
        /// The results.
        results: String,
    },
    /// A name that the results do not have.
    #[error("{option}: found {found}; expected {expected}")]
    NoSuch {
        /// The option.
        option: &'static str,
        /// What was given.
        found: String,
        /// What there is.
        expected: String,
    },
}
