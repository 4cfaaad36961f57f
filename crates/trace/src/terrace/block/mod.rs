//! Blocks of references.
//!
//! A block is made in four steps, which a reader undoes:
//! 1. The accesses are cut into units: a fetch with the data accesses after it. Units that differ in nothing but data
//!    addresses are one ([`units`]).
//! 2. Units that only ever follow on each other are joined to runs, so that the accesses become a sequence of numbers
//!    of runs ([`runs`]).
//! 3. A data step of a run is an *operand*. For each, the prediction that does best is chosen; its addresses become
//!    differences from that ([`operand`]).
//! 4. The columns are packed ([`columns`]).

mod columns;
mod decode;
mod encode;
mod head;
mod load;
mod operand;
mod runs;
mod units;

pub(super) use decode::{Block, Counts};
pub(super) use encode::encode;
pub(super) use load::Loader;

use crate::ThreadIndex;

/// The part of a block that a thread executed without another one in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) thread: ThreadIndex,
    pub(super) thread_id: u64,
    /// Where it ends in the block: the number of what lies before, in references for a writer and in executions of
    /// runs for a reader.
    pub(super) end: usize,
}
