//! Why an MMU cannot be built from a machine.

use terrace_addr::{Addr, Hpa};
use terrace_machine::Problem;
use thiserror::Error;

/// Why an MMU cannot be built from a machine.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum BuildError {
    /// The machine's numbers do not fit together.
    #[error(transparent)]
    Machine(#[from] Problem),
    /// A structure has no shape.
    #[error("{path}: {reason}")]
    Cache {
        /// Its place in the machine file.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// A cache cannot hold lines of the memory that it is for: it has too few sets to tell them apart.
    #[error(
        "{path}: found {sets} sets, which tell lines of {} GiB of memory apart; expected enough for the {} GiB that \
         are laid out: give the cache more sets, or use less memory",
        .reach.get() >> 30, .end.get().div_ceil(1 << 30)
    )]
    Memory {
        /// The cache's place in the machine file.
        path: String,
        /// Its sets, of one slice.
        sets: u32,
        /// The first address that it cannot hold.
        reach: Addr<Hpa>,
        /// The end of memory.
        end: Addr<Hpa>,
    },
    /// Memory lies in a node that the machine does not have.
    #[error("found memory in node {node}; expected a node below {nodes}, the number that the machine has")]
    Node {
        /// The node.
        node: usize,
        /// How many there are.
        nodes: usize,
    },
}
