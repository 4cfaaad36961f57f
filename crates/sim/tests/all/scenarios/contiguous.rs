//! Contiguous virtual machines in runs: what a block saves, and how machines get one, keep it and lose it.

use terrace_machine::builtin;
use terrace_result::{EventRow, MetricValue, Outcome, RunResult};
use terrace_scenario::Run;
use terrace_sim::run::{Next, Passed, Watch, run};
use terrace_sim::scenarios::BUILTIN_SCENARIOS;

use super::{registry, result, runs, total};

const VM: &str = r#"
name = "contiguous"
data_lines = false
[time]
warm_up = "1 ms"
measure = "4 ms"
interval = "1 ms"
[record]
events = true
[guest]
system = "base-pages"
[host]
system = "contiguous"
memory = "256 MiB"
[[vm]]
memory = "64 MiB"
[[vm.program]]
workload = "gups"
[vm.program.parameters]
bytes = "12 MiB"
"#;

#[derive(Default)]
struct Collected(Vec<EventRow>);

impl Watch for Collected {
    fn advance(&mut self, _: Passed) -> Next {
        Next::Go
    }

    fn event(&mut self, event: EventRow) {
        self.0.push(event);
    }
}

/// The result of a run, and what became of machines: (machine, kind, MiB, reason).
fn changes(run_of: &Run) -> (RunResult, Vec<(String, String, u64, String)>) {
    let mut collected = Collected::default();
    let machine = builtin(&run_of.scenario.machine.name, &[]).unwrap();
    let found = run(run_of, &machine, &registry(), &mut collected).unwrap();
    assert_eq!(found.outcome, Outcome::Complete);
    let about = ["segment", "segment-resize", "segment-end", "grow", "shrink", "keep"];
    let rows = collected.0.into_iter().filter(|row| about.contains(&row.kind.as_str()));
    let rows = rows.map(|row| (row.vm, row.kind, row.bytes.get() >> 20, row.reason));
    (found, rows.collect())
}

fn with(overrides: &[&str]) -> (RunResult, Vec<(String, String, u64, String)>) {
    changes(&runs(VM, overrides).remove(0))
}

fn own(result: &RunResult, name: &str) -> u64 {
    let host = result.layers.iter().find(|layer| layer.layer == "host" && layer.vm.is_none()).unwrap();
    *host.counts.get(name).unwrap_or_else(|| panic!("{name} is not counted"))
}

fn kinds(changes: &[(String, String, u64, String)]) -> Vec<(&str, u64)> {
    changes.iter().map(|(_, kind, mib, _)| (kind.as_str(), *mib)).collect()
}

/// The second dimension's whole cost is gone: no reference to EPT, no cycle for one, no exit; the guest's walks are those
/// of the same guest on EPT.
#[test]
fn a_block_has_no_second_dimension() {
    let large = ["data_lines=true", "vm.program.parameters.bytes=48 MiB", "time.measure=10 ms"];
    let (block, found) = with(&large);
    assert_eq!(kinds(&found), [("segment", 64)]);
    let extended = result(VM, &[&large[..], &["host.system=base-pages"]].concat());
    for name in
        ["walk_nested_references", "walk_nested_cycles", "exits_ept_violation", "exits_segment_violation"]
    {
        assert!(total(&block, name).abs() < 1e-9, "{name}: {}", total(&block, name));
    }
    assert!(total(&extended, "walk_nested_references") > 0.0);
    assert!(total(&block, "accesses_per_second") > total(&extended, "accesses_per_second"));
    assert!((total(&block, "segment_bytes") - f64::from(64 << 20)).abs() < 0.5);
    assert_eq!((own(&block, "at_boot"), own(&block, "scattered")), (1, 0));
}

/// Where no run of free memory is long enough a machine runs on EPT, beside one that has a block.
#[test]
fn machines_without_a_block_run_on_ept_beside_the_others() {
    let small = "[[vm]]\nname = \"small\"\nmemory = \"16 MiB\"\n[[vm.program]]\nworkload = \"gups\"\n[vm.program.parameters]\nbytes = \"10 MiB\"\n";
    let text = VM.replace("memory = \"256 MiB\"", "memory = \"60 MiB\"") + small;
    let (found, events) = changes(&runs(&text, &[]).remove(0));
    assert_eq!(
        events.iter().map(|event| (event.0.as_str(), event.1.as_str())).collect::<Vec<_>>(),
        [("small", "segment")]
    );
    let of = |vm: usize, name: &str| found.vms[vm].metrics.get(name).unwrap().as_f64();
    let behind = found.vms.iter().map(|vm| vm.metrics.get("segment_bytes").unwrap());
    assert!(behind.eq([MetricValue::Count(0), MetricValue::Count(16 << 20)]));
    assert!(of(1, "walk_nested_references").abs() < 1e-9 && of(1, "walk_guest_references") > 0.0);
}

/// A machine that begins on EPT is moved into a block while it is idle, and not while it works.
#[test]
fn an_idle_machine_is_repaired() {
    let idle = ["host.parameters.boot=off", "host.parameters.repair_period=2 ms", "time.measure=20 ms"];
    let (found, events) = changes(&runs(&quiet(VM), &idle).remove(0));
    assert_eq!(kinds(&events), [("segment", 64)]);
    assert_eq!(events[0].3, "its pages were moved together");
    assert_eq!(own(&found, "repaired"), 1);
    assert!(total(&found, "segment_bytes") > 0.0);
    let (found, events) = with(&idle);
    assert_eq!((kinds(&events), own(&found, "repairs_begun")), (vec![], 0));
    // Whatever it does, with the pages copied and flushed while it works.
    let mut always = idle.to_vec();
    always.push("host.parameters.repair=always");
    always.push("time.warm_up=0 s");
    let (found, events) = with(&always);
    assert_eq!(kinds(&events), [("segment", 64)]);
    assert!(own(&found, "moved") + own(&found, "populated") >= 64 << 8);
}

/// A store that is idle most of the time instead of updates, and longer.
fn quiet(text: &str) -> String {
    let text = text.replace("workload = \"gups\"", "workload = \"zipf-store\"\nrate = 5000");
    text.replace("measure = \"4 ms\"", "measure = \"40 ms\"")
}

const RESIZE: &str = "\n[[vm.resize]]\nat = \"20 ms\"\nmemory = \"";

fn resized(memory: &str, more: &str, overrides: &[&str]) -> (RunResult, Vec<(String, String, u64, String)>) {
    let text = VM.replace("memory = \"64 MiB\"", &format!("memory = \"64 MiB\"{RESIZE}{memory}\"{more}"));
    changes(&runs(&quiet(&text), overrides).remove(0))
}

#[test]
fn a_block_grows_into_free_memory_and_shrinks_at_its_end() {
    let again = "\n[[vm.resize]]\nat = \"25 ms\"\nmemory = \"40 MiB\"\n[[vm.resize]]\nat = \"30 ms\"\nmemory = \"72 MiB\"";
    let (found, events) = resized("96 MiB", again, &[]);
    let expected = [
        ("segment", 64),
        ("segment-resize", 96),
        ("grow", 32),
        ("shrink", 56),
        ("segment-resize", 40),
        ("segment-resize", 72),
        ("grow", 32),
    ];
    assert_eq!(kinds(&events), expected);
    assert_eq!((own(&found, "grown_in_place"), own(&found, "shrunk")), (2, 1));
    assert!(total(&found, "walk_nested_references").abs() < 1e-9, "never on EPT");
    assert!(total(&found, "exits_segment_violation").abs() < 1e-9);
}

/// Something else lies behind the block: all of it moves, or it goes back to EPT, and is repaired there later.
#[test]
fn a_block_that_cannot_grow_moves_or_ends() {
    let second = "[[vm]]\nname = \"other\"\nmemory = \"32 MiB\"\n[[vm.program]]\nworkload = \"gups\"\n[vm.program.parameters]\nbytes = \"4 MiB\"\n";
    let text = VM.replace("memory = \"64 MiB\"", &format!("memory = \"64 MiB\"{RESIZE}96 MiB\""));
    let text = quiet(&(text + second));
    let (moved, events) = changes(&runs(&text, &[]).remove(0));
    let of_first = |events: &[(String, String, u64, String)]| {
        events
            .iter()
            .filter(|event| event.0 == "vm0")
            .map(|event| (event.1.clone(), event.2))
            .collect::<Vec<_>>()
    };
    let expected = [("segment", 64), ("segment-end", 64), ("segment", 96), ("grow", 32)];
    assert_eq!(of_first(&events), expected.map(|(kind, mib)| (kind.to_owned(), mib)));
    assert_eq!((own(&moved, "grown_by_moving"), own(&moved, "paged")), (1, 1));
    for overrides in [&["host.parameters.growth=paged"][..], &["host.memory=160 MiB"]] {
        let (paged, events) = changes(&runs(&text, overrides).remove(0));
        let expected = [("segment", 64), ("segment-end", 64), ("grow", 32)];
        assert_eq!(of_first(&events), expected.map(|(kind, mib)| (kind.to_owned(), mib)), "{overrides:?}");
        let other = f64::from(32 << 20);
        assert!((total(&paged, "segment_bytes") - other).abs() < 0.5, "{}", total(&paged, "segment_bytes"));
    }
}

/// A balloon that takes pages from anywhere ends the segment before any of them is free.
#[test]
fn a_balloon_inside_the_block_ends_it() {
    let (found, events) = resized("48 MiB", "", &["host.parameters.balloon=anywhere"]);
    assert_eq!(kinds(&events), [("segment", 64), ("shrink", 16), ("segment-end", 64)]);
    assert!(total(&found, "segment_bytes").abs() < 0.5);
    assert_eq!(
        (own(&found, "paged"), own(&found, "no_run")),
        (1, 0),
        "it is not repaired: the balloon holds pages"
    );
    // A guest that uses what it is asked for keeps it, where only the end may be taken.
    let (_, events) = resized("8 MiB", "", &["host.parameters.balloon=tail-only"]);
    assert_eq!(kinds(&events), [("segment", 64), ("keep", 0)]);
}

/// A hole in guest-physical memory: a block on each side, or one over both that wastes what is behind the hole.
#[test]
fn a_hole_takes_a_second_segment_or_memory() {
    let hole = ["vm.hole=16 MiB", "vm.hole_at=16 MiB", "vm.program.parameters.bytes=40 MiB"];
    let (two, events) = with(&hole);
    assert_eq!(kinds(&events), [("segment", 16), ("segment", 48)]);
    assert_eq!(own(&two, "wasted_bytes"), 0);
    let mut wasted = hole.to_vec();
    wasted.push("host.parameters.hole=wasted");
    let (one, events) = with(&wasted);
    assert_eq!(kinds(&events), [("segment", 80)]);
    assert_eq!(own(&one, "wasted_bytes"), 16 << 20);
    for found in [&one, &two] {
        assert!(total(found, "walk_nested_references").abs() < 1e-9);
        assert!(total(found, "exits_segment_violation").abs() < 1e-9);
    }
    let resident = |result: &RunResult| super::of_layer(result, "host", "resident_bytes");
    assert!((resident(&one) - resident(&two) - f64::from(16 << 20)).abs() < 0.5);
    // On EPT the hole is just not there.
    let mut extended = hole.to_vec();
    extended.push("host.system=base-pages");
    assert!(total(&result(VM, &extended), "walk_nested_references") > 0.0);
}

/// What the built-in scenario tells: one machine shrinks, a scattered one is repaired into what that frees, one grows
/// twice.
#[test]
fn the_built_in_scenario_shows_every_transition() {
    let scenario =
        BUILTIN_SCENARIOS.iter().find(|scenario| scenario.file.name == "contiguous-changes").unwrap();
    let (found, events) = changes(&runs(scenario.file.text, scenario.reduced).remove(0));
    let told: Vec<_> = events.iter().map(|event| (event.0.as_str(), event.1.as_str(), event.2)).collect();
    let expected = [
        ("shrinks", "segment", 192),
        ("grows", "segment", 64),
        ("shrinks", "shrink", 128),
        ("shrinks", "segment-resize", 64),
        ("scattered", "segment", 128),
        ("grows", "segment-resize", 96),
        ("grows", "grow", 32),
        ("grows", "segment-end", 96),
        ("grows", "grow", 96),
    ];
    assert_eq!(told, expected);
    assert_eq!(own(&found, "repaired"), 1);
}
