//! What walks cost, from a result of `terrace run`: runs of the same programs whose memory is translated in several ways.
//!
//! The rule: nothing is assumed about which runs are meant. A run is on EPT or in segment mode by what it says of itself
//! (the modes of its VMs, and the memory that segments translated), and two runs are compared that differ in one axis
//! only. All kinds of VMs that the other axes tell apart have the same share. What is compared is the same work: the
//! walks of a segment-mode run are counted for as many accesses as the run on EPT made.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use terrace_addr::convert;
use terrace_result::{MetricValue, Outcome, RunResult, RunsResult, Sha256};

use super::WalkCosts;
use crate::FleetError;

/// Which runs of a result are taken; without a value, by what they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// The value of the axis that is EPT; without it, of those that are the one whose walks cost least, so that no more
    /// is counted as saved than is.
    pub ept: Option<String>,
    /// The value that is segment mode; without it, the first.
    pub segment: Option<String>,
    /// Only runs with these values of other axes.
    pub only: Vec<(String, String)>,
}

/// Where costs come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CostsFrom {
    /// The result, as it was named.
    pub name: String,
    /// The digest of its text.
    pub sha256: Sha256,
    /// The scenario that was run.
    pub scenario: String,
    /// The version of Terrace that ran it, and of its model.
    pub terrace_version: String,
    /// The version of its model.
    pub model_version: u32,
    /// The machine.
    pub machine: String,
    /// The clock of its cores.
    pub clock_hz: u64,
    /// The axis in which the runs differ that are compared.
    pub axis: String,
    /// Its value for EPT.
    pub ept: String,
    /// Its value for segment mode.
    pub segment: String,
    /// Its value without virtualization, if it has one.
    pub native: Option<String>,
    /// The kinds of VMs, each with the same share.
    pub kinds: Vec<KindCosts>,
}

/// What walks cost one kind of VMs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KindCosts {
    /// The values of the other axes.
    pub labels: Vec<(String, String)>,
    /// Walks of a busy core in a second, with EPT.
    pub walks_per_core_second: f64,
    /// Cycles of a busy core in a second that it waits for walks, with EPT.
    pub ept_cycles_per_core_second: f64,
    /// The same for the same work in segment mode,
    pub segment_cycles_per_core_second: f64,
    /// and without virtualization.
    pub native_cycles_per_core_second: Option<f64>,
}

impl CostsFrom {
    /// Cycles without virtualization for the work that one walk with EPT is for, in the mean over all kinds.
    pub fn native_cycles_of_walk(&self) -> Option<f64> {
        let walks: f64 = self.kinds.iter().map(|kind| kind.walks_per_core_second).sum();
        let native: Option<f64> = self.kinds.iter().map(|kind| kind.native_cycles_per_core_second).sum();
        native.filter(|_| walks > 0.0).map(|native| native / walks)
    }
}

/// Costs, and where they come from.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// The costs of all kinds together.
    pub costs: WalkCosts,
    /// Their origin.
    pub from: CostsFrom,
}

/// How a run's memory is translated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Native,
    Ept,
    Segment,
    Other,
}

impl Way {
    fn of(run: &RunResult) -> Self {
        let all = |mode: &str| !run.matrix.is_empty() && run.matrix.iter().all(|row| row.mode == mode);
        let segments = number(run, "segment_bytes") > 0.0;
        match (all("native"), all("2d"), segments) {
            (true, _, false) => Self::Native,
            (_, true, false) => Self::Ept,
            (_, true, true) => Self::Segment,
            _ => Self::Other,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Ept => "on EPT",
            Self::Segment => "in segments",
            Self::Other => "something else",
        }
    }
}

/// Runs that differ in one axis only, by its values.
struct Group<'a> {
    labels: Vec<(String, String)>,
    runs: Vec<(&'a str, &'a RunResult)>,
}

impl<'a> Group<'a> {
    fn run(&self, value: &str) -> Option<&'a RunResult> {
        self.runs.iter().find(|(it, _)| *it == value).map(|(_, run)| *run)
    }
}

/// An axis with the values that are of use.
struct Axis<'a> {
    name: &'a str,
    groups: Vec<Group<'a>>,
    ept: Vec<&'a str>,
    segment: Vec<&'a str>,
    native: Option<&'a str>,
}

impl Measured {
    /// What the walks of this result's runs cost, on cores that are busy for this share of their time. `clock` says the
    /// clock of a machine, in hertz.
    ///
    /// # Errors
    /// If the result does not hold runs of the same programs on EPT and in segment mode, or a machine's clock is unknown.
    pub fn of(
        result: &RunsResult,
        (name, sha256): (&str, &Sha256),
        selection: &Selection,
        busy_share: f64,
        clock: impl Fn(&str) -> Option<u64>,
    ) -> Result<Self, FleetError> {
        let wrong =
            |found: String, expected: String| FleetError::Walks { origin: name.to_owned(), found, expected };
        let runs = selected(result, selection).map_err(|(found, expected)| wrong(found, expected))?;
        let Some(axis) = axis(&runs) else {
            return Err(wrong(listed(&runs), NEEDED.to_owned()));
        };
        let named = |given: &Option<String>, values: &[&str], default: Option<&str>, what: &str| {
            let found = match given {
                Some(given) => values.iter().copied().find(|value| value == given),
                None => default.or_else(|| values.first().copied()),
            };
            found.map(str::to_owned).ok_or_else(|| {
                let given = given.as_deref().unwrap_or_default();
                let expected =
                    format!("a value of {} whose runs are {what}: {}", axis.name, values.join(", "));
                wrong(format!("no such {given}"), expected)
            })
        };
        let ept = named(&selection.ept, &axis.ept, cheapest(&axis), Way::Ept.name())?;
        let segment = named(&selection.segment, &axis.segment, None, Way::Segment.name())?;
        let mut kinds = Vec::new();
        let mut machine: Option<(&str, u64)> = None;
        for group in &axis.groups {
            let Some((on_ept, in_segment)) = group.run(&ept).zip(group.run(&segment)) else {
                continue;
            };
            let Some(hertz) = clock(&on_ept.machine) else {
                let found = format!("the machine {}, whose clock is not known here", on_ept.machine);
                return Err(wrong(found, "a built-in machine, or its clock".to_owned()));
            };
            machine.get_or_insert((&on_ept.machine, hertz));
            let native = axis.native.and_then(|value| group.run(value));
            kinds.push(kind(group, on_ept, in_segment, native, hertz));
        }
        let costs = together(&kinds, busy_share);
        let possible = costs.walks_per_core_second > 0.0 && costs.are_possible();
        let Some((machine, clock_hz)) = machine.filter(|_| possible) else {
            let found = format!("runs on EPT ({ept}) without a walk: {}", listed(&runs));
            return Err(wrong(found, "some walks, of which the cost can be taken".to_owned()));
        };
        let from = CostsFrom {
            name: name.to_owned(),
            sha256: sha256.clone(),
            scenario: result.scenario.name.clone(),
            terrace_version: result.terrace_version.clone(),
            model_version: result.model_version,
            machine: machine.to_owned(),
            clock_hz,
            axis: axis.name.to_owned(),
            ept,
            segment,
            native: axis.native.map(str::to_owned),
            kinds,
        };
        Ok(Self { costs, from })
    }
}

const NEEDED: &str = "runs of the same programs on EPT (mode 2d) and in segments (mode 2d, the host's system contiguous, and \
                      segment_bytes above 0), which differ in one axis only, as those that this makes:\n  terrace run \
                      contiguous --out RESULT";

/// The runs that were measured in whole and have the values that are asked for.
fn selected<'a>(
    result: &'a RunsResult,
    selection: &Selection,
) -> Result<Vec<&'a RunResult>, (String, String)> {
    let whole: Vec<&RunResult> = result.runs.iter().filter(|run| run.outcome == Outcome::Complete).collect();
    for (axis, value) in &selection.only {
        let has = |run: &&RunResult| run.labels.iter().any(|(name, it)| name == axis && it == value);
        if !whole.iter().any(has) {
            let labels: BTreeSet<String> = whole.iter().flat_map(|run| &run.labels).map(shown).collect();
            let labels: Vec<String> = labels.into_iter().collect();
            return Err((format!("no run with {axis}={value}"), format!("one of {}", labels.join(", "))));
        }
    }
    let fits = |run: &&RunResult| selection.only.iter().all(|label| run.labels.contains(label));
    Ok(whole.into_iter().filter(fits).collect())
}

/// The axis in whose values runs are on EPT and in segments.
fn axis<'a>(runs: &[&'a RunResult]) -> Option<Axis<'a>> {
    let names = runs.first()?.labels.iter().map(|(name, _)| name.as_str());
    names.map(|name| along(name, runs)).find(|axis| !axis.ept.is_empty() && !axis.segment.is_empty())
}

fn along<'a>(name: &'a str, runs: &[&'a RunResult]) -> Axis<'a> {
    let (mut groups, mut values): (Vec<Group<'a>>, Vec<&str>) = (Vec::new(), Vec::new());
    for &run in runs {
        let Some((_, value)) = run.labels.iter().find(|(axis, _)| axis == name) else {
            continue;
        };
        let labels: Vec<_> = run.labels.iter().filter(|(axis, _)| axis != name).cloned().collect();
        let entry = (value.as_str(), run);
        match groups.iter_mut().find(|group| group.labels == labels) {
            Some(group) => group.runs.push(entry),
            None => groups.push(Group { labels, runs: vec![entry] }),
        }
        if !values.contains(&value.as_str()) {
            values.push(value);
        }
    }
    // A value is what all runs with it are.
    let are =
        |value: &str, way: Way| groups.iter().all(|it| it.run(value).is_some_and(|run| Way::of(run) == way));
    let those = |way: Way| values.iter().copied().filter(|value| are(value, way)).collect::<Vec<_>>();
    let (ept, segment, native) = (those(Way::Ept), those(Way::Segment), those(Way::Native).first().copied());
    Axis { name, groups, ept, segment, native }
}

/// The value for EPT with the least cycles of walks for an access.
fn cheapest<'a>(axis: &Axis<'a>) -> Option<&'a str> {
    let cost = |value: &str| -> f64 {
        axis.groups
            .iter()
            .filter_map(|group| group.run(value))
            .map(|run| of_access(run, walk_cycles(run)))
            .sum()
    };
    axis.ept.iter().copied().min_by(|one, other| cost(one).total_cmp(&cost(other)))
}

fn kind(
    group: &Group<'_>,
    on_ept: &RunResult,
    in_segment: &RunResult,
    native: Option<&RunResult>,
    hertz: u64,
) -> KindCosts {
    let busy_seconds = number(on_ept, "cycles") / convert::ratio(hertz, 1);
    let in_second = |count: f64| if busy_seconds > 0.0 { count / busy_seconds } else { 0.0 };
    let accesses = in_second(number(on_ept, "accesses"));
    let same_work = |run: &RunResult| accesses * of_access(run, walk_cycles(run));
    KindCosts {
        labels: group.labels.clone(),
        walks_per_core_second: in_second(number(on_ept, "walks")),
        ept_cycles_per_core_second: in_second(walk_cycles(on_ept)),
        segment_cycles_per_core_second: same_work(in_segment),
        native_cycles_per_core_second: native.map(same_work),
    }
}

fn together(kinds: &[KindCosts], busy_share: f64) -> WalkCosts {
    let sum = |of: fn(&KindCosts) -> f64| kinds.iter().map(of).sum::<f64>();
    let walks = sum(|kind| kind.walks_per_core_second);
    let of_walk = |cycles: f64| if walks > 0.0 { cycles / walks } else { 0.0 };
    WalkCosts {
        walks_per_core_second: walks / convert::ratio(convert::count(kinds.len().max(1)), 1),
        ept_cycles: of_walk(sum(|kind| kind.ept_cycles_per_core_second)),
        segment_cycles: of_walk(sum(|kind| kind.segment_cycles_per_core_second)),
        busy_share,
    }
}

/// Cycles that a run waited for walks.
fn walk_cycles(run: &RunResult) -> f64 {
    number(run, "walk_guest_cycles") + number(run, "walk_nested_cycles")
}

fn of_access(run: &RunResult, cycles: f64) -> f64 {
    let accesses = number(run, "accesses");
    if accesses > 0.0 { cycles / accesses } else { 0.0 }
}

fn number(run: &RunResult, metric: &str) -> f64 {
    run.totals.get(metric).map_or(0.0, MetricValue::as_f64)
}

fn shown((axis, value): &(String, String)) -> String {
    format!("{axis}={value}")
}

/// The first of the runs, with how they are translated.
fn listed(runs: &[&RunResult]) -> String {
    const SHOWN: usize = 8;
    let of = |run: &&RunResult| {
        let labels: Vec<String> = run.labels.iter().map(shown).collect();
        let labels = if labels.is_empty() { "a run".to_owned() } else { labels.join(" ") };
        format!("{labels} {}", Way::of(run).name())
    };
    let mut list: Vec<String> = runs.iter().take(SHOWN).map(of).collect();
    if runs.len() > SHOWN {
        list.push(format!("and {} more", runs.len() - SHOWN));
    }
    if list.is_empty() { "no run that came to its end".to_owned() } else { list.join(", ") }
}

#[cfg(test)]
mod tests;
