//! The figures that answer most questions, for each panel, program and compared value; the mean over programs first.

use terrace_result::number::{percent, short, short_time};

use crate::answer::change;
use crate::cells::{Cell, View};
use crate::figures::{FIGURES, Figure, Form};
use crate::html::{Align, Table};

pub(crate) fn key(view: &View<'_>) -> String {
    let mut table = Table::default();
    for &axis in &view.panel_axes {
        table.column(&view.runs.axes[axis].name, "", Align::Left);
    }
    let has_programs = view.programs.len() > 1;
    if has_programs {
        table.column("program", "", Align::Left);
    }
    if view.compared.is_some() {
        table.column(view.axis_name(), "", Align::Left);
        let meaning = "throughput relative to the baseline's: operations, or accesses where there are none";
        table.column("throughput", meaning, Align::Right);
        table.column("±", "the 95 % interval over seeds, or what sampling leaves open", Align::Right);
        table.column(
            "TLB misses, rel.",
            "misses of an access relative to the baseline's; over programs the mean of these ratios",
            Align::Right,
        );
    }
    let has = |figure: &usize| view.cells.iter().any(|cell| cell.figures[*figure].is_some());
    let columns: Vec<usize> = (0..FIGURES.len()).filter(has).collect();
    for &column in &columns {
        table.column(FIGURES[column].title, meaning(FIGURES[column].key), Align::Right);
    }
    let values = view.values();
    for panel in 0..view.panels.len() {
        let programs = (0..view.programs.len()).map(Some);
        for program in has_programs.then_some(None).into_iter().chain(programs) {
            for cell in view.panel(panel, program) {
                let number = program.map_or_else(|| "-1".to_owned(), |program| program.to_string());
                table.row(&format!(" data-panel=\"{panel}\" data-program=\"{number}\""));
                for (&axis, &value) in view.panel_axes.iter().zip(&view.panels[panel]) {
                    table.head_cell(&view.runs.axes[axis].values[value]);
                }
                if has_programs {
                    let name = program.map_or("mean", |program| view.programs[program].as_str());
                    table.head_cell(name);
                }
                if view.compared.is_some() {
                    table.head_cell(&values[cell.value]);
                    relative(cell, &mut table);
                }
                for &column in &columns {
                    table.cell(&written(&FIGURES[column], cell.figures[column]), Align::Right);
                }
            }
        }
    }
    table.finish("")
}

fn relative(cell: &Cell, table: &mut Table) {
    let is_baseline = cell.value == 0;
    let throughput = if is_baseline { Some("baseline".to_owned()) } else { cell.ratio().map(change) };
    let within = cell.within().filter(|within| !is_baseline && *within > 0.0);
    table.cell(throughput.as_deref().unwrap_or("–"), Align::Right);
    table.cell(
        &within.map_or_else(|| "–".to_owned(), |within| format!("{:.1} %", 100.0 * within)),
        Align::Right,
    );
    table.cell(&cell.misses_ratio.map_or_else(|| "–".to_owned(), percent), Align::Right);
}

fn written(figure: &Figure, value: Option<f64>) -> String {
    let Some(value) = value else { return "–".to_owned() };
    match figure.form {
        Form::Number => short(value),
        Form::Share => percent(value),
        Form::Nanos => short_time(value),
    }
}

/// What a figure is, by the metrics that it is made of.
fn meaning(key: &str) -> &'static str {
    let metric = match key {
        "misses" => "walks",
        "aligned" => "well_aligned_share",
        "upper" => "guest_huge_only_bytes",
        "lower" => "host_huge_only_bytes",
        "base" => "base_bytes",
        "cycles" => "cycles",
        "exits" => "exits",
        "fmfi_guest" | "fmfi_hypervisor" | "fmfi_host" => "fmfi",
        "bloat_guest" | "bloat_hypervisor" | "bloat_host" => "bloat",
        "huge_guest" | "huge_hypervisor" | "huge_host" => "huge_coverage",
        "p50" => "latency_p50_ns",
        "p95" => "latency_p95_ns",
        "p99" => "latency_p99_ns",
        "saturated" => "saturated",
        "translation" => return "waiting for the second level of the TLB and for walks",
        "faults" => return "faults of all layers that were served, base or huge",
        _ => return "",
    };
    terrace_result::run_metric(metric).map_or("", |metric| metric.meaning)
}
