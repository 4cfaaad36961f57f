//! `terrace trace head`.

use std::io::{self, Write};

use clap::Args;
use terrace_addr::convert;
use terrace_trace::{Batch, TextWriter};

use super::Read;
use crate::input;
use crate::said::Said;
use crate::{CliError, Ended};

/// Arguments of `terrace trace head`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  terrace trace head tests/data/gups.drmemtrace.zip
  terrace trace head tests/data/mix.champsim.xz --skip 1000 --limit 5

The lines are a trace themselves: of the format `text`.")]
pub(super) struct HeadArguments {
    #[command(flatten)]
    read: Read,

    /// How many references
    #[arg(long, short = 'n', value_name = "NUMBER", default_value_t = 10)]
    limit: u64,

    /// Pass over so many references first
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    skip: u64,
}

/// Prints the first references.
pub(super) fn head(arguments: &HeadArguments, said: Said) -> Result<Ended, CliError> {
    let (mut source, _) = input::open(&arguments.read.trace, arguments.read.input_format)?;
    let mut output = io::BufWriter::new(io::stdout().lock());
    writeln!(output, "{}", TextWriter::HEADER).map_err(CliError::output)?;
    let (from, to) = (arguments.skip, arguments.skip.saturating_add(arguments.limit));
    let mut batch = Batch::new();
    let mut seen = 0;
    while seen < to && source.next_batch(&mut batch)? {
        let first = batch.first_reference();
        let length = convert::count(batch.accesses().len());
        seen = first + length;
        if seen <= from {
            continue;
        }
        drop(batch.split_off(convert::index(length.min(to - first))));
        let shown = batch.split_off(convert::index(from.saturating_sub(first)));
        TextWriter::lines(&shown, &mut output).map_err(CliError::output)?;
    }
    output.flush().map_err(CliError::output)?;
    if seen < to {
        said.note(format_args!("{}: {seen} references in all", input::file_name(&arguments.read.trace)));
    }
    Ok(Ended::Complete)
}
