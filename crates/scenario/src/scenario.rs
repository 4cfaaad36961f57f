//! What a scenario file holds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use terrace_addr::Nanos;

use crate::{Host, Kernel, MachineChoice, Vm, units};

/// One run's whole configuration: what runs, on what, and for how long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The name of the scenario: letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// One or two sentences: what it shows. Default: none.
    #[serde(default)]
    pub description: String,
    /// The machine: the name of a built-in one (`terrace list machines`) or the path of a machine file; or a table of that
    /// `name` and of values of the machine that are changed, by the keys of machine files (`tlb.stlb.entries = 1024`). The
    /// default is `broadwell-e5-2620v4`, the server of the Gemini paper.
    #[serde(default)]
    pub machine: MachineChoice,
    /// The seed of everything random, a whole number below 2^64. Default 1.
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// Whether the data of accesses goes through the caches beside the entries of tables. Default true.
    #[serde(default = "default_data_lines")]
    pub data_lines: bool,
    /// How long it runs, and in which steps.
    #[serde(default)]
    pub time: Timing,
    /// What is recorded beside the totals.
    #[serde(default)]
    pub record: Record,
    /// The kernel that runs the programs: that of each VM, and in mode native the only one.
    #[serde(default)]
    pub guest: Kernel,
    /// The guest hypervisor of VMs whose mode is nested. VMs of other modes do not have it.
    #[serde(default)]
    pub hypervisor: Kernel,
    /// The host, with the machine's memory.
    #[serde(default)]
    pub host: Host,
    /// The virtual machines; at least one.
    pub vm: Vec<Vm>,
}

/// How long a scenario runs in simulated time, and in which steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Timing {
    /// The time after every program has finished its initialisation that is simulated and not measured,
    /// `"500 ms"`. Default `"0 s"`.
    #[serde(with = "units::nanos")]
    #[schemars(with = "String")]
    pub warm_up: Nanos,
    /// The time that is measured, `"1 s"`; not zero. Default `"1 s"`.
    #[serde(with = "units::nanos")]
    #[schemars(with = "String")]
    pub measure: Nanos,
    /// The time between two rows of the series, `"100 ms"`; not zero and at most `measure`. Default `"100 ms"`, or
    /// `measure` if that is less.
    #[serde(with = "units::nanos")]
    #[schemars(with = "String")]
    pub interval: Nanos,
    /// The time for which a vCPU runs, and a thread on it, before those that are behind it run, `"50 us"`; not zero. Default
    /// `"50 us"`.
    #[serde(with = "units::nanos")]
    #[schemars(with = "String")]
    pub quantum: Nanos,
    /// Sampled time: how many accesses each simulated access stands for, once all programs have come to their steady
    /// phase, but for the last 50 ms before the measured time; at least 1. Programs whose requests come at a rate, and traces, are simulated access by access whatever
    /// it is; of others no latencies are measured where it is more than 1. Default 1, which simulates every access.
    pub weight: u64,
}

/// What is recorded beside the totals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Record {
    /// Whether the metrics of each interval are kept, as `series.parquet`. Default true.
    pub series: bool,
    /// Whether each decision about a page is kept, as `events.parquet`. Default false.
    pub events: bool,
}

/// One run of a scenario file.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// For each sweep axis its name, and the name of the value that this run has; empty without sweeps.
    pub labels: Vec<(String, String)>,
    /// What runs.
    pub scenario: Scenario,
}

impl Default for Timing {
    /// Assumed: long enough for khugepaged's first passes to show in the series, short enough to wait for.
    fn default() -> Self {
        Self {
            warm_up: Nanos::ZERO,
            measure: Nanos::new(1_000_000_000),
            interval: Nanos::new(100_000_000),
            quantum: Nanos::new(50_000),
            weight: 1,
        }
    }
}

impl Default for Record {
    fn default() -> Self {
        Self { series: true, events: false }
    }
}

fn default_seed() -> u64 {
    1
}

fn default_data_lines() -> bool {
    true
}

impl Scenario {
    /// The scenario as a file, with every default written out; it reads back as the same scenario.
    ///
    /// # Panics
    /// Never: every field has a form in TOML.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("every field of a scenario has a form in TOML")
    }
}
