//! The result of simulations: what was simulated, on what, and what came of it.
//!
//! The rule is that of all results of Terrace: it holds everything that it depends on and nothing that differs by nature, so
//! equal inputs give equal bytes.

mod metric;
mod series;
mod values;

use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use terrace_addr::convert;
use terrace_result::{Notation, ResultError, Sha256};

pub use metric::{FleetMetric, fleet_metric};
pub use series::{read_samples, write_series};
pub use terrace_result::FLEET_KIND;
pub use values::Metrics;

use crate::cost::{CostsFrom, WalkCosts};
use crate::read::Skipped;
use crate::sim::{Outcome, Setup};
use crate::spec::ClassUsed;
use crate::synthetic::Synthetic;

/// Its version: it rises when a field or metric changes its meaning or disappears. New ones may be added without.
pub const FLEET_SCHEMA_VERSION: u32 = 1;

/// What simulations of one trace on one fleet found, with everything that they depend on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FleetResult {
    /// [`FLEET_KIND`].
    pub kind: String,
    /// [`FLEET_SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The version of Terrace.
    pub terrace_version: String,
    /// [`MODEL_VERSION`](terrace_result::MODEL_VERSION).
    pub model_version: u32,
    /// The trace.
    pub input: InputUsed,
    /// The kinds of servers.
    pub servers: Vec<ClassUsed>,
    /// Memory is given out in multiples of this.
    pub granule_bytes: u64,
    /// Nanoseconds between two samples, and two attempts at repair.
    pub interval_ns: u64,
    /// What walks cost, if that was said.
    pub costs: Option<WalkCosts>,
    /// The result that they were measured by, if they were.
    #[serde(default)]
    pub costs_from: Option<CostsFrom>,
    /// One for each policy, in the order asked for.
    pub runs: Vec<FleetRun>,
}

/// The trace that was simulated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InputUsed {
    /// Its file name, or `synthetic`.
    pub name: String,
    /// Its format, or `synthetic`.
    pub format: String,
    /// The digest of the file; of a folder, that of the names and digests in it.
    pub sha256: Option<Sha256>,
    /// What it was made from, if it is synthetic.
    pub synthetic: Option<Synthetic>,
    /// If only its first VMs were simulated, how many.
    pub first_vms: Option<u32>,
    /// VMs.
    pub vms: u64,
    /// Events.
    pub events: u64,
    /// Rows that were left out because they cannot be.
    pub skipped: SkippedUsed,
}

/// Rows that were left out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SkippedUsed {
    /// How many.
    pub rows: u64,
    /// How many for each value that was wrong.
    pub by_value: Vec<(String, u64)>,
    /// The first of them: where, what, found, expected.
    pub first: Vec<String>,
}

impl From<&Skipped> for SkippedUsed {
    fn from(skipped: &Skipped) -> Self {
        Self {
            rows: skipped.rows,
            by_value: skipped.by_value.iter().map(|(what, count)| ((*what).to_owned(), *count)).collect(),
            first: skipped.first.iter().map(ToString::to_string).collect(),
        }
    }
}

/// What one simulation found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FleetRun {
    /// Which server a VM gets.
    pub policy: String,
    /// Which of its free extents.
    pub extents: String,
    /// What repair may do.
    pub repair: String,
    /// The most bytes that it copies in an hour.
    pub repair_bytes_per_hour: u64,
    /// Whether all of the trace was simulated.
    pub complete: bool,
    /// Until when, in nanoseconds since the trace began.
    pub end_ns: u64,
    /// What was counted.
    pub metrics: Metrics,
}

impl FleetRun {
    /// The run that had this set-up and came to this.
    ///
    /// # Errors
    /// If a value is none that its metric can have, such as a number that is not finite.
    pub fn new(setup: &Setup, outcome: &Outcome, costs: Option<&WalkCosts>) -> Result<Self, ResultError> {
        Ok(Self {
            policy: setup.servers.name().to_owned(),
            extents: setup.extents.name().to_owned(),
            repair: setup.repair.means.name().to_owned(),
            repair_bytes_per_hour: setup.repair.budget.get(),
            complete: outcome.complete,
            end_ns: outcome.end.get(),
            metrics: metrics(outcome, costs)?,
        })
    }

    /// How it is called beside the others.
    pub fn name(&self) -> String {
        let mut name = format!("{}/{}", self.policy, self.extents);
        if self.repair != "none" {
            name.push('/');
            name.push_str(&self.repair);
        }
        name
    }
}

fn metrics(outcome: &Outcome, costs: Option<&WalkCosts>) -> Result<Metrics, ResultError> {
    let tally = &outcome.tally;
    let mut metrics = Metrics::new();
    let placed = tally.placed().max(1);
    let last = outcome.samples.last();
    let samples = convert::ratio(convert::count(outcome.samples.len().max(1)), 1);
    let mean_largest = outcome.samples.iter().map(|sample| sample.mean_largest).sum::<f64>() / samples;
    for (name, value) in [
        ("one_block_share", convert::ratio(tally.one_block, placed)),
        ("two_blocks_share", convert::ratio(tally.two_blocks, placed)),
        ("more_blocks_share", convert::ratio(tally.more_blocks, placed)),
        ("contiguous_time_share", tally.contiguous_time_share()),
        ("servers_used_share", convert::ratio(tally.servers_used, tally.servers.max(1))),
        ("mean_largest_extent_bytes", mean_largest),
        ("core_seconds", tally.core_seconds()),
        ("contiguous_core_seconds", tally.contiguous_core_seconds()),
    ] {
        metrics.set(name, value.into())?;
    }
    for (name, value) in [
        ("arrivals", tally.arrivals),
        ("failed", tally.failed),
        ("servers_used", tally.servers_used),
        ("peak_servers", tally.peak_servers),
        ("peak_vms", tally.peak_vms),
        ("largest_extent_bytes", last.map_or(0, |sample| sample.largest)),
        ("repair_bytes", tally.repair_bytes),
        ("repaired_locally", tally.repaired_locally),
        ("repaired_by_migration", tally.repaired_by_migration),
        ("neighbours_moved", tally.neighbours_moved),
        ("resizes", tally.resizes),
        ("resized_in_place", tally.resized_in_place),
        ("resized_scattered", tally.resized_scattered),
        ("resized_moved", tally.resized_moved),
        ("resized_refused", tally.resized_refused),
        ("resize_bytes", tally.resize_bytes),
    ] {
        metrics.set(name, value.into())?;
    }
    if let Some(costs) = costs {
        let cycles = costs.of(tally);
        metrics.set("walk_cycles_ept_only", cycles.ept_only.into())?;
        metrics.set("walk_cycles", cycles.spent.into())?;
        metrics.set("walk_cycles_saved", cycles.saved.into())?;
        metrics.set("walk_cycles_saved_share", cycles.saved_share.into())?;
    }
    Ok(metrics)
}

impl FleetResult {
    /// Writes the result: as JSON one document; as CSV a header, and a row for each run and metric.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn write(&self, notation: Notation, mut to: impl Write) -> io::Result<()> {
        match notation {
            Notation::Json => {
                serde_json::to_writer_pretty(&mut to, self)?;
                writeln!(to)
            }
            Notation::Csv => {
                let mut csv = csv::Writer::from_writer(to);
                csv.write_record(["run", "policy", "extents", "repair", "metric", "value"])?;
                for (number, run) in self.runs.iter().enumerate() {
                    for (metric, value) in run.metrics.iter() {
                        let (number, value) = (number.to_string(), value.to_string());
                        let row = [&number, &run.policy, &run.extents, &run.repair, metric.name, &value];
                        csv.write_record(row)?;
                    }
                }
                csv.flush()
            }
        }
    }

    /// Reads what [`FleetResult::write`] has written as JSON. `origin` is how errors name the text.
    ///
    /// # Errors
    /// If the text is no such document, or one of another version of the schema.
    pub fn read(text: &str, origin: &str) -> Result<Self, ResultError> {
        #[derive(Deserialize)]
        struct Head {
            kind: String,
            schema_version: u32,
        }
        let unreadable = |cause| ResultError::Unreadable { origin: origin.into(), cause };
        // Of another version only the head can be read.
        let head: Head = serde_json::from_str(text).map_err(unreadable)?;
        if head.kind != FLEET_KIND || head.schema_version != FLEET_SCHEMA_VERSION {
            return Err(ResultError::NoResult {
                origin: origin.into(),
                found: format!(
                    "a result of the kind {:?} with the schema version {}",
                    head.kind, head.schema_version
                ),
                expected: format!("a result of fleets with the schema version {FLEET_SCHEMA_VERSION}"),
            });
        }
        serde_json::from_str(text).map_err(unreadable)
    }
}

#[cfg(test)]
mod tests;
