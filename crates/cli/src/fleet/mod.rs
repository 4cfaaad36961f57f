//! `terrace fleet`: virtual machines on the servers of a data centre, with contiguous memory as a resource.
//!
//! The rule is that of `terrace run`: a result is the same bytes for any number of threads. What differs by nature goes into
//! `run.json`, and progress to standard error.

mod arguments;
mod bench;
mod compare;
mod costs;
mod folder;
mod input;
mod job;
mod progress;
mod report;
pub(crate) mod reproduce;
mod run;
mod table;

use clap::{Args, Subcommand};

use crate::said::Said;
use crate::{CliError, Ended};

/// Arguments of `terrace fleet`.
#[derive(Debug, Args)]
pub(crate) struct FleetArguments {
    #[command(subcommand)]
    command: FleetCommand,
}

#[derive(Debug, Subcommand)]
enum FleetCommand {
    /// Place the VMs of a trace on servers, with one or several policies
    Run(Box<arguments::RunArguments>),
    /// Set results side by side, with ratios
    Compare(compare::CompareArguments),
    /// Write results as one page of HTML: the answer, pictures, every count, and where it came from
    Report(report::ReportArguments),
    /// Measure how fast fleets are simulated on this machine, by number of servers and policy
    Bench(bench::BenchArguments),
}

/// Does what was asked for about fleets.
pub(crate) fn fleet(arguments: &FleetArguments, said: Said) -> Result<Ended, CliError> {
    match &arguments.command {
        FleetCommand::Run(arguments) => run::run(arguments, said),
        FleetCommand::Compare(arguments) => compare::compare(arguments),
        FleetCommand::Report(arguments) => report::report(arguments, said),
        FleetCommand::Bench(arguments) => bench::bench(arguments),
    }
}
