//! `terrace events`: the decisions of a run about pages, for people.

mod summary;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use terrace_addr::{Addr, convert};
use terrace_result::{EventRow, read_events};

use crate::{CliError, Ended, print, style};
use summary::summary;

/// Arguments of `terrace events`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  terrace run misaligned-slot --set record.events=true --out result
  terrace events result
  terrace events result --layer host --kind collapse-by-copy
  terrace events result --at 0x40000000

Without --layer, --kind, --why or --at it prints how often each decision was made, and why; with one of them, the \
                        decisions themselves.")]
pub(crate) struct EventsArguments {
    /// A result folder of `terrace run` whose scenario records events, or an events.parquet
    result: PathBuf,

    /// Which run, as the result numbers them
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    run: u32,

    /// Only those of a layer: guest, hypervisor or host
    #[arg(long, value_name = "LAYER")]
    layer: Option<String>,

    /// Only those of a kind: fault, collapse-in-place, collapse-by-copy, split, migrate, compact, free, given-up
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,

    /// Only those whose reason holds these words
    #[arg(long, value_name = "WORDS")]
    why: Option<String>,

    /// Only those about the page that holds this address, of whichever address space
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    at: Option<u64>,

    /// At most so many; 0 for all
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    most: usize,

    /// How to print it
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = EventsFormat::Table)]
    format: EventsFormat,
}

/// How decisions are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum EventsFormat {
    /// For people
    Table,
    /// A row for each
    Csv,
}

fn address(text: &str) -> Result<u64, String> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    u64::from_str_radix(digits, 16)
        .map_err(|_| "expected an address in hexadecimal, such as 0x40000000".to_owned())
}

/// Prints the decisions of a run about pages.
pub(crate) fn events(arguments: &EventsArguments) -> Result<Ended, CliError> {
    let rows = read_events(&file(&arguments.result, arguments.run)?)?;
    let asked = [&arguments.layer, &arguments.kind, &arguments.why].into_iter().any(Option::is_some)
        || arguments.at.is_some();
    let text = match arguments.format {
        EventsFormat::Table if !asked => summary(&rows),
        EventsFormat::Table => table(&selected(&rows, arguments), arguments.most),
        EventsFormat::Csv => csv(&selected(&rows, arguments)),
    };
    print(text.as_bytes())?;
    Ok(Ended::Complete)
}

/// The file with the decisions of a run.
fn file(result: &Path, run: u32) -> Result<PathBuf, CliError> {
    if !result.is_dir() {
        return Ok(result.to_owned());
    }
    let names = [format!("events-{run}.parquet"), "events.parquet".to_owned()];
    let mut places = names.iter().enumerate().filter(|&(place, _)| place == 0 || run == 0);
    let found = places.find_map(|(_, name)| Some(result.join(name)).filter(|path| path.is_file()));
    found.ok_or_else(|| CliError::NoEvents { result: result.to_owned(), run })
}

fn selected<'a>(rows: &'a [EventRow], arguments: &EventsArguments) -> Vec<&'a EventRow> {
    let is = |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| wanted == found);
    let about = |row: &EventRow, at: u64| {
        let holds = |start: u64| start <= at && at - start < row.bytes.get();
        row.gva.is_some_and(|addr| holds(Addr::get(addr)))
            || row.gpa.is_some_and(|addr| holds(Addr::get(addr)))
            || row.ghpa.is_some_and(|addr| holds(Addr::get(addr)))
            || row.hpa.is_some_and(|addr| holds(Addr::get(addr)))
    };
    rows.iter()
        .filter(|row| is(&arguments.layer, &row.layer) && is(&arguments.kind, &row.kind))
        .filter(|row| arguments.why.as_ref().is_none_or(|words| row.reason.contains(words.as_str())))
        .filter(|row| arguments.at.is_none_or(|at| about(row, at)))
        .collect()
}

/// The columns of one decision.
const HEADER: [&str; 11] =
    ["ms", "vm", "layer", "what", "size", "GVA", "GPA", "GHPA", "HPA", "offset", "why"];

fn cells(row: &EventRow) -> [String; 11] {
    let address = |addr: Option<u64>| addr.map_or_else(String::new, |addr| format!("{addr:#x}"));
    let offset = row.offset.map_or_else(String::new, |offset| {
        let sign = if offset < 0 { "-" } else { "" };
        format!("{sign}{:#x}", offset.unsigned_abs())
    });
    [
        format!("{:.3}", convert::ratio(row.time.get(), 1_000_000)),
        row.vm.clone(),
        row.layer.clone(),
        row.kind.clone(),
        row.bytes.to_string(),
        address(row.gva.map(Addr::get)),
        address(row.gpa.map(Addr::get)),
        address(row.ghpa.map(Addr::get)),
        address(row.hpa.map(Addr::get)),
        offset,
        row.reason.clone(),
    ]
}

fn table(rows: &[&EventRow], most: usize) -> String {
    let most = if most == 0 { rows.len() } else { most };
    let mut table = style::table();
    table.set_header(HEADER);
    for row in rows.iter().take(most) {
        table.add_row(cells(row));
    }
    let mut text = format!("{table}\n");
    if rows.len() > most {
        let _written = writeln!(text, "the first {most} of {}; --most 0 prints all", rows.len());
    }
    text
}

fn csv(rows: &[&EventRow]) -> String {
    let mut text = HEADER.join(",") + "\n";
    for row in rows {
        let quoted = cells(row).map(|cell| {
            if cell.contains([',', '"']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
        });
        text += &quoted.join(",");
        text.push('\n');
    }
    text
}
