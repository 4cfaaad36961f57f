//! The replay of one trace.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use terrace_addr::convert;
use terrace_machine::Machine;
use terrace_mmu::Counters;
use terrace_result::{Input, MachineUsed, Mapping, Metric, ModeCounts, ProgramUsed, ReplayResult, Time};
use terrace_sim::Mode;
use terrace_sim::mapping::Rule;
use terrace_sim::replay::{Replay, ReplayError, Settings};
use terrace_sim::time::{CoreModel, Interval, Parts, Program, Vcpu, share};
use terrace_trace::{Batch, Source};

use super::ReplayArguments;
use super::window::{Part, Window};
use crate::CliError;
use crate::input::{self, file_name};
use crate::interrupt::interrupted;
use crate::progress::Progress;
use crate::said::Said;

/// What all traces of a command are replayed on.
pub(super) struct Setting<'a> {
    pub(super) arguments: &'a ReplayArguments,
    pub(super) machine: &'a Machine,
    pub(super) used: &'a MachineUsed,
    pub(super) rule: &'a Rule,
    pub(super) mapping: &'a Mapping,
    pub(super) settings: Settings,
    pub(super) program: Option<Program>,
    pub(super) window: Window,
    /// Set when another trace could not be replayed: there is no use in going on.
    pub(super) failing: &'a AtomicBool,
}

/// What was counted up to some place of the stream.
#[derive(Default)]
struct SoFar {
    counters: Vec<(Mode, Counters)>,
    intervals: Vec<Vec<(usize, Interval)>>,
    instructions: u64,
}

impl Setting<'_> {
    /// Replays a trace. The result says whether it came to the end.
    pub(super) fn replay(
        &self,
        trace: &Path,
        progress: Progress,
        said: Said,
    ) -> Result<ReplayResult, CliError> {
        let started = Instant::now();
        let failed = |error| CliError::Replay { trace: trace.to_owned(), error };
        let (mut source, digest) = input::open(trace, self.arguments.input_format)?;
        let digest = digest.start();
        let mut replay = Replay::new(self.machine, &self.arguments.modes, self.rule, self.settings)
            .map_err(|error| CliError::Build { machine: self.machine.name.clone(), error })?;
        let (before, complete) =
            self.run(&mut *source, &mut replay, progress).map_err(|error| match error {
                Stopped::Trace(error) => error.into(),
                Stopped::Replay(error) => failed(error),
            })?;
        let after = self.so_far(&mut replay).map_err(failed)?;
        let sha256 = digest.finish().map_err(|error| CliError::Read { path: trace.to_owned(), error })?;
        said.read(&file_name(trace), &*source, started.elapsed());
        let before_counters = before.counters.iter().map(|(_, counters)| *counters);
        let counters: Vec<_> = after
            .counters
            .iter()
            .zip(before_counters.chain(core::iter::repeat(Counters::default())))
            .map(|((mode, after), before)| (*mode, after.since(&before)))
            .collect();
        let times = self.program.map(|program| {
            let nothing = core::iter::repeat(Vec::new());
            let intervals = after.intervals.into_iter().zip(before.intervals.into_iter().chain(nothing));
            intervals.map(|(after, before)| time(self.machine, program, after, &before)).collect::<Vec<_>>()
        });
        Ok(ReplayResult {
            schema: terrace_result::REPLAY_SCHEMA,
            schema_version: terrace_result::REPLAY_SCHEMA_VERSION,
            terrace_version: env!("CARGO_PKG_VERSION"),
            model_version: terrace_result::MODEL_VERSION,
            machine: self.used.clone(),
            inputs: vec![Input { name: file_name(trace), format: source.format().name().to_owned(), sha256 }],
            mapping: self.mapping.clone(),
            seed: self.arguments.seed,
            kinds: self.arguments.accesses.name(),
            data_lines: self.settings.data_lines,
            window: self.window.used(),
            program: self
                .arguments
                .program()
                .map(|(core_cycles, parallelism)| ProgramUsed { core_cycles, parallelism }),
            threads: convert::count(replay.threads()),
            instructions: after.instructions - before.instructions,
            complete,
            modes: counts(counters, times),
        })
    }

    /// Feeds the trace. What was counted before the references that count, and whether all of it was fed.
    fn run(
        &self,
        source: &mut dyn Source,
        replay: &mut Replay,
        mut progress: Progress,
    ) -> Result<(SoFar, bool), Stopped> {
        let mut batch = Batch::new();
        let mut before = None;
        while source.next_batch(&mut batch)? {
            let accesses = convert::count(batch.accesses().len());
            if self.window.is_whole() {
                replay.feed(&mut batch)?;
            } else if self.window.is_over(&batch) {
                break;
            } else {
                for part in self.window.parts(core::mem::take(&mut batch)) {
                    match part {
                        Part::Warm(mut batch) => replay.feed(&mut batch)?,
                        Part::Count(mut batch) => {
                            if before.is_none() {
                                before = Some(self.so_far(replay)?);
                            }
                            replay.feed(&mut batch)?;
                        }
                    }
                }
            }
            progress.advance(accesses, || source.progress());
            if interrupted() || self.failing.load(Ordering::Relaxed) {
                return Ok((self.before(before, replay)?, false));
            }
        }
        Ok((self.before(before, replay)?, true))
    }

    /// What to take off: nothing where everything counts, and everything where nothing was reached that counts.
    fn before(&self, before: Option<SoFar>, replay: &mut Replay) -> Result<SoFar, ReplayError> {
        match before {
            Some(before) => Ok(before),
            None if self.window.is_whole() => Ok(SoFar::default()),
            None => self.so_far(replay),
        }
    }

    fn so_far(&self, replay: &mut Replay) -> Result<SoFar, ReplayError> {
        Ok(SoFar {
            counters: replay.counters()?,
            intervals: if self.program.is_some() { replay.intervals()? } else { Vec::new() },
            instructions: replay.instructions(),
        })
    }
}

/// Why feeding a trace ended early.
enum Stopped {
    Trace(terrace_trace::TraceError),
    Replay(ReplayError),
}

impl From<terrace_trace::TraceError> for Stopped {
    fn from(error: terrace_trace::TraceError) -> Self {
        Self::Trace(error)
    }
}

impl From<ReplayError> for Stopped {
    fn from(error: ReplayError) -> Self {
        Self::Replay(error)
    }
}

/// How long what the CPUs did took, if the program is as it was declared.
fn time(
    machine: &Machine,
    program: Program,
    after: Vec<(usize, Interval)>,
    before: &[(usize, Interval)],
) -> Time {
    let core = CoreModel::new(machine);
    let earlier = |cpu| before.iter().find(|(other, _)| *other == cpu).map(|(_, interval)| interval);
    let intervals: Vec<_> = after
        .into_iter()
        .map(|(cpu, interval)| {
            (cpu, earlier(cpu).map_or_else(|| interval.clone(), |earlier| interval.since(earlier)))
        })
        .collect();
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
fn counts(counters: Vec<(Mode, Counters)>, times: Option<Vec<Time>>) -> Vec<ModeCounts> {
    let value =
        |counters: &Counters, name| counters.iter().find(|(other, _)| *other == name).map(|(_, value)| value);
    let values = |counters: Counters| {
        // A test holds that every metric is one of the engine's counts.
        Metric::ALL.iter().map(|metric| value(&counters, metric.name).unwrap_or(0)).collect()
    };
    let times = times.into_iter().flatten().map(Some).chain(core::iter::repeat(None));
    let modes = counters.into_iter().zip(times);
    modes
        .map(|((mode, counters), time)| ModeCounts {
            mode: mode.name().to_owned(),
            values: values(counters),
            time,
        })
        .collect()
}
