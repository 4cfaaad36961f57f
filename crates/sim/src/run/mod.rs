//! Running scenarios: guests, guest hypervisors and hosts that fault, promote, fragment and compose.
//!
//! A run puts together machines' MMUs, kernels with their policies, and programs on virtual CPUs, and lets simulated
//! time pass:
//! 1. Every program maps its regions and touches them for the first time; each access is simulated.
//! 2. When all programs that begin with the run have come to their steady phase the warm-up passes, access by access too.
//! 3. In the measured time each simulated access stands for `weight` of them; faults, exits, flushes and copies happen
//!    once each and count once. Programs that serve requests, and traces, are simulated access by access.
//! 4. At the end of each interval the series gets a row for each metric.
//!
//! The rule: what runs is decided by (clock, id) of the virtual CPUs, and nothing reads the wall clock, so that the same
//! scenario gives the same bytes everywhere.

use terrace_addr::{Nanos, convert};
use terrace_kernel::KernelError;
use terrace_machine::Machine;
use terrace_machine::quantity::Size;
use terrace_result::{EventRow, LayerRow, Outcome, RunResult, ScopeName};
use terrace_scenario::{Parameters, Run, Scenario};

mod alignment;
mod batch;
mod bill;
mod channel;
mod clock;
mod epoch;
mod error;
mod flush;
mod happened;
mod layer;
mod layers;
mod measure;
mod prepare;
mod process;
mod registry;
mod resize;
mod sampling;
mod setup;
mod simulation;
mod stage;
mod touched;
mod trace;
mod vcpu;

pub use batch::Batch;
pub use error::RunError;
pub use registry::Registry;

use layers::Layers;
use measure::{Measured, Snapshot};
use prepare::Short;
use sampling::{Rates, WARM};
use setup::Begun;
use simulation::Simulation;
use stage::End;

/// Who watches a run.
pub trait Watch {
    /// So much of the simulated time has passed, and so many accesses were simulated; whether to go on.
    fn advance(&mut self, passed: Passed) -> Next;

    /// A value of the series: in the interval that ended then, counted from the beginning of the measured time.
    fn value(&mut self, _end: Nanos, _scope: ScopeName<'_>, _metric: &'static str, _value: f64) {}

    /// A decision about a page, where the scenario records events.
    fn event(&mut self, _event: EventRow) {}
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Passed {
    /// The simulated time.
    pub now: Nanos,
    /// Which part of the measured time has passed; 0 before it begins.
    pub share: f64,
    /// Accesses that were simulated so far.
    pub simulated: u64,
}

/// Whether a run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It does.
    Go,
    /// It ends with what it has.
    Stop,
}

/// Nobody watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unwatched;

impl Watch for Unwatched {
    fn advance(&mut self, _: Passed) -> Next {
        Next::Go
    }
}

/// How often a watcher is asked, in turns.
const ASKED: u32 = 64;

/// Runs a scenario on a machine.
///
/// That memory runs out, or that the watcher ends it, is an outcome: the result holds what was measured until then.
///
/// # Errors
/// If the scenario cannot be set up: names that are not there, values that do not fit, more virtual CPUs than CPUs.
pub fn run(
    run: &Run,
    machine: &Machine,
    registry: &Registry,
    watch: &mut dyn Watch,
) -> Result<RunResult, RunError> {
    run_on(run, machine, || prepare::prepare(&run.scenario, machine, registry), watch)
}

/// Runs a scenario on layers that are made when they are wanted.
fn run_on(
    run: &Run,
    machine: &Machine,
    layers: impl FnOnce() -> Result<Result<Layers, Short>, RunError>,
    watch: &mut dyn Watch,
) -> Result<RunResult, RunError> {
    let scenario = &run.scenario;
    let mut result = RunResult {
        labels: run.labels.clone(),
        machine: machine.name.clone(),
        outcome: Outcome::Complete,
        simulated: Nanos::ZERO,
        measured: Nanos::ZERO,
        weight: scenario.time.weight,
        matrix: matrix(scenario),
        totals: terrace_result::Metrics::new(),
        vms: Vec::new(),
        layers: Vec::new(),
        programs: Vec::new(),
    };
    let mut simulation = match setup::begin(scenario, machine, layers)? {
        Begun::Ready(simulation) => simulation,
        Begun::Short(Short(vm, end)) => {
            result.outcome = ended(&vm, &end, Nanos::ZERO);
            return Ok(result);
        }
    };
    let mut progress = Phases::new(scenario);
    result.outcome = progress.go(&mut simulation, watch);
    let now = progress.now;
    result.simulated = now;
    if let Some(since) = &progress.since {
        result.measured = Nanos::new(now.get() - since.at.get());
        let Measured { mut totals, vms, layers, programs } = simulation.measured(since, now);
        if scenario.time.weight > 1 {
            let error = progress.rates.error(&simulation, &totals, scenario, result.measured);
            let set = totals.set("sampling_error", error);
            debug_assert!(set.is_ok(), "{set:?}");
        }
        (result.totals, result.vms, result.layers, result.programs) = (totals, vms, layers, programs);
    }
    Ok(result)
}

/// The phases of a run.
struct Phases {
    warm_up: Nanos,
    measure: Nanos,
    interval: Nanos,
    series: bool,
    now: Nanos,
    /// When the warm-up ends, once everything is initialised.
    begins: Option<Nanos>,
    /// What was counted when the measured time began.
    since: Option<Snapshot>,
    /// What was counted when the interval began.
    last: Option<Snapshot>,
    /// Of the whole intervals.
    rates: Rates,
}

impl Phases {
    fn new(scenario: &Scenario) -> Self {
        let time = &scenario.time;
        Self {
            warm_up: time.warm_up,
            measure: time.measure,
            interval: time.interval,
            series: scenario.record.series,
            now: Nanos::ZERO,
            begins: None,
            since: None,
            last: None,
            rates: Rates::default(),
        }
    }

    fn go(&mut self, simulation: &mut Simulation, watch: &mut dyn Watch) -> Outcome {
        let mut turns = 0_u32;
        while let Some(turn) = simulation.order.next_turn() {
            self.now = simulation.now(turn.vcpu);
            simulation.end_epoch(self.now);
            if self.is_over(simulation, watch) {
                return Outcome::Complete;
            }
            turns = turns.wrapping_add(1);
            if turns.is_multiple_of(ASKED) && watch.advance(self.passed(simulation)) == Next::Stop {
                return Outcome::Interrupted { at: self.now };
            }
            let ran = simulation.turn(turn);
            for (vm, happened) in simulation.layers.happened.drain(..) {
                watch.event(happened.row(self.now, &simulation.vms[vm].name));
            }
            if let Err((vm, end)) = ran {
                return ended(&simulation.vms[vm].name, &end, self.now);
            }
        }
        Outcome::Complete
    }

    fn passed(&self, simulation: &Simulation) -> Passed {
        let share = self
            .since
            .as_ref()
            .map_or(0.0, |since| convert::ratio(self.now.get() - since.at.get(), self.measure.get().max(1)));
        Passed { now: self.now, share, simulated: simulation.simulated }
    }

    /// Goes from phase to phase; whether the last one is over.
    fn is_over(&mut self, simulation: &mut Simulation, watch: &mut dyn Watch) -> bool {
        if self.begins.is_none() && simulation.is_initialised(self.now) {
            simulation.steady = true;
            self.begins = Some(self.now + self.warm_up);
        }
        if self.since.is_none()
            && let Some(begins) = self.begins
        {
            simulation.sampled = self.now.get() + WARM.get() < begins.get();
        }
        if self.since.is_none()
            && let Some(begins) = self.begins
            && (self.now >= begins || simulation.is_over())
        {
            simulation.sampled = true;
            simulation.begin_measuring();
            let snapshot = simulation.snapshot(self.now);
            self.since = Some(snapshot.clone());
            self.last = Some(snapshot);
        }
        let (Some(since), Some(last)) = (&self.since, &self.last) else { return false };
        let over = self.now.get() >= since.at.get() + self.measure.get() || simulation.is_over();
        if self.now.get() >= last.at.get() + self.interval.get() || over {
            let end = Nanos::new(self.now.get() - since.at.get());
            if !over || end.get() >= self.measure.get() {
                self.rates.push(simulation.rate(last, self.now));
            }
            if self.series && self.now > last.at {
                report(&simulation.measured(last, self.now), end, watch);
            }
            self.last = Some(simulation.snapshot(self.now));
        }
        over
    }
}

/// Tells a watcher the values of an interval.
fn report(measured: &Measured, end: Nanos, watch: &mut dyn Watch) {
    let mut tell = |scope: ScopeName<'_>, metrics: &terrace_result::Metrics| {
        for (metric, value) in metrics.iter() {
            watch.value(end, scope, metric.name, value.as_f64());
        }
    };
    tell(ScopeName::Run, &measured.totals);
    for vm in &measured.vms {
        tell(ScopeName::Vm(&vm.name), &vm.metrics);
    }
    for layer in &measured.layers {
        tell(ScopeName::Layer(layer.vm.as_deref(), &layer.layer), &layer.metrics);
    }
    for program in &measured.programs {
        tell(ScopeName::Program(&program.vm, &program.name), &program.metrics);
    }
}

/// How a run ended that could not go on.
fn ended(vm: &str, end: &End, at: Nanos) -> Outcome {
    match end {
        End::Kernel(role, KernelError::OutOfMemory { wanted, free, total }) => {
            let layer = match role {
                terrace_policy::Role::Host => "host".to_owned(),
                role => format!("{vm}/{role}"),
            };
            let reason = format!("{wanted}, with {} of {} free", Size::new(*free), Size::new(*total));
            Outcome::OutOfMemory { at, layer, wanted: reason }
        }
        other => Outcome::Failed { at, vm: vm.to_owned(), why: Simulation::describe(other) },
    }
}

/// Which system runs at which layer of which machine.
fn matrix(scenario: &Scenario) -> Vec<LayerRow> {
    let parameters = |parameters: &Parameters| {
        parameters.iter().map(|(name, value)| (name.to_owned(), value.to_string())).collect::<Vec<_>>()
    };
    let mut rows = Vec::new();
    for vm in &scenario.vm {
        let mut row = |layer: &str, system: &str, values: &Parameters| {
            rows.push(LayerRow {
                vm: vm.name.clone(),
                mode: vm.mode.clone(),
                layer: layer.to_owned(),
                system: system.to_owned(),
                parameters: parameters(values),
            });
        };
        row("guest", &scenario.guest.system, &scenario.guest.parameters);
        if vm.mode == "nested" {
            row("hypervisor", &scenario.hypervisor.system, &scenario.hypervisor.parameters);
        }
        if vm.mode != "native" {
            row("host", &scenario.host.system, &scenario.host.parameters);
        }
    }
    rows
}
