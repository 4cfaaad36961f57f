//! What the table of a result shows: the metrics that answer most questions, in groups.

use terrace_result::{MetricValue, Metrics, RunResult};

use crate::number::{percent, short, short_time};

/// Figures that belong together.
pub(super) struct Group {
    pub(super) title: &'static str,
    pub(super) figures: Vec<Figure>,
}

/// A row, or a column, of the table.
pub(super) struct Figure {
    /// What it is; and of which layer, if it is of one.
    pub(super) name: &'static str,
    pub(super) layer: Option<&'static str>,
    value: Box<ValueOf>,
}

/// The value of a figure in a run, as text.
type ValueOf = dyn Fn(&RunResult) -> Option<String>;

impl Figure {
    /// Its value in a run, if it applies to that.
    pub(super) fn of(&self, run: &RunResult) -> Option<String> {
        (self.value)(run)
    }
}

/// The layers that a run can have, from above.
pub(super) const LAYERS: [&str; 3] = ["guest", "hypervisor", "host"];

/// The figures that apply to at least one of the runs.
pub(super) fn groups(runs: &[RunResult]) -> Vec<Group> {
    let mut groups = vec![speed(runs), cycles(), translation(), events(), pages(), memory()];
    for group in &mut groups {
        group.figures.retain(|figure| runs.iter().any(|run| figure.of(run).is_some()));
    }
    groups.retain(|group| !group.figures.is_empty());
    groups
}

fn speed(runs: &[RunResult]) -> Group {
    // Programs without operations of their own, such as traces, may count none.
    let operations = |run: &RunResult| total(run, "operations_per_second").filter(|&count| count > 0.0);
    let counts_operations = |run: &RunResult| operations(run).is_some();
    let measured = || runs.iter().filter(|run| !run.totals.is_empty());
    let mut figures = Vec::new();
    if measured().any(counts_operations) {
        figures.push(figure("operations/s", move |run| operations(run).map(short)));
    }
    if !measured().all(counts_operations) {
        figures.push(figure("accesses/s", |run| total(run, "accesses_per_second").map(short)));
    }
    figures.push(figure("latency p50", |run| total(run, "latency_p50_ns").map(short_time)));
    figures.push(figure("latency p99", |run| total(run, "latency_p99_ns").map(short_time)));
    Group { title: "Speed", figures }
}

/// The groups of causes, each with the metrics that it adds up.
const CAUSES: [(&str, &[&str]); 8] = [
    ("program", &["core_cycles"]),
    ("data", &["data_cycles"]),
    ("translation", &["stlb_cycles", "walk_guest_cycles", "walk_nested_cycles"]),
    ("faults", &["fault_guest_cycles", "fault_hypervisor_cycles", "fault_host_cycles"]),
    ("exits", &["exit_cycles"]),
    ("flushes", &["flush_cycles", "interrupt_cycles"]),
    ("copies", &["copy_cycles", "clear_cycles"]),
    ("daemons", &["daemon_cycles"]),
];

fn cycles() -> Group {
    let mut figures = vec![figure("all", |run| per_access(run, &["cycles"]).map(short))];
    for (name, metrics) in CAUSES {
        figures.push(figure(name, move |run| per_access(run, metrics).map(short)));
    }
    Group { title: "Cycles of an access", figures }
}

fn translation() -> Group {
    let per_thousand = |name, metrics: &'static [&'static str]| {
        figure(name, move |run| per_access(run, metrics).map(|share| short(1000.0 * share)))
    };
    let per_walk = |name, metric| {
        figure(name, move |run| {
            Some(short(total(run, metric)? / total(run, "walks").filter(|&walks| walks > 0.0)?))
        })
    };
    let figures = vec![
        per_thousand("L1 TLB misses", &["itlb_misses", "dtlb_misses"]),
        per_thousand("STLB hits", &["stlb_hits"]),
        per_thousand("walks", &["walks"]),
        per_walk("guest entries/walk", "walk_guest_references"),
        per_walk("nested entries/walk", "walk_nested_references"),
        figure("cycles/walk", |run| total(run, "cycles_per_walk").map(short)),
    ];
    Group { title: "Translation, for 1,000 accesses", figures }
}

fn events() -> Group {
    let mut figures = vec![
        figure("walks", |run| total(run, "walks").map(short)),
        figure("exits", |run| total(run, "exits").map(short)),
    ];
    for layer in LAYERS {
        figures.push(of_layer("faults: base + huge", layer, |of, _| {
            let (base, huge) = (sum(of, "faults_base")?, sum(of, "faults_huge")?);
            Some(format!("{} + {}", short(base), short(huge)))
        }));
    }
    Group { title: "Events in the measured time", figures }
}

fn pages() -> Group {
    let mut figures = vec![figure("well aligned", |run| total(run, "well_aligned_share").map(percent))];
    for layer in LAYERS {
        figures.push(of_layer("huge pages", layer, |of, _| {
            let huge = sum(of, "mapped_2m_bytes")? + sum(of, "mapped_1g_bytes")?;
            let all = huge + sum(of, "mapped_4k_bytes")?;
            Some(percent(if all > 0.0 { huge / all } else { 0.0 }))
        }));
    }
    Group { title: "Huge pages at the end", figures }
}

fn memory() -> Group {
    let mut figures = Vec::new();
    for layer in LAYERS {
        figures.push(of_layer("FMFI", layer, |of, _| {
            // Of several virtual machines, the mean.
            let count = u32::try_from(of.len()).ok().filter(|&count| count > 0)?;
            Some(format!("{:.2}", sum(of, "fmfi")? / f64::from(count)))
        }));
    }
    for layer in LAYERS {
        figures.push(of_layer("bloat", layer, |of, run| {
            let touched = total(run, "touched_bytes").filter(|&touched| touched > 0.0)?;
            Some(format!("{:.2}", sum(of, "resident_bytes")? / touched))
        }));
    }
    Group { title: "Memory at the end", figures }
}

fn figure(name: &'static str, value: impl Fn(&RunResult) -> Option<String> + 'static) -> Figure {
    Figure { name, layer: None, value: Box::new(value) }
}

/// A figure of a layer: of the one that virtual machines share, or of that of each machine.
fn of_layer(
    name: &'static str,
    layer: &'static str,
    value: impl Fn(&[&Metrics], &RunResult) -> Option<String> + 'static,
) -> Figure {
    let value = move |run: &RunResult| {
        let of = |shared: bool| -> Vec<&Metrics> {
            let layers = run.layers.iter().filter(|it| it.layer == layer && it.vm.is_none() == shared);
            layers.map(|it| &it.metrics).collect()
        };
        let shared = of(true);
        value(if shared.is_empty() { of(false) } else { shared }.as_slice(), run)
    };
    Figure { name, layer: Some(layer), value: Box::new(value) }
}

fn total(run: &RunResult, metric: &str) -> Option<f64> {
    sum(&[&run.totals], metric)
}

/// The sum of a metric; nothing if it was not measured.
fn sum(parts: &[&Metrics], metric: &str) -> Option<f64> {
    debug_assert!(terrace_result::run_metric(metric).is_some(), "{metric} is no metric");
    let values = parts.iter().filter_map(|part| part.get(metric));
    values.map(MetricValue::as_f64).reduce(|all, one| all + one)
}

/// The sum of some metrics for each access.
fn per_access(run: &RunResult, metrics: &[&str]) -> Option<f64> {
    let accesses = total(run, "accesses").filter(|&accesses| accesses > 0.0)?;
    let values: Option<Vec<f64>> = metrics.iter().map(|metric| total(run, metric)).collect();
    Some(values?.iter().sum::<f64>() / accesses)
}
