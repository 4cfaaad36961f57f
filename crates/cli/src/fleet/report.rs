//! `terrace fleet report`: one result as a page of Markdown, with what each count means.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use clap::Args;
use terrace_fleet::result::{FleetMetric, FleetResult};
use terrace_result::MetricValue;

use super::compare::read;
use super::table::cut_short;
use crate::number::number;
use crate::{CliError, Ended, print};

/// Arguments of `terrace fleet report`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  terrace fleet run --vms 50000 --servers 5000 --out full
  terrace fleet report full
  terrace fleet report full --output full.md")]
pub(crate) struct ReportArguments {
    /// A result of `terrace fleet run`: the folder or the JSON
    #[arg(value_name = "RESULT")]
    result: PathBuf,

    /// Write the page to a file instead of printing it
    #[arg(long, value_name = "FILE.md")]
    output: Option<PathBuf>,
}

/// Writes the page of a result.
pub(super) fn report(arguments: &ReportArguments) -> Result<Ended, CliError> {
    let page = page(&read(&arguments.result)?);
    match &arguments.output {
        Some(path) => {
            fs::write(path, page).map_err(|error| CliError::Read { path: path.clone(), error })?;
        }
        None => print(page.as_bytes())?,
    }
    Ok(Ended::Complete)
}

fn page(result: &FleetResult) -> String {
    let input = &result.input;
    // Writing to a string cannot fail.
    let mut text = format!("# {}: {} VMs on servers\n\n", input.name, number(input.vms));
    let _ = writeln!(text, "- format: {}, {} events", input.format, number(input.events));
    if let Some(digest) = &input.sha256 {
        let _ = writeln!(text, "- SHA-256 of the input: `{}`", digest.as_str());
    }
    if let Some(it) = &input.synthetic {
        let _ = writeln!(
            text,
            "- synthetic: seed {}, {} days, {} of the VMs running at the start, daily amplitude {}, batches of {} on \
             average, a GB of {} bytes",
            it.seed, it.days, it.running_share, it.daily_amplitude, it.mean_batch, it.gigabyte_bytes
        );
    }
    if input.skipped.rows > 0 {
        let _ = writeln!(
            text,
            "- {} rows that cannot be were left out, the first of them:",
            number(input.skipped.rows)
        );
        for problem in &input.skipped.first {
            let _ = writeln!(text, "  - {problem}");
        }
    }
    for kind in &result.servers {
        let _ = writeln!(
            text,
            "- {} servers `{}`: {} cores, {} bytes",
            number(u64::from(kind.count)),
            kind.name,
            kind.cores,
            number(kind.memory_bytes)
        );
    }
    let _ = writeln!(text, "- memory is given out in multiples of {} bytes", number(result.granule_bytes));
    if let Some(costs) = &result.costs {
        let _ = writeln!(
            text,
            "- walks: {} of a busy core in a second, {} cycles with EPT, {} in segment mode, cores busy for {} of the time",
            costs.walks_per_core_second, costs.ept_cycles, costs.segment_cycles, costs.busy_share
        );
    }
    let _ = writeln!(text, "- Terrace {}, model {}\n", result.terrace_version, result.model_version);
    let names = result.runs.iter().map(|run| format!(" {} |", run.name()));
    let _ = writeln!(text, "| metric |{} meaning |", names.collect::<String>());
    let _ = writeln!(text, "| --- |{} --- |", " ---: |".repeat(result.runs.len()));
    for metric in FleetMetric::ALL {
        if result.runs.iter().all(|run| run.metrics.get(metric.name).is_none()) {
            continue;
        }
        let cells = result.runs.iter().map(|run| match run.metrics.get(metric.name) {
            Some(MetricValue::Count(count)) => format!(" {} |", number(count)),
            Some(MetricValue::Number(value)) => format!(" {value} |"),
            None => " - |".to_owned(),
        });
        let _ = writeln!(
            text,
            "| {} ({}) |{} {} |",
            metric.name,
            metric.unit,
            cells.collect::<String>(),
            metric.meaning
        );
    }
    for run in result.runs.iter().filter(|run| !run.complete) {
        let _ = write!(text, "\n{}", cut_short(run));
    }
    text
}
