//! What a shoot-down does, and what it costs whom.

use terrace_addr::{Access, AccessKind, Addr, Cycles, Page, PageSize};
use terrace_machine::builtin;
use terrace_mmu::{Amd, Context, Invalidation, InvalidationKind, Invlpgb};
use terrace_sim::time::Charge;
use terrace_table::LeafFlags;

use super::world::{World, context, cycles, intel, invlpg, page};

/// The first interrupt arrives at 1300, the second at 1600. Virtual CPU 1 is behind and done at 1300 + 1310, 2 is ahead
/// and done at 50000 + 1310; by itself the initiator is done at 1000 + 600 + 260.
#[test]
fn the_initiator_waits_for_the_slowest_target() {
    for (ahead, expected) in [(50_000, 51_310), (0, 2_910), (1_500, 2_910), (1_700, 3_010)] {
        let mut world = World::new(&intel(), 10_000, 4);
        world.order.advance(0, cycles(1_000));
        world.order.advance(2, cycles(ahead));
        let done = world.shoot_down(0, &[2, 0, 1, 2], invlpg(0));
        assert_eq!(world.clocks(), [expected, 1_310, ahead + 1_310, 0]);
        let Charge { send, interrupt, flush, wait, .. } = done.initiator;
        assert_eq!([send, interrupt, flush, wait].map(Cycles::get), [600, 0, 260, expected - 1_860]);
        let targets: Vec<_> = done.targets.iter().map(|target| (target.vcpu, target.total().get())).collect();
        assert_eq!(targets, [(1, 1_310), (2, 1_310)]);
        let executed = [0, 1, 2, 3].map(|cpu| world.executed(cpu, InvalidationKind::Invlpg));
        assert_eq!(executed, [(1, 0), (0, 1), (0, 1), (0, 0)]);
    }
}

#[test]
fn an_initiator_alone_waits_for_nobody() {
    let mut world = World::new(&intel(), 10_000, 2);
    world.load(0, 7);
    assert_eq!(world.order.next_turn().unwrap().vcpu, 0);
    let done = world.shoot_down(0, &[0], invlpg(7));
    assert!(done.initiator.removed > 0 && done.targets.is_empty() && done.deferred.is_empty());
    assert_eq!(world.clocks(), [260, 0]);
    // A shoot-down ends the turn: the other has the smaller clock now.
    assert_eq!(world.order.next_turn().unwrap().vcpu, 1);
}

#[test]
fn a_deferred_flush_is_done_once_and_before_the_first_access() {
    let mut world = World::new(&intel(), 10_000, 2);
    for vcpu in [0, 1] {
        world.load(vcpu, 7);
        assert_eq!(world.load(vcpu, 7), Cycles::ZERO, "it is cached");
    }
    world.stop(1);
    let frame = Addr::new(5 << 32);
    let stale = world.stack.first.replace(
        Page::containing(page(7), PageSize::Size4K),
        frame,
        LeafFlags::everything(),
    );
    assert_eq!(stale.unwrap().stale_spans().len(), 1);
    for _ in 0..2 {
        let done = world.shoot_down(0, &[0, 1], invlpg(7));
        assert_eq!((done.targets.len(), done.deferred), (0, vec![1]));
        assert_eq!(done.initiator.wait, Cycles::ZERO, "nobody waits for one that does not run");
    }
    assert_eq!(world.order.pending(1), [invlpg(7)], "the same one is owed once");
    assert_eq!(world.executed(1, InvalidationKind::Invlpg), (0, 0));
    // The CPU ran something else in between: the flush is for the address space of the one that owes it.
    world.mmu.set_context(1, Context { pcid: 9, vpid: 9, root: 0 });

    let charge = world.run(1, 1);
    assert_eq!((charge.flush, charge.total()), (cycles(260), cycles(260)));
    assert!(charge.removed > 0);
    assert_eq!(world.executed(1, InvalidationKind::Invlpg), (0, 1));
    let access = Access { addr: page(7), size: 8, kind: AccessKind::Load };
    assert_eq!(world.mmu.access(1, &mut world.stack, access).unwrap().addr, frame);
    assert_eq!(world.walks(1), 2);

    world.stop(1);
    assert_eq!(world.run(1, 1).total(), Cycles::ZERO);
    assert_eq!(world.executed(1, InvalidationKind::Invlpg), (0, 1));
}

/// The interrupt goes to where it runs, and not to where it left entries.
#[test]
fn one_that_moves_uses_nothing_that_it_left_behind() {
    let mut world = World::new(&intel(), 10_000, 2);
    world.load(1, 7);
    world.stop(1);
    let charge = world.run(1, 3);
    assert_eq!((charge.total(), charge.removed), (cycles(789), 0));
    world.load(1, 7);
    assert!(world.shoot_down(0, &[1], invlpg(7)).targets[0].removed > 0);
    world.stop(1);
    let charge = world.run(1, 1);
    assert!(charge.removed > 0 && charge.flush == cycles(789));
    world.load(1, 7);
    assert_eq!(world.walks(1), 2, "it walks again");
    // Where it was last nothing can have become stale unseen.
    world.stop(1);
    assert_eq!(world.run(1, 1).total(), Cycles::ZERO);
}

/// AMD's broadcast reaches every CPU by itself: nobody is interrupted, nothing deferred.
#[test]
fn a_broadcast_interrupts_nobody() {
    let machine = builtin("zen4-9554", &[]).unwrap();
    let flush = &machine.cost.as_ref().unwrap().flush;
    let expected = cycles(flush.invlpgb.unwrap() + flush.tlbsync.unwrap());
    let mut world = World::new(&machine, 10_000, 3);
    world.load(1, 7);
    world.stop(2);
    let everything = Invlpgb {
        addresses: None,
        pcid: None,
        asid: Some(context(1).vpid),
        globals: true,
        final_only: false,
        nested: true,
        tce: false,
    };
    let done = world.shoot_down(0, &[0, 1, 2], Invalidation::Amd(Amd::Invlpgb(everything)));
    assert!(done.initiator.removed > 0);
    assert_eq!((done.initiator.flush, done.initiator.total()), (expected, expected));
    assert_eq!((done.targets.len(), done.deferred.len()), (0, 0));
    assert_eq!(world.clocks(), [expected.get(), 0, 0]);
    assert_eq!(world.executed(1, InvalidationKind::Invlpgb), (0, 1));
    assert_eq!(world.executed(0, InvalidationKind::Tlbsync), (1, 0));
    world.load(1, 7);
    assert_eq!(world.walks(1), 2);
}

#[test]
fn without_costs_invalidations_are_counted_and_take_no_time() {
    let mut machine = intel();
    machine.cost = None;
    let mut world = World::new(&machine, 10_000, 2);
    world.load(1, 7);
    let done = world.shoot_down(0, &[0, 1], invlpg(7));
    assert!(done.targets[0].removed > 0);
    assert_eq!(world.clocks(), [0, 0]);
    assert_eq!(world.executed(1, InvalidationKind::Invlpg), (0, 1));
}
