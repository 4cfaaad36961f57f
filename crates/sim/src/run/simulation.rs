//! A run in progress.

use terrace_addr::{Addr, Bytes, Nanos, Span, convert};
use terrace_machine::Machine;
use terrace_mmu::Mmu;
use terrace_policy::{Advice, Counters as SeenCounters};
use terrace_workload::{Mapping, MarkKind, Phase, RegionId};

use super::bill::{Cause, Occasion, Settled};
use super::clock::Clock;
use super::layers::Layers;
use super::process::{NOT_YET, Process};
use super::resize::Sizes;
use super::stage::{End, Ground, Stage};
use super::vcpu::{Done, Vcpu};
use crate::time::{CoreModel, Interval, Order, Turn, socket_of};

/// A virtual machine, or the programs of a native run that belong together; its layers are those of the same number.
pub(crate) struct Machinery {
    pub(crate) name: String,
    pub(crate) processes: Vec<Process>,
    /// Its virtual CPUs, in the simulation's numbers.
    pub(crate) vcpus: Vec<usize>,
    /// How its memory changes.
    pub(crate) sizes: Sizes,
}

/// A run in progress.
pub(crate) struct Simulation {
    pub(crate) machine: Machine,
    pub(crate) clock: Clock,
    pub(crate) mmu: Mmu,
    pub(crate) order: Order,
    pub(crate) model: CoreModel,
    pub(crate) layers: Layers,
    pub(crate) vms: Vec<Machinery>,
    pub(crate) vcpus: Vec<Vcpu>,
    /// How long a reference waits for each node beyond the machine file's latency, as it was in the last epoch.
    pub(crate) waits: Vec<Vec<f64>>,
    pub(crate) epoch_ends: Nanos,
    /// So many accesses each simulated one stands for, where it stands for several.
    pub(crate) weight: u64,
    /// Whether it does now.
    pub(crate) sampled: bool,
    pub(crate) measured: bool,
    /// Whether every program that starts with the run has come to its steady phase.
    pub(crate) steady: bool,
    /// Accesses that were simulated.
    pub(crate) simulated: u64,
}

/// Accesses that are run before the clock is looked at, where each stands for itself.
const CHUNK: usize = 1024;

/// Where accesses stand for several, so many are run at least: fewer cost more in accounting than in translation.
const LEAST_CHUNK: usize = 64;

impl Simulation {
    pub(crate) fn now(&self, vcpu: usize) -> Nanos {
        self.clock.nanos(self.order.clock(vcpu))
    }

    /// The turn of a virtual CPU: it runs until the turn is over.
    pub(crate) fn turn(&mut self, turn: Turn) -> Result<(), (usize, End)> {
        let Turn { vcpu, until, .. } = turn;
        let vm = self.vcpus[vcpu].vm;
        let failed = |end| (vm, end);
        self.background(vcpu).map_err(failed)?;
        let mut idle = 0;
        while self.order.clock(vcpu) < until {
            let threads = self.vcpus[vcpu].threads.len();
            let now = self.now(vcpu);
            let next = (0..threads).map(|step| (self.vcpus[vcpu].current + step) % threads);
            let ready = next.clone().find(|&place| self.is_ready(vcpu, place, now));
            let Some(place) = ready else {
                // Nothing to do for it in this turn; what a thread waits for may come within it.
                let wake = next.filter_map(|place| self.wakes(vcpu, place)).min();
                let wake =
                    wake.map_or(until, |wake| self.clock.cycles(wake).clamp(self.order.clock(vcpu), until));
                idle += 1;
                let wake = if idle > CHUNK { until } else { wake };
                self.order.advance(vcpu, wake - self.order.clock(vcpu));
                continue;
            };
            self.switch_to(vcpu, place);
            self.step(vcpu, place, until).map_err(failed)?;
        }
        if let threads @ 1.. = self.vcpus[vcpu].threads.len() {
            self.vcpus[vcpu].current = (self.vcpus[vcpu].current + 1) % threads;
        }
        Ok(())
    }

    /// Whether a thread has something to do now.
    fn is_ready(&self, vcpu: usize, place: usize, now: Nanos) -> bool {
        let (process, thread) = self.vcpus[vcpu].threads[place];
        let process = &self.vms[self.vcpus[vcpu].vm].processes[process];
        let state = &process.threads[thread];
        now >= process.start
            && process.runs(thread)
            && (!state.waits || self.steady)
            && !(state.phase == Phase::Steady && process.serves && state.arrival > now)
    }

    /// When a thread that has nothing to do will have something.
    fn wakes(&self, vcpu: usize, place: usize) -> Option<Nanos> {
        let (process, thread) = self.vcpus[vcpu].threads[place];
        let process = &self.vms[self.vcpus[vcpu].vm].processes[process];
        let state = &process.threads[thread];
        let waits = process.runs(thread) && (!state.waits || self.steady);
        (waits && process.start != NOT_YET).then(|| process.start.max(state.arrival))
    }

    /// Another thread runs: its address space is loaded, if it is another one.
    fn switch_to(&mut self, vcpu: usize, place: usize) {
        let Self { vcpus, vms, mmu, layers, order, .. } = self;
        let state = &mut vcpus[vcpu];
        let number = state.vm;
        let (process, _) = state.threads[place];
        let space = vms[number].processes[process].space;
        state.current = place;
        let pcid = super::flush::pcid(space);
        let Some(cpu) = order.cpu(vcpu) else { return };
        let context = mmu.context(cpu);
        if context.pcid == pcid {
            return;
        }
        mmu.set_context(cpu, terrace_mmu::Context { pcid, ..context });
        let cost = self.machine.cost.as_ref().map_or(0, |costs| costs.flush.mov_cr3);
        state.bill.occasion = Occasion::Allocation;
        state.bill.charge(Cause::Flush, terrace_addr::Cycles::new(cost));
        if let Stage::Shadow(stage) = &mut layers.stages[number] {
            stage.load(layers.ground.host(), number, space, &mut state.bill);
        }
    }

    /// Runs a piece of a thread's work: up to the next mark, the end of the turn, or a chunk.
    fn step(&mut self, vcpu: usize, place: usize, until: terrace_addr::Cycles) -> Result<(), End> {
        let (number, thread) = self.vcpus[vcpu].threads[place];
        let vm = self.vcpus[vcpu].vm;
        let process = &mut self.vms[vm].processes[number];
        if process.threads[thread].waits {
            process.threads[thread].waits = false;
            process.threads[thread].arrival = self.clock.nanos(self.order.clock(vcpu));
        }
        if process.threads[thread].is_empty() && !process.fetch(thread) {
            return self.exit(vcpu, vm, number);
        }
        let left = (until - self.order.clock(vcpu)).get();
        if let Some(cpu) = self.order.cpu(vcpu) {
            self.mmu.set_walk_lead(cpu, self.model.walk_lead(self.vms[vm].processes[number].timing));
        }
        let mut ran = 0;
        let chunk = self.chunk();
        while ran < chunk && self.vcpus[vcpu].bill.total() < left {
            let Self { vms, mmu, layers: Layers { ground, stages, .. }, vcpus, .. } = self;
            let (stage, processes) = (&mut stages[vm], &mut vms[vm].processes);
            let process = &mut processes[number];
            let ready = process.threads[thread].ready(process.serves);
            let ready = &ready[..ready.len().min(chunk - ran)];
            if ready.is_empty() {
                break;
            }
            let Some(cpu) = self.order.cpu(vcpu) else { return Ok(()) };
            let result = stage.run(ground, mmu, cpu, process.space, ready);
            let through = result.map_or_else(|(at, _)| at, |()| ready.len());
            let fault = result.err().map(|(at, fault)| (fault, ready[at].kind));
            if process.touched.bytes() < process.mapped() {
                process.touched.note(&ready[..through]);
            }
            process.threads[thread].accesses += through;
            ran += through;
            if let Some((fault, kind)) = fault {
                let bill = &mut vcpus[vcpu].bill;
                bill.occasion = Occasion::FirstTouch;
                stage.serve(ground, vm, process.space, fault, kind, bill)?;
                self.settle(vcpu)?;
            }
        }
        self.simulated += convert::count(ran);
        self.account(vcpu, Some((vm, number)));
        let process = &mut self.vms[vm].processes[number];
        while let Some(mark) = process.threads[thread].take_mark() {
            if mark == MarkKind::RequestEnds {
                let now = self.clock.nanos(self.order.clock(vcpu));
                process.request_ends(thread, now, self.measured);
            } else {
                return self.mark(vcpu, vm, number, thread, mark);
            }
        }
        if self.vms[vm].processes[number].runs(thread) { Ok(()) } else { self.exit(vcpu, vm, number) }
    }

    /// If a program has ended its memory is free, if others go on, and one that follows it has its time to start. The
    /// memory of the last one stays, so that the end of the run is seen as it was.
    fn exit(&mut self, vcpu: usize, vm: usize, number: usize) -> Result<(), End> {
        if !self.vms[vm].processes[number].is_over() || self.is_over() {
            return Ok(());
        }
        let now = self.now(vcpu);
        self.vcpus[vcpu].bill.occasion = Occasion::Allocation;
        if let Some(next) = self.vms[vm].processes.get_mut(number + 1)
            && next.start == NOT_YET
            && let Some(after) = next.follows
        {
            next.start = now + after;
        }
        let Self { vms, layers: Layers { ground, stages, .. }, .. } = self;
        let (stage, processes) = (&mut stages[vm], &mut vms[vm].processes);
        let process = &mut processes[number];
        for region in (0..process.sizes.len()).map(|region| RegionId::new(convert::narrow(region))) {
            if let Some(base) = process.bases.get(region) {
                let span = Span { start: base, bytes: process.size(region) };
                stage.unmap(ground, process.space, span)?;
                process.touched.forget(span);
                process.bases.clear(region);
                process.sizes[region.index()] = Bytes::ZERO;
            }
        }
        self.settle(vcpu)
    }

    /// Does what a mark says.
    fn mark(
        &mut self,
        vcpu: usize,
        vm: usize,
        number: usize,
        thread: usize,
        mark: MarkKind,
    ) -> Result<(), End> {
        self.vcpus[vcpu].bill.occasion = Occasion::Allocation;
        let Self { vms, layers: Layers { ground, stages, .. }, .. } = self;
        let (stage, processes) = (&mut stages[vm], &mut vms[vm].processes);
        let process = &mut processes[number];
        match mark {
            MarkKind::PhaseBegins(phase) => {
                process.threads[thread].phase = phase;
                process.threads[thread].waits = phase == Phase::Steady && !process.followed;
            }
            MarkKind::RequestEnds => {}
            MarkKind::Map(region, bytes) => self.map_region(vm, number, region, bytes.get())?,
            MarkKind::Grow(region, bytes) => match process.bases.get(region) {
                Some(base) => {
                    stage.grow(ground, process.space, base, bytes)?;
                    process.sizes[region.index()] += bytes;
                }
                None => self.map_region(vm, number, region, bytes.get())?,
            },
            MarkKind::Unmap(region) => {
                if let Some(base) = process.bases.get(region) {
                    let span = Span { start: base, bytes: process.size(region) };
                    stage.unmap(ground, process.space, span)?;
                    process.touched.forget(span);
                    process.bases.clear(region);
                    process.sizes[region.index()] = Bytes::ZERO;
                }
            }
        }
        self.settle(vcpu)
    }

    /// Maps a region of a program.
    pub(crate) fn map_region(
        &mut self,
        vm: usize,
        number: usize,
        region: RegionId,
        bytes: u64,
    ) -> Result<(), End> {
        let Self { vms, layers: Layers { ground, stages, .. }, .. } = self;
        let (stage, processes) = (&mut stages[vm], &mut vms[vm].processes);
        let process = &mut processes[number];
        let spec = &process.program.regions()[region.index()];
        let advice = match spec.advice {
            terrace_workload::Advice::Default => Advice::Default,
            terrace_workload::Advice::HugePage => Advice::HugePage,
            terrace_workload::Advice::NoHugePage => Advice::NoHugePage,
        };
        let bytes = Bytes::new(bytes);
        let room = if spec.mapping == Mapping::Grows { spec.bytes } else { bytes };
        let base = stage.map(ground, process.space, bytes, room, advice)?;
        process.mapped_at(region, base, bytes);
        Ok(())
    }

    /// Settles what kernels have left to be done: in the machine of a virtual CPU, at the host, and in all machines
    /// that the host changed. Then executes the flushes that follow.
    pub(crate) fn settle(&mut self, vcpu: usize) -> Result<(), End> {
        let vm = self.vcpus[vcpu].vm;
        self.layers.settle(vm, &mut self.vcpus[vcpu].bill)?;
        for happened in self.vcpus[vcpu].bill.happened.drain(..) {
            self.layers.happened.push((vm, happened));
        }
        if !self.vcpus[vcpu].bill.flushes.is_empty() {
            self.account(vcpu, None);
            self.flush(vcpu);
        }
        Ok(())
    }

    /// Accounts for what a virtual CPU did since it was accounted for last: its clock goes on.
    pub(crate) fn account(&mut self, vcpu: usize, process: Option<(usize, usize)>) {
        let Some(cpu) = self.order.cpu(vcpu) else { return };
        let state = &mut self.vcpus[vcpu];
        let running = process.or_else(|| {
            let &(process, _) = state.threads.get(state.current)?;
            Some((state.vm, process))
        });
        let counters = self.mmu.counters(cpu);
        let settled = state.bill.settle();
        let so_far = Interval::so_far(&self.mmu, cpu);
        let interval = so_far.since(&state.before);
        let counted = counters.since(&state.counted);
        (state.before, state.counted) = (so_far, counters);
        let Some((vm, number)) = running else {
            // It runs no program: the background work of kernels is all that it does.
            return self.charge(vcpu, None, Done::default(), 0.0, &settled);
        };
        let process = &self.vms[vm].processes[number];
        let socket = socket_of(&self.machine.topology, cpu);
        let waits = &self.waits[socket];
        let time =
            self.model.time_with(process.timing, &interval, |node| waits.get(node).copied().unwrap_or(0.0));
        let weight = if self.sampled && !process.exact { self.weight } else { 1 };
        let factor = convert::ratio(weight, 1);
        let parts = time.modelled;
        let nested = if counted.walk_references == 0 {
            0.0
        } else {
            convert::ratio(counted.nested_references, counted.walk_references)
        };
        let (stlb, beyond) = self
            .model
            .translation_parts(process.timing, &interval, |node| waits.get(node).copied().unwrap_or(0.0));
        let third_level = match counted.third_level_cycles {
            0 => 0.0,
            cycles => beyond * convert::ratio(cycles, cycles + counted.walk_cycles),
        };
        let walks = beyond - third_level;
        let mut delta = Done { counters: counted.times(weight), ..Done::default() };
        for (cause, cycles) in [
            (Cause::Core, parts.core),
            (Cause::Data, parts.data),
            (Cause::Stlb, stlb + third_level),
            (Cause::WalkGuest, walks * (1.0 - nested)),
            (Cause::WalkNested, walks * nested),
        ] {
            delta.cycles[cause.index()] += cycles * factor;
        }
        delta.additive = time.additive.total() * factor;
        state.epoch = state.epoch.plus(&interval.times(weight));
        self.charge(vcpu, Some((vm, number)), delta, parts.total() * factor, &settled);
    }

    /// What a virtual CPU did, the time that its accesses took, and what happened besides: its clock goes on.
    fn charge(
        &mut self,
        vcpu: usize,
        process: Option<(usize, usize)>,
        mut delta: Done,
        accesses: f64,
        settled: &Settled,
    ) {
        let mut serial = 0;
        for (sum, cycles) in delta.cycles.iter_mut().zip(settled.cycles) {
            *sum += convert::ratio(cycles, 1);
            serial += cycles;
        }
        delta.additive += convert::ratio(serial, 1);
        (delta.occasions, delta.exits, delta.exit_cycles) =
            (settled.occasions, settled.exits, settled.exit_cycles);
        if let Some((vm, number)) = process {
            self.vms[vm].processes[number].done.add(&delta);
        }
        let clock = self.order.clock(vcpu);
        let state = &mut self.vcpus[vcpu];
        state.done.add(&delta);
        let whole = state.whole(accesses + convert::ratio(serial, 1));
        // The load of the memory nodes: copies are taken to be in the nearest node, where the kernel's memory is.
        let copied = Bytes::new(settled.copied[0] + settled.copied[1]);
        if process.is_none() {
            // Work that anything may interrupt: its CPU's clock goes on as time does.
            state.background.begins(clock, whole, copied);
            return;
        }
        state.epoch.serial += terrace_addr::Cycles::new(serial);
        match state.epoch.copied.first_mut() {
            Some(sum) => *sum += copied,
            None => state.epoch.copied.push(copied),
        }
        self.order.advance(vcpu, whole);
    }

    /// Background work of the kernels of a virtual CPU's machine, and of the host, which runs on the last of the
    /// machine's virtual CPUs.
    fn background(&mut self, vcpu: usize) -> Result<(), End> {
        let now = self.now(vcpu);
        let vm = self.vcpus[vcpu].vm;
        if self.vms[vm].vcpus.last() != Some(&vcpu) {
            return Ok(());
        }
        self.vcpus[vcpu].bill.occasion = Occasion::Background;
        self.resize_due(vcpu, now)?;
        if self.vcpus[vcpu].background.is_busy(self.order.clock(vcpu)) {
            return Ok(());
        }
        let seen = self.seen(vm);
        let all =
            (0..self.vms.len()).map(|vm| self.seen(vm)).fold(SeenCounters::default(), SeenCounters::plus);
        let of_machines: Vec<_> = if vm == 0 {
            let spaces = self.layers.stages.iter().enumerate().map(|(vm, stage)| (vm, stage.space()));
            spaces.filter_map(|(vm, space)| Some((space?, self.seen(vm)))).collect()
        } else {
            Vec::new()
        };
        let Layers { ground, stages, .. } = &mut self.layers;
        let mut worked = match (&mut stages[vm], &mut *ground) {
            (Stage::Native, Ground::Native(layer)) => {
                layer.kernel.set_counters(seen);
                layer.tick(now)
            }
            (Stage::Extended(stage), _) => {
                stage.guest.kernel.set_counters(seen);
                stage.guest.tick(now)
            }
            (Stage::Shadow(stage), _) => {
                stage.guest.kernel.set_counters(seen);
                stage.guest.tick(now)
            }
            (Stage::Nested(stage), _) => {
                stage.guest.kernel.set_counters(seen);
                stage.hypervisor.kernel.set_counters(seen);
                stage.guest.tick(now) | stage.hypervisor.tick_over(now, vec![Box::new(&mut stage.inner)])
            }
            (Stage::Native, Ground::Host(_)) => false,
        };
        if vm == 0
            && let Ground::Host(host) = ground
        {
            host.kernel.set_counters(all);
            for (space, seen) in of_machines {
                host.kernel.set_counters_of(space, seen);
            }
            if host.is_due(now) {
                let tables = stages.iter_mut().flat_map(Stage::tables).collect();
                worked |= host.tick_over(now, tables);
            }
        }
        if worked {
            self.layers.deliver(vm);
            self.settle(vcpu)?;
            self.account(vcpu, None);
        }
        Ok(())
    }

    /// What a performance-monitoring unit of a machine's CPUs would say.
    fn seen(&self, vm: usize) -> SeenCounters {
        let mut seen = SeenCounters::default();
        for &vcpu in &self.vms[vm].vcpus {
            let counters = &self.vcpus[vcpu].done.counters;
            seen.accesses += counters.references;
            seen.walks += counters.walks;
            seen.walk_cycles += counters.walk_cycles;
            let busy = convert::floor(self.vcpus[vcpu].done.cycles.iter().sum());
            seen.busy = Nanos::new(seen.busy.get() + self.clock.nanos(terrace_addr::Cycles::new(busy)).get());
        }
        seen
    }

    /// Whether all programs have come to their steady phase, but for those that start at a later time.
    pub(crate) fn is_initialised(&self, now: Nanos) -> bool {
        let processes = self.vms.iter().flat_map(|vm| &vm.processes);
        processes
            .filter(|process| process.start <= now || process.follows.is_some())
            .all(Process::is_initialised)
    }

    /// The measured time begins: requests count from now on.
    pub(crate) fn begin_measuring(&mut self) {
        self.measured = true;
    }

    /// How long a chunk of accesses takes, as much as it stands for, in nanoseconds: the longest of all virtual CPUs.
    pub(crate) fn longest_chunk(&self) -> f64 {
        let chunk = convert::ratio(convert::count(self.chunk()) * self.weight, 1);
        let run = self.vcpus.iter().filter(|vcpu| vcpu.done.counters.references > 0);
        let cycles = run.map(|vcpu| {
            let cycles = Cause::OF_ACCESSES.map(|cause| vcpu.done.cycles[cause.index()]);
            cycles.iter().sum::<f64>() / convert::ratio(vcpu.done.counters.references, 1)
        });
        self.nanos(chunk * cycles.fold(0.0, f64::max))
    }

    pub(super) fn nanos(&self, cycles: f64) -> f64 {
        cycles * 1e9 / convert::ratio(self.machine.clock.frequency.hertz().max(1), 1)
    }

    /// Accesses that are run before the clock is looked at: about as many as stand for a chunk.
    pub(super) fn chunk(&self) -> usize {
        if !self.sampled || self.weight == 1 {
            return CHUNK;
        }
        (CHUNK / convert::index(self.weight.min(convert::count(CHUNK)))).max(LEAST_CHUNK)
    }

    /// Whether no access of any program stands for others.
    pub(crate) fn is_exact(&self) -> bool {
        self.vms.iter().flat_map(|vm| &vm.processes).all(|process| process.exact)
    }

    /// Whether no thread has anything left to do.
    pub(crate) fn is_over(&self) -> bool {
        self.vms.iter().flat_map(|vm| &vm.processes).all(Process::is_over)
    }

    /// What the virtual CPUs of a machine have done, together.
    pub(crate) fn done(&self, vm: usize) -> Done {
        let mut done = Done::default();
        for &vcpu in &self.vms[vm].vcpus {
            done.add(&self.vcpus[vcpu].done);
        }
        done
    }

    /// Where a program's address is, for messages.
    pub(crate) fn describe(end: &End) -> String {
        match end {
            End::Kernel(role, error) => format!("{role}: {error}"),
            End::Program(addr) => {
                format!("a program touched {:#x}, which it has not mapped", Addr::get(*addr))
            }
            End::Outside(addr) => format!("a guest touched {addr:#x}, beyond its memory"),
        }
    }
}
