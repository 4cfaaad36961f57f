//! What a run measured.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use terrace_addr::{Bytes, Hpa, Hva, Nanos, PageSize, Space, convert};
use terrace_frames::Order;
use terrace_kernel::{AddressSpace, Kernel, KernelCounts, Mapped, ShadowCounts};
use terrace_policy::{Policy, Role, SpaceId};
use terrace_result::{LayerMetrics, MetricValue, Metrics, ProgramMetrics, VmMetrics};

use super::alignment::Alignment;
use super::bill::{Cause, Exit, Occasion};
use super::layer::LayerState;
use super::process::Process;
use super::simulation::Simulation;
use super::stage::{Ground, Stage};
use super::vcpu::Done;

/// Everything that is counted, at one time.
#[derive(Debug, Clone, Default)]
pub(super) struct Snapshot {
    pub(super) at: Nanos,
    /// By machine.
    vms: Vec<Done>,
    /// By machine and program.
    programs: Vec<Vec<ProgramSnapshot>>,
    /// By machine and layer; the host's last.
    layers: Vec<Vec<KernelCounts>>,
    host: KernelCounts,
}

/// What a program did until then.
#[derive(Debug, Clone)]
struct ProgramSnapshot {
    done: Done,
    operations: u64,
    /// How its requests fared, if it serves any.
    served: Option<Served>,
}

/// How requests fared until then.
#[derive(Debug, Clone)]
struct Served {
    latencies: Histogram<u64>,
    /// For how long they wait now, if more do than come at once by chance.
    behind: Nanos,
}

/// What was measured between two times.
#[derive(Debug, Clone, Default)]
pub(super) struct Measured {
    pub(super) totals: Metrics,
    pub(super) vms: Vec<VmMetrics>,
    pub(super) layers: Vec<LayerMetrics>,
    pub(super) programs: Vec<ProgramMetrics>,
}

/// A layer of a machine, as far as it is measured.
struct Seen {
    role: Role,
    counts: KernelCounts,
    mapped: Mapped,
    fmfi: f64,
    /// What its policy and its composed tables counted.
    own: BTreeMap<String, u64>,
    /// Bytes of the layer's memory that are mapped, and bytes that whoever is above has touched.
    touched: Option<Bytes>,
}

/// The metrics that are named here are those of the registry: a name or kind that is not is a mistake in this file, and
/// a test holds every one.
fn set(metrics: &mut Metrics, name: &str, value: impl Into<MetricValue>) {
    let set = metrics.set(name, value);
    debug_assert!(set.is_ok(), "{set:?}");
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { convert::ratio(part, whole) }
}

impl Simulation {
    /// What is counted now.
    pub(super) fn snapshot(&self, at: Nanos) -> Snapshot {
        let vms = (0..self.vms.len()).map(|vm| self.done(vm)).collect();
        let program = |process: &Process| ProgramSnapshot {
            done: process.done.clone(),
            operations: process.operations,
            served: process
                .serves
                .then(|| Served { latencies: process.latencies.clone(), behind: self.behind(process) }),
        };
        let programs = self.vms.iter().map(|vm| vm.processes.iter().map(program).collect()).collect();
        let layers =
            (0..self.vms.len()).map(|vm| self.seen_layers(vm).iter().map(|seen| seen.counts).collect());
        let host = match &self.layers.ground {
            Ground::Host(host) => *host.kernel.counts(),
            Ground::Native(_) => KernelCounts::default(),
        };
        Snapshot { at, vms, programs, layers: layers.collect(), host }
    }

    /// Accesses a second since a snapshot was taken.
    pub(super) fn rate(&self, since: &Snapshot, now: Nanos) -> f64 {
        let accesses = |done: &Done| done.counters.references;
        let before: u64 = since.vms.iter().map(accesses).sum();
        let all: u64 = (0..self.vms.len()).map(|vm| accesses(&self.done(vm))).sum();
        a_second(all - before, now.get() - since.at.get())
    }

    /// What was measured since a snapshot was taken, at this time. What is a state and no flow is that of now.
    pub(super) fn measured(&self, since: &Snapshot, now: Nanos) -> Measured {
        let nanos = now.get() - since.at.get();
        let mut measured = Measured::default();
        let mut all = Done::default();
        let mut aligned = Alignment::default();
        let (mut operations, mut requests, mut latencies, mut saturated) = (0, 0, None::<Histogram<u64>>, 0);
        let (mut touched, mut segments) = (Bytes::ZERO, Bytes::ZERO);
        for (number, vm) in self.vms.iter().enumerate() {
            let done = self.done(number).since(&since.vms[number]);
            let stage = &self.layers.stages[number];
            let alignment = Alignment::of(stage, &self.layers.ground);
            let mut metrics = Metrics::new();
            flows(&mut metrics, &done, nanos);
            alignment.metrics(&mut metrics);
            let own: Bytes = vm.processes.iter().map(|process| process.touched.bytes()).sum();
            set(&mut metrics, "touched_bytes", own.get());
            let behind = stage.segment_bytes();
            set(&mut metrics, "segment_bytes", behind.get());
            segments += behind;
            all.add(&done);
            aligned.add(&alignment);
            touched += own;
            measured.vms.push(VmMetrics { name: vm.name.clone(), metrics });
            for (place, process) in vm.processes.iter().enumerate() {
                let before = &since.programs[number][place];
                let done = process.operations - before.operations;
                let served = before.served.as_ref().map(|before| self.served_since(process, before));
                let metrics =
                    self.program(process, &process.done.since(&before.done), done, served.as_ref(), nanos);
                if metrics.get("saturated") == Some(MetricValue::Count(1)) {
                    saturated += 1;
                }
                operations += done * self.weight_of(process);
                if let Some(served) = served {
                    requests += done;
                    match &mut latencies {
                        None => latencies = Some(served.latencies),
                        // Histograms of one kind always add up.
                        Some(sum) => _ = sum.add(&served.latencies),
                    }
                }
                measured.programs.push(ProgramMetrics {
                    vm: vm.name.clone(),
                    name: process.name.clone(),
                    metrics,
                });
            }
            for (seen, before) in self.seen_layers(number).iter().zip(&since.layers[number]) {
                let (metrics, counts) = (layer(seen, before), seen.own.clone());
                let name = seen.role.name().to_owned();
                let of = Some(vm.name.clone());
                measured.layers.push(LayerMetrics { vm: of, layer: name, metrics, counts });
            }
        }
        if let Ground::Host(host) = &self.layers.ground {
            let mut mapped = Mapped::default();
            for (_, space) in host.kernel.spaces() {
                mapped.merge(&space.mapped());
            }
            let fmfi = host.kernel.memory().unusable_index(None, Order::HUGE);
            let counts = *host.kernel.counts();
            let own = counted(host.policy.as_ref());
            let seen = Seen { role: Role::Host, counts, mapped, fmfi, own, touched: None };
            let (metrics, counts) = (layer(&seen, &since.host), seen.own);
            let name = Role::Host.name().to_owned();
            measured.layers.push(LayerMetrics { vm: None, layer: name, metrics, counts });
        }
        let totals = &mut measured.totals;
        flows(totals, &all, nanos);
        aligned.metrics(totals);
        set(totals, "touched_bytes", touched.get());
        set(totals, "segment_bytes", segments.get());
        if operations > 0 {
            set(totals, "operations_per_second", a_second(operations, nanos));
        }
        if let Some(latencies) = latencies {
            served(totals, &latencies, requests);
            set(totals, "saturated", saturated);
        }
        measured
    }

    /// How requests fared since then, and for how long they waited at the beginning or the end.
    fn served_since(&self, process: &Process, before: &Served) -> Served {
        let mut latencies = process.latencies.clone();
        // What was recorded then is among what is recorded now.
        let _subtracted = latencies.subtract(&before.latencies);
        Served { latencies, behind: before.behind.max(self.behind(process)) }
    }

    fn program(
        &self,
        process: &Process,
        done: &Done,
        requests: u64,
        served_since: Option<&Served>,
        nanos: u64,
    ) -> Metrics {
        let mut metrics = Metrics::new();
        flows(&mut metrics, done, nanos);
        set(&mut metrics, "touched_bytes", process.touched.bytes().get());
        let operations = requests * self.weight_of(process);
        if operations > 0 {
            set(&mut metrics, "operations_per_second", a_second(operations, nanos));
        }
        if let Some(Served { latencies, behind }) = served_since {
            served(&mut metrics, latencies, requests);
            set(&mut metrics, "saturated", u64::from(behind.get() > nanos / BEHIND));
        }
        metrics
    }

    /// How many operations each simulated one of a program stands for.
    fn weight_of(&self, process: &Process) -> u64 {
        if process.exact { 1 } else { self.weight }
    }

    /// For how long requests wait now for the worker that is most behind; nothing, unless more wait than come at once by
    /// chance.
    fn behind(&self, process: &Process) -> Nanos {
        let now = (0..self.vcpus.len()).map(|vcpu| self.now(vcpu)).max().unwrap_or_default();
        let behind = process.threads.iter().filter_map(|thread| {
            let behind = now.get().saturating_sub(thread.arrival.get());
            let gap = thread.arrivals.as_ref()?.mean_gap().get();
            (behind > gap.saturating_mul(WAITING)).then_some(Nanos::new(behind))
        });
        behind.max().unwrap_or_default()
    }

    /// The layers of a machine that it does not share, its guest first.
    fn seen_layers(&self, vm: usize) -> Vec<Seen> {
        let touched: Bytes = self.vms[vm].processes.iter().map(|process| process.touched.bytes()).sum();
        let touched = Some(touched);
        match (&self.layers.stages[vm], &self.layers.ground) {
            (Stage::Native, Ground::Native(layer)) => vec![seen(layer, touched)],
            (Stage::Extended(stage), Ground::Host(host)) => {
                vec![seen(&stage.guest, touched), at_host(host, stage.vm.space(), touched)]
            }
            (Stage::Shadow(stage), Ground::Host(host)) => {
                let mut below = at_host(host, stage.vm.space(), touched);
                for counts in stage.shadows.values().map(terrace_kernel::Shadow::counts) {
                    for (name, value) in composed(&counts) {
                        *below.own.entry(name).or_default() += value;
                    }
                }
                vec![seen(&stage.guest, touched), below]
            }
            (Stage::Nested(stage), Ground::Host(host)) => {
                let mut below = at_host(host, stage.outer.space(), touched);
                below.own.extend(composed(&stage.shadow.counts()));
                vec![seen(&stage.guest, touched), seen(&stage.hypervisor, touched), below]
            }
            _ => Vec::new(),
        }
    }
}

/// The part of the measured time by which a worker that cannot keep up is behind, at its beginning, where requests came
/// faster before than they were served, or at its end. What is measured then is mainly that queue.
const BEHIND: u64 = 10;

/// So many requests hardly ever wait for a worker that can keep up: at nine tenths of what it can serve, three in 100,000
/// times.
const WAITING: u64 = 100;

/// A layer as it is now, with all its address spaces.
fn seen<U: Space, L: Space>(layer: &LayerState<U, L>, touched: Option<Bytes>) -> Seen {
    let mut mapped = Mapped::default();
    for (_, place) in layer.kernel.spaces() {
        mapped.merge(&place.mapped());
    }
    let own = counted(layer.policy.as_ref());
    Seen { mapped, own, ..of_kernel(&layer.kernel, touched) }
}

/// The host as it is now for one machine, whose memory is in an address space. What its policy counts is for all of
/// them.
fn at_host(host: &LayerState<Hva, Hpa>, space: SpaceId, touched: Option<Bytes>) -> Seen {
    let mapped = host.kernel.space(space).map(AddressSpace::mapped).unwrap_or_default();
    Seen { mapped, ..of_kernel(&host.kernel, touched) }
}

fn of_kernel<U: Space, L: Space>(kernel: &Kernel<U, L>, touched: Option<Bytes>) -> Seen {
    let fmfi = kernel.memory().unusable_index(None, Order::HUGE);
    let (role, counts) = (kernel.settings().role, *kernel.counts());
    Seen { role, counts, mapped: Mapped::default(), fmfi, own: BTreeMap::new(), touched }
}

/// What a policy counted.
fn counted(policy: &dyn Policy) -> BTreeMap<String, u64> {
    let mut counts = Vec::new();
    policy.counts(&mut counts);
    counts.into_iter().map(|count| (count.name.to_owned(), count.value)).collect()
}

/// What a composed table counted.
fn composed(counts: &ShadowCounts) -> impl Iterator<Item = (String, u64)> {
    counts.iter().map(|(name, value)| (format!("composed_{name}"), value))
}

/// What a layer did, and what it maps.
fn layer(seen: &Seen, before: &KernelCounts) -> Metrics {
    let mut metrics = Metrics::new();
    let since = seen.counts.since(before);
    for (name, count) in [
        ("faults_base", since.faults_base),
        ("faults_huge", since.faults_huge),
        ("huge_fallbacks", since.huge_fallbacks),
        ("collapses_in_place", since.collapses_in_place),
        ("collapses_copied", since.collapses_copied),
        ("compaction_moved", since.compaction_moved),
        ("splits", since.splits),
        ("mapped_4k_bytes", seen.mapped.bytes(PageSize::Size4K).get()),
        ("mapped_2m_bytes", seen.mapped.bytes(PageSize::Size2M).get()),
        ("mapped_1g_bytes", seen.mapped.bytes(PageSize::Size1G).get()),
        ("resident_bytes", seen.mapped.total().get()),
    ] {
        set(&mut metrics, name, count);
    }
    let total = seen.mapped.total().get();
    let huge = total - seen.mapped.bytes(PageSize::Size4K).get();
    set(&mut metrics, "huge_coverage", share(huge, total));
    set(&mut metrics, "fmfi", seen.fmfi);
    if let Some(touched) = seen.touched {
        set(&mut metrics, "bloat", share(total, touched.get()));
    }
    metrics
}

fn a_second(count: u64, nanos: u64) -> f64 {
    if nanos == 0 { 0.0 } else { convert::ratio(count, 1) / convert::ratio(nanos, 1_000_000_000) }
}

/// What happened in a time.
fn flows(metrics: &mut Metrics, done: &Done, nanos: u64) {
    let counters = &done.counters;
    set(metrics, "accesses_per_second", a_second(counters.references, nanos));
    set(metrics, "cycles", done.cycles.iter().sum::<f64>());
    for &cause in Cause::ALL {
        set(metrics, cause.metric(), done.cycles[cause.index()]);
    }
    set(metrics, "additive_cycles", done.additive);
    for (name, count) in [
        ("accesses", counters.references),
        ("itlb_misses", counters.itlb_misses),
        ("dtlb_misses", counters.dtlb_misses),
        ("stlb_hits", counters.stlb_hits),
        ("walks", counters.walks),
        ("walks_4k", counters.translations_4k),
        ("walks_2m", counters.translations_2m),
        ("walks_1g", counters.translations_1g),
        ("walk_guest_references", counters.walk_references - counters.nested_references),
        ("walk_nested_references", counters.nested_references),
        ("third_level_references", counters.third_level_references),
        ("third_level_hits", counters.third_level_hits),
        ("prefetch_references", counters.prefetch_references),
        ("direct_translations", counters.direct_translations),
        ("exits", done.exits.iter().sum()),
        ("flushes_address", done.flushes[0]),
        ("flushes_space", done.flushes[1]),
        ("flushes_all", done.flushes[2]),
        ("ipis", done.interrupts),
    ] {
        set(metrics, name, count);
    }
    if counters.walks > 0 {
        set(metrics, "references_per_walk", convert::ratio(counters.walk_references, counters.walks));
        set(metrics, "cycles_per_walk", convert::ratio(counters.walk_cycles, counters.walks));
    }
    for (exit, number, cycles) in Exit::ALL {
        set(metrics, number, done.exits[exit.index()]);
        set(metrics, cycles, convert::ratio(done.exit_cycles[exit.index()], 1));
    }
    for (occasion, name) in Occasion::ALL {
        set(metrics, name, convert::ratio(done.occasions[occasion.index()], 1));
    }
}

/// How requests fared.
fn served(metrics: &mut Metrics, latencies: &Histogram<u64>, requests: u64) {
    set(metrics, "requests", requests);
    if !latencies.is_empty() {
        set(metrics, "latency_mean_ns", latencies.mean());
        for (name, quantile) in [("latency_p50_ns", 0.5), ("latency_p95_ns", 0.95), ("latency_p99_ns", 0.99)]
        {
            set(metrics, name, convert::ratio(latencies.value_at_quantile(quantile), 1));
        }
    }
}
