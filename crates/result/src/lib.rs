//! Results: what is measured, in which unit, and how it is written.
//!
//! A result is deterministic: the same inputs, seed and model version give the same bytes, on any machine. What
//! differs by nature (command line, host, wall time) is no part of it.
#![forbid(unsafe_code)]

mod columns;
mod digest;
mod error;
mod events;
mod folder;
mod metric;
pub mod number;
mod replay;
mod run;
mod series;
mod statistics;
mod trace_info;

pub use columns::TableColumn;
pub use digest::{DigestSoFar, Digesting, Sha256, sha256_of};
pub use error::ResultError;
pub use events::{EVENT_COLUMNS, EventRow, EventWriter, read_events};
pub use folder::ResultFolder;
pub use metric::{Metric, Unit, metric};
pub use replay::{
    Input, MachineUsed, Mapping, ModeCounts, Notation, ProgramUsed, REPLAY_SCHEMA, REPLAY_SCHEMA_VERSION,
    ReplayResult, Time, WindowUsed, write_replays,
};
pub use run::{
    Better, LayerMetrics, LayerRow, MetricValue, Metrics, Outcome, ProgramMetrics, RUNS_KIND,
    RUNS_SCHEMA_VERSION, RunMetric, RunResult, RunsResult, ScenarioUsed, ScopeName, VmMetrics, run_metric,
};
pub use series::{SERIES_COLUMNS, SeriesRow, SeriesWriter, read_series, read_series_by};
pub use statistics::{Difference, mean};
pub use trace_info::{PagesTouched, TRACE_INFO_SCHEMA, TRACE_INFO_SCHEMA_VERSION, ThreadTraced, TraceInfo};

/// The kind of document that the result of a simulated fleet is.
pub const FLEET_KIND: &str = "fleet";

/// The version of the model's numbers. It rises with every change that changes a count for equal input, and each
/// rise has its entry under "Results" in the changelog.
pub const MODEL_VERSION: u32 = 8;
