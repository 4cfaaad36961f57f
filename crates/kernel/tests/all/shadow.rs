//! Composed tables after random histories: shadow paging, and the extended page table of a guest hypervisor.

use crate::world;

use proptest::prelude::*;
use terrace_addr::AccessKind;
use terrace_policy::{AccessedOp, FlushScope, Placement};
use terrace_table::{Ept, Levels, X86};
use world::BLOCK;
use world::change::{Change, change, placement};
use world::composed::{Operation, World};
use world::owner::{Guest, GuestHypervisor, MEMORY};

fn operation() -> impl Strategy<Value = Operation> {
    let kind = prop::sample::select(AccessKind::ALL.to_vec());
    // Few pages of each block, so that they meet again.
    let page = || (0_u64..3, prop_oneof![0_u64..6, 0..BLOCK]).prop_map(|(block, page)| block * BLOCK + page);
    prop_oneof![
        10 => (page(), kind, placement(), placement())
            .prop_map(|(page, kind, upper, lower)| Operation::Access { page, kind, upper, lower }),
        4 => change().prop_map(Operation::Upper),
        1 => (page(), 1..BLOCK).prop_map(|(from, count)| Operation::UpperRenewed { from, count }),
        4 => change().prop_map(Operation::Lower),
        1 => (0..MEMORY, 1..BLOCK).prop_map(|(from, count)| Operation::LowerRenewed { from, count }),
        2 => Just(Operation::Synchronise),
        2 => page().prop_map(|page| Operation::SynchroniseAddress { page }),
        3 => look(),
    ]
}

fn look() -> impl Strategy<Value = Operation> {
    let op = prop::sample::select(vec![AccessedOp::Read, AccessedOp::ReadAndClear]);
    let flush = prop::sample::select(vec![FlushScope::None, FlushScope::Pages, FlushScope::Space]);
    (0..MEMORY / BLOCK, op, flush).prop_map(|(block, op, flush)| Operation::Look { block, op, flush })
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    prop::collection::vec(operation(), 1..80)
}

proptest! {
    #![proptest_config(world::config(64))]

    #[test]
    fn a_shadow_of_a_guests_table_is_the_composition(operations in operations()) {
        let mut world = World::new(Guest::new(), X86::new(Levels::Four));
        for operation in &operations {
            world.apply(operation);
        }
        world.apply(&Operation::Synchronise);
    }

    #[test]
    fn ept02_is_the_composition_of_ept12_and_the_hosts(operations in operations()) {
        let mut world = World::new(GuestHypervisor::new(), Ept::new(Levels::Four));
        for operation in &operations {
            world.apply(operation);
        }
        world.apply(&Operation::Synchronise);
    }
}

/// A page that its guest has moved is used where it is now: what the reverse map remembers of its old place says nothing.
#[test]
fn a_page_that_moved_above_is_not_used_where_it_was() {
    let mut world = World::new(Guest::new(), X86::new(Levels::Four));
    let touch = |world: &mut World<_, _, _, _>, page| {
        world.apply(&Operation::Access {
            page,
            kind: AccessKind::Store,
            upper: Placement::Default,
            lower: Placement::Default,
        });
    };
    let look = |world: &mut World<_, _, _, _>, op| {
        for block in 0..MEMORY / BLOCK {
            world.apply(&Operation::Look { block, op, flush: FlushScope::Pages });
        }
    };
    touch(&mut world, 0);
    // The page after it is backed where it goes to.
    touch(&mut world, 1);
    world.apply(&Operation::Upper(Change::Exchange { leaves: [0, 1] }));
    world.apply(&Operation::Synchronise);
    look(&mut world, AccessedOp::ReadAndClear);
    touch(&mut world, 0);
    look(&mut world, AccessedOp::Read);
}
