//! `terrace replay`.

mod arguments;
mod progress;
mod table;

use std::path::Path;
use std::thread;

use terrace_addr::convert;
use terrace_machine::{Found, Machine, Override, find};
use terrace_mmu::Counters;
use terrace_result::{
    Input, MachineUsed, Mapping, Metric, ModeCounts, ProgramUsed, ReplayResult, Sha256, Time, sha256_of,
};
use terrace_sim::Mode;
use terrace_sim::mapping::{LayerName, MappingFile, Rule};
use terrace_sim::replay::{Replay, Settings};
use terrace_sim::time::{CoreModel, Interval, Parts, Program, Vcpu, share};
use terrace_trace::{Batch, Options, Source};

pub(crate) use arguments::{Memory, ReplayArguments};
use arguments::{OutputFormat, Switch};
use progress::Progress;

use crate::interrupt::{interrupted, note_interrupts};
use crate::{CliError, Ended, print};

/// Replays a trace and prints what was counted.
pub(crate) fn replay(arguments: &ReplayArguments) -> Result<Ended, CliError> {
    let (machine, used) = machine(arguments)?;
    let (rule, mapping) = rule(arguments)?;
    let mut options = Options::new();
    if let Some(format) = arguments.input_format {
        options = options.format(format);
    }
    let modes = &arguments.modes;
    if let Some(twice) =
        (1..).zip(modes).find_map(|(behind, mode)| modes[behind..].contains(mode).then_some(*mode))
    {
        return Err(CliError::Twice { mode: twice });
    }
    let mut source = options.open(&arguments.trace)?;
    let program = match arguments.program() {
        None => None,
        Some((core_cycles, parallelism)) => Some(Program::new(core_cycles, parallelism)?),
    };
    let settings = Settings {
        kinds: arguments.accesses,
        data_lines: arguments.data_lines == Switch::On,
        vectors: None,
        threads: arguments.threads.get(),
    };
    let mut replay = Replay::new(&machine, modes, &rule, settings)
        .map_err(|error| CliError::Build { machine: machine.name.clone(), error })?;

    note_interrupts();
    let trace = arguments.trace.clone();
    let digest = thread::spawn(move || sha256_of(&trace));
    let complete = run(&mut *source, &mut replay, arguments)?;
    let counters =
        replay.counters().map_err(|error| CliError::Replay { trace: arguments.trace.clone(), error })?;
    let times = match program {
        None => vec![None; modes.len()],
        Some(program) => {
            let intervals = replay
                .intervals()
                .map_err(|error| CliError::Replay { trace: arguments.trace.clone(), error })?;
            intervals.into_iter().map(|intervals| Some(time(&machine, program, intervals))).collect()
        }
    };
    // A reader that panicked would have ended the replay too.
    let sha256 = digest.join().unwrap_or_else(|_| Err(std::io::ErrorKind::Other.into()));
    let sha256 = sha256.map_err(|error| CliError::Read { path: arguments.trace.clone(), error })?;

    let result = ReplayResult {
        schema: terrace_result::REPLAY_SCHEMA,
        schema_version: terrace_result::REPLAY_SCHEMA_VERSION,
        terrace_version: env!("CARGO_PKG_VERSION"),
        model_version: terrace_result::MODEL_VERSION,
        machine: used,
        inputs: vec![Input {
            name: file_name(&arguments.trace),
            format: source.format().name().to_owned(),
            sha256,
        }],
        mapping,
        seed: arguments.seed,
        kinds: arguments.accesses.name(),
        data_lines: settings.data_lines,
        program: arguments
            .program()
            .map(|(core_cycles, parallelism)| ProgramUsed { core_cycles, parallelism }),
        threads: convert::count(replay.threads()),
        instructions: replay.instructions(),
        complete,
        modes: counts(counters, times),
    };
    let mut text = Vec::new();
    match arguments.format {
        OutputFormat::Table => text.extend(table::render(&result).bytes()),
        OutputFormat::Json => result.write_json(&mut text).map_err(CliError::output)?,
        OutputFormat::Csv => result.write_csv(&mut text).map_err(CliError::output)?,
    }
    print(&text)?;
    if complete {
        return Ok(Ended::Complete);
    }
    eprintln!("interrupted: the counts are those of the part that was replayed");
    Ok(Ended::Interrupted)
}

/// Feeds the whole trace; false if that was interrupted.
fn run(source: &mut dyn Source, replay: &mut Replay, arguments: &ReplayArguments) -> Result<bool, CliError> {
    let mut progress = Progress::start();
    let mut batch = Batch::new();
    while source.next_batch(&mut batch)? {
        let accesses = convert::count(batch.accesses().len());
        replay
            .feed(&mut batch)
            .map_err(|error| CliError::Replay { trace: arguments.trace.clone(), error })?;
        progress.advance(accesses, || source.progress());
        if interrupted() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The machine, and how the result names it.
fn machine(arguments: &ReplayArguments) -> Result<(Machine, MachineUsed), CliError> {
    let overrides: Vec<Override> = arguments.set.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
    let Found { machine, text } = find(&arguments.machine, &overrides)?;
    let sha256 = Sha256::of(text.as_bytes());
    let used = MachineUsed { name: machine.name.clone(), sha256, overrides: arguments.set.clone() };
    Ok((machine, used))
}

/// The mapping rule, and how the result describes it.
fn rule(arguments: &ReplayArguments) -> Result<(Rule, Mapping), CliError> {
    let mut file_sha256 = None;
    let file = match &arguments.mapping {
        None => None,
        Some(path) => {
            let text = std::fs::read(path).map_err(|error| CliError::Read { path: path.clone(), error })?;
            file_sha256 = Some(Sha256::of(&text));
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

/// How long what the CPUs did took, if the program is as it was declared.
fn time(machine: &Machine, program: Program, intervals: Vec<(usize, Interval)>) -> Time {
    let core = CoreModel::new(machine);
    let additive = intervals.iter().map(|(_, interval)| core.time(program, interval).additive.total()).sum();
    let vcpus = intervals.into_iter().map(|(cpu, interval)| Vcpu { cpu, program, interval });
    let shared = share(machine, &vcpus.collect::<Vec<_>>());
    let sum = |part: fn(&Parts) -> f64| shared.vcpus.iter().map(|time| part(&time.modelled)).sum();
    let nodes = machine.nodes().into_iter().zip(&shared.nodes);
    Time {
        duration: shared.duration,
        core: sum(|parts| parts.core),
        data: sum(|parts| parts.data),
        translation: sum(|parts| parts.translation),
        additive,
        utilisation: nodes.map(|((name, _), load)| (name.to_owned(), load.utilisation)).collect(),
    }
}

/// The counts of each mode, in the order of the registry.
fn counts(counters: Vec<(Mode, Counters)>, times: Vec<Option<Time>>) -> Vec<ModeCounts> {
    let value =
        |counters: &Counters, name| counters.iter().find(|(other, _)| *other == name).map(|(_, value)| value);
    let values = |counters: Counters| {
        // A test holds that every metric is one of the engine's counts.
        Metric::ALL.iter().map(|metric| value(&counters, metric.name).unwrap_or(0)).collect()
    };
    let modes = counters.into_iter();
    modes
        .zip(times)
        .map(|((mode, counters), time)| ModeCounts {
            mode: mode.name().to_owned(),
            values: values(counters),
            time,
        })
        .collect()
}

/// The last part of a path: results do not depend on where a trace lies.
fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
