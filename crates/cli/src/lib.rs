//! The command line: arguments, progress, tables for people, exit codes.
//!
//! Every command either does all of its work or ends with one message on standard error and an exit code that is
//! not 0: 1 for input that cannot be used, 2 for arguments that cannot be understood, 3 for a comparison that found
//! something slower than it may be, 130 for work that was interrupted (what was finished is still printed).
#![forbid(unsafe_code)]

mod bench;
mod circumstances;
mod compare;
mod error;
mod events;
mod fleet;
mod generate;
mod input;
mod interrupt;
mod list;
mod parallel;
mod progress;
mod replay;
mod report;
mod reproduce;
mod run;
mod said;
mod style;
mod trace;
mod walk;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

pub use error::CliError;
use said::Said;
use terrace_result::number;
pub use terrace_sim::run::Registry;

/// A laboratory for memory virtualization: what address translation costs, natively and under virtualization.
#[derive(Debug, Parser)]
#[command(name = "terrace", version, max_term_width = 110)]
struct Arguments {
    #[command(subcommand)]
    command: Command,

    #[command(flatten)]
    said: Said,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a scenario: virtual machines, their kernels and programs, and all its sweeps
    Run(Box<run::RunArguments>),
    /// Feed a trace through a machine: what translation costs in each mode, side by side
    Replay(Box<replay::ReplayArguments>),
    /// Measure a published figure on the model, beside what was published
    Reproduce(reproduce::ReproduceArguments),
    /// Look into traces, convert them, record them
    Trace(Box<trace::TraceArguments>),
    /// Measure how fast the engine is on this machine, beside the machine itself
    Bench(Box<bench::BenchArguments>),
    /// Show every step of one translation
    Walk(Box<walk::WalkArguments>),
    /// Set results of runs or replays side by side, with ratios
    Compare(compare::CompareArguments),
    /// Write results as one page of HTML: the answer, pictures, every number, and where it came from
    Report(report::ReportArguments),
    /// Print the decisions of a run about pages: where each lies in all layers, and why
    Events(events::EventsArguments),
    /// Place virtual machines on the servers of a data centre, and count which have contiguous memory
    Fleet(Box<fleet::FleetArguments>),
    /// List what can be chosen by name, each with its meaning and source
    List(list::ListArguments),
    /// Print a script that completes this command line in a shell
    Completions(generate::CompletionsArguments),
    /// Print the manual page, or write the pages of all commands
    Man(generate::ManArguments),
}

/// How a command ended that did its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Complete,
    Interrupted,
    /// A comparison found something slower than it may be.
    Slower,
}

/// Runs the command that the process's arguments ask for, with the systems of this registry.
///
/// A command with systems of its own is this much:
/// ```no_run
/// use terrace_cli::{Registry, main_with};
///
/// fn main() -> std::process::ExitCode {
///     let mine: &[terrace_policy::System] = &[];
///     main_with(&Registry::new(terrace_systems::registry().iter().chain(mine).copied()))
/// }
/// ```
pub fn main_with(registry: &Registry) -> ExitCode {
    let Arguments { command, said } = Arguments::parse();
    let result = match command {
        Command::Run(arguments) => run::run(&arguments, registry, said),
        Command::Replay(arguments) => replay::replay(&arguments, said),
        Command::Reproduce(arguments) => reproduce::reproduce(&arguments, registry, said),
        Command::Trace(arguments) => trace::trace(&arguments, said),
        Command::Bench(arguments) => bench::bench(&arguments, registry, said),
        Command::Walk(arguments) => walk::walk(&arguments),
        Command::Compare(arguments) => compare::compare(&arguments, said),
        Command::Report(arguments) => report::report(&arguments, said),
        Command::Events(arguments) => events::events(&arguments),
        Command::Fleet(arguments) => fleet::fleet(&arguments, said),
        Command::List(arguments) => list::list(&arguments, registry),
        Command::Completions(arguments) => generate::completions(&arguments, Arguments::command()),
        Command::Man(arguments) => generate::man(&arguments, Arguments::command()),
    };
    match result {
        // A reader that has seen enough, such as `head`, is no failure.
        Ok(Ended::Complete) | Err(CliError::Closed) => ExitCode::SUCCESS,
        Ok(Ended::Slower) => ExitCode::from(3),
        Ok(Ended::Interrupted) => ExitCode::from(130),
        Err(error) => {
            // Nothing is left to be done if standard error is closed too.
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Writes a finished text to standard output in one piece.
fn print(text: &[u8]) -> Result<(), CliError> {
    let mut output = io::stdout().lock();
    output.write_all(text).and_then(|()| output.flush()).map_err(CliError::output)
}
