//! What was measured beside what was published.

mod means;

use serde::Serialize;
use terrace_result::MODEL_VERSION;

use super::comparison::Place;
use super::gate::{Judged, judge};
use super::measure::Totals;
use super::statistics::{mean, quantile, rank_correlation};
use super::{Comparison, Extent, Metric};
use crate::reproduce::Missing;

pub use means::Mean;

/// The schema of a [`Compared`] as JSON.
const SCHEMA: &str = "terrace.compared";
/// Its version: it rises when a field changes its meaning or disappears.
const SCHEMA_VERSION: u32 = 2;

/// A published comparison as the model has it, beside what was published.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Compared {
    /// `terrace.compared`.
    pub schema: &'static str,
    /// The version of the schema.
    pub schema_version: u32,
    /// The version of Terrace.
    pub terrace_version: &'static str,
    /// [`MODEL_VERSION`].
    pub model_version: u32,
    /// The comparison's name.
    pub name: String,
    /// Where it was published.
    pub paper: String,
    /// What it shows.
    pub shows: String,
    /// Where the published numbers come from.
    pub published_source: String,
    /// What is compared.
    pub metric: Metric,
    /// The system that values are percentages of; none where they are shares.
    pub baseline: Option<String>,
    /// The system whose gain over the baseline values are parts of; none where they are not.
    pub whole: Option<String>,
    /// Whether machines and programs were smaller than those of the publication, as they are in tests.
    pub reduced: bool,
    /// Draws of the assumed numbers that the bands are made of.
    pub draws: u64,
    /// The systems, in the order of each row's cells.
    pub systems: Vec<String>,
    /// A row for each program.
    pub rows: Vec<Row>,
    /// The means over the programs.
    pub means: Vec<Mean>,
    /// How far published and measured values agree, for systems whose programs were published.
    pub agreement: Vec<Agreement>,
    /// What has to hold, and whether it does.
    pub gates: Vec<Judged>,
    /// Runs without a value.
    pub missing: Vec<Missing>,
}

/// A program.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The program, or the programs beside each other.
    pub program: String,
    /// In which virtual machine, where there are several.
    pub vm: Option<String>,
    /// Why means leave it out, where they do.
    pub outlier: Option<String>,
    /// By system.
    pub cells: Vec<Cell>,
}

/// A hundred times the baseline: what is more is taken for that. A system that leaves hardly a TLB miss makes others'
/// ratios to it as large as chance will have it, and their mean that of one program.
pub const MOST_PERCENT: f64 = 10_000.0;

/// A program under a system; all in percent, [`MOST_PERCENT`] at most.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Cell {
    /// What was published.
    pub published: Option<f64>,
    /// What the model gives, with the numbers as they are stated.
    pub simulated: Option<f64>,
    /// Nine tenths of the draws lie from here
    pub low: Option<f64>,
    /// to here.
    pub high: Option<f64>,
}

/// How far published and measured values of a system agree over programs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Agreement {
    /// Which system.
    pub system: String,
    /// The programs of its mean: those that have both.
    pub programs: usize,
    /// Spearman's rank correlation; none over fewer than three programs, or where a list is constant.
    pub rank_correlation: Option<f64>,
    /// The probability of that or more without any connection.
    pub p_value: Option<f64>,
    /// Programs whose value lies on the same side of the baseline, by more than half a percent in neither or both; none
    /// where values are shares.
    pub signs_agree: Option<usize>,
    /// The mean distance of measured from published values, in points.
    pub mean_absolute_error: f64,
}

impl Cell {
    /// Whether what was published lies in the band.
    pub fn within(&self) -> Option<bool> {
        Some(self.low? <= self.published? && self.published? <= self.high?)
    }
}

/// Half a point is no difference, `assumed`: published bars are read to about one.
pub(super) const NO_DIFFERENCE: f64 = 0.5;

/// The sign of a difference: 1, -1, or 0 for what is none.
pub(super) fn sign(difference: f64) -> i8 {
    if difference > NO_DIFFERENCE {
        1
    } else if difference < -NO_DIFFERENCE {
        -1
    } else {
        0
    }
}

impl Row {
    /// What it is about: a program, or what runs in one of several virtual machines.
    pub fn name(&self) -> String {
        self.vm.as_ref().map_or_else(|| self.program.clone(), |vm| format!("{}/{vm}", self.program))
    }
}

/// What gains less than this part of the baseline has no gain to speak of, whose parts could be told: the sampling error
/// of a throughput.
const LEAST_GAIN: f64 = 0.01;

/// A value of the comparison in one draw, in percent.
fn value(comparison: &Comparison, totals: &Totals, place: Place<'_>, system: &str, draw: u64) -> Option<f64> {
    let of = |system: &str| {
        comparison.metric.of(totals.get(&comparison.key(place.program, system, draw))?, place.vm)
    };
    let found = of(system)?;
    let Some(baseline) = &comparison.baseline else { return Some(found * 100.0) };
    let base = of(baseline)?;
    match &comparison.whole {
        None if base > 0.0 => Some((found / base * 100.0).min(MOST_PERCENT)),
        // Nothing is as good as it gets; who has something has incomparably more.
        None => (found > 0.0 && comparison.metric.is_better(base, found)).then_some(MOST_PERCENT),
        Some(whole) => {
            let gain = of(whole)? - base;
            (base > 0.0 && gain > LEAST_GAIN * base).then(|| (found - base) / gain * 100.0)
        }
    }
}

/// Between which values nine tenths of the draws lie.
fn band(values: &[f64]) -> (Option<f64>, Option<f64>) {
    (quantile(values, 0.05), quantile(values, 0.95))
}

/// Sets so much of what was measured beside what was published.
pub(super) fn compared(
    comparison: &Comparison,
    extent: &Extent,
    totals: &Totals,
    missing: &[Missing],
) -> Compared {
    let draws = extent.draws;
    let systems = extent.shown(comparison);
    let places: Vec<Place<'_>> =
        comparison.places().into_iter().filter(|place| extent.has_program(place.program)).collect();
    let of = |place: Place<'_>, system: &str, draw| value(comparison, totals, place, system, draw);
    let cell = |place: Place<'_>, system: &str| {
        let values: Vec<f64> = (1..=draws).filter_map(|draw| of(place, system, draw)).collect();
        let (low, high) = band(&values);
        Cell { published: comparison.published(place, system), simulated: of(place, system, 0), low, high }
    };
    let rows: Vec<Row> = places
        .iter()
        .map(|&place| Row {
            program: place.program.to_owned(),
            vm: place.vm.map(str::to_owned),
            outlier: comparison.outlier(place.program).map(|outlier| outlier.why.clone()),
            cells: systems.iter().map(|system| cell(place, system)).collect(),
        })
        .collect();
    let all_places = places.len() == comparison.places().len();
    let means: Vec<Mean> = systems
        .iter()
        .enumerate()
        .map(|(column, system)| {
            let stated = comparison.stated_mean(system).filter(|_| all_places);
            Mean::of(system, column, &rows, stated, draws, |row, draw| of(places[row], system, draw))
        })
        .collect();
    let mut compared = Compared {
        schema: SCHEMA,
        schema_version: SCHEMA_VERSION,
        terrace_version: env!("CARGO_PKG_VERSION"),
        model_version: MODEL_VERSION,
        name: comparison.name.clone(),
        paper: comparison.paper.clone(),
        shows: comparison.shows.clone(),
        published_source: comparison.source.clone(),
        metric: comparison.metric,
        baseline: comparison.baseline.clone(),
        whole: comparison.whole.clone(),
        reduced: extent.reduced,
        draws,
        agreement: means
            .iter()
            .enumerate()
            .filter_map(|(column, mean)| agreement(comparison, mean, column, &rows))
            .collect(),
        means,
        systems: systems.into_iter().map(str::to_owned).collect(),
        rows,
        gates: Vec::new(),
        missing: missing.to_vec(),
    };
    compared.gates = judge(comparison, &compared);
    compared
}

fn agreement(comparison: &Comparison, of: &Mean, column: usize, rows: &[Row]) -> Option<Agreement> {
    let both = rows
        .iter()
        .filter(|row| of.has(row))
        .filter_map(|row| Some((row.cells[column].published?, row.cells[column].simulated?)));
    let (published, simulated): (Vec<f64>, Vec<f64>) = both.unzip();
    let pairs = || published.iter().zip(&simulated);
    let distances: Vec<f64> = pairs().map(|(left, right)| (left - right).abs()).collect();
    let ranked = rank_correlation(&published, &simulated);
    let agree = || pairs().filter(|&(&left, &right)| sign(left - 100.0) == sign(right - 100.0)).count();
    Some(Agreement {
        system: of.system.clone(),
        programs: published.len(),
        rank_correlation: ranked.map(|(correlation, _)| correlation),
        p_value: ranked.map(|(_, p)| p),
        signs_agree: comparison.baseline.is_some().then(agree),
        mean_absolute_error: mean(&distances)?,
    })
}

impl Compared {
    /// What its values are, with their unit.
    pub fn unit(&self) -> String {
        let metric = self.metric.name();
        match (&self.baseline, &self.whole) {
            (Some(baseline), Some(whole)) => format!("{metric}, in % of what {whole} gains over {baseline}"),
            (Some(baseline), None) => format!("{metric}, in % of {baseline}"),
            (None, _) => format!("{metric}, in %"),
        }
    }
}

#[cfg(test)]
mod tests;
