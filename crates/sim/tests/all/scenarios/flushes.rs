//! What a kernel unmaps or puts together is flushed everywhere: nothing stale is used.

use super::{of_layer, result, total};

/// A program that maps, writes once and unmaps, on base pages, always at the same addresses.
const CHURN: &str = r#"
name = "test"
time = { warm_up = "1 ms", measure = "20 ms", interval = "10 ms" }
[guest]
system = "linux"
parameters = { thp = "never", placement = "aligned" }
[host]
system = "linux"
parameters = { thp = "never", placement = "aligned" }
memory = "1 GiB"
[[vm]]
mode = "native"
memory = "192 MiB"
[[vm.program]]
workload = "churn"
parameters = { live = 2, uses = 0 }
"#;

/// Every access is the first to its page: each faults, whatever is cached from what was there before.
#[test]
fn what_was_unmapped_faults_again() {
    for mode in ["native", "2d", "shadow", "nested"] {
        for size in ["60 KiB", "2044 KiB", "2 MiB", "2052 KiB", "4 MiB"] {
            let overrides = [
                format!("vm.mode={mode}"),
                format!("vm.program.parameters.least_bytes={size}"),
                format!("vm.program.parameters.most_bytes={size}"),
                "host.memory=2 GiB".to_owned(),
            ];
            let result = result(CHURN, &overrides.each_ref().map(String::as_str));
            let accesses = total(&result, "accesses");
            assert!(accesses > 1000.0, "{mode}, {size}: {accesses} accesses");
            let share = of_layer(&result, "guest", "faults_base") / accesses;
            // A piece may be written in one interval of a chunk and counted in the next.
            assert!((0.98..=1.02).contains(&share), "{mode}, {size}: {share} faults an access");
        }
    }
}

/// A daemon that makes huge pages by copying.
const COLLAPSES: &str = r#"
name = "test"
time = { warm_up = "0 s", measure = "60 ms", interval = "10 ms" }
[guest]
system = "ingens"
parameters = { scan_sleep = "1 ms", flush = "none" }
[host]
system = "base-pages"
memory = "1 GiB"
[[vm]]
mode = "native"
memory = "192 MiB"
[[vm.program]]
workload = "gups"
parameters = { bytes = "64 MiB" }
"#;

/// Pages that a daemon puts together by copying were 512 of 4K, and many more than are flushed one by one.
#[test]
fn base_pages_that_are_put_together_are_flushed_as_a_space() {
    let result = result(COLLAPSES, &[]);
    let collapses = of_layer(&result, "guest", "collapses_copied");
    assert!(collapses >= 8.0, "{collapses} collapses");
    // Those of one wake of the daemon are flushed together.
    let (space, addresses) = (total(&result, "flushes_space"), total(&result, "flushes_address"));
    assert!(space >= 1.0 && addresses == 0.0, "{space} of the space, {addresses} of addresses");
}

/// A daemon's copies cost the same on a CPU where no program runs, and take that CPU's time.
#[test]
fn a_daemon_on_a_cpu_of_its_own_is_charged() {
    let cost = |vcpus: &str| {
        let result = result(COLLAPSES, &[vcpus]);
        let copies = of_layer(&result, "guest", "collapses_copied");
        let rate = total(&result, "accesses_per_second");
        (copies, total(&result, "copy_cycles") / copies, total(&result, "daemon_cycles"), rate)
    };
    let (beside, own) = (cost("vm.vcpus=1"), cost("vm.vcpus=2"));
    assert!(beside.0 >= 8.0 && own.0 >= 8.0, "{beside:?} {own:?}");
    assert!((own.1 / beside.1 - 1.0).abs() < 0.02, "cycles of a copy: {beside:?} {own:?}");
    assert!(own.2 > 0.0);
    // The program has its CPU for itself, and what is copied beside it does not take all of the memory's bandwidth.
    assert!(own.3 > beside.3, "accesses a second: {beside:?} {own:?}");
}
