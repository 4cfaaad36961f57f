//! From a scenario to a simulation.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU64;

use hdrhistogram::Histogram;
use terrace_addr::{Addr, Bytes, Cycles, Ghpa, Gpa, Gva, Hpa, Hva, Nanos, Space, convert};
use terrace_frames::fragment::Fragmenter;
use terrace_frames::{Mobility, NodeSpec};
use terrace_kernel::{Kernel, KernelCosts, KernelError, Settings, Shadow, Vm};
use terrace_machine::quantity::Size;
use terrace_machine::{Machine, Vendor};
use terrace_mmu::{Amd, Context, Intel, Invalidation, Layout, Mmu};
use terrace_policy::{Layer, Policy, Role, Values};
use terrace_scenario as scenario;
use terrace_scenario::Scenario;
use terrace_table::{Ept, Levels};
use terrace_workload::{self as workload, Arguments, Load, Mapping, RegionId, Service};

use super::RunError;
use super::bill::Bill;
use super::clock::Clock;
use super::flush::tag;
use super::layer::LayerState;
use super::process::{NOT_YET, Process, Thread};
use super::registry::{MODES, Registry, system_value, workload_value};
use super::resize::Sizes;
use super::simulation::{Machinery, Simulation};
use super::stage::{End, Extended, Ground, Nested, Shadowed, Stage};
use super::touched::Touched;
use super::trace;
use super::vcpu::Vcpu;
use crate::time::{CoreModel, Order, Program};

/// What a run begins with: the simulation, or why its memory does not suffice to begin.
pub(super) enum Begun {
    Ready(Box<Simulation>),
    /// A virtual machine, and what ended it.
    Ended(String, End),
}

/// What all kernels of a run are made of.
struct Maker<'a> {
    scenario: &'a Scenario,
    machine: &'a Machine,
    registry: &'a Registry,
    costs: KernelCosts,
    levels: Levels,
    ept_levels: Levels,
}

/// Below which address programs' areas end (`TASK_SIZE` less the gap for the stack, arch/x86/mm/mmap.c); where exactly is
/// random there.
const AREAS_END: u64 = 0x7fff_f800_0000;

/// The parameter of workloads that says how many requests come in a second.
const RATE: &str = "rate";

/// Requests that take longer than an hour, in nanoseconds, are counted as so long.
const LONGEST_REQUEST: u64 = 3_600_000_000_000;

/// Bits of a random offset in pages: 28 (`mmap_rnd_bits`, arch/x86/mm/mmap.c).
const RANDOM_PAGES: u64 = (1 << 28) - 1;

const fn levels(count: u32) -> Levels {
    if count == 5 { Levels::Five } else { Levels::Four }
}

pub(super) fn begin(scenario: &Scenario, machine: &Machine, registry: &Registry) -> Result<Begun, RunError> {
    let maker = Maker {
        scenario,
        machine,
        registry,
        costs: KernelCosts::new(machine.cost.as_ref()),
        levels: levels(machine.paging.levels),
        ept_levels: levels(machine.paging.ept_levels),
    };
    let native = scenario.vm.iter().all(|vm| vm.mode == MODES[0]);
    if !native && let Some(vm) = scenario.vm.iter().find(|vm| vm.mode == MODES[0]) {
        let other = scenario.vm.iter().find(|vm| vm.mode != MODES[0]).unwrap_or(vm);
        return Err(RunError::Mixed { vm: other.name.clone(), found: other.mode.clone() });
    }
    let (nodes, layout) = maker.memory()?;
    let mut mmu = Mmu::new(machine, scenario.seed, &layout)?;
    mmu.set_data_lines(scenario.data_lines);
    let clock = Clock::new(machine);
    let quantum = NonZeroU64::new(clock.cycles(scenario.time.quantum).get()).unwrap_or(NonZeroU64::MIN);
    let ground = if native {
        let mut kernel = maker.kernel(Role::Guest, &nodes)?;
        kernel.set_near(1);
        Ground::Native(Box::new(maker.layer(Role::Guest, kernel)?))
    } else {
        let mut kernel = maker.kernel(Role::Host, &nodes)?;
        kernel.set_near(1);
        Ground::Host(Box::new(maker.layer(Role::Host, kernel)?))
    };
    let sockets = convert::index32(machine.topology.sockets);
    let mut simulation = Simulation {
        machine: machine.clone(),
        clock,
        order: Order::new(machine, quantum),
        mmu,
        model: CoreModel::new(machine),
        ground,
        vms: Vec::new(),
        vcpus: Vec::new(),
        waits: vec![vec![0.0; machine.nodes().len()]; sockets],
        epoch_ends: Nanos::ZERO,
        weight: scenario.time.weight,
        sampled: false,
        measured: false,
        steady: false,
        simulated: 0,
        happened: Vec::new(),
    };
    let mut cpus = Cpus::new(scenario, machine, simulation.mmu.cpus())?;
    for (number, vm) in scenario.vm.iter().enumerate() {
        let stage = match maker.stage(vm, &mut simulation.ground)? {
            Ok(stage) => stage,
            Err(end) => return Ok(Begun::Ended(vm.name.clone(), end)),
        };
        let sizes = Sizes::new(vm);
        let used = sizes.spans(Bytes::ZERO, vm.memory);
        let machinery =
            Machinery { name: vm.name.clone(), stage, processes: Vec::new(), vcpus: Vec::new(), sizes };
        simulation.vms.push(machinery);
        if let Err(end) = simulation.place_memory(number) {
            return Ok(Begun::Ended(vm.name.clone(), end));
        }
        maker.vcpus(&mut simulation, number, vm, &mut cpus)?;
        let hypervisor =
            scenario.hypervisor.used.then_some((Role::Hypervisor, (0, vm.hypervisor_memory.get())));
        let guest = used.iter().map(|span| (Role::Guest, (span.start.get(), span.start.get() + span.bytes)));
        for (layer, span) in hypervisor.into_iter().chain(guest.filter(|_| scenario.guest.used)) {
            if let Err(end) = simulation.use_memory(number, layer, span) {
                return Ok(Begun::Ended(vm.name.clone(), end));
            }
        }
        for (place, program) in vm.program.iter().enumerate() {
            if let Err(end) = maker.process(&mut simulation, number, vm, place, program)? {
                return Ok(Begun::Ended(vm.name.clone(), end));
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

impl Maker<'_> {
    /// The host's memory: its nodes, one behind the other, and which of the machine's they are.
    fn memory(&self) -> Result<(Vec<NodeSpec<Hpa>>, Layout), RunError> {
        let all = self.machine.nodes();
        let host = &self.scenario.host;
        let names: Vec<&str> = match &host.nodes[..] {
            [] => all.first().map(|&(name, _)| name).into_iter().collect(),
            names => names.iter().map(String::as_str).collect(),
        };
        let list = |names: &[&str]| names.join(", ");
        let every = || list(&all.iter().map(|&(name, _)| name).collect::<Vec<_>>());
        let mut left = host.memory.map_or(u64::MAX, Bytes::get);
        let (mut specs, mut parts, mut start) = (Vec::new(), Vec::new(), 0);
        for &name in &names {
            let Some(place) = all.iter().position(|&(other, _)| other == name) else {
                return Err(RunError::Node { found: name.into(), expected: every() });
            };
            let bytes = all[place].1.size.bytes().get().min(left) & !0xfff;
            left -= bytes;
            if bytes > 0 {
                specs.push(NodeSpec { start: Addr::truncate(start), bytes: Bytes::new(bytes) });
                start += bytes;
                parts.push((Addr::truncate(start), place));
            }
        }
        if let Some(found) = host.memory.filter(|found| found.get() > start) {
            let (found, most) = (Size::new(found), Size::new(Bytes::new(start)));
            return Err(RunError::HostMemory { found, most, nodes: list(&names), all: every() });
        }
        Ok((specs, Layout::new(parts)))
    }

    fn settings(&self, role: Role) -> Settings {
        let offset = match role {
            Role::Guest => self.random("areas") & RANDOM_PAGES,
            Role::Hypervisor | Role::Host => 0,
        };
        Settings { role, levels: self.levels, costs: self.costs, areas_end: AREAS_END - offset * 4096 }
    }

    fn random(&self, what: &str) -> u64 {
        terrace_machine::array_seed(self.scenario.seed, 0, what)
    }

    fn kernel<U: Space, L: Space>(
        &self,
        role: Role,
        nodes: &[NodeSpec<L>],
    ) -> Result<Kernel<U, L>, RunError> {
        let failed = |error| RunError::Kernel { layer: role.name(), error };
        let mut kernel = Kernel::new(self.settings(role), nodes).map_err(failed)?;
        if self.scenario.record.events {
            kernel.record_decisions();
        }
        // Composed tables have no place for what the guest's registers translate.
        if role == Role::Guest && self.scenario.vm.iter().all(|vm| vm.mode != "shadow") {
            kernel.allow_direct_segments();
        }
        let (_, wish, _) = self.of(role);
        let mobility = if self.moves_fragments(role) { Mobility::Movable } else { Mobility::Unmovable };
        let nodes: Vec<_> = kernel.memory().node_ids().collect();
        for node in nodes {
            let seed = self.random(role.name());
            let fragmenter = Fragmenter { node, wish, seed, mobility };
            // They stay held for the whole run.
            let _held = fragmenter.drive(kernel.memory_mut());
        }
        Ok(kernel)
    }

    /// The system, the fragmentation and the parameters of a layer.
    fn of(&self, role: Role) -> (&str, f64, &scenario::Parameters) {
        let scenario = self.scenario;
        match role {
            Role::Guest => (&scenario.guest.system, scenario.guest.fragmentation, &scenario.guest.parameters),
            Role::Hypervisor => {
                let hypervisor = &scenario.hypervisor;
                (&hypervisor.system, hypervisor.fragmentation, &hypervisor.parameters)
            }
            Role::Host => (&scenario.host.system, scenario.host.fragmentation, &scenario.host.parameters),
        }
    }

    /// Whether what fragments a layer's memory can be moved.
    const fn moves_fragments(&self, role: Role) -> bool {
        match role {
            Role::Guest => self.scenario.guest.fragments_movable,
            Role::Hypervisor => self.scenario.hypervisor.fragments_movable,
            Role::Host => self.scenario.host.fragments_movable,
        }
    }

    fn policy(&self, role: Role) -> Result<Box<dyn Policy>, RunError> {
        let (name, _, parameters) = self.of(role);
        let layer = role.name();
        let Some(system) = self.registry.system(name) else {
            return Err(RunError::System { layer, found: name.into() });
        };
        let failed = |error| RunError::Parameter { layer, error };
        let mut values = Values::defaults(system.parameters);
        for parameter in system.parameters {
            if let Some(value) =
                parameters.get(parameter.name).and_then(|value| system_value(parameter, value))
            {
                values.set(system.parameters, parameter.name, value).map_err(failed)?;
            }
        }
        (system.build)(role, &values).map_err(failed)
    }

    fn layer<U: Space, L: Space>(
        &self,
        role: Role,
        kernel: Kernel<U, L>,
    ) -> Result<LayerState<U, L>, RunError> {
        let policy = self.policy(role)?;
        let missing = policy.requires() - kernel.abilities();
        if !missing.is_empty() {
            let system = self.of(role).0.to_owned();
            return Err(RunError::Abilities { layer: role.name(), system, missing });
        }
        Ok(LayerState::new(kernel, policy))
    }

    /// A virtual machine's layers; what ended it, if the host has no memory for its first tables.
    fn stage(&self, vm: &scenario::Vm, ground: &mut Ground) -> Result<Result<Stage, End>, RunError> {
        let sizes = Sizes::new(vm);
        let guest = || -> Result<LayerState<Gva, Gpa>, RunError> {
            let mut kernel = self.kernel(Role::Guest, &sizes.nodes())?;
            for node in sizes.unplugged() {
                kernel.unplug(node);
            }
            self.layer(Role::Guest, kernel)
        };
        let ended = |error: KernelError| Ok(Err(End::Kernel(Role::Host, error)));
        match vm.mode.as_str() {
            "native" => Ok(Ok(Stage::Native)),
            "2d" => {
                let guest = guest()?;
                let host = &mut ground.host().kernel;
                let (end, hole) = (sizes.end(), sizes.hole());
                let switch_level = self.machine.scheme.as_ref().and_then(|scheme| scheme.switch_level);
                match Vm::with_hole(host, end, hole, vm.slot_offset, self.ept_levels) {
                    Ok(vm) => {
                        host.allow_segments(vm.space());
                        Ok(Ok(Stage::Extended(Box::new(Extended {
                            guest,
                            vm,
                            segments: None,
                            switch_level,
                        }))))
                    }
                    Err(error) => ended(error),
                }
            }
            "shadow" => {
                let guest = guest()?;
                let host = &mut ground.host().kernel;
                let shadows = BTreeMap::new();
                match Vm::new(host, vm.memory, vm.slot_offset, self.ept_levels) {
                    Ok(vm) => {
                        let levels = self.levels;
                        Ok(Ok(Stage::Shadow(Box::new(Shadowed { guest, vm, shadows, levels }))))
                    }
                    Err(error) => ended(error),
                }
            }
            "nested" => {
                let guest = guest()?;
                let memory = [NodeSpec { start: Addr::ZERO, bytes: vm.hypervisor_memory }];
                let kernel: Kernel<Hva, Ghpa> = self.kernel(Role::Hypervisor, &memory)?;
                let mut hypervisor = self.layer(Role::Hypervisor, kernel)?;
                let inner = Vm::new(&mut hypervisor.kernel, vm.memory, Bytes::ZERO, self.ept_levels);
                let LayerState { kernel: host, policy, .. } = ground.host();
                let outer = Vm::new(host, vm.hypervisor_memory, vm.slot_offset, self.ept_levels);
                let shadow = Shadow::new(host, Ept::new(self.ept_levels));
                match (inner, outer, shadow) {
                    (Ok(inner), Ok(outer), Ok(mut shadow)) => {
                        shadow.serve(policy.requires());
                        let stage = Nested { guest, hypervisor, inner, outer, shadow };
                        Ok(Ok(Stage::Nested(Box::new(stage))))
                    }
                    (Err(error), ..) => Ok(Err(End::Kernel(Role::Hypervisor, error))),
                    (_, Err(error), _) | (.., Err(error)) => ended(error),
                }
            }
            found => Err(RunError::Mode { vm: vm.name.clone(), found: found.into() }),
        }
    }

    /// A machine's virtual CPUs, each on a CPU of its own.
    fn vcpus(
        &self,
        simulation: &mut Simulation,
        number: usize,
        vm: &scenario::Vm,
        cpus: &mut Cpus,
    ) -> Result<(), RunError> {
        let Simulation { order, mmu, vms, vcpus, machine, .. } = simulation;
        let tag = if vm.mode == MODES[0] { 0 } else { tag(number) };
        let root = vms[number].stage.root(number);
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
            let costs = self.machine.cost.as_ref().map(|costs| costs.exit.clone());
            vcpus.push(Vcpu::new(number, cpu, Bill::new(costs)));
        }
        Ok(())
    }

    /// A program, with its regions mapped and its threads on the machine's virtual CPUs in turn.
    fn process(
        &self,
        simulation: &mut Simulation,
        number: usize,
        vm: &scenario::Vm,
        place: usize,
        asked: &scenario::Program,
    ) -> Result<Result<(), End>, RunError> {
        let failed = |error| RunError::Workload { vm: vm.name.clone(), error };
        let own = convert::count(number) << 16 | convert::count(place);
        let seed = self.scenario.seed.wrapping_add(own.wrapping_mul(0x9e37_79b9_7f4a_7c15));
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
            trace::build(&vm.name, &asked.parameters)?
        } else {
            workload::entry(&asked.workload).and_then(|entry| entry.build(&arguments)).map_err(failed)?
        };
        let facts = program.facts().clone();
        let timing = Program::new(
            asked.core_cycles.unwrap_or(facts.core_cycles),
            asked.parallelism.unwrap_or(facts.parallelism),
        );
        let timing = timing.map_err(|error| RunError::Program { vm: vm.name.clone(), error })?;
        if asked.rate.is_some() && facts.latency.is_none() {
            return Err(RunError::NoRequests { vm: vm.name.clone(), workload: asked.workload.clone() });
        }
        let stated = facts.latency.and_then(|service| match service.load {
            Load::PerSecond(rate) => Some(rate),
            Load::OfSaturation(_) => None,
        });
        let rate = asked.rate.or(stated).filter(|_| facts.latency.is_some());
        let threads = (0..facts.threads)
            .map(|thread| Thread::new(rate.map(|rate| Service::arrivals(rate, facts.threads, thread, seed))));
        let machinery = &mut simulation.vms[number];
        let space = match machinery.stage.begin_space(&mut simulation.ground) {
            Ok(space) => space,
            Err(end) => return Ok(Err(end)),
        };
        let regions = program.regions().to_vec();
        let twins =
            machinery.processes.iter().filter(|other| other.program.facts().name == facts.name).count();
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
            serves: facts.latency.is_some() && (rate.is_some() || self.scenario.time.weight == 1),
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
}
