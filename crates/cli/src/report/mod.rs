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
    let ReportArguments { results, out, by, baseline, force } = arguments;
    let target =
        Target { out: out.as_deref(), replaces: if *force { Replaces::Anything } else { Replaces::Pages } };
    target.check()?;
    let results: Result<Vec<_>, _> = results.iter().map(|path| Loaded::read(path)).collect();
    let results = results?;
    let options = Options { by: by.clone(), baseline: baseline.clone() };
    let page = page(&results, &options)?;
    target.write(results.first().map_or("report", |first| &first.name), &page, said)
}

/// Where a page goes.
pub(crate) struct Target<'a> {
    /// The file, or - for the output; none for one that is named as the result is.
    pub(crate) out: Option<&'a Path>,
    pub(crate) replaces: Replaces,
}

/// What a page takes the place of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Replaces {
    /// Of an older page.
    Pages,
    /// Of whatever file is there.
    Anything,
}

impl Target<'_> {
    fn is_output(&self) -> bool {
        self.out == Some(Path::new(STANDARD_INPUT))
    }

    /// Whether a page may be written there, before there is one.
    pub(crate) fn check(&self) -> Result<(), CliError> {
        match self.out {
            Some(out) if !self.is_output() && self.replaces == Replaces::Pages => place::check(out),
            _ => Ok(()),
        }
    }

    /// Writes the page of the result of this name.
    pub(crate) fn write(&self, name: &str, page: &str, said: Said) -> Result<Ended, CliError> {
        if self.is_output() {
            print(page.as_bytes())?;
            return Ok(Ended::Complete);
        }
        let named = PathBuf::from(format!("{}.html", name.trim_end_matches(".json")));
        let out = self.out.unwrap_or(&named);
        if self.replaces == Replaces::Pages {
            place::check(out)?;
        }
        place::write(out, page.as_bytes())?;
        said.note(format_args!("{}: a page for a browser, {} kB", out.display(), page.len().div_ceil(1000)));
        Ok(Ended::Complete)
    }
}
