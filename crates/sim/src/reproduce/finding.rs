//! What of a published figure the model gives, and what not.
//!
//! The papers do not say how large their data sets are, so each statement of theirs is looked for over all footprints.

use serde::Serialize;

use super::text::{percent, size};
use super::{Curve, DataSet, Figure, Loads, Pages, Row};

/// A statement of the paper, and what the model says of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// How addresses were translated.
    pub mode: String,
    /// Whether loads waited for each other.
    pub loads: Loads,
    /// What the paper shows.
    pub statement: &'static str,
    /// Whether the model gives it.
    pub given: Given,
    /// What the model has, in a sentence.
    pub found: String,
    /// Why it is different; nothing where it is not, or where the numbers say why.
    pub why: &'static str,
}

/// Whether the model gives what was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Given {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// Too little was measured to say.
    Unknown,
}

impl Given {
    /// Its name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "not measured",
        }
    }

    const fn when(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

// Where "the same", "much" and "little" end is nobody's number but ours (assumed); the bars' own error is about 1.

/// As fast as base pages: so many percent.
const SAME: core::ops::RangeInclusive<f64> = 95.0..=110.0;
/// Aligned pages gain much from here on.
const MUCH: f64 = 150.0;
/// Aligned pages are well above misaligned ones if they gain so many times as much.
const WELL_ABOVE: f64 = 1.5;
/// Misaligned ones gain little up to here.
const LITTLE: f64 = 125.0;
/// Slower than base pages, by more than a bar can be misread.
const SLOWER: f64 = 97.0;
/// Base pages hardly walk: so many walks of a load.
const RESIDENT_WALKS: f64 = 0.001;

const NO_COST: &str = "A huge page that the other side does not back with one fills TLB entries of 4K: it misses as often \
                       as a base page does, and its walks are shorter. Nothing in the machine file makes it slower, so \
                       the cause of the published loss is not in the model.";

const SHORTER_WALKS: &str = "One huge side leaves a walk about half of its cost, or less: the entries that it saves are \
                             those that miss the caches first. So where both sides gain as much as published, one side \
                             gains more than published.";

const OVERLAPPING: &str = "Walks of independent loads overlap and cost nothing until the walkers are busy all the time. \
                           From then on only the walks' own time counts, of which one huge side saves half or more.";

/// What the model says of each statement of the figure, for one curve.
pub(super) fn of(figure: &Figure, curve: &Curve) -> Vec<Finding> {
    let mut findings = vec![resident(curve), cost(curve), order(curve), little(curve)];
    findings.extend(bars(figure, curve));
    findings
}

fn finding(
    curve: &Curve,
    statement: &'static str,
    given: Given,
    found: String,
    why: &'static str,
) -> Finding {
    Finding { mode: curve.mode.clone(), loads: curve.loads, statement, given, found, why }
}

fn unknown(curve: &Curve, statement: &'static str, lacks: &str) -> Finding {
    finding(curve, statement, Given::Unknown, lacks.to_owned(), "")
}

/// The rows in which all four throughputs were measured.
fn whole(curve: &Curve) -> impl Iterator<Item = &Row> {
    curve.rows.iter().filter(|row| row.percent.iter().all(Option::is_some))
}

fn aligned(row: &Row) -> f64 {
    row.of(Pages::HugeBoth).unwrap_or_default()
}

fn lowest(row: &Row) -> f64 {
    row.one_sided().fold(f64::INFINITY, f64::min)
}

fn highest(row: &Row) -> f64 {
    row.one_sided().fold(0.0, f64::max)
}

/// The smallest and the largest of rows.
fn span(rows: &[&Row]) -> Option<String> {
    let (first, last) = (rows.first()?.footprint_bytes, rows.last()?.footprint_bytes);
    Some(if first == last { size(first) } else { format!("{} to {}", size(first), size(last)) })
}

/// The row of which this is the least.
fn least(curve: &Curve, of: impl Fn(&Row) -> f64) -> Option<&Row> {
    whole(curve).min_by(|one, other| of(one).total_cmp(&of(other)))
}

fn resident(curve: &Curve) -> Finding {
    const STATEMENT: &str = "small set: aligned huge pages as fast as base pages";
    let is_resident = |row: &&Row| row.base_walks.is_some_and(|walks| walks <= RESIDENT_WALKS);
    let rows: Vec<_> = whole(curve).filter(is_resident).collect();
    let Some(all) = span(&rows) else {
        return unknown(curve, STATEMENT, "no footprint that the TLB holds in base pages was measured");
    };
    let low = rows.iter().map(|row| aligned(row)).fold(f64::INFINITY, f64::min);
    let high = rows.iter().map(|row| aligned(row)).fold(0.0, f64::max);
    let [low_text, high_text] = [low, high].map(percent);
    let between = if low_text == high_text { low_text } else { format!("{low_text} to {high_text}") };
    let found = format!("{between} % at {all}, where base pages do not walk");
    finding(curve, STATEMENT, Given::when(rows.iter().any(|row| SAME.contains(&aligned(row)))), found, "")
}

fn cost(curve: &Curve) -> Finding {
    const STATEMENT: &str = "small set: misaligned huge pages slower than base pages";
    let Some(row) = least(curve, lowest) else {
        return unknown(curve, STATEMENT, "no footprint was measured with all four");
    };
    let found = format!("the least of all is {} %, at {}", percent(lowest(row)), size(row.footprint_bytes));
    let given = Given::when(lowest(row) < SLOWER);
    finding(curve, STATEMENT, given, found, if given == Given::No { NO_COST } else { "" })
}

fn order(curve: &Curve) -> Finding {
    const STATEMENT: &str = "large set: aligned well above misaligned, misaligned not below base pages";
    let is_so = |row: &&Row| {
        let gains = (aligned(row) - 100.0, highest(row) - 100.0);
        aligned(row) >= MUCH && lowest(row) >= 100.0 && gains.0 >= WELL_ABOVE * gains.1
    };
    let rows: Vec<_> = whole(curve).filter(is_so).collect();
    let Some(all) = span(&rows) else {
        let found = match least(curve, |row| -aligned(row)) {
            Some(row) => {
                format!("aligned at most {} %, at {}", percent(aligned(row)), size(row.footprint_bytes))
            }
            None => return unknown(curve, STATEMENT, "no footprint was measured with all four"),
        };
        return finding(curve, STATEMENT, Given::No, found, "");
    };
    finding(curve, STATEMENT, Given::Yes, format!("at {all}"), "")
}

fn little(curve: &Curve) -> Finding {
    const STATEMENT: &str = "large set: misaligned huge pages gain little where aligned ones gain much";
    let much = whole(curve).filter(|row| aligned(row) >= MUCH);
    let Some(row) = much.min_by(|one, other| highest(one).total_cmp(&highest(other))) else {
        return unknown(curve, STATEMENT, "aligned ones gain much at no footprint that was measured");
    };
    let found = format!(
        "where aligned ones have {} % or more, the better misaligned ones have at least {} %, at {} (aligned: {} %)",
        percent(MUCH),
        percent(highest(row)),
        size(row.footprint_bytes),
        percent(aligned(row))
    );
    let given = Given::when(highest(row) <= LITTLE);
    let why = match (given, curve.loads) {
        (Given::No, Loads::Dependent) => SHORTER_WALKS,
        (Given::No, Loads::Independent) => OVERLAPPING,
        _ => "",
    };
    finding(curve, STATEMENT, given, found, why)
}

/// How near the model comes to all bars of the large set at one footprint.
fn bars(figure: &Figure, curve: &Curve) -> Option<Finding> {
    const STATEMENT: &str = "large set: the bars themselves";
    /// As near as bars can be read, three times over (assumed).
    const NEAR: f64 = 3.0;
    let bars: Vec<_> = figure.bars.iter().filter(|bar| bar.data_set == DataSet::Large).collect();
    if bars.is_empty() {
        return None;
    }
    let off = |row: &Row| {
        let differences =
            bars.iter().filter_map(|bar| Some((row.of(bar.pages)? - f64::from(bar.percent)).abs()));
        differences.fold(0.0, f64::max)
    };
    // A data set that the TLB holds is no large one.
    let walking = whole(curve).filter(|row| row.base_walks.is_some_and(|walks| walks > RESIDENT_WALKS));
    let Some(row) = walking.min_by(|one, other| off(one).total_cmp(&off(other))) else {
        return Some(unknown(curve, STATEMENT, "no footprint beyond the TLB was measured with all four"));
    };
    let values: Vec<_> = bars.iter().filter_map(|bar| row.of(bar.pages)).map(percent).collect();
    let published: Vec<_> = bars.iter().map(|bar| bar.percent.to_string()).collect();
    let found = format!(
        "published {}; nearest {}, at {}: {} away at most",
        published.join(", "),
        values.join(", "),
        size(row.footprint_bytes),
        percent(off(row))
    );
    Some(finding(curve, STATEMENT, Given::when(off(row) <= NEAR), found, ""))
}

#[cfg(test)]
mod tests;
