//! `terrace trace info`.

use std::path::Path;

use clap::{Args, ValueEnum};
use comfy_table::CellAlignment;
use terrace_addr::convert;
use terrace_result::{Input, PagesTouched, ThreadTraced, TraceInfo};
use terrace_trace::{Batch, Format, Profile, Profiler, Reuse, Statistics, TerraceFile};

use super::Read;
use crate::input::{self, file_name};
use crate::interrupt::{interrupted, note_interrupts};
use crate::number::number;
use crate::progress::Bars;
use crate::said::Said;
use crate::{CliError, Ended, print, style};

/// Arguments of `terrace trace info`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  terrace trace info tests/data/sort.drmemtrace.zip
  terrace trace info tests/data/mix.champsim.xz --format json")]
pub(super) struct InfoArguments {
    #[command(flatten)]
    read: Read,

    /// How to print it
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = InfoFormat::Table)]
    format: InfoFormat,
}

/// How it is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum InfoFormat {
    /// For people
    Table,
    /// For programs
    Json,
}

/// Sizes of TLBs, as powers of two, whose hits are shown.
const TLBS: [usize; 6] = [4, 6, 8, 10, 11, 14];

/// Threads that are listed one by one.
const LISTED: usize = 16;

/// Prints what a trace holds.
pub(super) fn info(arguments: &InfoArguments, said: Said) -> Result<Ended, CliError> {
    let trace = &arguments.read.trace;
    note_interrupts();
    let (mut source, digest) = input::open(trace, arguments.read.input_format)?;
    let digest = digest.start();
    let mut profiler = Profiler::new();
    let mut progress = Bars::new(said).start(String::new());
    let mut batch = Batch::new();
    let mut complete = true;
    while complete && source.next_batch(&mut batch)? {
        profiler.add(&batch);
        progress.advance(convert::count(batch.accesses().len()), || source.progress());
        complete = !interrupted();
    }
    drop(progress);
    let sha256 = digest.finish().map_err(|error| CliError::Read { path: trace.clone(), error })?;
    let format = source.format().name().to_owned();
    let statistics = source.statistics();
    let profile = profiler.finish();
    let info = TraceInfo {
        schema: terrace_result::TRACE_INFO_SCHEMA,
        schema_version: terrace_result::TRACE_INFO_SCHEMA_VERSION,
        terrace_version: env!("CARGO_PKG_VERSION"),
        input: Input { name: file_name(trace), format, sha256 },
        bytes: source.progress().total,
        complete,
        references: statistics.references(),
        fetches: statistics.fetches,
        loads: statistics.loads,
        stores: statistics.stores,
        microseconds: statistics.times.map(|(first, last)| last.saturating_sub(first)),
        threads: profile.threads.iter().map(|&(id, references)| ThreadTraced { id, references }).collect(),
        pages: vec![pages("4K", &profile.small), pages("2M", &profile.large)],
        notes: source.notes(),
        provenance: match source.format() {
            Format::Terrace => provenance(trace)?,
            _ => Vec::new(),
        },
    };
    let text = match arguments.format {
        InfoFormat::Table => table(&info, &profile, &statistics),
        InfoFormat::Json => {
            let mut text = Vec::new();
            info.write_json(&mut text).map_err(CliError::output)?;
            String::from_utf8_lossy(&text).into_owned()
        }
    };
    print(text.as_bytes())?;
    if complete {
        return Ok(Ended::Complete);
    }
    said.note("interrupted: this is of the part that was read");
    Ok(Ended::Interrupted)
}

/// Where a trace of Terrace's format came from.
fn provenance(trace: &Path) -> Result<Vec<(String, String)>, CliError> {
    let file = TerraceFile::open(trace)?;
    Ok(file.provenance().iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect())
}

fn pages(size: &'static str, reuse: &Reuse) -> PagesTouched {
    PagesTouched {
        size,
        pages: reuse.pages,
        touches: reuse.touches,
        hits: TLBS.into_iter().map(|bits| (1 << bits, reuse.hits(bits))).collect(),
    }
}

/// The trace for people.
fn table(info: &TraceInfo, profile: &Profile, statistics: &Statistics) -> String {
    let mut table = style::table();
    table.set_header([info.input.name.as_str(), ""]);
    let mut row = |name: &str, value: String| {
        table.add_row([name.to_owned(), value]);
    };
    row("format", info.input.format.clone());
    if info.bytes > 0 {
        let each = convert::ratio(info.bytes, info.references.max(1));
        row("file", format!("{} bytes, {each:.2} a reference", number(info.bytes)));
    }
    for (name, text) in &info.provenance {
        row(&format!("  {name}"), text.clone());
    }
    row("records", number(statistics.records));
    row("references", number(info.references));
    row("  instructions fetched", number(info.fetches));
    row("  loads", number(info.loads));
    row("  stores", number(info.stores));
    for (what, count) in [
        ("prefetches", statistics.prefetches),
        ("cache flushes", statistics.flushes),
        ("executed again without a fetch", statistics.unfetched),
        ("lines of something else", statistics.foreign_lines),
    ] {
        if count > 0 {
            row(&format!("  passed over: {what}"), number(count));
        }
    }
    if let Some(microseconds) = info.microseconds {
        row("time from first to last", format!("{:.3} s", convert::ratio(microseconds, 1_000_000)));
    }
    row("threads", number(convert::count(info.threads.len())));
    if info.threads.len() > 1 {
        for thread in info.threads.iter().take(LISTED) {
            row(&format!("  {}", thread.id), format!("{} references", number(thread.references)));
        }
        if info.threads.len() > LISTED {
            row("  and more", number(convert::count(info.threads.len() - LISTED)));
        }
    }
    table.column_mut(1).into_iter().for_each(|column| {
        column.set_cell_alignment(CellAlignment::Right);
    });
    let mut reuse = style::table();
    reuse.set_header(["pages", "4K", "2M"]);
    let both = |value: fn(&Reuse) -> String| [value(&profile.small), value(&profile.large)];
    let mut line = |name: String, [small, large]: [String; 2]| {
        reuse.add_row([name, small, large]);
    };
    line("touched".to_owned(), both(|reuse| number(reuse.pages)));
    line(
        "  together".to_owned(),
        [(profile.small.pages, 12), (profile.large.pages, 21)]
            .map(|(pages, shift)| megabytes(pages << shift)),
    );
    for bits in TLBS {
        let share = |reuse: &Reuse| 100.0 * convert::ratio(reuse.hits(bits), reuse.touches.max(1));
        let shares = [&profile.small, &profile.large].map(|reuse| format!("{:.3} %", share(reuse)));
        line(format!("touches that {} entries serve", number(1 << bits)), shares);
    }
    for column in reuse.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let notes = info.notes.join("\n");
    let end = if notes.is_empty() { "" } else { "\n" };
    format!("{table}\n\n{reuse}\nEntries are those of a fully associative TLB with true LRU.\n{notes}{end}")
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MiB", convert::ratio(bytes, 1 << 20))
}
