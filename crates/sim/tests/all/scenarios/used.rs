//! What a hypervisor's policy sees of its machines' uses: in every mode the pages that programs touch, and no others.

use std::collections::BTreeMap;
use std::sync::Mutex;

use terrace_addr::{Nanos, Span, Upper};
use terrace_machine::builtin;
use terrace_policy::{
    Abilities, AccessedOp, Budget, FlushScope, Layer, NextWake, ParameterError, Policy, Region, Role, System,
    Values,
};
use terrace_result::Outcome;
use terrace_sim::run::{Registry, Unwatched, run};

/// How many pages of its machine each layer saw used, millisecond by millisecond.
static SEEN: Mutex<BTreeMap<Role, Vec<usize>>> = Mutex::new(BTreeMap::new());

/// Asks every millisecond which pages were used since it asked last.
#[derive(Debug, Clone)]
struct Asks;

impl Policy for Asks {
    fn requires(&self) -> Abilities {
        Abilities::ACCESSED_BITS
    }

    fn tick(&mut self, layer: &mut dyn Layer, _: &mut Budget) -> NextWake {
        let mut spaces = Vec::new();
        let _charged = layer.spaces(&mut spaces).unwrap();
        let mut used = Vec::new();
        for space in spaces {
            let mut regions: Vec<Region> = Vec::new();
            let _charged = layer.regions(space, &mut regions).unwrap();
            for region in regions {
                let span: Span<Upper> = region.span;
                let (op, flush) = (AccessedOp::ReadAndClear, FlushScope::Space);
                let _charged = layer.accessed(space, span, op, flush, &mut used).unwrap();
            }
        }
        SEEN.lock().unwrap().entry(layer.role()).or_default().push(used.len());
        NextWake::At(Nanos::new(layer.now().get() + 1_000_000))
    }
}

#[expect(clippy::unnecessary_wraps, reason = "systems are built by functions of this type")]
fn build(_: Role, _: &Values) -> Result<Box<dyn Policy>, ParameterError> {
    Ok(Box::new(Asks))
}

const ASKS: System = System { name: "asks", summary: "Asks.", source: "this test", parameters: &[], build };

/// 16 of the 512 base pages of each of 8 blocks are hot.
const HOT: usize = 16 * 8;

const SCENARIO: &str = r#"
name = "used"
[time]
warm_up = "4 ms"
measure = "12 ms"
interval = "1 ms"
[guest]
system = "base-pages"
[hypervisor]
system = "asks"
[host]
system = "asks"
memory = "256 MiB"
[[vm]]
name = "first"
memory = "64 MiB"
[[vm.program]]
workload = "hot-in-huge"
[vm.program.parameters]
bytes = "16 MiB"
hot_pages = 16
[[vm]]
name = "second"
memory = "64 MiB"
[[vm.program]]
workload = "hot-in-huge"
[vm.program.parameters]
bytes = "16 MiB"
hot_pages = 16
[[sweep]]
name = "mode"
value = [
    { name = "virtual", set = { vm.mode = "2d" } },
    { name = "shadow", set = { vm.mode = "shadow" } },
    { name = "nested", set = { vm.mode = "nested" } },
]
"#;

#[test]
fn a_hypervisor_sees_what_its_machine_uses() {
    let systems = terrace_systems::registry().iter().copied().chain([ASKS]);
    let registry = Registry::new(systems);
    let runs = terrace_scenario::parse(SCENARIO, "test", &[], &registry.vocabulary()).unwrap();
    assert_eq!(runs.len(), 3);
    for one in &runs {
        SEEN.lock().unwrap().clear();
        let machine = builtin(&one.scenario.machine.name, &[]).unwrap();
        let found = run(one, &machine, &registry, &mut Unwatched).unwrap();
        assert_eq!(found.outcome, Outcome::Complete);
        let mode = one.scenario.vm[0].mode.as_str();
        assert!(one.scenario.vm.iter().all(|vm| vm.mode == mode));
        // A guest hypervisor has one machine, and the host two.
        let layers: &[(Role, usize)] =
            if mode == "nested" { &[(Role::Hypervisor, 1), (Role::Host, 2)] } else { &[(Role::Host, 2)] };
        for (layer, machines) in layers {
            let seen = SEEN.lock().unwrap()[layer].clone();
            // While it began it touched all 4,096 pages.
            assert!(seen.iter().sum::<usize>() > 4096, "{mode}: {layer} saw {seen:?}");
            // The tables that walks read are used, too, where walks go through them: one for each block, and four above.
            let tables = if mode == "shadow" { 0 } else { 8 + 4 };
            for &pages in &seen[seen.len() - 10..] {
                let all = machines * HOT..=machines * (HOT + tables);
                assert!(all.contains(&pages), "{mode}: {layer} saw {seen:?}");
            }
        }
    }
}
