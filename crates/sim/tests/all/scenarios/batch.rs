//! Runs that begin with the same memory share its preparation, and nothing else.

use std::collections::BTreeSet;

use terrace_machine::builtin;
use terrace_sim::run::{Batch, RunError, Unwatched, run};

use super::{registry, runs};

/// Memory that takes work to prepare, for programs that fault, promote and end.
const SCENARIO: &str = r#"
name = "batch"
seed = 7
[time]
warm_up = "500 us"
measure = "1 ms"
interval = "500 us"
[record]
events = true
[guest]
system = "base-pages"
fragmentation = 0.7
fragments_movable = true
used = true
[hypervisor]
fragmentation = 0.5
[host]
memory = "128 MiB"
fragmentation = 0.8
[[vm]]
mode = "2d"
memory = "32 MiB"
hypervisor_memory = "48 MiB"
vcpus = 2
[[vm.program]]
workload = "gups"
[[vm]]
mode = "2d"
memory = "24 MiB"
hypervisor_memory = "32 MiB"
[[vm.program]]
workload = "hot-in-huge"
parameters = { bytes = "4 MiB", hot_pages = 16 }
[[sweep]]
name = "program"
value = [
    { name = "small", set = { vm.0.program.parameters.bytes = "4 MiB" } },
    { name = "large", set = { vm.0.program.parameters.bytes = "8 MiB", time.measure = "2 ms" } },
    { name = "other", set = { vm.0.program.workload = "zipf-store", vm.0.program.parameters.bytes = "6 MiB" } },
]
"#;

/// Each system at all layers that it can be at, in a machine on EPT or a nested one: each run is what it is alone, in
/// whatever order they come, however few beginnings are kept.
#[test]
fn a_run_that_begins_with_a_copy_is_the_same_as_alone() {
    let registry = registry();
    let mut seen = BTreeSet::new();
    for system in terrace_systems::registry() {
        for mode in ["2d", "nested"] {
            for layers in [&["guest", "host"][..], &["guest", "hypervisor", "host"], &["guest"], &["host"]] {
                let mut overrides = vec![format!("vm.0.mode={mode}"), format!("vm.1.mode={mode}")];
                overrides.extend(layers.iter().map(|layer| format!("{layer}.system={}", system.name)));
                let overrides: Vec<&str> = overrides.iter().map(String::as_str).collect();
                let runs = runs(SCENARIO, &overrides);
                let machine = builtin(&runs[0].scenario.machine.name, &[]).unwrap();
                let alone: Result<Vec<_>, RunError> =
                    runs.iter().map(|alone| run(alone, &machine, &registry, &mut Unwatched)).collect();
                let Ok(alone) = alone else { continue };
                let batch = Batch::new(&runs, vec![&machine; runs.len()], &registry, 1);
                for place in batch.together([1, 0, 2].into_iter()) {
                    let found = batch.run(place, &mut Unwatched).unwrap();
                    assert_eq!(found, alone[place], "{} {mode} {layers:?} {place}", system.name);
                }
                seen.insert(system.name);
                break;
            }
        }
    }
    assert_eq!(seen.len(), terrace_systems::registry().len(), "{seen:?}");
}
