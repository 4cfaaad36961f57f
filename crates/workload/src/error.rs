//! What can be wrong with what is asked of a workload.

use terrace_trace::TraceError;
use thiserror::Error;

/// Why there is no program.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WorkloadError {
    /// No program has this name.
    #[error("found the workload \"{found}\"; expected {}", expected_name(*nearest, "one that `terrace list workloads` shows"))]
    UnknownProgram {
        /// The name.
        found: String,
        /// The one that was probably meant.
        nearest: Option<&'static str>,
    },
    /// The program has no parameter of this name.
    #[error("{program}: found the parameter \"{found}\"; expected {}", expected_name(*nearest, known))]
    UnknownParameter {
        /// The program.
        program: &'static str,
        /// The name.
        found: String,
        /// The one that was probably meant.
        nearest: Option<&'static str>,
        /// All names.
        known: String,
    },
    /// A value that the parameter cannot have.
    #[error("{program}.{parameter}: found {found}; expected {expected}")]
    Value {
        /// The program.
        program: &'static str,
        /// The parameter.
        parameter: &'static str,
        /// The value.
        found: String,
        /// What it can be.
        expected: String,
    },
    /// A number of threads that no program has.
    #[error("{program}: found {found} threads; expected 1 to {most}")]
    Threads {
        /// The program.
        program: &'static str,
        /// The number.
        found: usize,
        /// The most.
        most: usize,
    },
    /// A trace that is to be run as a program has no accesses.
    #[error("found a trace without accesses; expected at least one")]
    EmptyTrace,
    /// A trace that is to be run as a program held other accesses when it was read again.
    #[error(
        "found an access at {address:#x} when the trace was read again; expected the accesses of the first time"
    )]
    TraceChanged {
        /// The address, which lies outside of every region that was touched the first time.
        address: u64,
    },
    /// A trace that is to be run as a program cannot be read.
    #[error(transparent)]
    Trace(#[from] TraceError),
}

fn expected_name(nearest: Option<&str>, otherwise: &str) -> String {
    nearest.map_or_else(|| otherwise.to_owned(), |name| format!("\"{name}\", perhaps"))
}
