//! What the page shows of a run: numbers that can be averaged over programs.

use terrace_addr::convert;
use terrace_result::{MetricValue, Metrics, RunResult};

/// Something that is shown of a run.
pub(crate) struct Figure {
    /// How the page's script finds it.
    pub(crate) key: &'static str,
    /// The head of its column.
    pub(crate) title: &'static str,
    /// How its values are written.
    pub(crate) form: Form,
    value: ValueOf,
}

/// The value of a figure in a run, if it applies to that.
type ValueOf = fn(&RunResult) -> Option<f64>;

/// How values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Number,
    /// A share, in percent.
    Share,
    Nanos,
}

impl Figure {
    pub(crate) fn of(&self, run: &RunResult) -> Option<f64> {
        (self.value)(run).filter(|value| value.is_finite())
    }
}

/// Of what a page can show, that which one row of its first table has, and its pictures.
pub(crate) const FIGURES: &[Figure] = &[
    figure("misses", "TLB misses / 1,000\u{a0}accesses", Form::Number, |run| {
        Some(1000.0 * per_access(run, &["walks"])?)
    }),
    figure("aligned", "well aligned", Form::Share, |run| total(run, "well_aligned_share")),
    figure("upper", "huge in the guest only", Form::Share, |run| share(run, "guest_huge_only_bytes")),
    figure("lower", "huge below only", Form::Share, |run| share(run, "host_huge_only_bytes")),
    figure("base", "base pages", Form::Share, |run| share(run, "base_bytes")),
    figure("cycles", "cycles / access", Form::Number, |run| per_access(run, &["cycles"])),
    figure("translation", "of these, translation", Form::Number, |run| per_access(run, TRANSLATION)),
    figure("exits", "exits / 1\u{a0}M\u{a0}accesses", Form::Number, |run| {
        Some(1e6 * per_access(run, &["exits"])?)
    }),
    figure("faults", "page faults / 1\u{a0}M\u{a0}accesses", Form::Number, |run| {
        let faults = ["faults_base", "faults_huge"].map(|metric| of_layers(run, None, metric).unwrap_or(0.0));
        Some(1e6 * faults.iter().sum::<f64>() / accesses(run)?)
    }),
    figure("huge_guest", "huge pages, guest", Form::Share, |run| huge(run, "guest")),
    figure("huge_hypervisor", "huge pages, hypervisor", Form::Share, |run| huge(run, "hypervisor")),
    figure("huge_host", "huge pages, host", Form::Share, |run| huge(run, "host")),
    figure("fmfi_guest", "FMFI, guest", Form::Number, |run| mean_of_layer(run, "guest", "fmfi")),
    figure("fmfi_hypervisor", "FMFI, hypervisor", Form::Number, |run| {
        mean_of_layer(run, "hypervisor", "fmfi")
    }),
    figure("fmfi_host", "FMFI, host", Form::Number, |run| mean_of_layer(run, "host", "fmfi")),
    figure("bloat_guest", "bloat, guest", Form::Number, |run| bloat(run, "guest")),
    figure("bloat_hypervisor", "bloat, hypervisor", Form::Number, |run| bloat(run, "hypervisor")),
    figure("bloat_host", "bloat, host", Form::Number, |run| bloat(run, "host")),
    figure("p50", "latency p50", Form::Nanos, |run| latency(run, "latency_p50_ns")),
    figure("p95", "latency p95", Form::Nanos, |run| latency(run, "latency_p95_ns")),
    figure("p99", "latency p99", Form::Nanos, |run| latency(run, "latency_p99_ns")),
    figure("saturated", "saturated programs", Form::Number, |run| latency(run, "saturated")),
];

const TRANSLATION: &[&str] = &["stlb_cycles", "walk_guest_cycles", "walk_nested_cycles"];

/// What cycles are spent on, each with the metrics that it adds up, in the order of a picture's bars.
pub(crate) const CAUSES: [(&str, &[&str]); 10] = [
    ("program", &["core_cycles"]),
    ("data", &["data_cycles"]),
    ("second-level TLB", &["stlb_cycles"]),
    ("walks: first-dimension entries", &["walk_guest_cycles"]),
    ("walks: EPT entries", &["walk_nested_cycles"]),
    ("page faults", &["fault_guest_cycles", "fault_hypervisor_cycles", "fault_host_cycles"]),
    ("VM exits", &["exit_cycles"]),
    ("flushes", &["flush_cycles", "interrupt_cycles"]),
    ("copies and clears", &["copy_cycles", "clear_cycles"]),
    ("daemons", &["daemon_cycles"]),
];

/// The causes that are translation, and the first of those that are none of the program's own.
pub(crate) const TRANSLATION_CAUSES: core::ops::Range<usize> = 2..5;

/// The cycles of an access by their causes.
pub(crate) fn causes(run: &RunResult) -> Option<[f64; CAUSES.len()]> {
    let mut cycles = [0.0; CAUSES.len()];
    for (cycles, (_, metrics)) in cycles.iter_mut().zip(CAUSES) {
        *cycles = per_access(run, metrics)?;
    }
    Some(cycles)
}

/// The figure with this key.
pub(crate) fn place(key: &str) -> Option<usize> {
    FIGURES.iter().position(|figure| figure.key == key)
}

pub(crate) fn operations(run: &RunResult) -> Option<f64> {
    // Programs without operations of their own, such as traces, may count none.
    total(run, "operations_per_second").filter(|&rate| rate > 0.0)
}

pub(crate) fn accesses_per_second(run: &RunResult) -> Option<f64> {
    total(run, "accesses_per_second").filter(|&rate| rate > 0.0)
}

/// The stated error of the throughput, as a share; none where every access was simulated.
pub(crate) fn sampling_error(run: &RunResult) -> Option<f64> {
    total(run, "sampling_error")
}

const fn figure(key: &'static str, title: &'static str, form: Form, value: ValueOf) -> Figure {
    Figure { key, title, form, value }
}

fn total(run: &RunResult, metric: &str) -> Option<f64> {
    debug_assert!(terrace_result::run_metric(metric).is_some(), "{metric} is no metric");
    run.totals.get(metric).map(MetricValue::as_f64)
}

fn accesses(run: &RunResult) -> Option<f64> {
    total(run, "accesses").filter(|&accesses| accesses > 0.0)
}

fn per_access(run: &RunResult, metrics: &[&str]) -> Option<f64> {
    let values: Option<Vec<f64>> = metrics.iter().map(|metric| total(run, metric)).collect();
    Some(values?.iter().sum::<f64>() / accesses(run)?)
}

fn share(run: &RunResult, metric: &str) -> Option<f64> {
    let of = |metric| total(run, metric);
    let parts = ["well_aligned_bytes", "guest_huge_only_bytes", "host_huge_only_bytes", "base_bytes"];
    let all: Option<Vec<f64>> = parts.into_iter().map(of).collect();
    let all = all?.iter().sum::<f64>();
    (all > 0.0).then_some(of(metric)? / all)
}

/// The metrics of a layer: of the one that virtual machines share, or of that of each machine.
fn layer<'a>(run: &'a RunResult, layer: &str) -> Vec<&'a Metrics> {
    let of = |shared: bool| -> Vec<&Metrics> {
        let layers = run.layers.iter().filter(|it| it.layer == layer && it.vm.is_none() == shared);
        layers.map(|it| &it.metrics).collect()
    };
    let shared = of(true);
    if shared.is_empty() { of(false) } else { shared }
}

/// The sum of a metric over the parts of a layer, or of all layers.
fn of_layers(run: &RunResult, one: Option<&str>, metric: &str) -> Option<f64> {
    let layers = one.map_or_else(|| LAYERS.to_vec(), |one| vec![one]);
    let parts = layers.into_iter().flat_map(|name| layer(run, name));
    let values = parts.filter_map(|part| part.get(metric)).map(MetricValue::as_f64);
    values.reduce(|all, one| all + one)
}

/// The layers that a run can have, from above.
pub(crate) const LAYERS: [&str; 3] = ["guest", "hypervisor", "host"];

fn huge(run: &RunResult, layer: &str) -> Option<f64> {
    let of = |metric| of_layers(run, Some(layer), metric);
    let huge = of("mapped_2m_bytes")? + of("mapped_1g_bytes")?;
    let all = huge + of("mapped_4k_bytes")?;
    Some(if all > 0.0 { huge / all } else { 0.0 })
}

fn mean_of_layer(run: &RunResult, name: &str, metric: &str) -> Option<f64> {
    let parts = layer(run, name);
    let parts = parts.iter().filter_map(|part| part.get(metric)).map(MetricValue::as_f64);
    mean(&parts.collect::<Vec<_>>())
}

fn bloat(run: &RunResult, layer: &str) -> Option<f64> {
    let touched = total(run, "touched_bytes").filter(|&touched| touched > 0.0)?;
    Some(of_layers(run, Some(layer), "resident_bytes")? / touched)
}

fn latency(run: &RunResult, metric: &str) -> Option<f64> {
    total(run, "requests").filter(|&requests| requests > 0.0)?;
    total(run, metric)
}

/// The mean of some values, if there are any.
pub(crate) fn mean(values: &[f64]) -> Option<f64> {
    let count = convert::ratio(convert::count(values.len()), 1);
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / count)
}
