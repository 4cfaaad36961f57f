//! What ends a command.

use std::io;
use std::path::PathBuf;

use terrace_addr::{Addr, Gva, PageSize};
use terrace_fleet::FleetError;
use terrace_machine::MachineError;
use terrace_report::ReportError;
use terrace_result::{Outcome, ResultError};
use terrace_scenario::ScenarioError;
use terrace_sim::Mode;
use terrace_sim::bench::BenchError;
use terrace_sim::mapping::MappingError;
use terrace_sim::replay::ReplayError;
use terrace_sim::run::RunError;
use terrace_sim::time::InvalidProgram;
use terrace_trace::{TraceError, WriteError};
use thiserror::Error;

/// What ends a command: one message that says what, where, found and expected.
#[derive(Debug, Error)]
pub enum CliError {
    /// The trace cannot be read.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// The machine cannot be used.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// The trace cannot be replayed.
    #[error("{}: {error}{}", .trace.display(), advice(.error))]
    Replay {
        /// The trace.
        trace: PathBuf,
        /// Why.
        error: ReplayError,
    },
    /// The program cannot be as it was declared.
    #[error("--core-cycles and --mlp: {0}")]
    Program(#[from] InvalidProgram),
    /// An address cannot be translated.
    #[error("{:#x}: {}", .address.get(), unplaced(.error))]
    Walk {
        /// The address.
        address: Addr<Gva>,
        /// Why.
        error: ReplayError,
    },
    /// The scenario cannot be used.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// A run of a scenario cannot be made.
    #[error("{scenario}{}{run}{}: {error}", if run.is_empty() { "" } else { " (" }, if run.is_empty() { "" } else { ")" })]
    Run {
        /// The scenario.
        scenario: String,
        /// Which of its runs, where it has several.
        run: String,
        /// Why.
        error: Box<RunError>,
    },
    /// A result holds no decisions about pages.
    #[error(
        "{}: found no events of run {run}, expected events.parquet\n  Run the scenario with --set record.events=true and \
         --out.",
        .result.display()
    )]
    NoEvents {
        /// The result.
        result: PathBuf,
        /// The run.
        run: u32,
    },
    /// Figures that cannot be measured by one command.
    #[error(
        "found the figures {names}, expected one, or several over programs\n  `terrace reproduce` lists them; ask for each curve by itself."
    )]
    NotTogether {
        /// What was asked for.
        names: String,
    },
    /// A page has no place, or no single one, for a figure.
    #[error(
        "{}: found {found} blocks that begin with the line\n    {first}\n  expected one; add it where the figure is to stand, \
         and ``` on the line after it.",
        .path.display()
    )]
    NoBlock {
        /// The page.
        path: PathBuf,
        /// How many there are.
        found: usize,
        /// The line that it begins with.
        first: String,
    },
    /// An option of `terrace reproduce` that a figure does not have.
    #[error("found {option} with the figure {figure}, expected it only with figures {of}; leave it out")]
    NotOfFigure {
        /// The option.
        option: &'static str,
        /// The figure.
        figure: String,
        /// Which figures have it.
        of: &'static str,
    },
    /// A folder for what runs find cannot be used.
    #[error("--keep {}: {source}; expected a folder, or a place for one", path.display())]
    Keep {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A sweep does not have what is to be run of it.
    #[error("--only: found `{found}` as {what}; expected {expected}{help}")]
    Only {
        /// What it was taken for.
        what: String,
        /// What was given.
        found: String,
        /// What there is.
        expected: String,
        /// What was probably meant.
        help: String,
    },
    /// No run came to its measured time.
    #[error(
        "found nothing measured, expected at least one run that comes to its measured time\nWhy is said with the result."
    )]
    NothingMeasured,
    /// A run that is to be timed did not come to its measured time, or not far into it.
    #[error("found nothing measured, expected a run that comes to its measured time: {0}")]
    Unmeasured(Outcome),
    /// A fleet cannot be simulated, or a trace of VMs not be read.
    #[error(transparent)]
    Fleet(#[from] FleetError),
    /// A result cannot be read or written.
    #[error(transparent)]
    Results(#[from] ResultError),
    /// Results cannot be a page.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// Where a page would go, something else is.
    #[error(
        "{}: found {found}, expected nothing, or an older page to replace\n  Name another file with --out, or replace \
         that one with --force.",
        .path.display()
    )]
    NoPlaceForPage {
        /// The path.
        path: PathBuf,
        /// What is there.
        found: &'static str,
    },
    /// There is no such entry of a registry.
    #[error("found no {what} {name}, expected one of {expected}{}", near.as_ref().map_or_else(String::new, |near| format!("\n  did you mean {near}?")))]
    Unknown {
        /// What it would be.
        what: &'static str,
        /// The name that was given.
        name: String,
        /// Those that there are.
        expected: String,
        /// The nearest of them.
        near: Option<String>,
    },
    /// A registry whose entries say everything in the list.
    #[error(
        "found the name {name}, expected none: only systems, workloads, scenarios and figures have more than a line each"
    )]
    NothingOf {
        /// The name that was given.
        name: String,
    },
    /// A mode was asked for twice.
    #[error("--mode: found {mode} twice; expected each mode once")]
    Twice {
        /// The mode.
        mode: Mode,
    },
    /// Standard input was given twice.
    #[error("found - twice among the traces; expected standard input at most once")]
    StandardInputTwice,
    /// The machine cannot be built.
    #[error("{machine}: {error}")]
    Build {
        /// The machine's name.
        machine: String,
        /// Why.
        error: ReplayError,
    },
    /// The mapping file cannot be used.
    #[error("{}: {error}", .path.display())]
    Mapping {
        /// The file.
        path: PathBuf,
        /// Why.
        error: MappingError,
    },
    /// A file cannot be read.
    #[error("{}: {error}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Recorded pages are of no size that tables have.
    #[error("{}: found pages of {page_size} bytes, expected 4K, 2M or 1G", .path.display())]
    RecordedPages {
        /// The file.
        path: PathBuf,
        /// Their size, in bytes.
        page_size: u64,
    },
    /// A file is no result of a replay.
    #[error("{}: found {found}, expected a result of terrace replay or terrace run, as --format json prints it", .path.display())]
    Result {
        /// The file.
        path: PathBuf,
        /// What is there.
        found: String,
    },
    /// There is no such count.
    #[error("--metric: found {name}, expected one that `terrace list metrics` names for {kind}, or all")]
    Metric {
        /// What was given.
        name: String,
        /// What the results are of.
        kind: &'static str,
    },
    /// No run has such a part, or no sweep such an axis.
    #[error("{option}: found {name}, expected {expected}")]
    NotCompared {
        /// The option.
        option: &'static str,
        /// What was given.
        name: String,
        /// What there is.
        expected: String,
    },
    /// Results of different kinds.
    #[error("{}: found a result of {found}, expected one of {expected}, as the first result is", .path.display())]
    Kinds {
        /// The result.
        path: PathBuf,
        /// Its kind.
        found: &'static str,
        /// The kind of the first one.
        expected: &'static str,
    },
    /// Results have no mode or run in common.
    #[error("{result}: found no {what} that the other results have too, expected at least one")]
    Incomparable {
        /// What they could have in common.
        what: &'static str,
        /// The first result.
        result: String,
    },
    /// A trace cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// What format to write, nothing says.
    #[error("{}: found no known ending, expected .terrace, .champsim, .csv or .txt\nName the format with --to.", .file.display())]
    Ending {
        /// The file.
        file: PathBuf,
    },
    /// A trace does not have the thread that was asked for.
    #[error("{}: found no thread with the id {thread}, expected one of the trace's\nList them with: terrace trace info", .trace.display())]
    NoThread {
        /// The trace.
        trace: PathBuf,
        /// The thread's id.
        thread: u64,
    },
    /// Valgrind is missing.
    #[error(
        "found no valgrind among the programs, expected it for recording\nInstall it (Debian, Ubuntu: apt install valgrind; Fedora: dnf install valgrind), or give a trace of another tool."
    )]
    NoValgrind,
    /// Valgrind could not run the program.
    #[error("valgrind: found {ended} and no log, expected a program that runs")]
    Captured {
        /// How it ended.
        ended: String,
    },
    /// What recording needs does not work.
    #[error("{what}: {error}")]
    Capture {
        /// What.
        what: &'static str,
        /// Why.
        error: io::Error,
    },
    /// The engine cannot be measured.
    #[error(transparent)]
    Bench(BenchError),
    /// Nobody reads the output any more: no error to report.
    #[error("the output was closed")]
    Closed,
    /// The output cannot be written.
    #[error("standard output: {0}")]
    Output(io::Error),
}

impl CliError {
    pub(crate) fn output(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe { Self::Closed } else { Self::Output(error) }
    }
}

/// Why one address cannot be translated: the failure, without its place in a stream of one.
fn unplaced(error: &ReplayError) -> String {
    match error {
        ReplayError::Reference { failure, .. } => failure.to_string(),
        other => other.to_string(),
    }
}

/// What to do about an error that an option can mend.
fn advice(error: &ReplayError) -> &'static str {
    use terrace_sim::mapping::MapError;
    use terrace_sim::replay::Failure;
    match error {
        ReplayError::Reference { failure: Failure::Map(MapError::Full(full)), .. } => {
            if full.size == Some(PageSize::Size1G) {
                "\n  give it more with --memory"
            } else {
                "\n  give it more with --memory, or use larger pages"
            }
        }
        _ => "",
    }
}
