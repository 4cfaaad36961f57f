//! Modes and page sizes, compared on every kind of program.

use terrace_result::RunResult;

use super::{of_each, results, total};

/// Beyond what 4K pages of the TLB reach (1,536 entries: 6 MiB).
const BEYOND: &[&str] = &["vm.program.parameters.bytes=64 MiB"];

/// Programs in reduced form, beside the profiles: name, what is set, and whether their working set is beyond what the
/// TLB reaches.
const PROGRAMS: [(&str, &[&str], bool); 14] = [
    ("gups", BEYOND, true),
    ("gups-hot", BEYOND, true),
    ("zipf-store", BEYOND, true),
    ("scan", BEYOND, true),
    ("chase", BEYOND, true),
    ("btree", BEYOND, true),
    ("graph", &["vm.program.parameters.scale=16"], true),
    ("hash-join", BEYOND, true),
    ("fft", BEYOND, true),
    ("canneal", BEYOND, true),
    ("hot-in-huge", BEYOND, true),
    ("gups", &["vm.program.parameters.bytes=1 MiB"], false),
    ("churn", &["vm.program.parameters.most_bytes=2 MiB"], false),
    // To its end: in a time each mode comes to another part of it.
    ("trace", &["time.warm_up=0 s", "time.measure=10 s"], false),
];

/// All programs: those, and every profile.
fn programs() -> Vec<(&'static str, &'static [&'static str], bool)> {
    let named = |name: &str| PROGRAMS.iter().any(|(program, ..)| *program == name);
    let profiles = terrace_workload::registry().iter().filter(|entry| !named(entry.name));
    PROGRAMS.into_iter().chain(profiles.map(|entry| (entry.name, BEYOND, true))).collect()
}

fn scenario(program: &str) -> String {
    format!(
        r#"
name = "modes"
[time]
warm_up = "1 ms"
measure = "4 ms"
interval = "1 ms"
[guest]
system = "base-pages"
[hypervisor]
system = "base-pages"
[host]
system = "base-pages"
memory = "1 GiB"
[[vm]]
memory = "192 MiB"
[[vm.program]]
workload = "{program}"
# Nothing is hidden behind other work: what translation takes is what it costs.
parallelism = 1
[[sweep]]
name = "mode"
value = [
    {{ name = "native", set = {{ vm.mode = "native" }} }},
    {{ name = "virtual", set = {{ vm.mode = "2d" }} }},
    {{ name = "nested", set = {{ vm.mode = "nested" }} }},
]
[[sweep]]
name = "pages"
value = [
    {{ name = "base", set = {{ guest.system = "base-pages", hypervisor.system = "base-pages", host.system = "base-pages" }} }},
    {{ name = "huge", set = {{ guest.system = "linux", hypervisor.system = "linux", host.system = "linux" }} }},
]
"#
    )
}

/// What translation costs an access.
const TRANSLATION: [&str; 3] = ["stlb_cycles", "walk_guest_cycles", "walk_nested_cycles"];

/// What else it costs to have the tables that it walks.
const SOFTWARE: [&str; 9] = [
    "fault_guest_cycles",
    "fault_hypervisor_cycles",
    "fault_host_cycles",
    "exit_cycles",
    "flush_cycles",
    "interrupt_cycles",
    "copy_cycles",
    "clear_cycles",
    "daemon_cycles",
];

/// The sum of metrics, for an access.
fn cost(result: &RunResult, names: &[&str]) -> f64 {
    names.iter().map(|name| total(result, name)).sum::<f64>() / total(result, "accesses")
}

/// With equal page sizes at every layer each layer more costs at least as much, strictly so where the working set is
/// beyond the TLB, and strictly with the faults and exits that build the tables; and aligned huge pages take most of the
/// walks away.
#[test]
fn native_at_most_virtual_at_most_nested_and_aligned_huge_pages_remove_most_of_the_walks() {
    of_each(&programs(), |&(program, overrides, beyond)| compare(program, overrides, beyond));
}

/// Whether pages were touched for the first time as long as it was measured.
fn faults(result: &RunResult) -> bool {
    let faults = result
        .layers
        .iter()
        .flat_map(|layer| ["faults_base", "faults_huge"].map(|name| layer.metrics.get(name)));
    faults.flatten().any(|count| count.as_f64() > 0.0)
}

fn compare(program: &str, overrides: &[&str], beyond: bool) {
    // In the order native, virtual, nested; base pages first.
    let found = results(&scenario(program), overrides);
    for result in &found {
        accounts_for_all(program, result);
    }
    for pages in 0..2 {
        let [native, virtual_, nested] = [0, 2, 4].map(|place| &found[place + pages]);
        let of = |names: &[&str]| [native, virtual_, nested].map(|result| cost(result, names));
        // Faults and exits included: the time from the start to the same point of the same work.
        let time = [0, 2, 4].map(|place| found[place + pages].simulated);
        assert!(time.is_sorted_by(|one, next| one < next), "{program}: {time:?}");
        if found.iter().all(faults) {
            let all = of(&[&TRANSLATION[..], &SOFTWARE].concat());
            assert!(all.is_sorted_by(|one, next| one < next), "{program}: {all:?}");
            continue;
        }
        let [native, virtual_, nested] = of(&TRANSLATION);
        assert!(native <= virtual_ + 0.01, "{program}: native {native} virtual {virtual_}");
        // The hardware walks the same two dimensions in both; only where the tables lie in caches differs.
        let slack = 0.05 + 0.1 * virtual_;
        assert!((nested - virtual_).abs() <= slack, "{program}: virtual {virtual_} nested {nested}");
    }
    if beyond {
        let of = |place: usize| cost(&found[place], &TRANSLATION);
        assert!(of(0) < of(2), "{program}: native {} virtual {}", of(0), of(2));
        let walks = |place: usize| cost(&found[place], &["walks"]);
        let walked = |place: usize| cost(&found[place], &["walk_guest_cycles", "walk_nested_cycles"]);
        for place in [0, 2, 4].into_iter().filter(|_| walks(0) > 0.05) {
            let (base, huge) = (walks(place), walks(place + 1));
            assert!(huge < 0.5 * base, "{program}: walks {base} {huge}");
            assert!(walked(place + 1) <= 0.5 * walked(place) + 0.01, "{program}: cycles of walks");
        }
    }
}

/// What software costs is charged to an occasion each, what exits cost to a reason each, and walks that were completed to
/// the size that they filled.
fn accounts_for_all(program: &str, result: &RunResult) {
    let of = |names: &[&str]| names.iter().map(|name| total(result, name)).sum::<f64>();
    let named = |begins: &str, ends: &str| -> f64 {
        let metrics = result.totals.iter().filter(|(metric, _)| {
            metric.name.starts_with(begins) && metric.name.ends_with(ends) && metric.name != "exit_cycles"
        });
        metrics.map(|(_, value)| value.as_f64()).sum()
    };
    let occasions = of(&["allocation_cycles", "first_touch_cycles", "background_cycles"]);
    let software = of(&SOFTWARE);
    assert!((occasions - software).abs() <= 1e-9 * software, "{program}: {occasions} of {software}");
    let same = |one: f64, name: &str| {
        // Whole numbers.
        let other = total(result, name);
        assert!((one - other).abs() < 0.5, "{program}: {one} in parts, {name} {other}");
    };
    same(named("exit_", "_cycles"), "exit_cycles");
    same(named("exits_", ""), "exits");
    let filled = of(&["walks_4k", "walks_2m", "walks_1g"]);
    assert!(filled <= total(result, "walks"), "{program}");
    if !faults(result) {
        same(filled, "walks");
    }
}
