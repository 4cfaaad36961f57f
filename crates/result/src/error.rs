//! What can be wrong with a result.

use std::io;
use std::path::PathBuf;

use crate::MetricValue;

/// Why a result cannot be made, written or read.
#[derive(Debug, thiserror::Error)]
pub enum ResultError {
    /// A metric that the registry does not have.
    #[error("found the metric {name:?}; expected one of `terrace list metrics`")]
    UnknownMetric {
        /// Its name.
        name: String,
    },
    /// A value that the metric cannot have.
    #[error(
        "{metric}: found {value}; expected a finite number, and a whole one where things or bytes are counted"
    )]
    WrongValue {
        /// The metric.
        metric: &'static str,
        /// The value.
        value: MetricValue,
    },
    /// A text that is no result of runs.
    #[error("{origin}: found {found}; expected {expected}")]
    NoResult {
        /// Where it came from.
        origin: String,
        /// What is there.
        found: String,
        /// What has to be there.
        expected: String,
    },
    /// A text that begins as a result of runs and goes on as none.
    #[error("{origin}: {cause}")]
    Unreadable {
        /// Where it came from.
        origin: String,
        /// What is wrong, and where.
        #[source]
        cause: serde_json::Error,
    },
    /// A place where no result folder can be written.
    #[error("{}: found {found}; expected {expected}", path.display())]
    NoPlace {
        /// The path.
        path: PathBuf,
        /// What is there.
        found: &'static str,
        /// What has to be there.
        expected: &'static str,
    },
    /// A file or folder that could not be read or written.
    #[error("{}: {cause}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// A Parquet file that could not be read or written.
    #[error("{what}: {cause}")]
    Parquet {
        /// What it holds.
        what: &'static str,
        /// Why.
        #[source]
        cause: parquet::errors::ParquetError,
    },
}
