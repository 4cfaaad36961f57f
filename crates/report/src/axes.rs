//! What runs differ in, and which part each difference has on the page.
//!
//! The rule: a run has its place by the values of its sweep axes alone, so nothing is compared of which the page does
//! not say how it differs.

use std::collections::{BTreeMap, BTreeSet};

use terrace_result::RunResult;

use crate::{Loaded, Options, ReportError};

/// The axis that stands for the results, where there are several.
pub(crate) const RESULT: &str = "result";
/// What a run has on an axis that its result does not have.
const NONE: &str = "–";

/// A run, with where it came from.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    /// Its result.
    pub(crate) input: usize,
    /// Its place in that.
    pub(crate) number: usize,
    pub(crate) result: &'a RunResult,
    pub(crate) configuration: &'a str,
    /// Its value on each axis.
    pub(crate) at: Vec<usize>,
}

/// Something that runs differ in.
#[derive(Debug)]
pub(crate) struct Axis {
    pub(crate) name: String,
    /// In the order of the page: where the axis is compared, the baseline first.
    pub(crate) values: Vec<String>,
    pub(crate) role: Role,
}

/// The part of an axis on the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Its values stand side by side, relative to the first.
    Compared,
    /// Means are taken over it.
    Program,
    /// Its values are repetitions.
    Seed,
    /// Each of its values is a panel of its own.
    Panel,
}

/// All runs that were measured, and their axes.
#[derive(Debug)]
pub(crate) struct Runs<'a> {
    pub(crate) all: Vec<Run<'a>>,
    pub(crate) axes: Vec<Axis>,
    /// How many runs did not come to their measured time, and have no place.
    pub(crate) unmeasured: usize,
}

impl<'a> Runs<'a> {
    /// Gives every run its place, and every axis its part.
    pub(crate) fn new(results: &'a [Loaded], options: &Options) -> Result<Self, ReportError> {
        let mut runs = Self::placed(results);
        if runs.all.is_empty() {
            let results = results.iter().map(|it| it.name.as_str()).collect::<Vec<_>>().join(", ");
            return Err(ReportError::NothingMeasured { results });
        }
        for axis in 0..runs.axes.len() {
            if runs.is_of_seeds(axis) {
                runs.axes[axis].role = Role::Seed;
            }
        }
        if let Some(compared) = runs.compared(options.by.as_deref())? {
            runs.axes[compared].role = Role::Compared;
            let baseline = runs.baseline(compared, options.baseline.as_deref())?;
            runs.move_first(compared, baseline);
        } else if let Some(found) = &options.baseline {
            let expected = "no baseline, as nothing is compared".to_owned();
            return Err(ReportError::NoSuch { option: "--baseline", found: found.clone(), expected });
        }
        for axis in 0..runs.axes.len() {
            if runs.axes[axis].role == Role::Panel && runs.differ(axis, |a, b| programs(a) != programs(b)) {
                runs.axes[axis].role = Role::Program;
            }
        }
        Ok(runs)
    }

    fn placed(results: &'a [Loaded]) -> Self {
        let mut axes: Vec<Axis> = Vec::new();
        let mut place = |name: &str| {
            let known = axes.iter().position(|axis: &Axis| axis.name == name);
            known.unwrap_or_else(|| {
                axes.push(Axis { name: name.to_owned(), values: Vec::new(), role: Role::Panel });
                axes.len() - 1
            })
        };
        let names = names(results);
        let (mut all, mut unmeasured) = (Vec::new(), 0);
        let mut labels = Vec::new();
        for (input, loaded) in results.iter().enumerate() {
            let configurations = &loaded.result.scenario.configurations;
            for (number, result) in loaded.result.runs.iter().enumerate() {
                if result.totals.is_empty() {
                    unmeasured += 1;
                    continue;
                }
                let mut of_run = Vec::new();
                if results.len() > 1 {
                    of_run.push((place(RESULT), names[input].clone()));
                }
                of_run.extend(result.labels.iter().map(|(axis, value)| (place(axis), value.clone())));
                labels.push(of_run);
                let configuration = configurations.get(number).map_or("", String::as_str);
                all.push(Run { input, number, result, configuration, at: Vec::new() });
            }
        }
        for (run, labels) in all.iter_mut().zip(labels) {
            for (place, axis) in axes.iter_mut().enumerate() {
                let label = labels.iter().find(|(of, _)| *of == place);
                let value = label.map_or(NONE, |(_, value)| value.as_str());
                let known = axis.values.iter().position(|known| known == value);
                run.at.push(known.unwrap_or_else(|| {
                    axis.values.push(value.to_owned());
                    axis.values.len() - 1
                }));
            }
        }
        Self { all, axes, unmeasured }
    }

    /// Whether two runs that differ in this axis only are different in this sense.
    fn differ(&self, axis: usize, different: impl Fn(&Run<'_>, &Run<'_>) -> bool) -> bool {
        let mut first: BTreeMap<Vec<usize>, &Run<'_>> = BTreeMap::new();
        self.all.iter().any(|run| {
            let rest = run.at.iter().enumerate().filter(|(place, _)| *place != axis);
            let rest = rest.map(|(_, value)| *value).collect();
            different(first.entry(rest).or_insert(run), run)
        })
    }

    fn is_of_seeds(&self, axis: usize) -> bool {
        let rest = |run: &Run<'_>| {
            let lines = run.configuration.lines().filter(|line| !line.starts_with("seed = "));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        self.axes[axis].name != RESULT
            && self.axes[axis].values.len() > 1
            && !self.differ(axis, |a, b| rest(a) != rest(b))
            && self.differ(axis, |a, b| a.configuration != b.configuration)
    }

    /// The axis that is compared; none if there is one run, or only its repetitions.
    fn compared(&self, by: Option<&str>) -> Result<Option<usize>, ReportError> {
        let several = |axis: &&usize| self.axes[**axis].values.len() > 1;
        let axes: Vec<usize> = (0..self.axes.len()).collect();
        if let Some(by) = by {
            let found = axes.iter().filter(several).find(|&&axis| self.axes[axis].name == by);
            let names = axes.iter().filter(several).map(|&axis| self.axes[axis].name.as_str());
            let names: Vec<_> = names.collect();
            let expected = if names.is_empty() {
                "none, as all runs have the same values".to_owned()
            } else {
                format!("one of {}", names.join(", "))
            };
            let none = || ReportError::NoSuch { option: "--by", found: by.to_owned(), expected };
            return found.copied().map(Some).ok_or_else(none);
        }
        let candidates: Vec<usize> = axes
            .iter()
            .filter(several)
            .filter(|&&axis| self.axes[axis].role != Role::Seed)
            .copied()
            .collect();
        let that = |is: &dyn Fn(usize) -> bool| candidates.iter().copied().find(|&axis| is(axis));
        let systems = candidates.iter().copied().filter(|&axis| self.differ(axis, other_systems));
        // Of several the first with the most values.
        let systems = systems.rev().max_by_key(|&axis| self.axes[axis].values.len());
        Ok(that(&|axis| self.axes[axis].name == RESULT)
            .or(systems)
            .or_else(|| that(&|axis| self.differ(axis, |a, b| modes(a) != modes(b))))
            .or_else(|| that(&|axis| !self.differ(axis, |a, b| programs(a) != programs(b))))
            .or(candidates.first().copied()))
    }

    /// The value that others are relative to: that which was asked for, base pages in every layer, or the first.
    fn baseline(&self, compared: usize, asked: Option<&str>) -> Result<usize, ReportError> {
        let values = &self.axes[compared].values;
        if let Some(asked) = asked {
            let expected = || format!("one of {}", values.join(", "));
            let none = || ReportError::NoSuch {
                option: "--baseline",
                found: asked.to_owned(),
                expected: expected(),
            };
            return values.iter().position(|value| value == asked).ok_or_else(none);
        }
        let plain = |value: usize| {
            let mut runs = self.all.iter().filter(|run| run.at[compared] == value);
            runs.all(|run| run.result.matrix.iter().all(|row| row.system == "base-pages"))
        };
        let found: Vec<usize> = (0..values.len()).filter(|&value| plain(value)).collect();
        Ok(if let [one] = found.as_slice() { *one } else { 0 })
    }

    fn move_first(&mut self, axis: usize, value: usize) {
        let values = &mut self.axes[axis].values;
        let name = values.remove(value);
        values.insert(0, name);
        for run in &mut self.all {
            let at = &mut run.at[axis];
            *at = match (*at).cmp(&value) {
                std::cmp::Ordering::Less => *at + 1,
                std::cmp::Ordering::Equal => 0,
                std::cmp::Ordering::Greater => *at,
            };
        }
    }

    /// The axes of a role that have more than one value.
    pub(crate) fn of(&self, role: Role) -> Vec<usize> {
        let axes = self.axes.iter().enumerate();
        axes.filter(|(_, axis)| axis.role == role && axis.values.len() > 1).map(|(place, _)| place).collect()
    }

    /// The combinations of values of some axes that runs have, in the order of the values.
    pub(crate) fn combinations(&self, axes: &[usize]) -> Vec<Vec<usize>> {
        let of = |run: &Run<'_>| axes.iter().map(|&axis| run.at[axis]).collect::<Vec<_>>();
        self.all.iter().map(of).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// A combination in words.
    pub(crate) fn words(&self, axes: &[usize], combination: &[usize]) -> String {
        let values =
            axes.iter().zip(combination).map(|(&axis, &value)| self.axes[axis].values[value].as_str());
        values.collect::<Vec<_>>().join(" · ")
    }

    /// Which axes decide about something.
    pub(crate) fn deciding<T: PartialEq>(&self, what: impl Fn(&Run<'_>) -> T) -> Vec<usize> {
        let axes = 0..self.axes.len();
        axes.filter(|&axis| self.differ(axis, |a, b| what(a) != what(b))).collect()
    }
}

/// The results' names, each once.
fn names(results: &[Loaded]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for loaded in results {
        let mut name = loaded.name.clone();
        let mut number = 1;
        while names.contains(&name) {
            number += 1;
            name = format!("{} ({number})", loaded.name);
        }
        names.push(name);
    }
    names
}

fn programs(run: &Run<'_>) -> Vec<String> {
    run.result.programs.iter().map(|program| program.name.clone()).collect()
}

fn modes(run: &Run<'_>) -> Vec<String> {
    run.result.matrix.iter().map(|row| row.mode.clone()).collect()
}

/// Whether a layer that both have is kept by other systems, or by one with other parameters.
fn other_systems(a: &Run<'_>, b: &Run<'_>) -> bool {
    a.result.matrix.iter().any(|mine| {
        let its = b.result.matrix.iter().find(|row| row.vm == mine.vm && row.layer == mine.layer);
        its.is_some_and(|its| its.system != mine.system || its.parameters != mine.parameters)
    })
}
