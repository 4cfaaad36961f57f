//! Arguments of `terrace fleet run`, and what they mean.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};
use terrace_addr::Nanos;
use terrace_fleet::read::Format;
use terrace_fleet::{Cores, ExtentPolicy, FleetSpec, Means, Repair, ServerClass, ServerPolicy, Setup};
use terrace_machine::quantity::Size;

use super::costs::Costs;
use crate::replay::threads;

const EXAMPLES: &str = "Examples:
  terrace fleet run --vms 100000 --servers 10000
  terrace fleet run vmtable.csv.gz --policy contiguity,snug --out results/azure
  terrace fleet run vmtable.csv.gz --vms 500000 --skip-bad --format json
  terrace fleet run packing_trace_zone_a_v1.sqlite --servers 40000 --extents first-fit,best-fit
  terrace fleet run fastStorage/ --servers 400 --cores 32 --memory '256 GiB'
  terrace fleet run --vms 100000 --kind '2000,16,128 GiB' --kind '2000,24,192 GiB' --policy stack --repair migrate
  terrace run contiguous --out walks && terrace fleet run --vms 100000 --walks-from walks
  terrace fleet run --vms 100000 --walks-from walks --walks-ept ept-4k --walks-only guest=base

Policies (--policy): spread and stack take the running server with the most or the least free memory. contiguity takes the \
                        first one with a free extent that holds the VM, else switches one on, else takes the first with \
                        room (the rule of the thesis on which the paper rests); contiguity-code is what its published code \
                        does: the last with room goes before a further one. snug, Terrace's own, takes the one with the \
                        fewest free cores among those with such an extent; tight the one whose largest extent is the \
                        smallest that holds it. Servers stay on once they were used.

A trace is Azure's vmtable.csv (V1 or V2, also gzipped), the Azure packing trace of 2020 (SQLite, also zipped), the folder \
                        of Bitbrains GWA-T-12, or CSV with the header `seconds,event,vm,cores,memory_bytes`, whose events \
                        are create, resize, delete and end.

With --walks-from the engine's answer and the fleet's are one result: of runs of the same programs that differ in one \
                        axis, it takes what walks cost on EPT and, for the same accesses, in one block, and counts what \
                        the fleet's VMs in one block save of it. The result names those runs, and the digest of theirs.

A result folder holds result.json (as --format json prints it), series.parquet (the fleet at the end of each interval), \
                        and run.json (when, where, and how long it ran: the only file that differs from run to run).";

/// Arguments of `terrace fleet run`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct RunArguments {
    /// The trace: a file or folder; without one, a synthetic one like Azure's of 2017
    #[arg(value_name = "TRACE")]
    pub(super) trace: Option<PathBuf>,

    /// The trace's format; without this, what it looks like
    #[arg(long, value_name = "FORMAT", requires = "trace")]
    pub(super) input_format: Option<Named<Format>>,

    /// Leave out rows that cannot be, and count them
    #[arg(long, requires = "trace")]
    pub(super) skip_bad: bool,

    /// Of a trace, its first VMs only; of the synthetic one, how many it has (2,013,767 without this)
    #[arg(long, value_name = "NUMBER")]
    pub(super) vms: Option<NonZeroU32>,

    /// Days of the synthetic trace
    #[arg(long, value_name = "NUMBER", default_value_t = 30, conflicts_with = "trace")]
    pub(super) days: u32,

    /// The share of the synthetic trace's VMs that run when it begins: 0.072 is a steady load, 0 an empty fleet
    #[arg(long, value_name = "SHARE", default_value_t = 0.072, conflicts_with = "trace")]
    pub(super) running_share: f64,

    /// Decides everything random of the synthetic trace
    #[arg(long, value_name = "NUMBER", default_value_t = 0, conflicts_with = "trace")]
    pub(super) seed: u64,

    #[command(flatten)]
    pub(super) servers: Servers,

    /// Which server a VM gets; several, separated by commas, are simulated one by one
    #[arg(
        long,
        value_name = "POLICY",
        value_delimiter = ',',
        default_value = "contiguity,spread,stack,snug"
    )]
    pub(super) policy: Vec<Named<ServerPolicy>>,

    /// Which free extent of its server a VM gets; several, separated by commas, are simulated one by one
    #[arg(long, value_name = "POLICY", value_delimiter = ',', default_value = "first-fit")]
    pub(super) extents: Vec<Named<ExtentPolicy>>,

    /// Whether VMs in several blocks are put into one: not, by moves within their server, or to other servers too
    #[arg(long, value_name = "MEANS", default_value = "none")]
    pub(super) repair: Named<Means>,

    /// The most that repair copies in an hour
    #[arg(long, value_name = "SIZE", default_value = "1 TiB")]
    pub(super) repair_budget: Size,

    /// Minutes between two samples of the fleet, and two attempts at repair
    #[arg(long, value_name = "MINUTES", default_value = "60")]
    pub(super) interval: NonZeroU32,

    #[command(flatten)]
    pub(super) costs: Costs,

    /// Write a result folder: a new one, or in the place of an older result of fleets
    #[arg(long, short, value_name = "FOLDER")]
    pub(super) out: Option<PathBuf>,

    /// How to print the result
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = ResultFormat::Table)]
    pub(super) format: ResultFormat,

    /// How many policies to simulate at the same time; no number depends on it
    #[arg(long, value_name = "NUMBER", default_value_t = threads())]
    pub(super) threads: NonZeroUsize,
}

/// The servers of a fleet.
#[derive(Debug, Args)]
pub(super) struct Servers {
    /// How many servers there are
    #[arg(long = "servers", value_name = "NUMBER", default_value = "20000", conflicts_with = "kind")]
    count: NonZeroU32,

    /// The cores of each
    #[arg(long, value_name = "NUMBER", default_value = "24", conflicts_with = "kind")]
    cores: Cores,

    /// The memory of each
    #[arg(long, value_name = "SIZE", default_value = "192 GiB", conflicts_with = "kind")]
    memory: Size,

    /// Servers of several kinds, one by one: NUMBER,CORES,MEMORY
    #[arg(long, value_name = "KIND")]
    kind: Vec<Kind>,

    /// Memory is given out in multiples of this
    #[arg(long, value_name = "SIZE", default_value = "1 B")]
    granule: Size,
}

/// How a result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ResultFormat {
    /// For people
    Table,
    /// Everything, with what it depends on
    Json,
    /// A row for each run and metric
    Csv,
}

impl RunArguments {
    pub(super) fn fleet(&self) -> FleetSpec {
        self.servers.fleet()
    }

    /// A set-up for each policy.
    pub(super) fn setups(&self, fleet: &FleetSpec) -> Vec<Setup> {
        let repair = match self.repair.0 {
            Means::Nothing => Repair::NONE,
            means => Repair { means, budget: self.repair_budget.bytes() },
        };
        let interval = Nanos::new(u64::from(self.interval.get()) * 60_000_000_000);
        let setups = self.policy.iter().flat_map(|policy| {
            self.extents.iter().map(move |extents| Setup {
                extents: extents.0,
                repair,
                interval,
                ..Setup::new(fleet.clone(), policy.0)
            })
        });
        setups.collect()
    }
}

impl Servers {
    fn fleet(&self) -> FleetSpec {
        let granule = self.granule.bytes();
        if self.kind.is_empty() {
            let memory = self.memory.bytes();
            return FleetSpec { granule, ..FleetSpec::alike(self.count.get(), self.cores, memory) };
        }
        let classes = self.kind.iter().enumerate().map(|(number, kind)| ServerClass {
            name: format!("kind{number}"),
            count: kind.count,
            cores: kind.cores,
            memory: kind.memory.bytes(),
        });
        FleetSpec { classes: classes.collect(), granule }
    }
}

/// Servers of one kind.
#[derive(Debug, Clone, Copy)]
struct Kind {
    count: u32,
    cores: Cores,
    memory: Size,
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split(',').map(str::trim).collect();
        let [count, cores, memory] = parts.as_slice() else {
            return Err(format!("found {text:?}; expected NUMBER,CORES,MEMORY, such as 2000,24,192 GiB"));
        };
        let count = count.parse().map_err(|_| format!("found {count:?}; expected a number of servers"))?;
        let cores =
            cores.parse().map_err(|error: terrace_fleet::NoCores| format!("found {cores:?}; {error}"))?;
        let memory =
            memory.parse().map_err(|error: terrace_machine::quantity::QuantityError| error.to_string())?;
        Ok(Self { count, cores, memory })
    }
}

/// A value that has a name on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Named<T>(pub(super) T);

macro_rules! named {
    ($of:ty) => {
        impl ValueEnum for Named<$of> {
            fn value_variants<'a>() -> &'a [Self] {
                const ALL: &[Named<$of>] = &{
                    let mut all = [Named(<$of>::ALL[0]); <$of>::ALL.len()];
                    let mut place = 0;
                    while place < all.len() {
                        all[place] = Named(<$of>::ALL[place]);
                        place += 1;
                    }
                    all
                };
                ALL
            }

            fn to_possible_value(&self) -> Option<PossibleValue> {
                Some(PossibleValue::new(self.0.name()))
            }
        }
    };
}

named!(Format);
named!(ServerPolicy);
named!(ExtentPolicy);
named!(Means);
