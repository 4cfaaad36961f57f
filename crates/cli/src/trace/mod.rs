//! `terrace trace`.

mod capture;
mod convert;
mod head;
mod info;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use terrace_trace::Format;

use crate::said::Said;
use crate::{CliError, Ended};

/// Arguments of `terrace trace`.
#[derive(Debug, Args)]
pub(crate) struct TraceArguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// What is inside: threads, references, pages and how soon they are touched again
    Info(info::InfoArguments),
    /// The first references, a line each
    Head(head::HeadArguments),
    /// Write a trace in another format
    Convert(convert::ConvertArguments),
    /// Record a program with Valgrind's lackey
    Capture(capture::CaptureArguments),
}

/// The trace that a command reads.
#[derive(Debug, Args)]
struct Read {
    /// The trace, of any format that `terrace list formats` names, known by its content; - is standard input
    #[arg(value_name = "TRACE")]
    trace: PathBuf,

    /// Read the trace as this format, whatever it looks like (`terrace list formats`)
    #[arg(long, value_name = "FORMAT")]
    input_format: Option<Format>,
}

/// Runs `terrace trace`.
pub(crate) fn trace(arguments: &TraceArguments, said: Said) -> Result<Ended, CliError> {
    match &arguments.command {
        Command::Info(arguments) => info::info(arguments, said),
        Command::Head(arguments) => head::head(arguments, said),
        Command::Convert(arguments) => convert::convert(arguments, said),
        Command::Capture(arguments) => capture::capture(arguments, said),
    }
}
