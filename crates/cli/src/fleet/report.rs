//! `terrace fleet report`: results as one page of HTML.

use std::path::PathBuf;

use clap::Args;
use terrace_report::{LoadedFleet, fleet_page};

use crate::report::{Replaces, Target};
use crate::said::Said;
use crate::{CliError, Ended};

/// Arguments of `terrace fleet report`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  terrace fleet run --vms 50000 --servers 5000 --out full
  terrace fleet report full
  terrace fleet run --vms 50000 --servers 400 --out tight
  terrace fleet report full tight --out both.html

The page is one file that needs no network, no script and nothing else. It says the answer first, then shows how many \
                        virtual machines have one block of memory, by policy and over time, the servers that they take \
                        and the free memory, then holds every count and what the numbers depend on. The same results \
                        give the same page.")]
pub(crate) struct ReportArguments {
    /// Results of `terrace fleet run`: folders, or the JSON that --format json prints
    #[arg(value_name = "RESULT", required = true)]
    results: Vec<PathBuf>,

    /// The file to write: a new one, or in the place of an older page; - prints it. Without this, the name of the first
    /// result with .html behind it, in the current folder
    #[arg(long, short, value_name = "FILE.html")]
    out: Option<PathBuf>,

    /// Replace whatever file is there
    #[arg(long)]
    force: bool,
}

/// Writes the page of results.
pub(super) fn report(arguments: &ReportArguments, said: Said) -> Result<Ended, CliError> {
    let ReportArguments { results, out, force } = arguments;
    let target =
        Target { out: out.as_deref(), replaces: if *force { Replaces::Anything } else { Replaces::Pages } };
    target.check()?;
    let results: Result<Vec<_>, _> = results.iter().map(|path| LoadedFleet::read(path)).collect();
    let results = results?;
    let page = fleet_page(&results)?;
    target.write(results.first().map_or("report", |first| &first.name), &page, said)
}
