//! Why a replay ended.

use terrace_addr::{Addr, Gva};
use terrace_mmu::{BuildError, Fault};
use thiserror::Error;

use crate::mapping::MapError;

/// Why a replay ended, or did not begin.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ReplayError {
    /// The machine cannot be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The first table could not be made.
    #[error(transparent)]
    Table(#[from] MapError),
    /// The threads cannot be started.
    #[error("{threads} threads cannot be started: {reason}; ask for fewer")]
    Threads {
        /// How many were asked for.
        threads: usize,
        /// What the operating system says.
        reason: String,
    },
    /// A reference of the trace cannot be replayed.
    #[error("reference {reference} of the trace: {failure}")]
    Reference {
        /// Its place in the stream, from 0.
        reference: u64,
        /// Why.
        failure: Failure,
    },
}

/// Why a reference cannot be replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Failure {
    /// Its page cannot be mapped.
    #[error(transparent)]
    Map(MapError),
    /// Its address is beyond what the machine's page tables translate.
    #[error(
        "found address {addr:#x}; expected one that is canonical for {levels} levels of paging (5 levels: \
         --set paging.levels=5)", addr = .addr.get()
    )]
    NotCanonical {
        /// Its address.
        addr: Addr<Gva>,
        /// Levels of the machine's page tables.
        levels: u32,
    },
    /// Its walk faulted although what it looks for had been mapped: a defect.
    #[error("{0} in tables that were made for the access: please report this")]
    Fault(Fault),
}
