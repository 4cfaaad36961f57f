//! Why an MMU cannot be built from a machine.

use terrace_machine::Problem;
use thiserror::Error;

/// Why an MMU cannot be built from a machine.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum BuildError {
    /// The machine's numbers do not fit together.
    #[error(transparent)]
    Machine(#[from] Problem),
    /// A cache cannot hold lines of the memory that it is for.
    #[error("{path}: {reason}")]
    Cache {
        /// The cache's place in the machine file.
        path: String,
        /// What is wrong.
        reason: String,
    },
}
