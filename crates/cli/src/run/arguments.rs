//! Arguments of `terrace run`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::only::Only;
use crate::replay::threads;

const EXAMPLES: &str = "Examples:
  terrace run quickstart
  terrace run quickstart --set time.measure='50 ms' --out results/quickstart
  terrace run mine.toml --set vm.program.parameters.bytes='32 MiB' --format json
  terrace run mine.toml --set guest.fragmentation=0,0.5,0.9
  terrace run contiguous --only program=updates --only translation=ept-4k,block
  terrace run mine.toml --show-config
  terrace run --schema > scenario.schema.json

A list of values is a sweep: every value of it runs with every value of the others. `terrace list scenarios NAME` prints \
                        the file of a built-in scenario, to begin one of your own with.

A result folder holds result.json (as --format json prints it), series.parquet (each metric at the end of each \
                        interval), the configuration of each run (config.toml; of several, config-0.toml and so on, \
                        numbered as in the result; each can be run again), events.parquet (events-0.parquet ...) where \
                        record.events is true: each decision about a page, with its addresses and the reason; and \
                        run.json (when, where, and how long it \
                        ran: the only file that differs from run to run).";

/// Arguments of `terrace run`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RunArguments {
    /// A built-in scenario (`terrace list scenarios`) or a scenario file
    #[arg(value_name = "SCENARIO", required_unless_present = "schema")]
    pub(crate) scenario: Option<String>,

    /// Override a value of the scenario, as in vm.memory='2 GiB'; values with commas between them are a sweep; may be
    /// given several times
    #[arg(long, value_name = "PATH=VALUE")]
    pub(crate) set: Vec<String>,

    /// Of a sweep, only the runs with these values of an axis, by the names that the result's table has; may be given
    /// for several axes
    #[arg(long, value_name = "AXIS=VALUE")]
    pub(crate) only: Vec<Only>,

    /// Print the whole configuration of each run, with every default, and run nothing
    #[arg(long, conflicts_with_all = ["out", "format"])]
    pub(crate) show_config: bool,

    /// Print the JSON Schema of scenario files, and run nothing
    #[arg(long, exclusive = true)]
    pub(crate) schema: bool,

    /// Write a result folder: a new one, or in the place of an older result
    #[arg(long, short, value_name = "FOLDER")]
    pub(crate) out: Option<PathBuf>,

    /// How to print the result
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = RunFormat::Table)]
    pub(crate) format: RunFormat,

    /// How many runs to simulate at the same time; no number depends on it
    #[arg(long, value_name = "NUMBER", default_value_t = threads())]
    pub(crate) threads: NonZeroUsize,

    /// Decides everything random; short for --set seed=NUMBER. Several with commas between them are a sweep:
    /// `terrace compare` takes the mean of such runs and says how sure a difference is
    #[arg(long = "seed", value_name = "NUMBER", value_delimiter = ',')]
    pub(crate) seeds: Vec<u64>,
}

impl RunArguments {
    /// What is overridden, as given.
    pub(crate) fn overrides(&self) -> Vec<String> {
        let seeds: Vec<_> = self.seeds.iter().map(u64::to_string).collect();
        let seeds = (!seeds.is_empty()).then(|| format!("seed={}", seeds.join(",")));
        self.set.iter().cloned().chain(seeds).collect()
    }
}

/// How a result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RunFormat {
    /// For people
    Table,
    /// Everything, with what it depends on
    Json,
    /// A row for each run, part of it and metric
    Csv,
}
