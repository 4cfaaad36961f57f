//! `terrace fleet compare`.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use comfy_table::CellAlignment;
use terrace_fleet::FleetError;
use terrace_fleet::result::{FleetMetric, FleetResult, FleetRun, fleet_metric};
use terrace_result::{Better, MetricValue};

use crate::input::file_name;
use crate::number::{number, short};
use crate::{CliError, Ended, print, style};

/// Arguments of `terrace fleet compare`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  terrace fleet run --vms 50000 --servers 5000 --out full
  terrace fleet run --vms 50000 --servers 400 --out tight
  terrace fleet compare full
  terrace fleet compare full tight --metric one_block_share,failed

A ratio is that of a value to the same value of the first column. With one result its runs are compared; with several, \
                        each run with the one of the same policy of the first result.")]
pub(crate) struct CompareArguments {
    /// Results of `terrace fleet run`: the folder or the JSON
    #[arg(value_name = "RESULT", required = true)]
    results: Vec<PathBuf>,

    /// Which metrics, separated by commas, or `all`; without this, those that most questions are about
    #[arg(long = "metric", value_name = "METRIC", value_delimiter = ',')]
    metrics: Vec<String>,

    /// How to print it
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = CompareFormat::Table)]
    format: CompareFormat,
}

/// How a comparison is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CompareFormat {
    /// For people
    Table,
    /// A row for each count, with all values and ratios
    Csv,
}

const USUAL: [&str; 8] = [
    "one_block_share",
    "contiguous_time_share",
    "failed",
    "servers_used",
    "peak_servers",
    "mean_largest_extent_bytes",
    "repair_bytes",
    "walk_cycles_saved_share",
];

/// Runs that are compared with the first of them.
struct Group {
    heading: String,
    columns: Vec<(String, FleetRun)>,
}

/// Compares results.
pub(super) fn compare(arguments: &CompareArguments) -> Result<Ended, CliError> {
    let results: Result<Vec<_>, CliError> =
        arguments.results.iter().map(|path| Ok((name(path), read(path)?))).collect();
    let groups = groups(results?)?;
    let metrics = metrics(&arguments.metrics, &groups)?;
    let text = match arguments.format {
        CompareFormat::Table => {
            groups.iter().map(|group| table(group, &metrics)).collect::<Vec<_>>().join("\n")
        }
        CompareFormat::Csv => csv(&groups, &metrics),
    };
    print(text.as_bytes())?;
    Ok(Ended::Complete)
}

/// Reads a result: its folder or its JSON.
pub(super) fn read(path: &Path) -> Result<FleetResult, CliError> {
    let file = if path.is_dir() { path.join("result.json") } else { path.to_path_buf() };
    let text = fs::read_to_string(&file).map_err(|error| CliError::Read { path: file.clone(), error })?;
    Ok(FleetResult::read(&text, &file.display().to_string()).map_err(FleetError::from)?)
}

/// How a result is headed: folders hold files of one name.
pub(super) fn name(path: &Path) -> String {
    let folder = path.parent().filter(|folder| folder.file_name().is_some());
    match folder {
        Some(folder) if path.file_name().is_some_and(|name| name == "result.json") => file_name(folder),
        _ => file_name(path),
    }
}

fn groups(mut results: Vec<(String, FleetResult)>) -> Result<Vec<Group>, CliError> {
    let (first_name, first) = results.remove(0);
    let vms = |result: &FleetResult| format!("{}, {} VMs", result.input.name, number(result.input.vms));
    if results.is_empty() {
        let columns = first.runs.iter().map(|run| (run.name(), run.clone())).collect();
        return Ok(vec![Group { heading: vms(&first), columns }]);
    }
    let mut groups = Vec::new();
    for run in &first.runs {
        let mut columns = vec![(first_name.clone(), run.clone())];
        for (name, other) in &results {
            let same = other.runs.iter().find(|it| it.name() == run.name());
            // The same policy with other extents or repair is what somebody wants to compare, too.
            let same = same.or_else(|| other.runs.iter().find(|it| it.policy == run.policy));
            columns.extend(same.map(|run| (name.clone(), run.clone())));
        }
        if columns.len() > 1 {
            groups.push(Group { heading: run.name(), columns });
        }
    }
    if groups.is_empty() {
        Err(CliError::Incomparable { what: "policy", result: first_name })
    } else {
        Ok(groups)
    }
}

fn metrics(names: &[String], groups: &[Group]) -> Result<Vec<&'static FleetMetric>, CliError> {
    let counted = |metric: &&FleetMetric| {
        let mut runs = groups.iter().flat_map(|group| &group.columns);
        runs.any(|(_, run)| run.metrics.get(metric.name).is_some())
    };
    if names == ["all"] {
        return Ok(FleetMetric::ALL.iter().filter(counted).collect());
    }
    if names.is_empty() {
        return Ok(USUAL.into_iter().filter_map(fleet_metric).filter(counted).collect());
    }
    let find = |name: &String| {
        fleet_metric(name).ok_or_else(|| {
            let all: Vec<_> = FleetMetric::ALL.iter().map(|metric| metric.name).collect();
            let near = terrace_machine::files::nearest(name, all.iter().copied()).map(str::to_owned);
            CliError::Unknown { what: "metric", name: name.clone(), expected: all.join(", "), near }
        })
    };
    names.iter().map(find).collect()
}

fn table(group: &Group, metrics: &[&FleetMetric]) -> String {
    let mut table = style::table();
    let names = group.columns.iter().enumerate().flat_map(|(place, (name, run))| {
        let name = if run.complete { name.clone() } else { format!("{name}\n(cut short)") };
        [Some(name), (place > 0).then(|| "ratio".to_owned())].into_iter().flatten()
    });
    table.set_header([String::new()].into_iter().chain(names));
    for metric in metrics {
        let value = |run: &FleetRun| run.metrics.get(metric.name);
        let first = group.columns.first().and_then(|(_, run)| value(run));
        let cells = group.columns.iter().enumerate().flat_map(|(place, (_, run))| {
            let ratio = (place > 0).then(|| judged(metric.better, value(run), first));
            [Some(value(run).map_or_else(|| "-".to_owned(), shown)), ratio].into_iter().flatten()
        });
        table.add_row([metric.name.to_owned()].into_iter().chain(cells));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    format!("{}\n{table}\n", group.heading)
}

fn shown(value: MetricValue) -> String {
    match value {
        MetricValue::Count(count) => number(count),
        // Shares near to 1 are what is compared.
        MetricValue::Number(value) if value <= 1.0 => format!("{value:.6}"),
        MetricValue::Number(value) => short(value),
    }
}

/// A ratio, and which of the values is the better one.
fn judged(better: Better, value: Option<MetricValue>, first: Option<MetricValue>) -> String {
    let ratio = ratio(value, first);
    let values = value.map(MetricValue::as_f64).zip(first.map(MetricValue::as_f64));
    let Some((value, first)) = values.filter(|(value, first)| value.to_bits() != first.to_bits()) else {
        return ratio;
    };
    match better {
        Better::Neither => ratio,
        Better::Lower if value < first => format!("{ratio} better"),
        Better::Higher if value > first => format!("{ratio} better"),
        Better::Lower | Better::Higher => format!("{ratio} worse"),
    }
}

fn ratio(value: Option<MetricValue>, first: Option<MetricValue>) -> String {
    match (value.map(MetricValue::as_f64), first.map(MetricValue::as_f64)) {
        (Some(value), Some(first)) if first > 0.0 => format!("{:.4}", value / first),
        _ => "-".to_owned(),
    }
}

fn csv(groups: &[Group], metrics: &[&FleetMetric]) -> String {
    let mut text = String::from("compared,column,metric,value,ratio\n");
    for Group { heading, columns } in groups {
        for (name, run) in columns {
            for metric in metrics {
                let first = columns.first().and_then(|(_, run)| run.metrics.get(metric.name));
                let value = run.metrics.get(metric.name);
                let shown = value.map_or_else(String::new, |value| value.to_string());
                // Writing to a string cannot fail.
                let _ = writeln!(
                    text,
                    "{},{},{},{shown},{}",
                    quoted(heading),
                    quoted(name),
                    metric.name,
                    ratio(value, first)
                );
            }
        }
    }
    text
}

/// A field of CSV (RFC 4180).
fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}
