//! `terrace compare`.

mod columns;
mod groups;
mod replays;
mod runs;
mod seeds;
mod table;
mod verdict;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::input::file_name;
use crate::said::Said;
use crate::{CliError, Ended, print};
use columns::{Column, Compared, Kind, WHOLE, read};
use groups::{Group, between, within};
use table::{csv, table};
use verdict::slower;

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

  terrace run quickstart --seed 1,2,3,4,5 --out before
  terrace run quickstart --seed 1,2,3,4,5 --set guest.parameters.thp=never --out after
  terrace compare before after --fail-if-slower 2

A ratio is that of a value to the same value of the first column. With one result its modes are compared, or the values \
                        of one of its sweep axes; with several, each mode of each trace, or each run, with the same \
                        one of the first result.

Runs that differ in nothing but their seed are one column with the mean of all that were complete. The difference of \
                        two such means stands beside them in percent of the first, with its 95 % confidence interval \
                        (Student's t: of the pairs with the same seed, where the seeds are the same ones; Welch's \
                        otherwise) and what it says: faster, slower, or no difference found, where the interval \
                        includes none.")]
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

    /// End with the exit code 3 if anything is slower than the first column by more than so many percent: of runs in
    /// operations a second, or accesses a second where there are none, of replays in cycles, or in those metrics that are
    /// named. With several seeds the whole confidence interval has to be beyond it
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    fail_if_slower: Option<f64>,

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

fn percent(text: &str) -> Result<f64, String> {
    let percent = text.trim().trim_end_matches('%').trim_end().parse::<f64>().ok();
    percent
        .filter(|percent| percent.is_finite() && *percent >= 0.0)
        .ok_or_else(|| "expected a number of percent that is not negative, such as 2.5".to_owned())
}

/// Compares results.
pub(crate) fn compare(arguments: &CompareArguments, said: Said) -> Result<Ended, CliError> {
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
    let groups = if let [(_, columns)] = results.as_slice() {
        within(kind, columns, arguments.by.as_deref())?
    } else {
        between(kind, results)?
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
    let Some(allowed) = arguments.fail_if_slower else { return Ok(Ended::Complete) };
    let judged = judged(kind, &arguments.metrics, &metrics);
    let Some(slower) = slower(&groups, &arguments.part, &judged, allowed) else {
        return Err(CliError::NotCompared {
            option: "--fail-if-slower",
            name: "nothing to compare that says how fast something was".to_owned(),
            expected: format!("two columns of {}, or another --metric", kind.speeds().join(" or ")),
        });
    };
    for what in &slower {
        said.note(what);
    }
    Ok(if slower.is_empty() { Ended::Complete } else { Ended::Slower })
}

/// The metrics by which something may be too slow: those that were named, as far as they say how fast something was.
fn judged(kind: Kind, named: &[String], metrics: &[Compared]) -> Vec<Compared> {
    if named.is_empty() || named == ["all"] {
        let all = kind.metrics();
        let speeds = kind.speeds().iter();
        return speeds.filter_map(|name| all.iter().find(|metric| metric.name == *name).copied()).collect();
    }
    metrics.iter().filter(|metric| metric.faster.is_some()).copied().collect()
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
    let columns = results.iter().flat_map(|(_, columns)| columns);
    for (name, _) in columns.flat_map(|column| &column.repetitions).flat_map(|it| &it.values) {
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
