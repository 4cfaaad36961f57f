//! `terrace fleet run`.

use std::time::{Instant, SystemTime};

use terrace_addr::convert;
use terrace_fleet::result::{FLEET_KIND, FLEET_SCHEMA_VERSION, FleetResult, FleetRun};
use terrace_fleet::{FleetError, Outcome, Setup};
use terrace_result::Notation;

use super::arguments::{ResultFormat, RunArguments};
use super::costs::costs;
use super::folder;
use super::input::{Input, input};
use super::{job, table};
use crate::circumstances::Circumstances;
use crate::interrupt::note_interrupts;
use crate::said::Said;
use crate::{CliError, Ended, print};

/// Places the VMs of a trace, and prints what came of it.
pub(super) fn run(arguments: &RunArguments, said: Said) -> Result<Ended, CliError> {
    let costs = costs(&arguments.costs)?;
    if let Some(place) = &arguments.out {
        folder::check(place)?;
    }
    let (started, began) = (SystemTime::now(), Instant::now());
    let Input { trace, fleet, used } = input(arguments, said)?;
    note_interrupts();
    said.detail(format_args!(
        "{}: {} VMs, {} events, read in {:.2} s",
        used.name,
        used.vms,
        used.events,
        began.elapsed().as_secs_f64()
    ));
    let setups = arguments.setups(&fleet);
    let simulating = Instant::now();
    let outcomes = job::all(&trace, &setups, arguments.threads.get(), said)?;
    let seconds = simulating.elapsed().as_secs_f64();
    let speed = convert::ratio(used.events * convert::count(outcomes.len()), 1_000_000) / seconds;
    said.detail(format_args!("{} simulation(s) in {seconds:.2} s, {speed:.2} M events/s", outcomes.len()));
    let runs: Result<Vec<FleetRun>, _> = setups
        .iter()
        .zip(&outcomes)
        .map(|(setup, outcome)| FleetRun::new(setup, outcome, costs.as_ref().map(|(costs, _)| costs)))
        .collect();
    let runs = runs.map_err(FleetError::from)?;
    let result = FleetResult {
        kind: FLEET_KIND.to_owned(),
        schema_version: FLEET_SCHEMA_VERSION,
        terrace_version: env!("CARGO_PKG_VERSION").to_owned(),
        model_version: terrace_result::MODEL_VERSION,
        input: used,
        servers: fleet.classes.iter().map(Into::into).collect(),
        granule_bytes: fleet.granule.get(),
        interval_ns: setups.first().map_or(0, |setup| setup.interval.get()),
        costs: costs.as_ref().map(|(costs, _)| *costs),
        costs_from: costs.and_then(|(_, from)| from),
        runs,
    };
    if let Some(place) = &arguments.out {
        let (took, threads) = (began.elapsed(), arguments.threads.get());
        let circumstances = Circumstances { started, took, threads, accesses: None };
        folder::write(place, &result, &outcomes, &circumstances)?;
        said.detail(format_args!("written to {}", place.display()));
    }
    show(&result, arguments.format)?;
    Ok(ended(&setups, &outcomes, said))
}

fn show(result: &FleetResult, format: ResultFormat) -> Result<(), CliError> {
    let mut text = Vec::new();
    match format {
        ResultFormat::Table => text.extend(table::render(result).bytes()),
        ResultFormat::Json => result.write(Notation::Json, &mut text).map_err(CliError::output)?,
        ResultFormat::Csv => result.write(Notation::Csv, &mut text).map_err(CliError::output)?,
    }
    print(&text)
}

fn ended(setups: &[Setup], outcomes: &[Outcome], said: Said) -> Ended {
    let finished = outcomes.iter().filter(|outcome| outcome.complete).count();
    if finished == setups.len() {
        return Ended::Complete;
    }
    let cut = outcomes.len() - finished;
    said.note(format_args!(
        "interrupted: {finished} of {} simulations were finished, and {cut} have what was counted until then",
        setups.len()
    ));
    Ended::Interrupted
}
