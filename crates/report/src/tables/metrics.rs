//! Every metric of every run, and of its layers, virtual machines and programs where they say more.

use std::collections::BTreeSet;

use terrace_result::{MetricValue, Metrics, RunMetric, Unit};

use super::{begin_row, bytes, exact, which_columns};
use crate::axes::Run;
use crate::cells::View;
use crate::html::{Align, Table, details};

/// The parts of a run that have metrics of one kind.
struct Scope {
    title: &'static str,
    /// The columns that say which part a row is of.
    names: &'static [&'static str],
    parts: fn(&Run<'_>) -> Vec<Part>,
}

/// The names of a part, and its metrics.
type Part = (Vec<String>, Metrics);

const SCOPES: [Scope; 4] = [
    Scope { title: "Whole runs", names: &[], parts: |run| vec![(Vec::new(), run.result.totals.clone())] },
    Scope {
        title: "Layers",
        names: &["VM", "layer"],
        parts: |run| {
            let name = |vm: &Option<String>| vm.clone().unwrap_or_else(|| "all".to_owned());
            let layers = run.result.layers.iter();
            layers.map(|it| (vec![name(&it.vm), it.layer.clone()], it.metrics.clone())).collect()
        },
    },
    Scope {
        title: "Virtual machines",
        names: &["VM"],
        parts: |run| {
            let vms = run.result.vms.iter();
            vms.map(|it| (vec![it.name.clone()], it.metrics.clone())).collect()
        },
    },
    Scope {
        title: "Programs",
        names: &["VM", "of program"],
        parts: |run| {
            let programs = run.result.programs.iter();
            programs.map(|it| (vec![it.vm.clone(), it.name.clone()], it.metrics.clone())).collect()
        },
    },
];

/// A group of metrics: its title, and whether a metric is in it.
type Group = (&'static str, fn(&RunMetric) -> bool);

/// Metrics that stand in one table.
const GROUPS: [Group; 6] = [
    ("speed and latency", |it| {
        matches!(it.unit, Unit::PerSecond | Unit::Nanos)
            || ["sampling_error", "requests", "saturated", "accesses"].contains(&it.name)
    }),
    ("cycles by cause, and those of software by its occasion", |it| {
        it.unit == Unit::Cycles && !is_of_exits(it)
    }),
    ("translation", |it| {
        ["itlb_", "dtlb_", "stlb_", "walk"].iter().any(|begin| it.name.starts_with(begin))
            && it.unit == Unit::Count
    }),
    ("exits, flushes and interrupts", |it| {
        is_of_exits(it) || ["flushes_", "ipis"].iter().any(|begin| it.name.starts_with(begin))
    }),
    ("faults and huge pages", |it| it.unit == Unit::Count),
    ("memory", |_| true),
];

/// Whether it counts exits, or is the cost of those for one reason.
fn is_of_exits(metric: &RunMetric) -> bool {
    metric.name.starts_with("exit") && metric.name != "exit_cycles"
}

/// The group that a metric is in: the first that takes it.
fn group_of(metric: &RunMetric) -> usize {
    GROUPS.iter().position(|(_, takes)| takes(metric)).unwrap_or(GROUPS.len() - 1)
}

pub(crate) fn metrics(view: &View<'_>) -> String {
    let mut html = String::new();
    for scope in &SCOPES {
        // One virtual machine, or one program, is the whole run again.
        let tells_more = scope.names.is_empty()
            || scope.title == "Layers"
            || view.runs.all.iter().any(|run| (scope.parts)(run).len() > 1);
        if !tells_more {
            continue;
        }
        for (group, (title, _)) in GROUPS.iter().enumerate() {
            let table = of_scope(view, scope, group);
            if !table.is_empty() {
                html += &details(&format!("{}: {title}", scope.title), &table.finish(""));
            }
        }
    }
    html + &counts(view)
}

fn of_scope(view: &View<'_>, scope: &Scope, group: usize) -> Table {
    let rows: Vec<(&Run<'_>, Part)> = view
        .runs
        .all
        .iter()
        .flat_map(|run| (scope.parts)(run).into_iter().map(move |part| (run, part)))
        .collect();
    let mut table = Table::default();
    let columns: Vec<&RunMetric> = RunMetric::ALL
        .iter()
        .filter(|metric| group_of(metric) == group)
        .filter(|metric| rows.iter().any(|(_, (_, metrics))| metrics.get(metric.name).is_some()))
        .collect();
    if columns.is_empty() {
        return table;
    }
    let axes = which_columns(view, &mut table);
    for name in scope.names {
        table.column(name, "", Align::Left);
    }
    for metric in &columns {
        let unit = if metric.unit == Unit::Count { String::new() } else { format!(", {}", metric.unit) };
        table.column(&format!("{}{unit}", metric.name), metric.meaning, Align::Right);
    }
    for (run, (names, metrics)) in &rows {
        begin_row(view, &mut table, &axes, run);
        for name in names {
            table.head_cell(name);
        }
        for metric in &columns {
            let value = metrics.get(metric.name).map(MetricValue::as_f64);
            let text = value.map_or_else(
                || "–".to_owned(),
                |value| match metric.unit {
                    Unit::Bytes => bytes(value),
                    _ => exact(value),
                },
            );
            table.cell(&text, Align::Right);
        }
    }
    table
}

/// What only systems and composed tables count.
fn counts(view: &View<'_>) -> String {
    let layers = || view.runs.all.iter().flat_map(|run| run.result.layers.iter().map(move |it| (run, it)));
    let names: BTreeSet<&str> =
        layers().flat_map(|(_, layer)| layer.counts.keys().map(String::as_str)).collect();
    if names.is_empty() {
        return String::new();
    }
    let mut table = Table::default();
    let axes = which_columns(view, &mut table);
    for name in ["VM", "layer"] {
        table.column(name, "", Align::Left);
    }
    for name in &names {
        table.column(name, "", Align::Right);
    }
    for (run, layer) in layers().filter(|(_, layer)| !layer.counts.is_empty()) {
        begin_row(view, &mut table, &axes, run);
        table.head_cell(layer.vm.as_deref().unwrap_or("all"));
        table.head_cell(&layer.layer);
        for name in &names {
            let count = layer.counts.get(*name).map(|count| terrace_result::number::number(*count));
            table.cell(count.as_deref().unwrap_or("–"), Align::Right);
        }
    }
    details("Layers: what systems and composed tables count, since the run began", &table.finish(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_where_a_reader_looks_for_it() {
        let group = |name: &str| GROUPS[group_of(terrace_result::run_metric(name).unwrap())].0;
        for (name, title) in [
            ("operations_per_second", "speed and latency"),
            ("latency_p99_ns", "speed and latency"),
            ("walk_nested_cycles", "cycles by cause, and those of software by its occasion"),
            ("first_touch_cycles", "cycles by cause, and those of software by its occasion"),
            ("walks_2m", "translation"),
            ("walk_nested_references", "translation"),
            ("exits_ept_violation", "exits, flushes and interrupts"),
            ("exit_ept_violation_cycles", "exits, flushes and interrupts"),
            ("exit_cycles", "cycles by cause, and those of software by its occasion"),
            ("collapses_copied", "faults and huge pages"),
            ("mapped_2m_bytes", "memory"),
            ("fmfi", "memory"),
        ] {
            assert_eq!(group(name), title, "{name}");
        }
    }
}
