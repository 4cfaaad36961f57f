//! `terrace replay`.

mod arguments;
mod job;
mod table;
mod window;

use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use terrace_addr::PageSize;
use terrace_machine::{Found, Machine, Override, find};
use terrace_result::{MachineUsed, Mapping, Notation, ReplayResult, Sha256, write_replays};
use terrace_sim::mapping::{LayerName, MappingFile, Rule};
use terrace_sim::replay::Settings;
use terrace_sim::time::Program;
use terrace_trace::{PageFrames, page_frames};

pub(crate) use arguments::threads;
pub(crate) use arguments::{Memory, ReplayArguments};
use arguments::{OutputFormat, Switch};
use job::Setting;
use window::Window;

use crate::input::{STANDARD_INPUT, file_name};
use crate::interrupt::{interrupted, note_interrupts};
use crate::parallel::in_order;
use crate::progress::Bars;
use crate::said::Said;
use crate::{CliError, Ended, print};

/// Replays traces and prints what was counted.
pub(crate) fn replay(arguments: &ReplayArguments, said: Said) -> Result<Ended, CliError> {
    let (machine, used) = machine(arguments)?;
    let (rule, mapping) = rule(arguments)?;
    if let Some(mode) = twice(&arguments.modes) {
        return Err(CliError::Twice { mode: *mode });
    }
    if arguments.traces.iter().filter(|trace| trace.as_path() == Path::new(STANDARD_INPUT)).count() > 1 {
        return Err(CliError::StandardInputTwice);
    }
    let program = match arguments.program() {
        None => None,
        Some((core_cycles, parallelism)) => Some(Program::new(core_cycles, parallelism)?),
    };
    let traces = arguments.traces.len();
    let threads = arguments.threads.get();
    let failing = AtomicBool::new(false);
    let setting = Setting {
        arguments,
        machine: &machine,
        used: &used,
        rule: &rule,
        mapping: &mapping,
        settings: Settings {
            kinds: arguments.accesses,
            data_lines: arguments.data_lines == Switch::On,
            vectors: None,
            threads: (threads / traces).max(1),
        },
        program,
        window: Window { skip: arguments.skip, warmup: arguments.warmup, limit: arguments.limit },
        failing: &failing,
    };
    note_interrupts();
    let results = all(&setting, threads.min(traces), said)?;
    let mut text = Vec::new();
    match arguments.format {
        OutputFormat::Table => text.extend(table::render_all(&results).bytes()),
        OutputFormat::Json => write_replays(&results, Notation::Json, &mut text).map_err(CliError::output)?,
        OutputFormat::Csv => write_replays(&results, Notation::Csv, &mut text).map_err(CliError::output)?,
    }
    print(&text)?;
    if results.len() == traces && results.iter().all(|result| result.complete) {
        return Ok(Ended::Complete);
    }
    said.note("interrupted: the counts are those of the part that was replayed");
    Ok(Ended::Interrupted)
}

/// Replays all traces, so many at a time. Of those that cannot be replayed, the error of the first.
fn all(setting: &Setting<'_>, at_a_time: usize, said: Said) -> Result<Vec<ReplayResult>, CliError> {
    let traces = &setting.arguments.traces;
    let bars = Bars::new(said);
    let over = || interrupted() || setting.failing.load(Ordering::Relaxed);
    let work = |place: usize| {
        let trace = &traces[place];
        let name = if traces.len() > 1 { file_name(trace) } else { String::new() };
        let result = setting.replay(trace, bars.start(name), said);
        setting.failing.fetch_or(result.is_err(), Ordering::Relaxed);
        result
    };
    // A trace that was not begun has no result.
    in_order(traces.len(), at_a_time, over, work).into_iter().collect()
}

/// The first of some values that comes again.
fn twice<T: PartialEq>(values: &[T]) -> Option<&T> {
    (1..).zip(values).find_map(|(behind, value)| values[behind..].contains(value).then_some(value))
}

/// The machine, and how the result names it.
fn machine(arguments: &ReplayArguments) -> Result<(Machine, MachineUsed), CliError> {
    let overrides: Vec<Override> = arguments.set.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
    let Found { machine, text } = find(&arguments.machine, &overrides)?;
    let sha256 = Sha256::of(text.as_bytes());
    let used = MachineUsed { name: machine.name.clone(), sha256, overrides: arguments.set.clone() };
    Ok((machine, used))
}

/// The frames that were recorded with a trace, as a mapping file: what the guest, or the only table, maps.
fn recorded(path: &Path) -> Result<String, CliError> {
    let Some(PageFrames { page_size, frames }) = page_frames(path)? else { return Ok(String::new()) };
    let size = PageSize::ALL.into_iter().find(|size| size.bytes() == page_size);
    let size = size.ok_or_else(|| CliError::RecordedPages { path: path.to_owned(), page_size })?;
    let mut text = String::new();
    for (page, frame) in frames {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "guest {page:#x} {:#x} {size} {frame:#x}", page.wrapping_add(page_size));
    }
    Ok(text)
}

/// The mapping rule, and how the result describes it.
fn rule(arguments: &ReplayArguments) -> Result<(Rule, Mapping), CliError> {
    let mut file_sha256 = None;
    let file = match &arguments.mapping {
        None => None,
        Some(path) => {
            let text = std::fs::read(path).map_err(|error| CliError::Read { path: path.clone(), error })?;
            file_sha256 = Some(Sha256::of(&text));
            let text = if path.extension().is_some_and(|ending| ending == "textproto") {
                recorded(path)?.into_bytes()
            } else {
                text
            };
            let file =
                MappingFile::parse(&text).map_err(|error| CliError::Mapping { path: path.clone(), error })?;
            Some(file)
        }
    };
    let pages = arguments.pages;
    let layers = LayerName::ALL.into_iter();
    let used = layers.filter(|layer| arguments.modes.iter().any(|mode| mode.layers().contains(layer)));
    let mapping = Mapping {
        pages: used.map(|layer| (layer.to_string(), pages.of(layer).to_string())).collect(),
        frames: arguments.frames.name().to_owned(),
        memory: arguments.memory.0.get(),
        file_sha256,
    };
    let rule =
        Rule { pages, placement: arguments.frames, memory: arguments.memory.0, seed: arguments.seed, file };
    Ok((rule, mapping))
}
