//! Modes and page sizes, compared on every kind of program.

use super::{results, total};

/// Programs in reduced form: name, size parameters, and whether their working set is beyond what 4K pages of the TLB
/// reach (1,536 entries: 6 MiB).
const PROGRAMS: [(&str, &[&str], bool); 12] = [
    ("gups", &["bytes=64 MiB"], true),
    ("gups-hot", &["bytes=64 MiB"], true),
    ("zipf-store", &["bytes=64 MiB"], true),
    ("scan", &["bytes=64 MiB"], true),
    ("chase", &["bytes=64 MiB"], true),
    ("btree", &["bytes=64 MiB"], true),
    ("graph", &["scale=16"], true),
    ("hash-join", &["bytes=64 MiB"], true),
    ("fft", &["bytes=64 MiB"], true),
    ("canneal", &["bytes=64 MiB"], true),
    ("hot-in-huge", &["bytes=64 MiB"], true),
    ("gups", &["bytes=1 MiB"], false),
];

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
const COSTS: [&str; 3] = ["stlb_cycles", "walk_guest_cycles", "walk_nested_cycles"];

/// With equal page sizes at every layer each layer more costs at least as much, strictly so where walks are frequent, and
/// strictly with the faults and exits that build the tables; and aligned huge pages take most of the walks away.
#[test]
fn native_at_most_virtual_at_most_nested_and_aligned_huge_pages_remove_most_of_the_walks() {
    for (program, parameters, beyond) in PROGRAMS {
        let overrides: Vec<_> =
            parameters.iter().map(|parameter| format!("vm.program.parameters.{parameter}")).collect();
        let overrides: Vec<_> = overrides.iter().map(String::as_str).collect();
        let found = results(&scenario(program), &overrides);
        let cost = |place: usize| {
            let result = &found[place];
            COSTS.iter().map(|name| total(result, name)).sum::<f64>() / total(result, "accesses")
        };
        let walked = |place: usize| {
            let result = &found[place];
            (total(result, "walk_guest_cycles") + total(result, "walk_nested_cycles"))
                / total(result, "accesses")
        };
        let walks = |place: usize| total(&found[place], "walks") / total(&found[place], "accesses");
        // In the order native, virtual, nested; base pages first.
        for pages in 0..2 {
            let [native, virtual_, nested] = [0, 2, 4].map(|place| cost(place + pages));
            assert!(native <= virtual_ + 0.01, "{program}: native {native} virtual {virtual_}");
            // The hardware walks the same two dimensions in both; only where the tables lie in caches differs.
            let slack = 0.05 + 0.1 * virtual_;
            assert!((nested - virtual_).abs() <= slack, "{program}: virtual {virtual_} nested {nested}");
            // Faults and exits included: the time from the start to the same point of the same work.
            let time = [0, 2, 4].map(|place| found[place + pages].simulated);
            assert!(time.is_sorted_by(|one, next| one < next), "{program}: {time:?}");
        }
        if beyond && walks(0) > 0.05 {
            assert!(cost(0) < cost(2), "{program}: native {} virtual {}", cost(0), cost(2));
            for place in [0, 2, 4] {
                let (base, huge) = (walks(place), walks(place + 1));
                assert!(huge < 0.5 * base, "{program}: walks {base} {huge}");
                assert!(walked(place + 1) <= 0.5 * walked(place) + 0.01, "{program}: cycles of walks");
            }
        }
    }
}
