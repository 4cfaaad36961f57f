//! From a scenario to a simulation.

use std::collections::BTreeSet;
use std::num::NonZeroU64;

use hdrhistogram::Histogram;
use terrace_addr::{Bytes, Cycles, Nanos, convert};
use terrace_machine::{Machine, Vendor};
use terrace_mmu::{Amd, Context, Intel, Invalidation, Mmu};
use terrace_scenario as scenario;
use terrace_scenario::Scenario;
use terrace_workload::{self as workload, Arguments, Load, Mapping, RegionId, Service};

use super::RunError;
use super::bill::Bill;
use super::clock::Clock;
use super::flush::tag;
use super::layers::Layers;
use super::prepare::{Short, memory};
use super::process::{NOT_YET, Process, Thread};
use super::registry::{MODES, workload_value};
use super::resize::Sizes;
use super::simulation::{Machinery, Simulation};
use super::stage::End;
use super::touched::Touched;
use super::trace;
use super::vcpu::Vcpu;
use crate::time::{CoreModel, Order, Program};

/// What a run begins with: the simulation, or why its memory does not suffice to begin.
pub(super) enum Begun {
    Ready(Box<Simulation>),
    Short(Short),
}

/// The parameter of workloads that says how many requests come in a second.
const RATE: &str = "rate";

/// Requests that take longer than an hour, in nanoseconds, are counted as so long.
const LONGEST_REQUEST: u64 = 3_600_000_000_000;

/// Sets up a run on these layers, which are made once the machine and its CPUs are known to suffice.
pub(super) fn begin(
    scenario: &Scenario,
    machine: &Machine,
    layers: impl FnOnce() -> Result<Result<Layers, Short>, RunError>,
) -> Result<Begun, RunError> {
    let native = scenario.vm.iter().all(|vm| vm.mode == MODES[0]);
    if !native && let Some(vm) = scenario.vm.iter().find(|vm| vm.mode == MODES[0]) {
        let other = scenario.vm.iter().find(|vm| vm.mode != MODES[0]).unwrap_or(vm);
        return Err(RunError::Mixed { vm: other.name.clone(), found: other.mode.clone() });
    }
    let (_, layout) = memory(scenario, machine)?;
    let mut mmu = Mmu::new(machine, scenario.seed, &layout)?;
    mmu.set_data_lines(scenario.data_lines);
    let mut cpus = Cpus::new(scenario, machine, mmu.cpus())?;
    let clock = Clock::new(machine);
    let quantum = NonZeroU64::new(clock.cycles(scenario.time.quantum).get()).unwrap_or(NonZeroU64::MIN);
    let layers = match layers()? {
        Ok(layers) => layers,
        Err(short) => return Ok(Begun::Short(short)),
    };
    let sockets = convert::index32(machine.topology.sockets);
    let mut simulation = Simulation {
        machine: machine.clone(),
        clock,
        order: Order::new(machine, quantum),
        mmu,
        model: CoreModel::new(machine),
        layers,
        vms: Vec::new(),
        vcpus: Vec::new(),
        waits: vec![vec![0.0; machine.nodes().len()]; sockets],
        epoch_ends: Nanos::ZERO,
        weight: scenario.time.weight,
        sampled: false,
        measured: false,
        steady: false,
        simulated: 0,
    };
    for (number, vm) in scenario.vm.iter().enumerate() {
        let (processes, vcpus) = (Vec::new(), Vec::new());
        let machinery = Machinery { name: vm.name.clone(), processes, vcpus, sizes: Sizes::new(vm) };
        simulation.vms.push(machinery);
        give_cpus(&mut simulation, number, vm, &mut cpus)?;
        for (place, program) in vm.program.iter().enumerate() {
            if let Err(end) = begin_program(&mut simulation, scenario, number, place, program)? {
                return Ok(Begun::Short(Short(vm.name.clone(), end)));
            }
        }
    }
    Ok(Begun::Ready(Box::new(simulation)))
}

/// The CPUs that are given to virtual CPUs.
struct Cpus {
    free: Vec<usize>,
}

impl Cpus {
    /// Those that are not pinned, in order: the first threads of all cores come first.
    fn new(scenario: &Scenario, machine: &Machine, cpus: usize) -> Result<Self, RunError> {
        let vcpus: usize = scenario.vm.iter().map(|vm| convert::index32(vm.vcpus)).sum();
        if vcpus > cpus {
            return Err(RunError::Cpus { vcpus, cpus, machine: machine.name.clone() });
        }
        let mut pinned = BTreeSet::new();
        for vm in &scenario.vm {
            for &cpu in &vm.cpus {
                let refuse = |why| RunError::Cpu { vm: vm.name.clone(), cpu, why, last: cpus - 1 };
                if convert::index32(cpu) >= cpus {
                    return Err(refuse("which the machine does not have"));
                }
                if !pinned.insert(convert::index32(cpu)) {
                    return Err(refuse("twice"));
                }
            }
        }
        Ok(Self { free: (0..cpus).rev().filter(|cpu| !pinned.contains(cpu)).collect() })
    }
}

/// A machine's virtual CPUs, each on a CPU of its own.
fn give_cpus(
    simulation: &mut Simulation,
    number: usize,
    vm: &scenario::Vm,
    cpus: &mut Cpus,
) -> Result<(), RunError> {
    let Simulation { order, mmu, layers, vms, vcpus, machine, .. } = simulation;
    let tag = if vm.mode == MODES[0] { 0 } else { tag(number) };
    let root = layers.stages[number].root(number);
    for place in 0..convert::index32(vm.vcpus) {
        let cpu = vm.cpus.get(place).map(|&cpu| convert::index32(cpu)).or_else(|| cpus.free.pop());
        let cpu = cpu.unwrap_or(0);
        let moved = match machine.vendor {
            Vendor::Intel => Invalidation::Intel(Intel::InvvpidContext { vpid: tag }),
            Vendor::Amd => Invalidation::Amd(Amd::FlushAsid { asid: tag }),
        };
        let vcpu = order.add(Context { pcid: 0, vpid: tag, root }, vec![moved]);
        order.run(mmu, vcpu, cpu, Cycles::ZERO)?;
        vms[number].vcpus.push(vcpu);
        let costs = machine.cost.as_ref().map(|costs| costs.exit.clone());
        vcpus.push(Vcpu::new(number, cpu, Bill::new(costs)));
    }
    Ok(())
}

/// A program, with its regions mapped and its threads on the machine's virtual CPUs in turn.
fn begin_program(
    simulation: &mut Simulation,
    scenario: &Scenario,
    number: usize,
    place: usize,
    asked: &scenario::Program,
) -> Result<Result<(), End>, RunError> {
    let vm = &scenario.vm[number];
    let failed = |error| RunError::Workload { vm: vm.name.clone(), program: place, error };
    let own = convert::count(number) << 16 | convert::count(place);
    let seed = scenario.seed.wrapping_add(own.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut arguments = Arguments::new(convert::index32(asked.threads), seed);
    for (name, value) in asked.parameters.iter() {
        arguments.set(name, workload_value(value));
    }
    // Whether a program serves requests may depend on whether it is given a rate.
    let takes_rate =
        |entry: &workload::Entry| entry.parameters.iter().any(|parameter| parameter.name == RATE);
    if let Some(rate) = asked.rate
        && workload::entry(&asked.workload).is_ok_and(takes_rate)
    {
        arguments.set(RATE, rate);
    }
    let program = if asked.workload == trace::NAME {
        trace::build(&asked.parameters, failed)?
    } else {
        workload::entry(&asked.workload).and_then(|entry| entry.build(&arguments)).map_err(failed)?
    };
    let facts = program.facts().clone();
    let timing = Program::new(
        asked.core_cycles.unwrap_or(facts.core_cycles),
        asked.parallelism.unwrap_or(facts.parallelism),
    );
    let timing = timing.map_err(|error| RunError::Program { vm: vm.name.clone(), program: place, error })?;
    if asked.rate.is_some() && facts.latency.is_none() {
        let workload = asked.workload.clone();
        return Err(RunError::NoRequests { vm: vm.name.clone(), program: place, workload });
    }
    let stated = facts.latency.and_then(|service| match service.load {
        Load::PerSecond(rate) => Some(rate),
        Load::OfSaturation(_) => None,
    });
    let rate = asked.rate.or(stated).filter(|_| facts.latency.is_some());
    let threads = (0..facts.threads)
        .map(|thread| Thread::new(rate.map(|rate| Service::arrivals(rate, facts.threads, thread, seed))));
    let Layers { ground, stages, .. } = &mut simulation.layers;
    let space = match stages[number].begin_space(ground) {
        Ok(space) => space,
        Err(end) => return Ok(Err(end)),
    };
    let machinery = &mut simulation.vms[number];
    let regions = program.regions().to_vec();
    let twins = machinery.processes.iter().filter(|other| other.program.facts().name == facts.name).count();
    let name = if twins == 0 { facts.name.clone() } else { format!("{}-{}", facts.name, twins + 1) };
    machinery.processes.push(Process {
        name,
        space,
        bases: workload::Bases::new(regions.len()),
        sizes: vec![Bytes::ZERO; regions.len()],
        program,
        timing,
        start: if asked.follows { NOT_YET } else { asked.start },
        follows: asked.follows.then_some(asked.start),
        followed: vm.program.get(place + 1).is_some_and(|next| next.follows),
        threads: threads.collect(),
        touched: Touched::default(),
        latencies: Histogram::new_with_bounds(1, LONGEST_REQUEST, 3)
            .unwrap_or_else(|error| unreachable!("bounds that fit: {error}")),
        operations: 0,
        serves: facts.latency.is_some() && (rate.is_some() || scenario.time.weight == 1),
        exact: rate.is_some() || asked.workload == trace::NAME,
        done: super::vcpu::Done::default(),
    });
    for thread in 0..facts.threads {
        let vcpus = &simulation.vms[number].vcpus;
        let vcpu = vcpus[(place + thread) % vcpus.len()];
        simulation.vcpus[vcpu].threads.push((place, thread));
    }
    for (region, spec) in (0..).map(RegionId::new).zip(&regions) {
        if spec.mapping == Mapping::AtStart
            && let Err(end) = simulation.map_region(number, place, region, spec.bytes.get())
        {
            return Ok(Err(end));
        }
    }
    Ok(Ok(()))
}
