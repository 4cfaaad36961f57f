//! Why a row cannot be measured.

use terrace_trace::TraceError;
use thiserror::Error;

use crate::replay::ReplayError;

/// Why a row cannot be measured.
#[derive(Debug, Error)]
pub enum BenchError {
    /// The machine cannot be built, or an access cannot be run.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// The trace cannot be read.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// The trace holds nothing to measure.
    #[error("{trace}: found no references; expected a trace with some")]
    Empty {
        /// The trace.
        trace: String,
    },
    /// The file of `ChampSim` records cannot be made.
    #[error("a temporary file of ChampSim records: {0}")]
    File(#[from] std::io::Error),
}
