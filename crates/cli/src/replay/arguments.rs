//! Arguments of `terrace replay`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use terrace_addr::{Bytes, PageSize};
use terrace_machine::quantity::Size;
use terrace_sim::Mode;
use terrace_sim::mapping::{PageRules, Placement};
use terrace_sim::replay::Kinds;
use terrace_trace::Format;

const EXAMPLES: &str = "Examples:
  terrace replay tests/data/gups.drmemtrace.zip
  terrace replay tests/data/sort.drmemtrace.zip --mode native --machine drmemtrace --format json
  terrace replay tests/data/mix.champsim.xz --accesses data --pages guest=2M,host=4K
  terrace replay tests/data/gups.drmemtrace.zip --mode shadow,nested --pages guest=2M,host=2M
  terrace replay tests/data/gups.drmemtrace.zip --core-cycles 3 --mlp 4
  terrace replay tests/data/mix.champsim.xz tests/data/true.lackey.gz --warmup 10000
  terrace replay tests/data/gups.drmemtrace.zip --set tlb.stlb.entries=1024 --set tlb.stlb.ways=8

A pipe is a trace too:
  valgrind --tool=lackey --trace-mem=yes ls 2>&1 | terrace replay -

A trace holds virtual addresses only. What it touches is mapped at first touch: --pages says with which page sizes, \
                        --frames where frames lie, and the pages count as populated before the program ran (no faults).";

/// Arguments of `terrace replay`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ReplayArguments {
    /// Traces, of any format that `terrace list formats` names, packed or not, known by their content; - is standard
    /// input
    #[arg(value_name = "TRACE", required = true)]
    pub(crate) traces: Vec<PathBuf>,

    /// The machine: a built-in name (`terrace list machines`) or a machine file
    #[arg(long, value_name = "MACHINE", default_value = "sapphire-rapids-8480")]
    pub(crate) machine: String,

    /// Modes of translation, separated by commas (`terrace list modes`)
    #[arg(long = "mode", value_name = "MODE", value_delimiter = ',', default_value = "native,2d")]
    pub(crate) modes: Vec<Mode>,

    /// Page size of each layer (guest, hypervisor, host): 4K, 2M, 1G, or 2M:SHARE for a share of 2M regions, as in
    /// guest=2M:0.3,host=4K; one rule without a layer is for all
    #[arg(long, value_name = "RULES", default_value = "4K")]
    pub(crate) pages: PageRules,

    /// Where the frames of pages touched one after the other lie: scattered (by the seed) or contiguous
    #[arg(long, value_name = "PLACEMENT", default_value = "scattered")]
    pub(crate) frames: Placement,

    /// Memory for the frames of each page size, a power of two; the layers below a guest have what backs all of it
    #[arg(long, value_name = "SIZE", default_value = "64 GiB")]
    pub(crate) memory: Memory,

    /// A file with the page sizes, and perhaps frames, of ranges: lines of LAYER START END SIZE [LOWER],
    /// LAYER one of guest, hypervisor, host; or drmemtrace's v2p.textproto
    #[arg(long, value_name = "FILE")]
    pub(crate) mapping: Option<PathBuf>,

    /// Pass over so many references at the start of each trace (fetches, loads and stores together)
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub(crate) skip: u64,

    /// Replay so many references after those without counting them
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub(crate) warmup: u64,

    /// Count at most so many references after those
    #[arg(long, value_name = "NUMBER")]
    pub(crate) limit: Option<u64>,

    /// Which accesses: all, data or fetch
    #[arg(long, value_name = "KINDS", default_value = "all")]
    pub(crate) accesses: Kinds,

    /// Whether data goes through the caches beside the tables' entries: on or off
    #[arg(long, value_name = "SWITCH", default_value = "on")]
    pub(crate) data_lines: Switch,

    /// For a time beside the counts: cycles of the program's own instructions for each access, first-level hits
    /// included. Comes from the program's description, never from a result
    #[arg(long, value_name = "CYCLES", requires = "mlp")]
    pub(crate) core_cycles: Option<f64>,

    /// For a time beside the counts: how many misses the program has in flight at the same time; 1 in a pointer chase
    #[arg(long, value_name = "NUMBER", requires = "core_cycles")]
    pub(crate) mlp: Option<f64>,

    /// Threads that traces and modes are shared out to; no count depends on it
    #[arg(long, value_name = "NUMBER", default_value_t = threads())]
    pub(crate) threads: NonZeroUsize,

    /// Override a value of the machine, as in tlb.stlb.entries=1024; may be given several times
    #[arg(long, value_name = "PATH=VALUE")]
    pub(crate) set: Vec<String>,

    /// Decides everything random
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(crate) seed: u64,

    /// Read the traces as this format, whatever they look like (`terrace list formats`)
    #[arg(long, value_name = "FORMAT")]
    pub(crate) input_format: Option<Format>,

    /// How to print the result
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = OutputFormat::Table)]
    pub(crate) format: OutputFormat,
}

impl ReplayArguments {
    /// What the program is said to be: core cycles for each access, and memory-level parallelism.
    pub(crate) fn program(&self) -> Option<(f64, f64)> {
        self.core_cycles.zip(self.mlp)
    }
}

/// As many as the processor has CPUs.
pub(crate) fn threads() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    /// Yes
    On,
    /// No
    Off,
}

/// How a result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// For people
    Table,
    /// Everything, with what it depends on
    Json,
    /// The counts, a row for each mode
    Csv,
}

/// An amount of memory that a mapping rule can use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory(pub(crate) Bytes);

/// The most that a part of memory can be: larger parts would lie beyond the addresses of a processor.
const MOST_MEMORY: u64 = 4 << 40;

impl FromStr for Memory {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // As page sizes are written: 64G is 64 GiB.
        let short = text.ends_with(['K', 'M', 'G', 'T']);
        let whole = if short { format!("{text}iB") } else { text.to_owned() };
        let bytes = whole.parse::<Size>().map_err(|error| error.to_string())?.bytes();
        let range = PageSize::Size1G.bytes()..=MOST_MEMORY;
        if bytes.get().is_power_of_two() && range.contains(&bytes.get()) {
            Ok(Self(bytes))
        } else {
            Err("expected a power of two from 1 GiB to 4096 GiB, as in 64G".to_owned())
        }
    }
}
