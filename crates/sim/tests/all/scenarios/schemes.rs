//! Schemes of translation side by side: what each promises of its walks.

use terrace_result::RunResult;
use terrace_sim::scenarios::BUILTIN_SCENARIOS;

use super::{one, registry, runs, total};

/// The built-in scenario with random updates of more memory than the caches of upper levels reach.
fn schemes() -> Vec<(String, RunResult)> {
    let scenario = BUILTIN_SCENARIOS.iter().find(|found| found.file.name == "translation-schemes").unwrap();
    let small = [
        "host.memory=1 GiB",
        "vm.memory=512 MiB",
        "vm.program.0.parameters.bytes=192 MiB",
        "time.measure=2 ms",
    ];
    let overrides: Vec<_> = scenario.reduced.iter().copied().chain(small).collect();
    let all = runs(scenario.file.text, &overrides);
    let updates = all.into_iter().filter(|run| run.labels[0].1 == "updates");
    let registry = registry();
    updates.map(|run| (run.labels[1].1.clone(), one(&run, &registry))).collect()
}

#[test]
fn schemes_keep_what_they_promise() {
    let found = schemes();
    let of = |scheme: &str, metric: &str| {
        let (_, result) = found.iter().find(|(name, _)| name == scheme).unwrap_or_else(|| panic!("{scheme}"));
        total(result, metric)
    };
    let walks = |scheme| of(scheme, "walks") / of(scheme, "accesses");
    let read = |scheme| of(scheme, "references_per_walk");
    // Both dimensions direct, or the only one: no walk of the large region is left.
    for scheme in ["native-direct", "dual-direct"] {
        assert!(walks(scheme) < 0.001, "{scheme}: {}", walks(scheme));
        assert!(of(scheme, "direct_translations") > 0.0);
    }
    // A direct segment of the guest leaves EPT's entries, one of the host the guest's: as many as natively.
    assert!(of("guest-direct", "walk_guest_references") < 0.001 * of("guest-direct", "walks"));
    assert!(of("vmm-direct", "walk_nested_references").abs() < 0.5);
    assert!((read("vmm-direct") - read("native")).abs() < 1e-9);
    // The more is composed, the less is read; without caches the most.
    let order = ["shadow", "agile-1", "ept", "nested-caches-none"].map(read);
    assert!(order.windows(2).all(|pair| pair[0] < pair[1]), "{order:?}");
    assert!(read("agile-2") < read("ept") + 0.01);
    // Prefetches read no less, and wait less.
    assert!(of("prefetch", "prefetch_references") > 0.0);
    assert!((read("prefetch") - read("ept")).abs() < 0.01);
    assert!(of("prefetch", "cycles_per_walk") < of("ept", "cycles_per_walk"));
    // The third level holds all that walks have found.
    assert!(walks("third-level") < 0.01 && of("third-level", "third_level_hits") > 0.0);
}
