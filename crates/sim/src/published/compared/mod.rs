//! What was measured beside what was published.

use serde::Serialize;
use terrace_result::MODEL_VERSION;

use super::measure::Totals;
use super::statistics::{mean, quantile, rank_correlation};
use super::wanted::more_is_better;
use super::{Comparison, Metric};
use crate::reproduce::Missing;

/// The schema of a [`Compared`] as JSON.
const SCHEMA: &str = "terrace.compared";
/// Its version: it rises when a field changes its meaning or disappears.
const SCHEMA_VERSION: u32 = 1;

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
    /// Runs without a value.
    pub missing: Vec<Missing>,
}

/// A program.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The workload.
    pub program: String,
    /// By system.
    pub cells: Vec<Cell>,
}

/// A program under a system; all in percent.
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

/// The mean over the programs that were measured; all in percent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mean {
    /// Of which system.
    pub system: String,
    /// What was published, over all its programs.
    pub published: Option<f64>,
    /// What the model gives, with the numbers as they are stated.
    pub simulated: Option<f64>,
    /// The means of nine tenths of the draws lie from here
    pub low: Option<f64>,
    /// to here.
    pub high: Option<f64>,
}

/// How far published and measured values of a system agree over programs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Agreement {
    /// Which system.
    pub system: String,
    /// Programs that have both.
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

impl Mean {
    /// Whether what was published lies in the band.
    pub fn within(&self) -> Option<bool> {
        Some(self.low? <= self.published? && self.published? <= self.high?)
    }
}

/// Half a percent from the baseline is no difference: published bars are read to about one.
const NO_DIFFERENCE: f64 = 0.5;

fn side(percent: f64) -> i8 {
    if percent > 100.0 + NO_DIFFERENCE {
        1
    } else if percent < 100.0 - NO_DIFFERENCE {
        -1
    } else {
        0
    }
}

/// A value of the comparison in one draw, in percent.
fn value(comparison: &Comparison, totals: &Totals, program: &str, system: &str, draw: u64) -> Option<f64> {
    let of = |system: &str| comparison.metric.of(totals.get(&comparison.key(program, system, draw))?);
    let found = of(system)?;
    match &comparison.baseline {
        Some(baseline) => of(baseline).filter(|&base| base > 0.0).map(|base| found / base * 100.0),
        None => Some(found * 100.0),
    }
}

/// Between which values nine tenths of the draws lie.
fn band(draws: u64, of: impl Fn(u64) -> Option<f64>) -> (Option<f64>, Option<f64>) {
    let values: Vec<f64> = (1..=draws).filter_map(of).collect();
    (quantile(&values, 0.05), quantile(&values, 0.95))
}

/// Sets what was measured of these programs beside what was published.
pub(super) fn compared(
    comparison: &Comparison,
    programs: &[String],
    draws: u64,
    totals: &Totals,
    missing: &[Missing],
) -> Compared {
    let systems = comparison.shown();
    let of = |program: &str, system: &str, draw| value(comparison, totals, program, system, draw);
    let cell = |program: &String, system: &str| {
        let (low, high) = band(draws, |draw| of(program, system, draw));
        Cell {
            published: comparison.published(program, system),
            simulated: of(program, system, 0),
            low,
            high,
        }
    };
    let rows: Vec<Row> = programs
        .iter()
        .map(|program| Row {
            program: program.clone(),
            cells: systems.iter().map(|system| cell(program, system)).collect(),
        })
        .collect();
    let mean_of = |system: &str, draw| {
        let values: Vec<f64> = programs.iter().filter_map(|program| of(program, system, draw)).collect();
        mean(&values)
    };
    let means = systems.iter().map(|system| {
        let (low, high) = band(draws, |draw| mean_of(system, draw));
        Mean {
            system: (*system).to_owned(),
            published: comparison.published_mean(system),
            simulated: mean_of(system, 0),
            low,
            high,
        }
    });
    Compared {
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
        draws,
        means: means.collect(),
        agreement: systems
            .iter()
            .enumerate()
            .filter_map(|(place, system)| agreement(comparison, system, place, &rows))
            .collect(),
        systems: systems.into_iter().map(str::to_owned).collect(),
        rows,
        missing: missing.to_vec(),
    }
}

fn agreement(comparison: &Comparison, system: &str, place: usize, rows: &[Row]) -> Option<Agreement> {
    let both = rows.iter().filter_map(|row| Some((row.cells[place].published?, row.cells[place].simulated?)));
    let (published, simulated): (Vec<f64>, Vec<f64>) = both.unzip();
    let distances: Vec<f64> =
        published.iter().zip(&simulated).map(|(left, right)| (left - right).abs()).collect();
    let ranked = rank_correlation(&published, &simulated);
    let agree =
        || published.iter().zip(&simulated).filter(|&(&left, &right)| side(left) == side(right)).count();
    Some(Agreement {
        system: system.to_owned(),
        programs: published.len(),
        rank_correlation: ranked.map(|(correlation, _)| correlation),
        p_value: ranked.map(|(_, p)| p),
        signs_agree: comparison.baseline.is_some().then(agree),
        mean_absolute_error: mean(&distances)?,
    })
}

impl Compared {
    /// The pairs of systems whose published means lie more than so many points apart, best first, and whether the
    /// model has them in the same order; none where one of them was not measured.
    pub fn order(&self, points: f64) -> Vec<(&str, &str, Option<bool>)> {
        let mut pairs = Vec::new();
        let better =
            |left: f64, right: f64| if more_is_better(self.metric) { left > right } else { left < right };
        for left in &self.means {
            for right in &self.means {
                let (Some(first), Some(second)) = (left.published, right.published) else { continue };
                if (first - second).abs() > points && better(first, second) {
                    let found = left.simulated.zip(right.simulated).map(|(left, right)| better(left, right));
                    pairs.push((left.system.as_str(), right.system.as_str(), found));
                }
            }
        }
        pairs
    }
}

#[cfg(test)]
mod tests;
