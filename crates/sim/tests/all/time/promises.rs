//! What the order promises whatever happens in it.

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use terrace_addr::{Cycles, convert};
use terrace_sim::time::Charge;

use super::world::{World, cycles, intel, invlpg};

/// What three virtual CPUs do: loads, and every now and then a shoot-down. Returned are who made which access when, and
/// what all counted.
fn play(quantum: u64, batch: usize) -> (Vec<(usize, u64, u64)>, Vec<u64>) {
    let mut world = World::new(&intel(), quantum, 3);
    let mut made = [0_u64; 3];
    let mut history = Vec::new();
    while let Some(turn) = world.order.next_turn() {
        let vcpu = turn.vcpu;
        if made[vcpu] == 300 {
            world.stop(vcpu);
            continue;
        }
        let mut passed = Cycles::ZERO;
        let mut flushes = false;
        for _ in 0..batch {
            let number = made[vcpu] * (convert::count(vcpu) + 3) * 7 % 64;
            history.push((vcpu, made[vcpu], world.order.clock(vcpu).get() + passed.get()));
            passed += world.load(vcpu, number) + cycles(10);
            made[vcpu] += 1;
            flushes = made[vcpu].is_multiple_of(17);
            if flushes || made[vcpu] == 300 || world.order.clock(vcpu) + passed >= turn.until {
                break;
            }
        }
        world.order.advance(vcpu, passed);
        if flushes {
            let done = world.shoot_down(vcpu, &[0, 1, 2], invlpg(made[vcpu] % 64));
            assert_eq!(done.initiator.vcpu, vcpu);
        }
    }
    let counts =
        (0..3).flat_map(|cpu| world.mmu.counters(cpu).iter().map(|(_, count)| count).collect::<Vec<_>>());
    (history, counts.chain(world.clocks()).collect())
}

#[test]
fn order_and_results_do_not_depend_on_batches() {
    for quantum in [1, 50, 1_000, 1_000_000] {
        let expected = play(quantum, 1);
        assert_eq!(expected.0.len(), 900);
        for batch in [2, 7, 32, 10_000] {
            assert_eq!(play(quantum, batch), expected, "quantum {quantum}, batches of {batch}");
        }
    }
    assert_ne!(play(50, 1).0, play(1_000, 1).0, "the quantum is part of the model");
}

#[derive(Debug, Clone)]
enum Deed {
    Advance(usize, u64),
    Load(usize, u64),
    Run(usize, usize, u64),
    Stop(usize),
    ShootDown(usize, Vec<usize>, u64),
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let vcpu = || 0..4_usize;
    let deed = prop_oneof![
        (vcpu(), 0..5_000_u64).prop_map(|(vcpu, cycles)| Deed::Advance(vcpu, cycles)),
        (vcpu(), 0..64_u64).prop_map(|(vcpu, number)| Deed::Load(vcpu, number)),
        (vcpu(), vcpu(), 0..20_000_u64).prop_map(|(vcpu, cpu, at)| Deed::Run(vcpu, cpu, at)),
        vcpu().prop_map(Deed::Stop),
        (vcpu(), proptest::collection::vec(vcpu(), 0..6), 0..64_u64)
            .prop_map(|(initiator, targets, number)| Deed::ShootDown(initiator, targets, number)),
    ];
    proptest::collection::vec(deed, 0..60)
}

/// Does it, and says what was charged to whom.
fn perform(world: &mut World, deed: &Deed) -> Vec<Charge> {
    let World { mmu, order, .. } = world;
    match *deed {
        Deed::Advance(vcpu, count) => order.advance(vcpu, cycles(count)),
        Deed::Load(vcpu, number) => {
            if order.cpu(vcpu).is_some() {
                world.load(vcpu, number);
            }
        }
        Deed::Run(vcpu, cpu, at) => return order.run(mmu, vcpu, cpu, cycles(at)).into_iter().collect(),
        Deed::Stop(vcpu) => {
            order.stop(mmu, vcpu).ok();
        }
        Deed::ShootDown(initiator, ref targets, number) => {
            if let Ok(done) = order.shoot_down(mmu, initiator, targets, invlpg(number)) {
                let mut charges = done.targets;
                charges.push(done.initiator);
                return charges;
            }
        }
    }
    Vec::new()
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::with_cases(300)
    })]

    /// Clocks advance by what is charged, and by nothing else.
    #[test]
    fn no_clock_runs_backwards_and_every_cycle_is_charged(deeds in deeds()) {
        let mut world = World::new(&intel(), 1_000, 4);
        for deed in &deeds {
            let before = world.clocks();
            let charges = perform(&mut world, deed);
            for (vcpu, (before, after)) in before.into_iter().zip(world.clocks()).enumerate() {
                let charged = charges.iter().find(|charge| charge.vcpu == vcpu);
                let charged = charged.map_or(0, |charge| charge.total().get());
                let start = match *deed {
                    Deed::Advance(who, cycles) if who == vcpu => before + cycles,
                    Deed::Run(who, _, at) if who == vcpu && !charges.is_empty() => before.max(at),
                    _ => before,
                };
                prop_assert_eq!(after, start + charged, "{:?}", deed);
            }
        }
    }

    /// How targets are listed does not matter, nor does asking again whose turn it is.
    #[test]
    fn equal_inputs_in_another_order_give_the_same(deeds in deeds(), turn in 0..6_usize) {
        let mut worlds = [World::new(&intel(), 1_000, 4), World::new(&intel(), 1_000, 4)];
        for deed in &deeds {
            let mut turned = deed.clone();
            if let Deed::ShootDown(_, targets, _) = &mut turned {
                let length = targets.len();
                targets.rotate_left(turn % length.max(1));
                targets.extend_from_within(..length.min(turn));
            }
            let [one, other] = &mut worlds;
            prop_assert_eq!(perform(one, deed), perform(other, &turned));
            other.order.next_turn();
            prop_assert_eq!(one.order.next_turn(), other.order.next_turn());
            prop_assert_eq!(one.clocks(), other.clocks());
        }
        for cpu in 0..4 {
            let [one, other] = &worlds;
            prop_assert_eq!(one.mmu.counters(cpu), other.mmu.counters(cpu));
            prop_assert_eq!(one.mmu.invalidations(cpu), other.mmu.invalidations(cpu));
        }
    }
}
