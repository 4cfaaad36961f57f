//! The result of a scenario's runs: what was simulated, under which kernels, and what was measured.
//!
//! The rule: a result holds everything that it depends on and nothing that differs by nature, so equal inputs give
//! equal bytes. Every number is a metric of the registry ([`RunMetric`]), which says its unit and meaning.

mod metric;
mod metrics;
mod outcome;
mod scope;
mod write;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use terrace_addr::Nanos;

pub use metric::{Better, RunMetric, run_metric};
pub use metrics::{MetricValue, Metrics};
pub use outcome::Outcome;
pub use scope::ScopeName;

use crate::{MachineUsed, Sha256};

/// The kind of document that [`RunsResult`] is.
pub const RUNS_KIND: &str = "run";
/// Its version: it rises when a field or metric changes its meaning or disappears. New ones may be added without.
pub const RUNS_SCHEMA_VERSION: u32 = 1;

/// What the runs of a scenario found, with everything that it depends on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunsResult {
    /// [`RUNS_KIND`].
    pub kind: String,
    /// [`RUNS_SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The version of Terrace.
    pub terrace_version: String,
    /// [`MODEL_VERSION`](crate::MODEL_VERSION).
    pub model_version: u32,
    /// The scenario.
    pub scenario: ScenarioUsed,
    /// The machines of the runs, in the order in which runs first use them: one, unless a sweep changes it.
    pub machines: Vec<MachineUsed>,
    /// The runs, in the order of the sweeps.
    pub runs: Vec<RunResult>,
}

/// The scenario that was run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScenarioUsed {
    /// Its name.
    pub name: String,
    /// What it shows.
    pub description: String,
    /// The digest of its file.
    pub sha256: Sha256,
    /// The values that were overridden, as they were given.
    pub overrides: Vec<String>,
    /// The effective configuration of each run, in their order, as a scenario file.
    pub configurations: Vec<String>,
}

/// What one run found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    /// For each sweep axis its name, and the name of the value that this run has.
    pub labels: Vec<(String, String)>,
    /// The name of its machine.
    pub machine: String,
    /// How it ended.
    #[serde(serialize_with = "outcome::with_sentence")]
    pub outcome: Outcome,
    /// The simulated time, initialisation and warm-up included.
    #[serde(rename = "simulated_ns", with = "nanos")]
    pub simulated: Nanos,
    /// The measured part of it.
    #[serde(rename = "measured_ns", with = "nanos")]
    pub measured: Nanos,
    /// How many accesses each simulated access of the measured time stands for.
    pub weight: u64,
    /// Which system ran at which layer.
    pub matrix: Vec<LayerRow>,
    /// The metrics of the whole run.
    pub totals: Metrics,
    /// The metrics of each VM.
    pub vms: Vec<VmMetrics>,
    /// The metrics of each layer.
    pub layers: Vec<LayerMetrics>,
    /// The metrics of each program.
    pub programs: Vec<ProgramMetrics>,
}

/// The system at one layer of one VM.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerRow {
    /// The VM.
    pub vm: String,
    /// How its addresses are translated: `native`, `2d`, `shadow`, `nested`, `segment`.
    pub mode: String,
    /// `guest`, `hypervisor` or `host`.
    pub layer: String,
    /// The system.
    pub system: String,
    /// Its parameters and their values, as a scenario file has them.
    pub parameters: Vec<(String, String)>,
}

/// The metrics of a VM.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VmMetrics {
    /// Its name.
    pub name: String,
    /// What was measured of it.
    pub metrics: Metrics,
}

/// The metrics of a layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerMetrics {
    /// The VM; none if they are those of the host for all VMs together.
    pub vm: Option<String>,
    /// `guest`, `hypervisor` or `host`.
    pub layer: String,
    /// What was measured of it.
    pub metrics: Metrics,
    /// What only its policy, or its composed tables, count, by name; since the beginning of the run.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counts: BTreeMap<String, u64>,
}

/// The metrics of a program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProgramMetrics {
    /// The VM that it runs in.
    pub vm: String,
    /// Its name: that of its workload, with a number if the VM has several.
    pub name: String,
    /// What was measured of it.
    pub metrics: Metrics,
}

mod nanos {
    use serde::{Deserialize, Deserializer, Serializer};
    use terrace_addr::Nanos;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over by reference")]
    pub(super) fn serialize<S: Serializer>(nanos: &Nanos, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(nanos.get())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Nanos, D::Error> {
        u64::deserialize(deserializer).map(Nanos::new)
    }
}

#[cfg(test)]
mod tests;
