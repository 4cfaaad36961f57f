//! Requests at a rate: who cannot keep up is named, whenever the queue began.

use super::{result, total};

const STORE: &str = r#"
name = "latency"
[time]
warm_up = "1 ms"
measure = "4 ms"
interval = "1 ms"
[guest]
system = "base-pages"
[host]
system = "base-pages"
memory = "1 GiB"
[[vm]]
memory = "128 MiB"
[[vm.program]]
workload = "zipf-store"
[vm.program.parameters]
bytes = "32 MiB"
"#;

/// At half of what the store serves nothing waits; at twice of it requests wait ever longer, and one that comes behind
/// all of the warm-up's is as late as they all are, so that no request of the measured time is late among its like.
#[test]
fn requests_that_come_faster_than_they_are_served_saturate_a_store_from_the_beginning() {
    let served = total(&result(STORE, &[]), "operations_per_second");
    for (share, warm_up, saturated) in
        [(0.5, "1 ms", false), (0.5, "40 ms", false), (2.0, "1 ms", true), (2.0, "40 ms", true)]
    {
        let rate = format!("vm.program.rate={}", libm::floor(served * share));
        let warm_up = format!("time.warm_up={warm_up}");
        let found = result(STORE, &[rate.as_str(), warm_up.as_str()]);
        let (flag, p50) = (total(&found, "saturated") > 0.0, total(&found, "latency_p50_ns"));
        assert_eq!(flag, saturated, "{rate} {warm_up}: half of the requests take at most {p50} ns");
    }
}
