//! Results: what is measured, in which unit, and how it is written.
//!
//! A result is deterministic: the same inputs, seed and model version give the same bytes, on any machine. What
//! differs by nature (command line, host, wall time) is no part of it.
#![forbid(unsafe_code)]

mod digest;
mod metric;
mod replay;

pub use digest::{Sha256, sha256_of};
pub use metric::{Metric, Unit, metric};
pub use replay::{
    Input, MachineUsed, Mapping, ModeCounts, ProgramUsed, REPLAY_SCHEMA, REPLAY_SCHEMA_VERSION, ReplayResult,
    Time,
};

/// The version of the model's numbers. It rises with every change that changes a count for equal input, and each
/// rise has its entry under "Results" in the changelog.
pub const MODEL_VERSION: u32 = 2;
