//! `terrace run`: scenarios.
//!
//! The rule: a result is the same bytes for any number of threads. What differs by nature goes into `run.json`, and
//! progress to standard error.

mod arguments;
mod figures;
mod folder;
mod job;
mod matrix;
mod only;
mod series;
mod table;

use std::fmt::Write as _;
use std::time::{Instant, SystemTime};

use terrace_machine::{Machine, Override};
use terrace_result::{
    MachineUsed, Notation, Outcome, RUNS_KIND, RUNS_SCHEMA_VERSION, RunsResult, ScenarioUsed, Sha256,
};
use terrace_scenario::{Builtin, Found, MachineChoice, Run};
use terrace_sim::run::Registry;
use terrace_sim::scenarios::BUILTIN_SCENARIOS;

pub(crate) use arguments::RunArguments;
use arguments::RunFormat;
use folder::Recorded;
use job::Job;

use crate::circumstances::Circumstances;
use crate::interrupt::note_interrupts;
use crate::progress::RunsBar;
use crate::said::Said;
use crate::{CliError, Ended, print};

/// Runs a scenario and prints what was measured.
pub(crate) fn run(arguments: &RunArguments, registry: &Registry, said: Said) -> Result<Ended, CliError> {
    let Some(scenario) = arguments.scenario.as_deref().filter(|_| !arguments.schema) else {
        print(format!("{:#}\n", terrace_scenario::schema()).as_bytes())?;
        return Ok(Ended::Complete);
    };
    let given = arguments.overrides();
    let overrides: Vec<Override> = given.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
    let builtin: Vec<Builtin> = BUILTIN_SCENARIOS.iter().map(|scenario| scenario.file).collect();
    let mut found = terrace_scenario::find(scenario, &builtin, &overrides, &registry.vocabulary())?;
    only::choose(&mut found.runs, &arguments.only)?;
    let machines = Machines::of(&found)?;
    let Found { runs, text, .. } = &found;
    if arguments.show_config {
        let configurations: Vec<_> =
            (0..).zip(runs).map(|(number, run)| configuration(number, run)).collect();
        print(configurations.join("\n").as_bytes())?;
        return Ok(Ended::Complete);
    }
    if let Some(place) = &arguments.out {
        folder::check(place)?;
    }
    note_interrupts();
    let (started, began) = (SystemTime::now(), Instant::now());
    let job = Job {
        scenario: &found,
        machines: machines.of_runs(),
        registry,
        keeps_records: arguments.out.is_some(),
    };
    let bar = RunsBar::new(said, runs.len());
    let done = job.all(arguments.threads.get(), &bar)?;
    drop(bar);
    let took = began.elapsed();
    let (mut results, mut series, mut events, mut simulated) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for done in done {
        results.push(done.result);
        series.push(done.series);
        events.push(done.events);
        simulated += done.simulated;
    }
    let result = RunsResult {
        kind: RUNS_KIND.to_owned(),
        schema_version: RUNS_SCHEMA_VERSION,
        terrace_version: env!("CARGO_PKG_VERSION").to_owned(),
        model_version: terrace_result::MODEL_VERSION,
        scenario: ScenarioUsed {
            name: runs.first().map(|run| run.scenario.name.clone()).unwrap_or_default(),
            description: runs.first().map(|run| run.scenario.description.clone()).unwrap_or_default(),
            sha256: Sha256::of(text.as_bytes()),
            overrides: given,
            // Runs that were not begun are no part of the result.
            configurations: runs.iter().take(results.len()).map(|run| run.scenario.to_toml()).collect(),
        },
        machines: machines.used(results.len()),
        runs: results,
    };
    let speed = terrace_addr::convert::ratio(simulated, 1_000_000) / took.as_secs_f64();
    said.detail(format_args!(
        "{} run(s) in {:.2} s, {simulated} accesses simulated, {speed:.1} M/s",
        result.runs.len(),
        took.as_secs_f64()
    ));
    if let Some(place) = &arguments.out {
        let (threads, accesses) = (arguments.threads.get(), Some(simulated));
        let circumstances = Circumstances { started, took, threads, accesses };
        let records_series = runs.iter().any(|run| run.scenario.record.series);
        let recorded = Recorded { series: records_series.then_some(series.as_slice()), events: &events };
        folder::write(place, &result, &recorded, &circumstances)?;
        said.detail(format_args!("written to {}", place.display()));
    }
    show(&result, arguments.format, registry, said)?;
    ended(&result, runs.len(), said)
}

fn show(result: &RunsResult, format: RunFormat, registry: &Registry, said: Said) -> Result<(), CliError> {
    let mut text = Vec::new();
    match format {
        RunFormat::Table => {
            text.extend(table::render(result).bytes());
            if said.is_verbose() {
                text.extend(matrix::render(result, &registry.vocabulary()).bytes());
            }
        }
        RunFormat::Json => result.write(Notation::Json, &mut text).map_err(CliError::output)?,
        RunFormat::Csv => result.write(Notation::Csv, &mut text).map_err(CliError::output)?,
    }
    print(&text)
}

/// How the command ends: that some runs ended early is in the result, and an error only if nothing was measured.
fn ended(result: &RunsResult, runs: usize, said: Said) -> Result<Ended, CliError> {
    let cut = result.runs.iter().filter(|run| matches!(run.outcome, Outcome::Interrupted { .. })).count();
    if cut > 0 || result.runs.len() < runs {
        let finished = result.runs.len() - cut;
        said.note(format_args!(
            "interrupted: {finished} of {runs} runs were finished, and {cut} have what was measured until then"
        ));
        return Ok(Ended::Interrupted);
    }
    if result.runs.iter().all(|run| run.totals.is_empty()) {
        return Err(CliError::NothingMeasured);
    }
    Ok(Ended::Complete)
}

/// How a run is named: its value of each sweep axis; nothing where there is one run only.
fn name(labels: &[(String, String)]) -> String {
    labels.iter().map(|(axis, value)| format!("{axis} {value}")).collect::<Vec<_>>().join(", ")
}

/// The configuration of a run as a scenario file, which says whose it is.
fn configuration(number: usize, run: &Run) -> String {
    let mut text = String::new();
    if !run.labels.is_empty() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "# run {number}: {}", name(&run.labels));
    }
    text + &run.scenario.to_toml()
}

/// The machines of runs, each of them once.
struct Machines {
    /// As scenarios give them, in the order in which runs first use them.
    found: Vec<(MachineChoice, Machine, MachineUsed)>,
    /// The place of each run's machine.
    of: Vec<usize>,
}

impl Machines {
    fn of(scenario: &Found) -> Result<Self, CliError> {
        let mut machines = Self { found: Vec::new(), of: Vec::new() };
        for run in &scenario.runs {
            let given = &run.scenario.machine;
            let known = machines.found.iter().position(|(choice, ..)| choice == given);
            let place = known.unwrap_or(machines.found.len());
            if known.is_none() {
                let found = scenario.machine(run)?;
                let sha256 = Sha256::of(found.text.as_bytes());
                let overrides = given.overrides()?.iter().map(Override::to_string).collect();
                let used = MachineUsed { name: found.machine.name.clone(), sha256, overrides };
                machines.found.push((given.clone(), found.machine, used));
            }
            scenario.fits(run, &machines.found[place].1)?;
            machines.of.push(place);
        }
        Ok(machines)
    }

    fn of_runs(&self) -> Vec<&Machine> {
        self.of.iter().map(|&place| &self.found[place].1).collect()
    }

    /// Those of the first runs.
    fn used(&self, runs: usize) -> Vec<MachineUsed> {
        let places = self.of.iter().take(runs).map(|&place| place + 1).max().unwrap_or(0);
        self.found.iter().take(places).map(|(.., used)| used.clone()).collect()
    }
}
