//! `terrace compare`.

mod columns;
mod replays;
mod runs;
mod table;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::input::file_name;
use crate::{CliError, Ended, print};
use columns::{Column, Compared, Kind, WHOLE, read};
use table::{csv, table};

/// Arguments of `terrace compare`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  terrace replay tests/data/gups.drmemtrace.zip --format json > before.json
  terrace replay tests/data/gups.drmemtrace.zip --pages 2M --format json > after.json
  terrace compare before.json after.json

  terrace run quickstart --out base
  terrace run quickstart --set vm.slot_offset='4 KiB' --out shifted
  terrace compare base shifted --metric walks,cycles
  terrace compare base --by pages
  terrace compare base shifted --part vm/guest --metric fmfi

A ratio is that of a value to the same value of the first column. With one result its modes are compared, or the values \
                        of one of its sweep axes; with several, each mode of each trace, or each run, with the same \
                        one of the first result.")]
pub(crate) struct CompareArguments {
    /// Results of `terrace replay --format json`, or of `terrace run`: its folder or its JSON
    #[arg(value_name = "RESULT", required = true)]
    results: Vec<PathBuf>,

    /// Which metrics, separated by commas (`terrace list metrics`), or `all`; without this, those that most questions
    /// are about
    #[arg(long = "metric", value_name = "METRIC", value_delimiter = ',')]
    metrics: Vec<String>,

    /// Of runs, the part to compare, as --format csv names it: run (all of it), a virtual machine, a layer of one
    /// (vm0/guest), host, or a program (vm0/program/gups)
    #[arg(long, value_name = "PART", default_value = WHOLE)]
    part: String,

    /// With one result of a scenario, the sweep axis whose values are compared; without this, the first one
    #[arg(long, value_name = "AXIS")]
    by: Option<String>,

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
    let mut results = Vec::new();
    let mut first = None;
    for path in &arguments.results {
        let (kind, columns) = read(path)?;
        let expected = *first.get_or_insert(kind);
        if kind != expected {
            return Err(CliError::Kinds {
                path: path.clone(),
                found: kind.name(),
                expected: expected.name(),
            });
        }
        results.push((result_name(path), columns));
    }
    let kind = first.unwrap_or(Kind::Replay);
    has_part(&results, &arguments.part)?;
    let groups = match results.as_slice() {
        [(_, columns)] => within(columns, arguments.by.as_deref())?,
        _ => between(kind, results)?,
    };
    let metrics = metrics(kind, &arguments.metrics, &groups, &arguments.part)?;
    let text = match arguments.format {
        CompareFormat::Table => {
            let tables = groups.iter().map(|group| table(group, &arguments.part, &metrics));
            tables.collect::<Vec<_>>().join("\n")
        }
        CompareFormat::Csv => csv(&groups, &arguments.part, &metrics),
    };
    print(text.as_bytes())?;
    Ok(Ended::Complete)
}

/// How a result is headed: folders hold files of one name.
fn result_name(path: &Path) -> String {
    let folder = path.parent().filter(|folder| folder.file_name().is_some());
    match folder {
        Some(folder) if path.file_name().is_some_and(|name| name == "result.json") => file_name(folder),
        _ => file_name(path),
    }
}

/// Whether at least one column has such a part.
fn has_part(results: &[(String, Vec<Column>)], part: &str) -> Result<(), CliError> {
    let mut parts: Vec<&str> = Vec::new();
    for (name, _) in results.iter().flat_map(|(_, columns)| columns).flat_map(|column| &column.values) {
        if !parts.contains(&name.as_str()) {
            parts.push(name);
        }
    }
    if parts.is_empty() || parts.contains(&part) {
        return Ok(());
    }
    let expected = format!("one of {}", parts.join(", "));
    Err(CliError::NotCompared { option: "--part", name: part.to_owned(), expected })
}

/// The metrics that were asked for, or those of the usual ones that the results have.
fn metrics(kind: Kind, names: &[String], groups: &[Group], part: &str) -> Result<Vec<Compared>, CliError> {
    let all = kind.metrics();
    let measured = |metric: &Compared| {
        let mut columns = groups.iter().flat_map(|group| &group.columns);
        columns.any(|column| column.value(part, metric.name).is_some())
    };
    if names == ["all"] {
        return Ok(all.into_iter().filter(measured).collect());
    }
    if names.is_empty() {
        // A part of a run has other metrics than all of it.
        let usual = |metric: &Compared| part != WHOLE || kind.default_metrics().contains(&metric.name);
        return Ok(all.into_iter().filter(|metric| usual(metric) && measured(metric)).collect());
    }
    let find = |name: &String| {
        let found = all.iter().find(|metric| metric.name == name).copied();
        found.ok_or_else(|| CliError::Metric { name: name.clone(), kind: kind.name() })
    };
    names.iter().map(find).collect()
}

/// The columns of one result: those that differ in one axis only are compared.
fn within(columns: &[Column], by: Option<&str>) -> Result<Vec<Group>, CliError> {
    let axes: Vec<&str> =
        columns.first().iter().flat_map(|column| &column.which).map(|(axis, _)| axis.as_str()).collect();
    if let Some(by) = by.filter(|by| !axes.contains(by)) {
        let expected = match axes.as_slice() {
            [] => "none: the result has one run".to_owned(),
            axes => format!("one of {}", axes.join(", ")),
        };
        return Err(CliError::NotCompared { option: "--by", name: by.to_owned(), expected });
    }
    let by = by.or(axes.first().copied()).unwrap_or_default();
    let mut groups: Vec<Group> = Vec::new();
    for column in columns {
        let of_axis = |(axis, _): &&(String, String)| axis == by;
        let others = column.which.iter().filter(|label| !of_axis(label)).map(|(_, value)| value.as_str());
        let heading = [column.subject.as_str()].into_iter().chain(others).collect::<Vec<_>>().join(", ");
        let name = column.which.iter().find(of_axis).map_or(column.subject.as_str(), |(_, value)| value);
        // What differs is what is compared.
        let column = Column { depends: Vec::new(), ..column.clone() }.named(name);
        match groups.iter_mut().find(|group| group.heading == heading) {
            Some(group) => group.columns.push(column),
            None => groups.push(Group { heading, columns: vec![column] }),
        }
    }
    Ok(groups)
}

/// The columns of several results: each with the same ones of the others.
fn between(kind: Kind, mut results: Vec<(String, Vec<Column>)>) -> Result<Vec<Group>, CliError> {
    let (first_name, first) = results.remove(0);
    let mut groups = Vec::new();
    for column in first {
        let heading = [column.subject.clone(), column.which()];
        let heading = heading.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
        let mut columns = vec![column.clone().named(&first_name)];
        for (name, others) in &results {
            let same = |other: &&Column| other.which == column.which;
            let found = others.iter().find(|other| other.subject == column.subject && same(other));
            // Results of different traces or scenarios are compared mode by mode, run by run.
            let found = found.or_else(|| others.iter().find(same));
            columns.extend(found.map(|other| other.clone().named(name)));
        }
        if columns.len() > 1 {
            groups.push(Group { heading, columns });
        }
    }
    if groups.is_empty() {
        Err(CliError::Incomparable { what: kind.common(), result: first_name })
    } else {
        Ok(groups)
    }
}
