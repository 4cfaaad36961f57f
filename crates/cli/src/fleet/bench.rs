//! `terrace fleet bench`: how fast fleets are simulated here, one simulation at a time.

use std::fmt::Write as _;
use std::num::NonZeroU32;
use std::time::Instant;

use clap::{Args, ValueEnum};
use comfy_table::CellAlignment;
use serde_json::json;
use terrace_addr::convert;
use terrace_fleet::synthetic::Synthetic;
use terrace_fleet::{
    FleetSpec, Next, ServerPolicy, Setup, THESIS_CORES, THESIS_MEMORY, Trace, Watch, simulate,
};

use super::arguments::Named;
use crate::bench::processor;
use crate::interrupt::{interrupted, note_interrupts};
use crate::number::number;
use crate::{CliError, Ended, print, style};

/// Arguments of `terrace fleet bench`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  terrace fleet bench
  terrace fleet bench --policy snug --servers 2000,20000
  terrace fleet bench --quick --format json

The first rows have the VMs of Azure's trace of 2019 (2,695,548) on 20,000 servers. In the others each server has as many \
                        VMs at a time as there, and as many VMs arrive whatever the number of servers. What an event costs then, \
                        without those of the VMs that run at the start, stands beside the logarithm of the servers, which \
                        the work grows like; memory that caches do not hold makes it grow faster.")]
pub(crate) struct BenchArguments {
    /// Numbers of servers, separated by commas
    #[arg(long, value_name = "NUMBER", value_delimiter = ',', default_value = "2000,20000,200000")]
    servers: Vec<NonZeroU32>,

    /// Policies, separated by commas; without this, all
    #[arg(long, value_name = "POLICY", value_delimiter = ',')]
    policy: Vec<Named<ServerPolicy>>,

    /// A tenth of the VMs
    #[arg(long)]
    quick: bool,

    /// How to print it
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = BenchFormat::Table)]
    format: BenchFormat,
}

/// How measurements are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum BenchFormat {
    /// For people
    Table,
    /// For programs
    Json,
}

/// The VMs of Azure's trace of 2019 (V2).
const AZURE_V2: u32 = 2_695_548;
/// The servers that they are put on.
const AZURE_SERVERS: u32 = 20_000;
/// VMs that arrive, whatever the number of servers.
const ARRIVALS: u32 = 1_000_000;
/// The mean lifetime of the synthetic trace, in hours: see its table of lifetimes.
const MEAN_HOURS: f64 = 55.9;

/// One measurement.
struct Row {
    what: &'static str,
    servers: u32,
    policy: &'static str,
    vms: u32,
    events: u64,
    seconds: f64,
    /// Of this process's processor time; none where the system does not tell.
    processor_seconds: Option<f64>,
    /// Of an event of the steady part.
    nanos_per_event: f64,
}

/// How far a simulation was, and when.
#[derive(Clone, Copy)]
struct Moment {
    events: u64,
    at: Instant,
    processor_seconds: Option<f64>,
}

impl Moment {
    fn now(events: u64) -> Self {
        Self { events, at: Instant::now(), processor_seconds: processor_seconds() }
    }

    /// Wall time until then, and processor time where the system tells.
    fn until(self, end: Self) -> (f64, Option<f64>) {
        let spent = end.processor_seconds.zip(self.processor_seconds).map(|(end, start)| end - start);
        ((end.at - self.at).as_secs_f64(), spent)
    }

    /// Nanoseconds of an event until then: of processor time, which other programs do not take.
    fn nanos_per_event(self, end: Self) -> f64 {
        let (seconds, spent) = self.until(end);
        1e9 * spent.unwrap_or(seconds) / convert::ratio((end.events - self.events).max(1), 1)
    }
}

/// Measures, and prints what was measured.
pub(super) fn bench(arguments: &BenchArguments) -> Result<Ended, CliError> {
    let policies: Vec<ServerPolicy> = match arguments.policy.as_slice() {
        [] => ServerPolicy::ALL.to_vec(),
        some => some.iter().map(|policy| policy.0).collect(),
    };
    let divisor = if arguments.quick { 10 } else { 1 };
    note_interrupts();
    let mut rows = Vec::new();
    let azure = Synthetic { vms: AZURE_V2 / divisor, ..Synthetic::default() };
    measure("Azure V2", AZURE_SERVERS / divisor, &policies, &azure.trace()?, 0, &mut rows)?;
    for servers in &arguments.servers {
        if interrupted() {
            break;
        }
        let steady = steady(servers.get(), ARRIVALS / divisor);
        let running = convert::floor(steady.running_share * f64::from(steady.vms));
        measure("scale", servers.get(), &policies, &steady.trace()?, running, &mut rows)?;
    }
    let text = match arguments.format {
        BenchFormat::Table => table(&rows),
        BenchFormat::Json => json(&rows),
    };
    print(text.as_bytes())?;
    if interrupted() {
        eprintln!("interrupted: these are the rows that were finished");
        return Ok(Ended::Interrupted);
    }
    Ok(Ended::Complete)
}

/// A steady load of as many VMs for each server as Azure's trace has on 20,000, until so many have arrived.
fn steady(servers: u32, arrivals: u32) -> Synthetic {
    let azure = Synthetic::default();
    let living = azure.running_share * f64::from(azure.vms) / f64::from(AZURE_SERVERS) * f64::from(servers);
    let hours = f64::from(arrivals) * MEAN_HOURS / living.max(1.0);
    let days = u32::try_from(convert::floor(hours / 24.0)).unwrap_or(u32::MAX).clamp(1, 3650);
    // Whole days: as many arrive as in these.
    let arrivals = living * f64::from(days) * 24.0 / MEAN_HOURS;
    let vms = u32::try_from(convert::floor(living + arrivals)).unwrap_or(u32::MAX);
    Synthetic { vms, days, running_share: living / f64::from(vms), ..azure }
}

fn measure(
    what: &'static str,
    servers: u32,
    policies: &[ServerPolicy],
    trace: &Trace,
    settled: u64,
    rows: &mut Vec<Row>,
) -> Result<(), CliError> {
    for policy in policies {
        let setup = Setup::new(FleetSpec::alike(servers, THESIS_CORES, THESIS_MEMORY), *policy);
        let began = Moment::now(0);
        let mut watch = Steady { from: settled, since: None };
        let outcome = simulate(trace, &setup, &mut watch)?;
        let events = convert::count(trace.events().len());
        let end = Moment::now(events);
        let (seconds, processor_seconds) = began.until(end);
        if !outcome.complete {
            break;
        }
        rows.push(Row {
            what,
            servers,
            policy: policy.name(),
            vms: trace.vms(),
            events,
            seconds,
            processor_seconds,
            nanos_per_event: watch.since.unwrap_or(began).nanos_per_event(end),
        });
    }
    Ok(())
}

/// Hears when a simulation comes to its steady part, and of Ctrl-C.
struct Steady {
    /// The events before that: those of the VMs that run when the trace begins.
    from: u64,
    /// When it came there.
    since: Option<Moment>,
}

impl Watch for Steady {
    fn advance(&mut self, events: u64) -> Next {
        if events >= self.from {
            self.since.get_or_insert_with(|| Moment::now(events));
        }
        if interrupted() { Next::Stop } else { Next::Go }
    }
}

/// The row of the same policy with the fewest servers.
fn smallest<'a>(rows: &'a [Row], row: &Row) -> Option<&'a Row> {
    let same = rows.iter().filter(|it| it.what == "scale" && row.what == "scale" && it.policy == row.policy);
    same.min_by_key(|it| it.servers)
}

fn log(servers: u32) -> f64 {
    f64::from(servers.max(2)).log2()
}

fn table(rows: &[Row]) -> String {
    let mut table = style::table();
    table.set_header([
        "trace",
        "servers",
        "policy",
        "VMs",
        "events",
        "seconds",
        "of a\nprocessor",
        "ns an\nevent",
        "growth",
        "of the\nlogarithm",
    ]);
    for row in rows {
        let growth = smallest(rows, row).filter(|first| first.servers < row.servers);
        let ratio = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"));
        table.add_row([
            row.what.to_owned(),
            number(u64::from(row.servers)),
            row.policy.to_owned(),
            number(u64::from(row.vms)),
            number(row.events),
            format!("{:.2}", row.seconds),
            row.processor_seconds.map_or_else(|| "-".to_owned(), |seconds| format!("{seconds:.2}")),
            format!("{:.0}", row.nanos_per_event),
            ratio(growth.map(|first| row.nanos_per_event / first.nanos_per_event)),
            ratio(growth.map(|first| log(row.servers) / log(first.servers))),
        ]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let mut text = format!("{}\n{table}\n", processor());
    if let Some(bytes) = peak() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "Peak of memory, traces included: {} MiB", number(bytes >> 20));
    }
    text
}

fn json(rows: &[Row]) -> String {
    let rows = rows.iter().map(|row| {
        json!({
            "trace": row.what, "servers": row.servers, "policy": row.policy, "vms": row.vms, "events": row.events,
            "seconds": row.seconds, "processor_seconds": row.processor_seconds, "ns_per_event": row.nanos_per_event,
        })
    });
    let rows: Vec<_> = rows.collect();
    format!("{:#}\n", json!({ "processor": processor(), "rows": rows, "peak_bytes": peak() }))
}

/// The processor time of this process so far, in seconds; none where the system does not tell.
fn processor_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    // Behind the name in parentheses, which may hold blanks, the times are the 12th and 13th fields (proc_pid_stat(5)), in
    // units of which Linux shows every program 100 a second.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace().skip(11);
    let ticks = |field: Option<&str>| field?.parse::<u64>().ok();
    Some(convert::ratio(ticks(fields.next())? + ticks(fields.next())?, 100))
}

/// This process's peak so far, in bytes; none where the system does not tell.
fn peak() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
