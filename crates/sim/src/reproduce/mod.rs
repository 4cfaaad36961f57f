//! Published figures, measured again on the model and set beside what was published.
//!
//! The rule: what was published is never an input. A figure's scenario names a machine, systems and a workload, all of
//! which say where their numbers come from; what the paper leaves open (how large its data sets are, whether loads wait
//! for each other) is swept over instead of chosen. Where the model does not give what was published, the [`Finding`]s
//! say so, and why.

mod error;
mod figure;
mod finding;
mod picture;
mod point;
mod text;
pub(crate) mod work;

use serde::Serialize;
use terrace_result::{MODEL_VERSION, MachineUsed, Outcome, RunResult, Sha256};
use terrace_scenario::Run;

pub use error::ReproduceError;
pub use figure::{Bar, DataSet, FIGURES, Figure, Loads, Pages, figure};
pub use finding::{Finding, Given};
pub use point::{Curve, Point, Row};
pub use text::size;

use crate::run::{Next, Passed, Registry, Unwatched};
use point::Place;

/// Who watches the runs of a figure, from all threads at the same time.
pub trait Observe: Sync {
    /// The run of this number is so far; whether to go on with all of them.
    fn advance(&self, run: usize, passed: Passed) -> Next;

    /// The run of this number found this, and is over.
    fn found(&self, _run: usize, _result: &RunResult) {}

    /// The run of this number is over.
    fn finish(&self, run: usize);
}

impl Observe for Unwatched {
    fn advance(&self, _: usize, _: Passed) -> Next {
        Next::Go
    }

    fn finish(&self, _: usize) {}
}

/// How much of a figure is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent<'a> {
    /// All footprints.
    Full,
    /// Those up to 64 MiB, and 4 GiB: a part of the time.
    Reduced,
    /// Of one kind of loads, the footprints of so many bytes.
    Only(Loads, &'a [u64]),
}

impl Extent<'_> {
    fn has(self, place: &Place) -> bool {
        let bytes = place.footprint_bytes;
        match self {
            Self::Full => true,
            Self::Reduced => bytes <= 64 << 20 || bytes == 4 << 30,
            Self::Only(loads, some) => place.loads == loads && some.contains(&bytes),
        }
    }
}

/// The schema of a [`Reproduced`] as JSON.
pub const REPRODUCED_SCHEMA: &str = "terrace.reproduced";
/// Its version: it rises when a field changes its meaning or disappears.
pub const REPRODUCED_SCHEMA_VERSION: u32 = 1;

/// A figure as the model has it, beside the published one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reproduced {
    /// [`REPRODUCED_SCHEMA`].
    pub schema: &'static str,
    /// [`REPRODUCED_SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The version of Terrace.
    pub terrace_version: &'static str,
    /// [`MODEL_VERSION`].
    pub model_version: u32,
    /// The figure's name.
    pub figure: &'static str,
    /// Where it was published.
    pub paper: &'static str,
    /// What the paper says of how it was measured.
    pub published_setting: &'static str,
    /// What the paper says that it shows.
    pub published_claim: &'static str,
    /// The published bars.
    pub published: &'static [Bar],
    /// Where the bars come from.
    pub published_source: &'static str,
    /// The machine.
    pub machine: MachineUsed,
    /// The digest of the figure's scenario file.
    pub scenario_sha256: Sha256,
    /// The runs that came to no end, or were never begun because the others were stopped.
    pub missing: Vec<Missing>,
    /// What was measured, in the order of the scenario's runs.
    pub points: Vec<Point>,
    /// What of the published figure the model gives.
    pub findings: Vec<Finding>,
}

/// A run of a figure without a point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// Which one.
    pub run: String,
    /// Why.
    pub why: String,
    /// Whether it was stopped from outside.
    pub stopped: bool,
}

impl Reproduced {
    /// The points as curves over the size of the data set: one for each mode and kind of loads.
    pub fn curves(&self) -> Vec<Curve> {
        point::curves(&self.points)
    }
}

/// The runs of a figure's scenario that the extent has.
///
/// # Errors
/// If the registry lacks a system that the scenario names.
pub fn runs(figure: &Figure, extent: Extent<'_>, registry: &Registry) -> Result<Vec<Run>, ReproduceError> {
    let file = figure.scenario;
    let mut runs = terrace_scenario::parse(file.text, file.name, &[], &registry.vocabulary())?;
    runs.retain(|run| Place::of(run).is_some_and(|place| extent.has(&place)));
    Ok(runs)
}

/// Measures a figure, so many runs at a time; no number depends on how many.
///
/// If the observer stops it, or if memory runs out in a run, what was measured is there, and what was not is named.
///
/// # Errors
/// If the registry lacks what the figure's scenario names, or if a run cannot be made.
pub fn reproduce(
    figure: &'static Figure,
    extent: Extent<'_>,
    registry: &Registry,
    threads: usize,
    observer: &dyn Observe,
) -> Result<Reproduced, ReproduceError> {
    let runs = runs(figure, extent, registry)?;
    let found =
        terrace_machine::find(runs.first().map_or("", |run| run.scenario.machine.name.as_str()), &[])?;
    let machine = MachineUsed {
        name: found.machine.name.clone(),
        sha256: Sha256::of(found.text.as_bytes()),
        overrides: Vec::new(),
    };
    let results = work::all(&runs, &found.machine, registry, threads, observer);
    let (mut points, mut missing) = (Vec::new(), Vec::new());
    for (run, result) in runs.iter().zip(results) {
        let labels = || run.labels.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(", ");
        let Some(result) = result else {
            missing.push(Missing { run: labels(), why: "not begun".to_owned(), stopped: true });
            continue;
        };
        let failed = |error| ReproduceError::Run {
            figure: figure.name.to_owned(),
            run: labels(),
            error: Box::new(error),
        };
        let RunResult { outcome, totals, .. } = result.map_err(failed)?;
        let place = Place::of(run).filter(|_| outcome == Outcome::Complete);
        if let Some(point) = place.and_then(|place| place.measured(&totals)) {
            points.push(point);
        } else {
            let stopped = matches!(outcome, Outcome::Interrupted { .. });
            missing.push(Missing { run: labels(), why: outcome.to_string(), stopped });
        }
    }
    point::relate(&mut points);
    let findings = point::curves(&points).iter().flat_map(|curve| finding::of(figure, curve)).collect();
    Ok(Reproduced {
        schema: REPRODUCED_SCHEMA,
        schema_version: REPRODUCED_SCHEMA_VERSION,
        terrace_version: env!("CARGO_PKG_VERSION"),
        model_version: MODEL_VERSION,
        figure: figure.name,
        paper: figure.paper,
        published_setting: figure.measured,
        published_claim: figure.says,
        published: figure.bars,
        published_source: figure.bars_source,
        machine,
        scenario_sha256: Sha256::of(figure.scenario.text.as_bytes()),
        missing,
        points,
        findings,
    })
}
