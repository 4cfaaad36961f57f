//! Shares over time, for each panel, program and compared value.
//!
//! The rule: a mean over programs or seeds is taken interval by interval, and only where their intervals end at the same
//! times; otherwise there is none.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use terrace_addr::Nanos;

use crate::Loaded;
use crate::cells::View;
use crate::figures::{LAYERS, mean};
use crate::json::rounded;

/// A line has at most so many points: more than a screen can show.
const MOST_POINTS: usize = 240;

/// How far apart the ends of one interval may lie for a mean to be taken, as a share of the later one.
const SAME_TIME: f64 = 0.05;

/// The pictures, each with what it shows of which part of a run.
const PICTURES: [(&str, Part, &str, &str); 3] = [
    ("alignment", Part::Run, "well_aligned_share", "end to end"),
    ("alignment", Part::Layers, "huge_coverage", ""),
    ("fmfi", Part::Layers, "fmfi", ""),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Run,
    Layers,
}

/// The values of one run and part, by the ends of their intervals.
type Line = Vec<(Nanos, f64)>;
/// A picture and the name of one of its rows.
type Row = (&'static str, &'static str);
/// Values that are of one point: those of several virtual machines' layers.
type Points = BTreeMap<(Row, Nanos), Vec<f64>>;

/// The lines of all pictures, as the page's script wants them: `[picture, row, panel, program, value, times, values]`, times
/// in milliseconds, the program -1 for the mean.
pub(crate) fn lines(view: &View<'_>, results: &[Loaded]) -> Vec<Value> {
    let mut of_places: BTreeMap<(usize, usize, usize), Vec<BTreeMap<Row, Line>>> = BTreeMap::new();
    let of_runs = of_runs(results);
    for run in &view.runs.all {
        if let Some(lines) = of_runs.get(&(run.input, run.number)) {
            of_places.entry(view.place(run)).or_default().push(lines.clone());
        }
    }
    let mut all = Vec::new();
    let mut means: BTreeMap<(usize, usize), Vec<BTreeMap<Row, Line>>> = BTreeMap::new();
    for ((panel, program, value), repetitions) in of_places {
        let lines = averages(&repetitions);
        push(&mut all, &lines, [json!(panel), json!(program), json!(value)]);
        means.entry((panel, value)).or_default().push(lines);
    }
    if view.programs.len() > 1 {
        for ((panel, value), programs) in means {
            if programs.len() == view.programs.len() {
                push(&mut all, &averages(&programs), [json!(panel), json!(-1), json!(value)]);
            }
        }
    }
    all
}

fn push(all: &mut Vec<Value>, lines: &BTreeMap<Row, Line>, [panel, program, value]: [Value; 3]) {
    for ((picture, row), line) in lines {
        let step = line.len().div_ceil(MOST_POINTS).max(1);
        // The last point is kept: it is the state at the end.
        let points: Vec<_> = line.iter().rev().step_by(step).rev().collect();
        let times: Vec<_> = points
            .iter()
            .map(|(end, _)| rounded(terrace_addr::convert::ratio(end.get(), 1_000_000)))
            .collect();
        let values: Vec<_> = points.iter().map(|(_, value)| rounded(*value)).collect();
        all.push(json!([picture, row, panel, program, value, times, values]));
    }
}

/// The lines of each run, by its result and its place there.
fn of_runs(results: &[Loaded]) -> BTreeMap<(usize, usize), BTreeMap<Row, Line>> {
    let mut all: BTreeMap<(usize, usize), Points> = BTreeMap::new();
    for (input, loaded) in results.iter().enumerate() {
        for row in &loaded.series {
            let Some(name) = PICTURES.iter().find_map(|&(picture, part, metric, name)| {
                let is_it = row.metric.name == metric;
                let name = if is_it { row_name(part, name, &row.scope, loaded, row.run) } else { None };
                name.map(|name| (picture, name))
            }) else {
                continue;
            };
            let run = terrace_addr::convert::index32(row.run);
            all.entry((input, run)).or_default().entry((name, row.end)).or_default().push(row.value);
        }
    }
    let averaged = all.into_iter().map(|(run, values)| {
        let mut lines: BTreeMap<Row, Line> = BTreeMap::new();
        for ((row, end), values) in values {
            if let Some(value) = mean(&values) {
                lines.entry(row).or_default().push((end, value));
            }
        }
        (run, lines)
    });
    averaged.collect()
}

/// The row of a scope in a picture, if it is in it: the mean of several virtual machines' layers is taken, and of a host
/// that all share, its own value.
fn row_name(part: Part, name: &'static str, scope: &str, loaded: &Loaded, run: u32) -> Option<&'static str> {
    if part == Part::Run {
        return (scope == "run").then_some(name);
    }
    let layer = scope.rsplit('/').next().unwrap_or(scope);
    let layer = LAYERS.into_iter().find(|known| *known == layer)?;
    let is_shared = !scope.contains('/');
    let runs = &loaded.result.runs;
    let has_shared = runs
        .get(terrace_addr::convert::index32(run))
        .is_some_and(|run| run.layers.iter().any(|it| it.vm.is_none() && it.layer == layer));
    (scope.matches('/').count() <= 1 && is_shared == has_shared).then_some(layer)
}

/// The means of several runs' lines, where all of them have one.
fn averages(all: &[BTreeMap<Row, Line>]) -> BTreeMap<Row, Line> {
    let Some((first, others)) = all.split_first() else { return BTreeMap::new() };
    let rows = first.iter().filter_map(|(row, line)| {
        let others: Option<Vec<&Line>> = others.iter().map(|lines| lines.get(row)).collect();
        Some((*row, average(line, &others?)?))
    });
    rows.collect()
}

fn average(first: &Line, others: &[&Line]) -> Option<Line> {
    if others.is_empty() {
        return Some(first.clone());
    }
    let as_long = others.iter().all(|line| line.len() == first.len());
    let points = first.iter().enumerate().map(|(place, &(end, value))| {
        let mut values = vec![value];
        for line in others {
            let (its, value) = *line.get(place)?;
            let later = its.get().max(end.get());
            let apart = terrace_addr::convert::ratio(its.get().abs_diff(end.get()), later.max(1));
            if apart > SAME_TIME {
                return None;
            }
            values.push(value);
        }
        Some((end, mean(&values)?))
    });
    if as_long { points.collect() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(points: &[(u64, f64)]) -> Line {
        points.iter().map(|&(end, value)| (Nanos::new(end), value)).collect()
    }

    #[test]
    fn means_are_taken_where_intervals_end_together() {
        let one = line(&[(100, 0.0), (200, 1.0)]);
        let near = line(&[(101, 1.0), (203, 0.0)]);
        let expected = Some(line(&[(100, 0.5), (200, 0.5)]));
        assert_eq!(average(&one, &[&near]), expected);
        assert_eq!(average(&one, &[]), Some(one.clone()));
        assert_eq!(average(&one, &[&line(&[(50, 1.0), (100, 1.0)])]), None);
        assert_eq!(average(&one, &[&line(&[(100, 1.0)])]), None);
    }

    #[test]
    fn long_lines_keep_their_end() {
        let long: Line = (1..=1001).map(|place| (Nanos::new(place * 1_000_000), 0.25)).collect();
        let mut all = Vec::new();
        push(&mut all, &[(("fmfi", "host"), long)].into(), [json!(0), json!(0), json!(0)]);
        let times = all[0][5].as_array().unwrap();
        assert!(times.len() <= MOST_POINTS, "{}", times.len());
        assert_eq!(times.last().unwrap(), 1001.0);
    }
}
