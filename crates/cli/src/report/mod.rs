//! `terrace report`: results as one page of HTML.

mod place;

use std::path::{Path, PathBuf};

use clap::Args;
use terrace_report::{Loaded, Options, page};

use crate::input::STANDARD_INPUT;
use crate::said::Said;
use crate::{CliError, Ended, print};

/// Arguments of `terrace report`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  terrace run xgemini-demo --out demo
  terrace report demo
  terrace report demo --by memory --out by-memory.html
  terrace run quickstart --set host.memory='2 GiB' --out less
  terrace run quickstart --out more
  terrace report more less --out both.html

The page is one file that needs no network and nothing else. It says the answer first, then shows throughput, TLB misses, \
                        cycles by cause, alignment and fragmentation over time and latencies, then holds every metric, \
                        which system ran at which layer, the decisions about pages where the scenario records them, and \
                        what the numbers depend on. Pictures can be saved as SVG and PNG. Of one result the values of \
                        the axis are compared in which systems differ; several results are compared with the first. \
                        Means are taken over programs, and over seeds with confidence intervals. The same results give \
                        the same page.")]
pub(crate) struct ReportArguments {
    /// Results of `terrace run`: folders, or the JSON that --format json prints
    #[arg(value_name = "RESULT", required = true)]
    results: Vec<PathBuf>,

    /// The file to write: a new one, or in the place of an older page; - prints it. Without this, the name of the first
    /// result with .html behind it, in the current folder
    #[arg(long, short, value_name = "FILE.html")]
    out: Option<PathBuf>,

    /// The sweep axis whose values are compared
    #[arg(long, value_name = "AXIS")]
    by: Option<String>,

    /// The value of that axis that the others are relative to; without this, base pages in every layer, or the first
    #[arg(long, value_name = "VALUE")]
    baseline: Option<String>,

    /// Replace whatever file is there
    #[arg(long)]
    force: bool,
}

/// Writes the page of results.
pub(crate) fn report(arguments: &ReportArguments, said: Said) -> Result<Ended, CliError> {
    let to_output = arguments.out.as_deref() == Some(Path::new(STANDARD_INPUT));
    if let Some(out) = arguments.out.as_deref().filter(|_| !to_output && !arguments.force) {
        place::check(out)?;
    }
    let results: Result<Vec<_>, _> = arguments.results.iter().map(|path| Loaded::read(path)).collect();
    let results = results?;
    let options = Options { by: arguments.by.clone(), baseline: arguments.baseline.clone() };
    let page = page(&results, &options)?;
    if to_output {
        print(page.as_bytes())?;
        return Ok(Ended::Complete);
    }
    let out = match (&arguments.out, results.first()) {
        (Some(out), _) => out.clone(),
        (None, first) => {
            let name = first.map_or("report", |first| first.name.trim_end_matches(".json"));
            PathBuf::from(format!("{name}.html"))
        }
    };
    if !arguments.force {
        place::check(&out)?;
    }
    place::write(&out, page.as_bytes())?;
    said.note(format_args!("{}: a page for a browser, {} kB", out.display(), page.len().div_ceil(1000)));
    Ok(Ended::Complete)
}
