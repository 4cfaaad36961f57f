//! Arguments of `terrace bench`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use terrace_machine::{MachineError, Override};
use terrace_mmu::Vectors;
use terrace_sim::Mode;
use terrace_sim::bench::{ROWS, Row};

use super::runs::{RUN_ROWS, RunRow};

/// The trace of the row `trace`, if none is named.
pub(super) const DEFAULT_TRACE: &str = "tests/data/sort.drmemtrace.zip";

/// The row that is the machine itself, not the engine.
pub(super) const MACHINE_ITSELF: &str = "machine";

const EXAMPLES: &str = "Examples:
  terrace bench --quick
  terrace bench --quick --row hits,gups,machine --format json
  terrace bench --quick --row gups --vectors portable

Without --quick, GUPS covers 32 GiB of simulated memory in each mode: that takes some minutes and 1.5 GiB of memory, and \
                        the machine's own loop as much as a third of what is free, at most 8 GiB. The rows vm-gups and \
                        demeter are runs of scenarios, with kernels, data lines and every page touched first: 64 GiB \
                        and 144 GiB of simulated memory, some minutes, as much as 2.5 GiB of memory. demeter-exact \
                        simulates 16 billion accesses, which takes hours, and is measured only if it is named. Ctrl-C \
                        leaves what a run had measured until then.";

/// Arguments of `terrace bench`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct BenchArguments {
    /// Rows, separated by commas, all but demeter-exact if none: hits, misses, gups, gups-data, trace, champsim, gups-MODE,
    /// vm-gups, demeter, demeter-exact, and machine for the machine itself
    #[arg(long = "row", value_name = "ROW", value_delimiter = ',', value_parser = row)]
    pub(crate) rows: Vec<String>,

    /// About a hundredth of the work, for a first look: nothing is judged
    #[arg(long)]
    pub(crate) quick: bool,

    /// The machine that is simulated: a built-in name (`terrace list machines`) or a machine file. The rows demeter and
    /// demeter-exact have their own
    #[arg(long, value_name = "MACHINE", default_value = "broadwell-e5-2620v4")]
    pub(crate) machine: String,

    /// Override a value of the machine, as in tlb.stlb.entries=1024; may be given several times
    #[arg(long, value_name = "PATH=VALUE")]
    pub(crate) set: Vec<String>,

    /// Vector instructions: portable, sse2, avx2 or avx512; the best that this processor has otherwise, and in runs
    #[arg(long, value_name = "VECTORS", value_parser = vectors)]
    pub(crate) vectors: Option<Vectors>,

    /// Model data lines in all rows, not only in gups-data
    #[arg(long)]
    pub(crate) data_lines: bool,

    /// The trace of the row trace, of any format that replay reads; tests/data/sort.drmemtrace.zip, if it is there,
    /// otherwise
    #[arg(long, value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,

    /// How to print the result
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = OutputFormat::Table)]
    pub(crate) format: OutputFormat,

    /// Only touch the pages of GUPS in this mode, and print the peak of resident memory in bytes
    #[arg(long, value_name = "MODE", hide = true)]
    pub(crate) peak: Option<Mode>,

    /// Only run the scenario of this row, and print what was measured
    #[arg(long, value_name = "ROW", hide = true)]
    pub(crate) alone: Option<String>,
}

impl BenchArguments {
    /// What is changed in the machine.
    pub(super) fn overrides(&self) -> Result<Vec<Override>, MachineError> {
        self.set.iter().map(|text| text.parse()).collect()
    }
}

/// How a result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// For people
    Table,
    /// For programs
    Json,
}

fn row(text: &str) -> Result<String, String> {
    if text == MACHINE_ITSELF || Row::find(text).is_some() || RunRow::find(text).is_some() {
        return Ok(text.to_owned());
    }
    let names: Vec<_> = ROWS.iter().map(|row| row.name).chain(RUN_ROWS.iter().map(|row| row.name)).collect();
    Err(format!("expected one of {}, {MACHINE_ITSELF}", names.join(", ")))
}

fn vectors(text: &str) -> Result<Vectors, String> {
    let vectors: Vectors = text.parse().map_err(|error: terrace_mmu::UnknownVectors| error.to_string())?;
    if vectors.is_available() {
        Ok(vectors)
    } else {
        Err(format!("this processor does not have {vectors}; the best that it has is {}", Vectors::best()))
    }
}
