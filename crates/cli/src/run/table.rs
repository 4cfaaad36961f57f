//! A result for people: a few runs as columns, many as rows.

use std::fmt::Write as _;

use comfy_table::CellAlignment;
use terrace_result::{Outcome, RunResult, RunsResult};

use super::figures::{Figure, Group, groups};
use crate::style;

/// The most runs that are columns of one table: with more of them it is wider than 100 columns.
const MOST_COLUMNS: usize = 4;

const MEANING: &str = "\
Cycles are those of all virtual CPUs that were not idle, in the measured time, by what they were spent on. Huge pages:
the share of a layer's mapped memory. Well aligned: what is huge in every layer at the same place, so that one TLB
entry holds it. FMFI: the share of free memory in blocks too small for a huge page. Bloat: memory in use by memory that
programs touched. Natively the only kernel is the guest's.
Every metric, of each virtual machine, layer and program: --format json or csv. What each means: terrace list metrics.
";

/// The result as text.
pub(super) fn render(result: &RunsResult) -> String {
    let mut text = head(result);
    let runs = &result.runs;
    let groups = groups(runs);
    if !groups.is_empty() {
        if runs.len() <= MOST_COLUMNS {
            columns(result, &groups, &mut text);
        } else {
            rows(result, &groups, &mut text);
        }
        text.push_str(MEANING);
    }
    for run in runs.iter().filter(|run| run.outcome != Outcome::Complete) {
        let name = super::name(&run.labels);
        let separator = if name.is_empty() { "" } else { ": " };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name}{separator}{}", run.outcome);
    }
    text
}

/// What was run, and on what.
fn head(result: &RunsResult) -> String {
    let scenario = &result.scenario;
    let overrides = scenario.overrides.iter().map(|text| format!(" --set '{text}'"));
    let overrides = overrides.collect::<Vec<_>>().concat();
    // One with other values for each of some runs is still the same machine.
    let mut machines: Vec<_> = result.machines.iter().map(|machine| machine.name.as_str()).collect();
    machines.dedup();
    let mut text = format!("{}{overrides}, on {}\n", scenario.name, machines.join(", "));
    if !scenario.description.is_empty() {
        text.push_str(&style::wrap(&scenario.description, ""));
    }
    text
}

/// A column for each run.
fn columns(result: &RunsResult, groups: &[Group], text: &mut String) {
    let mut table = style::table();
    let heads = result.runs.iter().map(|run| {
        let values: Vec<_> = run.labels.iter().map(|(_, value)| value.as_str()).collect();
        if values.is_empty() { result.scenario.name.clone() } else { values.join("\n") }
    });
    table.set_header([axes(result).join("\n")].into_iter().chain(heads));
    for group in groups {
        table.add_row([group.title]);
        for figure in &group.figures {
            let layer = figure.layer.map(|layer| format!(", {layer}")).unwrap_or_default();
            let cells = result.runs.iter().map(|run| cell(figure, run));
            table.add_row([format!("  {}{layer}", figure.name)].into_iter().chain(cells));
        }
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let _ = writeln!(text, "{table}");
}

/// A table for each group, with a row for each run.
fn rows(result: &RunsResult, groups: &[Group], text: &mut String) {
    let axes = axes(result);
    for group in groups {
        let mut table = style::table();
        let heads = group.figures.iter().map(|figure| match figure.layer {
            Some(layer) => format!("{}\n{layer}", figure.name),
            None => figure.name.to_owned(),
        });
        table.set_header(axes.iter().map(|&axis| axis.to_owned()).chain(heads));
        for run in &result.runs {
            let labels = run.labels.iter().map(|(_, value)| value.clone());
            table.add_row(labels.chain(group.figures.iter().map(|figure| cell(figure, run))));
        }
        for column in table.column_iter_mut().skip(axes.len()) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        let _ = writeln!(text, "{}\n{table}\n", group.title);
    }
}

fn cell(figure: &Figure, run: &RunResult) -> String {
    figure.of(run).unwrap_or_else(|| "-".to_owned())
}

/// The sweep axes, which all runs have.
fn axes(result: &RunsResult) -> Vec<&str> {
    let labels = result.runs.first().map(|run: &RunResult| run.labels.as_slice()).unwrap_or_default();
    labels.iter().map(|(axis, _)| axis.as_str()).collect()
}
