//! `terrace reproduce`: published figures and tables, measured again beside what was published.

mod compared;
mod curves;
mod page;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::{fs, io};

use clap::{Args, ValueEnum};
use terrace_fleet::reproduce::Extent;
use terrace_machine::files::nearest;
use terrace_sim::published::{comparison, comparisons};
use terrace_sim::reproduce::{FIGURES, Figure, Observe, ReproduceError, figure};
use terrace_sim::run::{Next, Passed, Registry};

use self::page::Page;
use crate::fleet::reproduce::{self as of_fleet, FIGURE as OF_FLEET};
use crate::interrupt::interrupted;
use crate::list::figures;
use crate::progress::RunsBar;
use crate::replay::threads;
use crate::said::Said;
use crate::{CliError, Ended, print};

/// Arguments of `terrace reproduce`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  terrace reproduce
  terrace reproduce gemini-fig2 --reduced
  terrace reproduce gemini-fig2 --picture gemini-fig2.svg --format csv
  terrace reproduce gemini-fig2 --show-scenario > mine.toml
  terrace reproduce gemini-table3 gemini-fig8-fragmented --program masstree,redis
  terrace reproduce xgemini-fig11-clean --program parsec-canneal --draws 30
  terrace reproduce xgemini-fig16 --picture xgemini-fig16.svg
  terrace reproduce gemini-fig8-fragmented --system gemini --draws 30
  terrace reproduce gemini-table3 gemini-table4 --into docs/src/validation.md

What was published is shown beside what the model gives, and is an input of nothing. Figures over programs may be
asked for together: what several of them need runs once.")]
pub(crate) struct ReproduceArguments {
    /// The figures; without one, they are listed
    figure: Vec<String>,

    /// For a part of the time: of a curve only data sets up to 64 MiB, and of 4 GiB; figures over programs in machines of
    /// a 16th of the memory, with programs as much smaller, for a quarter of the time; of a fleet a twentieth
    #[arg(long, requires = "figure")]
    reduced: bool,

    /// Of figures over programs: so many draws of what is assumed about each program, for the bands
    #[arg(long, value_name = "NUMBER", requires = "figure", default_value_t = 0)]
    draws: u64,

    /// Of figures over programs: only these
    #[arg(long, value_name = "NAME,…", requires = "figure", value_delimiter = ',')]
    program: Vec<String>,

    /// Of figures over programs: only these systems, beside what they are compared with
    #[arg(long, value_name = "NAME,…", requires = "figure", value_delimiter = ',')]
    system: Vec<String>,

    /// Of figures over programs: keep what each run finds in this folder, and do not run again what is there, so that
    /// what was stopped goes on
    #[arg(long, value_name = "FOLDER", requires = "figure")]
    keep: Option<PathBuf>,

    /// Print the figure's scenario file, which `terrace run` takes, and run nothing
    #[arg(long, requires = "figure", conflicts_with_all = ["reduced", "picture", "format", "into"])]
    show_scenario: bool,

    /// Of curves and figures over programs: write a picture, too; several figures stand one below the other
    #[arg(long, value_name = "FILE.svg", requires = "figure")]
    picture: Option<PathBuf>,

    /// Of curves and figures over programs: write them into this page of Markdown instead of printing them, each into the
    /// block whose first line is three backticks and `text terrace reproduce`, the figure, and the options that are
    /// given of --program, --system, --draws and --reduced in this order
    #[arg(long, value_name = "FILE.md", requires = "figure", conflicts_with = "format")]
    into: Option<PathBuf>,

    /// How to print the result
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = ReproduceFormat::Table)]
    format: ReproduceFormat,

    /// How many runs to simulate at the same time; no number depends on it
    #[arg(long, value_name = "NUMBER", default_value_t = threads())]
    threads: NonZeroUsize,
}

/// How a figure is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReproduceFormat {
    /// For people
    Table,
    /// Everything, with what it depends on
    Json,
    /// A row for each point
    Csv,
}

/// Measures figures, or lists them.
pub(crate) fn reproduce(
    arguments: &ReproduceArguments,
    registry: &Registry,
    said: Said,
) -> Result<Ended, CliError> {
    let names = &arguments.figure;
    if names.is_empty() {
        print(figures().as_bytes())?;
        return Ok(Ended::Complete);
    }
    let of_programs: Option<Vec<_>> = names.iter().map(|name| comparison(name)).collect();
    if let Some(comparisons) = of_programs {
        return compared::reproduce(&comparisons, arguments, registry, said);
    }
    for name in names {
        if comparison(name).is_none() && name != OF_FLEET.name {
            named(name)?;
        }
    }
    let [name] = names.as_slice() else {
        return Err(CliError::NotTogether { names: names.join(", ") });
    };
    let of_programs = [
        ("--draws", arguments.draws > 0),
        ("--program", !arguments.program.is_empty()),
        ("--system", !arguments.system.is_empty()),
        ("--keep", arguments.keep.is_some()),
    ];
    refuse(names, "over programs", of_programs)?;
    if name == OF_FLEET.name {
        refuse(
            names,
            "of curves or over programs",
            [
                ("--picture", arguments.picture.is_some()),
                ("--into", arguments.into.is_some()),
                ("--show-scenario", arguments.show_scenario),
            ],
        )?;
        let extent = if arguments.reduced { Extent::Reduced } else { Extent::Full };
        return of_fleet::reproduce(extent, arguments.format, arguments.threads.get(), said);
    }
    curves::reproduce(named(name)?, arguments, registry, said)
}

/// Refuses options that were given and that only other figures have.
fn refuse<const N: usize>(
    figures: &[String],
    of: &'static str,
    options: [(&'static str, bool); N],
) -> Result<(), CliError> {
    match options.into_iter().find(|&(_, given)| given) {
        Some((option, _)) => Err(CliError::NotOfFigure { option, figure: figures.join(", "), of }),
        None => Ok(()),
    }
}

/// Whether a picture can be put where it is asked for, as far as that shows before minutes of work.
fn can_draw(arguments: &ReproduceArguments) -> Result<(), CliError> {
    let Some(path) = &arguments.picture else { return Ok(()) };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let is_place =
        if path.is_dir() { Err(io::ErrorKind::IsADirectory.into()) } else { fs::read_dir(folder).map(drop) };
    is_place.map_err(|error| CliError::Read { path: path.clone(), error })
}

/// Writes the picture, where one is asked for.
fn draw(arguments: &ReproduceArguments, picture: impl FnOnce() -> String) -> Result<(), CliError> {
    let Some(path) = &arguments.picture else { return Ok(()) };
    fs::write(path, picture()).map_err(|error| CliError::Read { path: path.clone(), error })
}

/// Where figures go: to the output, or into a page that has a place for each.
struct Output<'a> {
    arguments: &'a ReproduceArguments,
    page: Option<Page>,
}

impl<'a> Output<'a> {
    /// Refuses what could not be written after minutes of work.
    fn new(arguments: &'a ReproduceArguments) -> Result<Self, CliError> {
        can_draw(arguments)?;
        let page = arguments.into.as_deref().map(|path| Page::open(path, arguments)).transpose()?;
        Ok(Self { arguments, page })
    }

    /// Writes figures, each with its name and its text, and the picture of all. A page takes only whole ones: those that
    /// were stopped are printed.
    fn write(
        self,
        figures: &[(String, String)],
        stopped: bool,
        picture: impl FnOnce() -> String,
        said: Said,
    ) -> Result<(), CliError> {
        match self.page {
            Some(page) if !stopped => page.put(figures, self.arguments)?,
            page => {
                let texts: Vec<&str> = figures.iter().map(|(_, text)| text.as_str()).collect();
                print(texts.join("\n").as_bytes())?;
                if let Some(page) = page {
                    said.note(format_args!("{} is as it was: not all was measured", page.path().display()));
                }
            }
        }
        draw(self.arguments, picture)
    }
}

/// Tells the bar, and Ctrl-C to the runs.
struct Progress {
    bar: RunsBar,
}

impl Progress {
    fn new(said: Said, runs: usize) -> Self {
        Self { bar: RunsBar::new(said, runs) }
    }
}

impl Observe for Progress {
    fn advance(&self, run: usize, passed: Passed) -> Next {
        self.bar.advance(run, passed.share, 0);
        if interrupted() { Next::Stop } else { Next::Go }
    }

    fn finish(&self, run: usize) {
        self.bar.finish(run);
    }
}

/// The scenario file of the figure of this name.
pub(crate) fn scenario_of(name: &str) -> Result<&'static str, CliError> {
    comparison(name)
        .map_or_else(|| Ok(named(name)?.scenario.text), |comparison| Ok(comparison.campaign_text()))
}

/// The curve of this name.
fn named(name: &str) -> Result<&'static Figure, CliError> {
    figure(name).ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> CliError {
    let names = || {
        let of_programs = comparisons().iter().map(|comparison| comparison.name.as_str());
        FIGURES.iter().map(|figure| figure.name).chain(of_programs).chain([OF_FLEET.name])
    };
    CliError::Unknown {
        what: "figure",
        name: name.to_owned(),
        expected: names().collect::<Vec<_>>().join(", "),
        near: nearest(name, names()).map(str::to_owned),
    }
}

fn failed(error: ReproduceError) -> CliError {
    match error {
        ReproduceError::Scenario(error) => error.into(),
        ReproduceError::Machine(error) => error.into(),
        ReproduceError::Run { figure, run, error } => CliError::Run { scenario: figure, run, error },
    }
}
