//! Who runs next.

use terrace_addr::Cycles;
use terrace_mmu::InvalidationKind;
use terrace_sim::time::{OrderError, Turn};

use super::world::{World, cycles, intel, invlpg};

#[test]
fn the_smallest_clock_runs_for_a_quantum_and_the_smaller_id_of_equal_ones() {
    let mut order = World::new(&intel(), 100, 3).order;
    assert_eq!(order.next_turn(), Some(Turn { vcpu: 0, cpu: 0, until: cycles(100) }));
    order.advance(0, cycles(99));
    assert_eq!(order.next_turn().unwrap().vcpu, 0, "its turn is not over");
    order.advance(0, cycles(8));
    assert_eq!(order.next_turn(), Some(Turn { vcpu: 1, cpu: 1, until: cycles(100) }));
    order.advance(1, cycles(100));
    order.advance(2, cycles(103));
    assert_eq!(order.next_turn(), Some(Turn { vcpu: 1, cpu: 1, until: cycles(200) }));
    order.advance(1, cycles(107));
    assert_eq!(order.next_turn(), Some(Turn { vcpu: 2, cpu: 2, until: cycles(203) }));
}

#[test]
fn one_that_stops_has_no_turn() {
    let mut world = World::new(&intel(), 100, 2);
    assert_eq!(world.order.next_turn().unwrap().vcpu, 0);
    world.stop(0);
    assert_eq!(world.order.next_turn().unwrap().vcpu, 1);
    world.stop(1);
    assert_eq!(world.order.next_turn(), None);
    // It begins where it left off, or when it is let run, whichever is later.
    world.order.advance(0, cycles(50));
    for (vcpu, expected) in [(0, 50), (1, 40)] {
        assert_eq!(world.order.run(&mut world.mmu, vcpu, vcpu, cycles(40)).unwrap().total(), Cycles::ZERO);
        assert_eq!(world.order.clock(vcpu), cycles(expected));
    }
}

#[test]
fn what_cannot_be_is_refused_and_changes_nothing() {
    let mut world = World::new(&intel(), 100, 3);
    let World { mmu, order, .. } = &mut world;
    let running = OrderError::Running { vcpu: 1, cpu: 1 };
    assert_eq!(order.run(mmu, 1, 5, Cycles::ZERO), Err(running));
    order.stop(mmu, 1).unwrap();
    let occupied = OrderError::Occupied { cpu: 2, by: 2, vcpu: 1 };
    assert_eq!(order.run(mmu, 1, 2, Cycles::ZERO), Err(occupied));
    assert_eq!(
        occupied.to_string(),
        "CPU 2: found virtual CPU 2 running there; stop it before virtual CPU 1 runs there"
    );
    assert_eq!(order.stop(mmu, 1), Err(OrderError::NotRunning { vcpu: 1 }));
    let refused = order.shoot_down(mmu, 1, &[0, 2], invlpg(0));
    assert_eq!(refused, Err(OrderError::NotRunning { vcpu: 1 }));
    assert_eq!((world.clocks(), world.executed(0, InvalidationKind::Invlpg)), (vec![0; 3], (0, 0)));
}
