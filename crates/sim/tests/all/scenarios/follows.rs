//! Programs that start when another has ended.

use super::{of_layer, result, total};

const TEXT: &str = r#"
name = "follows"
description = "A program that follows another"
machine = "broadwell-e5-2620v4"

[time]
measure = "5 ms"
interval = "1 ms"

[host]
memory = "256 MiB"

[[vm]]
memory = "128 MiB"
vcpus = 2

[[vm.program]]
workload = "gups"

[vm.program.parameters]
bytes = "80 MiB"
operations = 100

[[vm.program]]
workload = "gups"
follows = true
start = "3 ms"

[vm.program.parameters]
bytes = "80 MiB"
"#;

/// Both together do not fit into the guest: the second one runs in what the first one gave back.
#[test]
fn the_second_of_two_that_do_not_fit_together_runs_in_the_memory_of_the_first() {
    for vcpus in ["vm.vcpus=1", "vm.vcpus=2"] {
        let found = result(TEXT, &[vcpus]);
        assert!(found.outcome == terrace_result::Outcome::Complete, "{vcpus}: {}", found.outcome);
        assert!((total(&found, "touched_bytes") - f64::from(80 << 20)).abs() < 1.0, "{vcpus}");
        // The host backed the memory that the first one touched; the second one got the same.
        let resident = of_layer(&found, "host", "resident_bytes");
        assert!(resident < f64::from(90 << 20), "{vcpus}: {resident}");
        let [first, second] = &found.programs[..] else { panic!("two programs") };
        let accesses = |program: &terrace_result::ProgramMetrics| {
            program.metrics.get("accesses").map_or(0.0, terrace_result::MetricValue::as_f64)
        };
        assert!(accesses(first) == 0.0 && accesses(second) > 0.0, "{vcpus}");
    }
}

#[test]
fn it_starts_as_long_after_the_end_as_was_asked_for() {
    let early = result(TEXT, &["vm.program.1.start=0 s"]);
    let late = result(TEXT, &[]);
    let waited = late.simulated.get() - early.simulated.get();
    // A turn of 50 us more or less.
    assert!((2_900_000..=3_100_000).contains(&waited), "{waited} ns");
}
