use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use terrace_addr::Cycles;
use terrace_machine::{Machine, builtin};
use terrace_mmu::NodeReferences;

use super::*;

/// Two walkers, a window of 48 cycles, first-level hits of 4.
fn broadwell() -> Machine {
    builtin("broadwell-e5-2620v4", &[]).unwrap()
}

fn program(core_cycles: f64, parallelism: f64) -> Program {
    Program::new(core_cycles, parallelism).unwrap()
}

/// The parts as numbers to compare: exact, and never −0.
fn bits(parts: Parts) -> [u64; 4] {
    [parts.core, parts.data, parts.translation, parts.serial].map(f64::to_bits)
}

fn assert_parts(found: Parts, [core, data, translation, serial]: [f64; 4]) {
    assert_eq!(bits(found), bits(Parts { core, data, translation, serial }), "{found:?}");
}

fn interval() -> Interval {
    Interval {
        accesses: 100,
        stlb_hits: 10,
        stlb_cycles: 70,
        walks: 5,
        walk_cycles: 1000,
        data_references: 100,
        data_cycles: 100 * 4 + 600,
        serial: Cycles::new(1234),
        ..Interval::default()
    }
}

#[test]
fn parts_are_those_of_the_model() {
    let model = CoreModel::new(&broadwell());
    let time = model.time(program(2.0, 4.0), &interval());
    assert_parts(time.additive, [200.0, 600.0, 1070.0, 1234.0]);
    // The window hides 48 × 3/4 = 36 cycles of each: all of an STLB hit's 7, and of a walk's 200 ÷ 2 walkers.
    assert_parts(time.modelled, [200.0, 150.0, 5.0 * (200.0 / 2.0 - 36.0), 1234.0]);
    assert_eq!(time.modelled.total().to_bits(), f64::to_bits(200.0 + 150.0 + 320.0 + 1234.0));
    // Parallelism below the number of walkers limits them: 200 ÷ 1.5, less 48 × 1/3.
    let time = model.time(program(2.0, 1.5), &Interval { walk_cycles: 1500, ..interval() });
    assert_parts(time.modelled, [200.0, 400.0, 5.0 * (300.0 / 1.5 - 16.0), 1234.0]);
    // A window longer than a walk hides all of it, and no more.
    let time = model.time(program(2.0, 4.0), &Interval { walk_cycles: 300, ..interval() });
    assert_parts(time.modelled, [200.0, 150.0, 0.0, 1234.0]);
}

#[test]
fn a_wait_at_a_node_lengthens_its_references() {
    let model = CoreModel::new(&broadwell());
    let nodes = vec![NodeReferences { table: 2, data: 3 }, NodeReferences::default()];
    let loaded = Interval { nodes, ..interval() };
    let wait = |node| if node == 0 { 20.0 } else { f64::INFINITY };
    let time = model.time_with(program(2.0, 1.0), &loaded, wait);
    assert_parts(time.modelled, [200.0, 660.0, 1110.0, 1234.0]);
    assert_parts(time.additive, [200.0, 660.0, 1110.0, 1234.0]);
}

#[test]
fn first_level_hits_are_core_cycles() {
    let model = CoreModel::new(&broadwell());
    let hits = Interval { data_references: 1000, data_cycles: 4000, ..Interval::default() };
    assert_parts(model.time(program(0.0, 1.0), &hits).additive, [0.0; 4]);
    // Without a first level all of it is stall.
    let mut none = broadwell();
    none.cache.clear();
    assert_parts(CoreModel::new(&none).time(program(0.0, 1.0), &hits).additive, [0.0, 4000.0, 0.0, 0.0]);
}

#[test]
fn a_machine_without_a_core_hides_nothing_of_a_translation() {
    let mut machine = broadwell();
    machine.core = None;
    let time = CoreModel::new(&machine).time(program(2.0, 8.0), &interval());
    assert_parts(time.modelled, [200.0, 75.0, 1070.0, 1234.0]);
}

fn any_interval() -> impl Strategy<Value = Interval> {
    let count = || prop_oneof![Just(0), 0..200_u64, 0..1_u64 << 30];
    (count(), count(), 0..100_u64, count(), 0..2000_u64, count(), 0..2000_u64, count()).prop_map(
        |(accesses, stlb_hits, hit, walks, walk, lines, line, serial)| Interval {
            accesses,
            stlb_hits,
            stlb_cycles: stlb_hits * hit,
            walks,
            walk_cycles: walks * walk,
            data_references: lines,
            data_cycles: lines * (4 + line),
            serial: Cycles::new(serial),
            ..Interval::default()
        },
    )
}

fn any_model() -> impl Strategy<Value = CoreModel> {
    (1..8_u32, 0..200_u32).prop_map(|(walkers, window)| CoreModel {
        walkers: walkers.into(),
        window: window.into(),
        first_level: 4,
    })
}

fn any_parallelism() -> impl Strategy<Value = f64> {
    prop_oneof![Just(1.0), 1.0..1.1, 1.0..20.0]
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::with_cases(2000)
    })]

    /// What the MMU counts as translation time is what a pointer chase pays, to the cycle.
    #[test]
    fn a_pointer_chase_hides_nothing(model in any_model(), interval in any_interval(), core in 0.0..100.0) {
        let time = model.time(Program::pointer_chase(core).unwrap(), &interval);
        prop_assert_eq!(bits(time.modelled), bits(time.additive));
        let counted = number(interval.stlb_cycles + interval.walk_cycles);
        prop_assert_eq!(time.modelled.translation.to_bits(), counted.to_bits());
    }

    #[test]
    fn no_part_is_negative_or_more_than_the_plain_sum(
        model in any_model(),
        interval in any_interval(),
        core in 0.0..100.0,
        parallelism in any_parallelism(),
    ) {
        let CoreTime { modelled, additive } = model.time(program(core, parallelism), &interval);
        for (part, most) in [
            (modelled.core, additive.core),
            (modelled.data, additive.data),
            (modelled.translation, additive.translation),
            (modelled.serial, additive.serial),
            (modelled.total(), additive.total()),
        ] {
            prop_assert!(0.0 <= part && part <= most, "{} of {}", part, most);
        }
    }

    #[test]
    fn more_to_hide_behind_never_makes_it_longer(
        model in any_model(),
        interval in any_interval(),
        core in 0.0..100.0,
        parallelism in any_parallelism(),
        (walkers, window, more) in (0..4_u32, 0..50_u32, 0.0..4.0),
    ) {
        let base = model.time(program(core, parallelism), &interval).modelled;
        let with_walkers = CoreModel { walkers: model.walkers + f64::from(walkers), ..model };
        let with_window = CoreModel { window: model.window + f64::from(window), ..model };
        for (model, parallelism) in
            [(with_walkers, parallelism), (with_window, parallelism), (model, parallelism + more)]
        {
            let better = model.time(program(core, parallelism), &interval).modelled;
            prop_assert!(better.translation <= base.translation, "{} > {}", better.translation, base.translation);
            prop_assert!(better.data <= base.data && better.total() <= base.total());
        }
    }
}
