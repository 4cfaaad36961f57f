//! What can be wrong with a fleet or a trace.

use std::io;
use std::path::PathBuf;

use terrace_addr::Bytes;
use terrace_result::ResultError;

use crate::spec::FleetSpec;
use crate::trace::Shape;

/// Why a fleet cannot be simulated, or a trace not be read.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// A fleet that cannot be.
    #[error("the fleet: found {found}; expected {expected}")]
    Fleet {
        /// What it is.
        found: String,
        /// What it has to be.
        expected: &'static str,
    },
    /// A VM that no server holds.
    #[error(
        "found a VM of {vm}; expected at most what one of the servers has: {servers}\nGive it larger servers."
    )]
    TooLarge {
        /// What it takes.
        vm: String,
        /// The kinds of servers.
        servers: String,
    },
    /// A row of a trace that cannot be.
    #[error("{}: {problem}\nLeave such rows out with --skip-bad, which counts them.", .path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: RowProblem,
    },
    /// A file that is no such trace.
    #[error("{}: found {found}; expected {expected}", .path.display())]
    NoTrace {
        /// The file.
        path: PathBuf,
        /// What is there.
        found: String,
        /// What has to be there.
        expected: String,
    },
    /// A compressed file that ends too early.
    #[error(
        "{}: found the end of the compressed data within them, after line {line}; expected a whole file\nIt was cut off: \
         fetch it again.",
        .path.display()
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// The last line that is whole.
        line: u64,
    },
    /// A file that cannot be read or written.
    #[error("{}: {cause}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// A database that cannot be read.
    #[error("{}: {what}: found {cause}; expected a whole SQLite file", .path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What was read.
        what: &'static str,
        /// Why.
        #[source]
        cause: rusqlite::Error,
    },
    /// A synthetic trace that cannot be made.
    #[error("the synthetic trace: {what}: found {found}; expected {expected}")]
    Synthetic {
        /// The parameter.
        what: &'static str,
        /// Its value.
        found: String,
        /// What it has to be.
        expected: &'static str,
    },
    /// A result that cannot be written or read.
    #[error(transparent)]
    Results(#[from] ResultError),
    /// A result of runs that does not say what walks cost.
    #[error("{origin}: found {found}; expected {expected}")]
    Walks {
        /// The result.
        origin: String,
        /// What it holds.
        found: String,
        /// What it has to hold.
        expected: String,
    },
}

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}: found {found}; expected {expected}")]
pub struct RowProblem {
    /// Where: a line from 1, or the row of a table.
    pub place: RowPlace,
    /// Which value.
    pub what: &'static str,
    /// What it is.
    pub found: String,
    /// What it has to be.
    pub expected: String,
}

/// Where a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowPlace {
    /// A line of a text, from 1.
    Line(u64),
    /// A row of a table of a database, by its number there.
    Row(&'static str, i64),
}

impl core::fmt::Display for RowPlace {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Row(table, row) => write!(f, "table {table}, row {row}"),
        }
    }
}

impl FleetError {
    pub(crate) fn too_large(shape: &Shape, fleet: &FleetSpec) -> Self {
        Self::TooLarge { vm: takes(shape), servers: kinds(fleet) }
    }
}

/// What a VM of this size takes, for people.
pub(crate) fn takes(shape: &Shape) -> String {
    let demands: Vec<_> = match shape {
        Shape::Same(demand) => vec![*demand],
        Shape::ByClass(demands) => demands.iter().flatten().copied().collect(),
    };
    match demands.iter().min() {
        Some(least) => format!("{} cores and {}", least.cores, gibibytes(Bytes::new(least.memory))),
        None => "a type that runs on no kind of servers".to_owned(),
    }
}

/// The kinds of servers, for people.
pub(crate) fn kinds(fleet: &FleetSpec) -> String {
    let kinds = fleet.classes.iter().filter(|class| class.count > 0);
    let kinds: Vec<_> =
        kinds.map(|class| format!("{} cores and {}", class.cores, gibibytes(class.memory))).collect();
    match kinds.as_slice() {
        [first, .., last] if kinds.len() > 4 => format!("{first}, ... {last}"),
        kinds => kinds.join(", "),
    }
}

fn gibibytes(bytes: Bytes) -> String {
    format!("{:.2} GiB", terrace_addr::convert::ratio(bytes.get(), 1 << 30))
}
