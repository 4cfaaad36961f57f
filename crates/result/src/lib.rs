//! Results: what is measured, in which unit, and how it is written.
//!
//! A result is deterministic: the same inputs, seed and model version give the same bytes, on any machine. What
//! differs by nature (command line, host, wall time) is no part of it.
#![forbid(unsafe_code)]

mod digest;
mod metric;
mod replay;
mod trace_info;

pub use digest::{DigestSoFar, Digesting, Sha256, sha256_of};
pub use metric::{Metric, Unit, metric};
pub use replay::{
    Input, MachineUsed, Mapping, ModeCounts, Notation, ProgramUsed, REPLAY_SCHEMA, REPLAY_SCHEMA_VERSION,
    ReplayResult, Time, WindowUsed, write_replays,
};

pub use trace_info::{PagesTouched, TRACE_INFO_SCHEMA, TRACE_INFO_SCHEMA_VERSION, ThreadTraced, TraceInfo};

/// The version of the model's numbers. It rises with every change that changes a count for equal input, and each
/// rise has its entry under "Results" in the changelog.
pub const MODEL_VERSION: u32 = 2;
