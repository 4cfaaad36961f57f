//! `terrace compare`.

mod columns;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use comfy_table::CellAlignment;
use terrace_addr::convert;
use terrace_result::Metric;

use crate::input::file_name;
use crate::number::number;
use crate::{CliError, Ended, print, style};
use columns::{Column, read};

/// Arguments of `terrace compare`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  terrace replay tests/data/gups.drmemtrace.zip --format json > before.json
  terrace replay tests/data/gups.drmemtrace.zip --pages 2M --format json > after.json
  terrace compare before.json after.json

A ratio is that of a count to the same count of the first column; with one result its modes are compared, with several \
                        each mode of each trace with the same one of the first result.")]
pub(crate) struct CompareArguments {
    /// Results of `terrace replay --format json`
    #[arg(value_name = "RESULT", required = true)]
    results: Vec<PathBuf>,

    /// Which counts, separated by commas (`terrace list metrics`), or `all`
    #[arg(
        long = "metric",
        value_name = "METRIC",
        value_delimiter = ',',
        default_value = "stlb_misses,walks,walk_references,walk_cycles,cycles"
    )]
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

/// Columns that are compared with the first of them.
struct Group {
    heading: String,
    columns: Vec<Column>,
}

/// Compares results.
pub(crate) fn compare(arguments: &CompareArguments) -> Result<Ended, CliError> {
    let metrics = metrics(&arguments.metrics)?;
    let mut results = Vec::new();
    for path in &arguments.results {
        results.push((file_name(path), read(path)?));
    }
    let groups = groups(results)?;
    let text = match arguments.format {
        CompareFormat::Table => {
            groups.iter().map(|group| table(group, &metrics)).collect::<Vec<_>>().join("\n")
        }
        CompareFormat::Csv => csv(&groups, &metrics),
    };
    print(text.as_bytes())?;
    Ok(Ended::Complete)
}

fn metrics(names: &[String]) -> Result<Vec<&'static Metric>, CliError> {
    if names == ["all"] {
        return Ok(Metric::ALL.iter().collect());
    }
    let find =
        |name: &String| terrace_result::metric(name).ok_or_else(|| CliError::Metric { name: name.clone() });
    names.iter().map(find).collect()
}

/// What is compared with what: the modes of one result, or a mode of several.
fn groups(mut results: Vec<(String, Vec<Column>)>) -> Result<Vec<Group>, CliError> {
    if results.len() == 1 {
        let mut groups: Vec<Group> = Vec::new();
        for (_, columns) in results {
            for column in columns {
                let heading = column.trace.clone();
                let name = column.mode.clone();
                let column = column.named(&name);
                match groups.iter_mut().find(|group| group.heading == heading) {
                    Some(group) => group.columns.push(column),
                    None => groups.push(Group { heading, columns: vec![column] }),
                }
            }
        }
        return Ok(groups);
    }
    let (first_name, first) = results.remove(0);
    let mut groups = Vec::new();
    for column in first {
        let heading = format!("{}, {}", column.trace, column.mode);
        let mut columns = vec![column.clone().named(&first_name)];
        for (name, others) in &results {
            let same = others.iter().find(|other| other.trace == column.trace && other.mode == column.mode);
            // Results of different traces are compared mode by mode.
            let same = same.or_else(|| others.iter().find(|other| other.mode == column.mode));
            columns.extend(same.map(|other| other.clone().named(name)));
        }
        if columns.len() > 1 {
            groups.push(Group { heading, columns });
        }
    }
    if groups.is_empty() { Err(CliError::Incomparable { result: first_name }) } else { Ok(groups) }
}

/// A group for people.
fn table(group: &Group, metrics: &[&Metric]) -> String {
    let Group { heading, columns } = group;
    let mut table = style::table();
    let names = columns.iter().enumerate().flat_map(|(place, column)| {
        let ratio = (place > 0).then(|| "ratio".to_owned());
        [Some(column.name.clone()), ratio].into_iter().flatten()
    });
    table.set_header([String::new()].into_iter().chain(names));
    for metric in metrics {
        let first = columns.first().and_then(|column| column.value(metric.name));
        let cells = columns.iter().enumerate().flat_map(|(place, column)| {
            let value = column.value(metric.name);
            let ratio = (place > 0).then(|| ratio(value, first));
            [Some(value.map_or_else(|| "-".to_owned(), number)), ratio].into_iter().flatten()
        });
        table.add_row([metric.name.to_owned()].into_iter().chain(cells));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let differences: String = columns
        .iter()
        .skip(1)
        .flat_map(|column| {
            let differences = columns.first().map(|first| first.differences(column)).unwrap_or_default();
            differences.into_iter().map(|difference| format!("{}: {difference}\n", column.name))
        })
        .collect();
    format!("{heading}\n{table}\n{differences}")
}

fn ratio(value: Option<u64>, first: Option<u64>) -> String {
    match (value, first) {
        (Some(value), Some(first)) if first > 0 => format!("{:.3}", convert::ratio(value, first)),
        _ => "-".to_owned(),
    }
}

fn csv(groups: &[Group], metrics: &[&Metric]) -> String {
    let mut text = String::from("compared,column,metric,value,ratio\n");
    for Group { heading, columns } in groups {
        for column in columns {
            for metric in metrics {
                let first = columns.first().and_then(|column| column.value(metric.name));
                let value = column.value(metric.name);
                let shown = value.map_or_else(String::new, |value| value.to_string());
                let fields = [
                    quoted(heading),
                    quoted(&column.name),
                    metric.name.to_owned(),
                    shown,
                    ratio(value, first),
                ];
                text.push_str(&fields.join(","));
                text.push('\n');
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
