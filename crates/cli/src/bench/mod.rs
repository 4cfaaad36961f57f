//! `terrace bench`.

mod arguments;
mod peak;
mod report;

use std::time::Duration;

use indicatif::ProgressBar;
use terrace_machine::{Override, find};
use terrace_sim::bench::{Bench, ROWS, Row, Size, native_gups, native_memory, touch_all};

pub(crate) use arguments::BenchArguments;
use arguments::OutputFormat;
use report::{Line, Report};

use crate::interrupt::{interrupted, note_interrupts};
use crate::{CliError, Ended, print};

/// Measures how fast the engine is, and prints it.
pub(crate) fn bench(arguments: &BenchArguments) -> Result<Ended, CliError> {
    let overrides: Vec<Override> = arguments.set.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
    let machine = find(&arguments.machine, &overrides)?.machine;
    let size = if arguments.quick { Size::QUICK } else { Size::FULL };
    let bench = Bench { machine: &machine, size, vectors: arguments.vectors, trace: &arguments.trace };
    if let Some(mode) = arguments.peak {
        touch_all(&bench, mode).map_err(CliError::Bench)?;
        print(format!("{}\n", peak::own().unwrap_or(0)).as_bytes())?;
        return Ok(Ended::Complete);
    }
    note_interrupts();
    let progress = ProgressBar::new_spinner();
    let mut report = Report::new(&machine.name, arguments);
    let wanted = |name: &str| arguments.rows.is_empty() || arguments.rows.iter().any(|row| row == name);
    if wanted("machine") {
        progress.set_message("the machine itself");
        progress.tick();
        report.native = Some(native(arguments.quick));
    }
    for row in ROWS.iter().filter(|row| wanted(row.name)) {
        if interrupted() {
            break;
        }
        progress.set_message(row.what);
        progress.tick();
        report.lines.push(line(row, &bench, arguments));
    }
    progress.finish_and_clear();
    let text = match arguments.format {
        OutputFormat::Table => report.render(),
        OutputFormat::Json => report.json(),
    };
    print(text.as_bytes())?;
    if interrupted() {
        eprintln!("interrupted: these are the rows that were finished");
        return Ok(Ended::Interrupted);
    }
    Ok(Ended::Complete)
}

/// One row. A row that cannot be measured says why; the others do not suffer.
fn line(row: &'static Row, bench: &Bench<'_>, arguments: &BenchArguments) -> Line {
    let measured = row.measure(bench).map_err(|error| error.to_string());
    let pages = bench.size.bytes >> 12;
    let peak = row.peak_mode().and_then(|mode| peak::of_mode(mode, arguments));
    let bytes_a_page = peak.map(|bytes| terrace_addr::convert::ratio(bytes, pages));
    Line { row, measured, bytes_a_page }
}

/// The machine's own random updates: so many, over so much memory, in such a time.
fn native(quick: bool) -> (u64, u64, Duration) {
    let bytes = if quick { 64 << 20 } else { native_memory() };
    let updates = if quick { 1_000_000 } else { 100_000_000 };
    (bytes, updates, native_gups(bytes, updates))
}
