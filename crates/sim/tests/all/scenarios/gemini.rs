//! Gemini and xGemini against what they are compared with.

use terrace_result::{Outcome, RunResult};

use super::{of_layer, results, total};

/// One program in a machine.
const VM: &str = r#"
name = "gemini"
data_lines = false
[time]
warm_up = "20 ms"
measure = "4 ms"
interval = "1 ms"
[host]
memory = "224 MiB"
[[vm]]
memory = "160 MiB"
hypervisor_memory = "176 MiB"
[[vm.program]]
workload = "gups"
[vm.program.parameters]
bytes = "24 MiB"
"#;

/// The systems of guest, guest hypervisor and host, whose daemons all work every millisecond.
fn systems(names: [&str; 3]) -> Vec<String> {
    let layers = ["guest", "hypervisor", "host"];
    let mut overrides = Vec::new();
    for (layer, name) in layers.iter().zip(names) {
        overrides.push(format!("{layer}.system={name}"));
        if name.contains("gemini") {
            overrides.push(format!("{layer}.parameters.scan_period=1 ms"));
        }
        if name != "base-pages" {
            overrides.push(format!("{layer}.parameters.scan_sleep=1 ms"));
        }
    }
    overrides
}

fn found(names: [&str; 3], more: &[&str]) -> RunResult {
    let overrides = systems(names);
    let overrides: Vec<&str> = overrides.iter().map(String::as_str).chain(more.iter().copied()).collect();
    let mut found = results(VM, &overrides);
    assert_eq!(found.len(), 1);
    let found = found.remove(0);
    assert_eq!(found.outcome, Outcome::Complete, "{names:?}");
    found
}

fn misses(found: &RunResult) -> f64 {
    total(found, "walks") / total(found, "accesses")
}

const FRAGMENTED: [&str; 4] =
    ["guest.fragmentation=0.9", "hypervisor.fragmentation=0.9", "host.fragmentation=0.9", "vm.mode=nested"];

#[test]
fn in_a_clean_virtual_machine_gemini_aligns_at_least_as_much_as_linux() {
    for workload in ["gups", "btree", "zipf-store", "masstree"] {
        let workload = format!("vm.program.workload={workload}");
        let clean = ["vm.mode=2d", workload.as_str()];
        let linux = found(["linux", "linux", "linux"], &clean);
        let gemini = found(["gemini", "base-pages", "gemini"], &clean);
        let (one, other) = (total(&linux, "well_aligned_share"), total(&gemini, "well_aligned_share"));
        assert!(other >= one - 0.005, "{workload}: linux {one}, gemini {other}");
        assert!(other > 0.9, "{workload}: {other}");
    }
}

/// The guest hypervisor has base pages only, and still 2M of the nested guest are one entry of the TLB.
#[test]
fn xgemini_aligns_over_the_head_of_a_stock_guest_hypervisor() {
    let nested = ["vm.mode=nested"];
    let base = found(["base-pages", "base-pages", "base-pages"], &nested);
    let xgemini = found(["xgemini", "base-pages", "xgemini"], &nested);
    assert!(of_layer(&xgemini, "hypervisor", "huge_coverage").abs() < f64::EPSILON);
    assert!(total(&xgemini, "well_aligned_share") > 0.95, "{:?}", xgemini.totals);
    assert!(misses(&xgemini) < misses(&base) / 10.0);
    // Each page was backed before it was heard of, and was copied to its place.
    let host = xgemini.layers.iter().find(|layer| layer.vm.is_none()).unwrap();
    assert_eq!(host.counts["unbacked"], 0);
    assert!(host.counts["moved"] >= 24 * 256);
    assert_eq!(host.counts["joined"], host.counts["joins_asked"] - host.counts["refused"]);
}

/// Fewer misses from each to the next by the paper's own rule, where compaction can move what fragments memory. Where it
/// cannot, `gates` holds the order over the campaign's programs.
#[test]
fn where_fragments_can_be_moved_misses_fall_from_vanilla_over_dual_gemini_to_xgemini_by_the_papers_rule() {
    let movable =
        ["guest.fragments_movable=true", "hypervisor.fragments_movable=true", "host.fragments_movable=true"];
    let used: Vec<&str> = FRAGMENTED.into_iter().chain(["guest.used=true"]).collect();
    let all: Vec<&str> = used.iter().copied().chain(movable).collect();
    let base = found(["base-pages", "base-pages", "base-pages"], &all);
    let dual = found(["dual-gemini", "dual-gemini", "dual-gemini"], &all);
    let xgemini = found(["xgemini", "base-pages", "xgemini"], &all);
    let of_all = [misses(&base), misses(&dual), misses(&xgemini)];
    assert!(of_all[0] > of_all[1] && of_all[1] > of_all[2], "{of_all:?}");
    let stays = found(["xgemini", "base-pages", "xgemini"], &used);
    let aligned = |found: &RunResult| total(found, "well_aligned_share");
    assert!(aligned(&xgemini) > 2.0 * aligned(&stays), "{} against {}", aligned(&xgemini), aligned(&stays));
}

/// What is heard of late is placed as well as what is heard of at its write, and no table traps for it.
#[test]
fn without_trapped_writes_pages_are_placed_at_their_first_use() {
    let trapped = found(["xgemini", "base-pages", "xgemini"], &["vm.mode=nested"]);
    let used =
        found(["xgemini", "base-pages", "xgemini"], &["vm.mode=nested", "host.parameters.host_trigger=use"]);
    let count = |found: &RunResult, name: &str| {
        found.layers.iter().filter_map(|layer| layer.counts.get(name)).sum::<u64>()
    };
    assert!(count(&trapped, "composed_trapped") > 0);
    assert!(count(&used, "composed_trapped") < count(&trapped, "composed_trapped") / 10);
    assert!(total(&used, "well_aligned_share") > 0.95);
}
