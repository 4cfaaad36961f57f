//! `terrace bench`.

mod arguments;
mod line;
mod own_process;
mod peak;
mod report;
mod runs;
mod stopwatch;

use std::path::Path;
use std::time::Duration;

use indicatif::ProgressBar;
use terrace_machine::find;
use terrace_sim::bench::{
    Bench, MOST_TIMES_SLOWER, Measured, ROWS, Size, millions_a_second, native_gups, native_memory,
};
use terrace_sim::run::Registry;

pub(crate) use arguments::BenchArguments;
use arguments::{DEFAULT_TRACE, MACHINE_ITSELF, OutputFormat};
use line::{Line, Must};
use report::Report;
pub(crate) use report::processor;
use runs::{Begun, RUN_ROWS, RunRow};

use crate::interrupt::{interrupted, note_interrupts};
use crate::said::Said;
use crate::{CliError, Ended, print};

/// Measures how fast the engine is, and prints it.
pub(crate) fn bench(arguments: &BenchArguments, registry: &Registry, said: Said) -> Result<Ended, CliError> {
    if let Some(row) = arguments.alone.as_deref().and_then(RunRow::find) {
        return row.alone(arguments, registry, said);
    }
    let machine = find(&arguments.machine, &arguments.overrides()?)?.machine;
    let bench = Bench {
        machine: &machine,
        size: if arguments.quick { Size::QUICK } else { Size::FULL },
        vectors: arguments.vectors,
        data_lines: arguments.data_lines,
        trace: arguments.trace.as_deref().unwrap_or(Path::new(DEFAULT_TRACE)),
    };
    if let Some(mode) = arguments.peak {
        bench.touch_all(mode).map_err(CliError::Bench)?;
        print(format!("{}\n", peak::own().unwrap_or(0)).as_bytes())?;
        return Ok(Ended::Complete);
    }
    note_interrupts();
    let report = measure(&bench, arguments, said)?;
    let text = match arguments.format {
        OutputFormat::Table => report.render(),
        OutputFormat::Json => report.json(),
    };
    print(text.as_bytes())?;
    if interrupted() {
        eprintln!(
            "interrupted: these are the rows that were finished, and what a run had measured until then"
        );
        return Ok(Ended::Interrupted);
    }
    Ok(Ended::Complete)
}

/// All rows that were asked for, until Ctrl-C.
fn measure(bench: &Bench<'_>, arguments: &BenchArguments, said: Said) -> Result<Report, CliError> {
    let progress = if said.shows_progress() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    let show = |what: &str| {
        progress.set_message(what.to_owned());
        progress.tick();
    };
    let wanted = |name: &str| arguments.rows.is_empty() || arguments.rows.iter().any(|row| row == name);
    let mut report = Report::new(bench);
    for row in ROWS.iter().filter(|row| wanted(row.name)) {
        if interrupted() {
            break;
        }
        show(row.what);
        if row.needs_trace() && arguments.trace.is_none() && !bench.trace.exists() {
            report.lines.push(line::of_rate(row, bench.size, Err(no_trace())));
            continue;
        }
        let measured = row.measure(bench).map_err(CliError::Bench)?;
        report.lines.push(line::of_rate(row, bench.size, Ok(measured)));
        if let Some(mode) = row.peak_mode() {
            report.lines.extend(measured.first_touch.map(|touched| line::of_first_touch(row, touched)));
            show(&format!("{}: memory", row.what));
            report.lines.push(line::of_memory(row, bench.size, peak::of_mode(mode, arguments, said)));
        }
        // Right behind it: the load of a shared machine changes within minutes.
        if row.name == "gups" && wanted(MACHINE_ITSELF) {
            show("this machine itself");
            report.lines.extend(beside_native(arguments.quick, Some(measured)));
        }
    }
    for row in RUN_ROWS.iter().filter(|row| wanted(row.name)) {
        if interrupted() || (arguments.rows.is_empty() && row.begun == Begun::ByName) {
            continue;
        }
        show(row.what);
        // The process of the row shows how far it is.
        let timed = progress.suspend(|| row.measure(arguments, said));
        // It was interrupted, too, and has measured nothing if that was before its measured time.
        if timed.is_ok() || !interrupted() {
            report.lines.extend(row.lines(timed.as_ref(), !arguments.quick));
        }
    }
    if wanted(MACHINE_ITSELF) && !wanted("gups") && !interrupted() {
        show("this machine itself");
        report.lines.extend(beside_native(arguments.quick, None));
    }
    progress.finish_and_clear();
    Ok(report)
}

/// Why the row `trace` is not measured.
fn no_trace() -> String {
    format!("no {DEFAULT_TRACE} here; run it in the repository, or name a trace with --trace FILE")
}

/// The machine's own random updates, and how many times slower the simulated ones are.
fn beside_native(quick: bool, gups: Option<Measured>) -> Vec<Line> {
    let (bytes, updates) = if quick { (64 << 20, 1_000_000) } else { (native_memory(), 100_000_000) };
    let took: Duration = native_gups(bytes, updates);
    let rate = millions_a_second(updates, took);
    let mut lines = vec![Line {
        name: MACHINE_ITSELF.to_owned(),
        work: format!("this machine itself: GUPS over {} MiB", bytes >> 20),
        unit: "M updates/s",
        must: None,
        measured: Ok(rate),
    }];
    lines.extend(gups.map(|gups| Line {
        name: "gups-ratio".to_owned(),
        work: "this machine itself : GUPS, 2d".to_owned(),
        unit: "times slower",
        must: (!quick).then_some(Must::AtMost(MOST_TIMES_SLOWER)),
        measured: Ok(rate / gups.rate()),
    }));
    lines
}
