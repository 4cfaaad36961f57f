//! What must not change a count: how many accesses are run at once, how far the engine looks ahead, and the vector
//! instructions that it uses.

#[path = "../benches/world.rs"]
mod world;

use terrace_addr::Access;
use terrace_mmu::{Counters, Vectors};
use world::World;

/// Hits, second-level hits, misses of all kinds.
fn accesses(world: &World) -> Vec<Access> {
    let mut accesses = world.mixed(20, 4_000, 1);
    accesses.extend(world.anywhere(4_000, 2));
    accesses.extend(world.within(21, 4_000, 3));
    accesses
}

fn counts(batch: usize, look_ahead: usize, vectors: Vectors, data_lines: bool) -> Counters {
    let mut world = World::new(14, data_lines, vectors);
    world.look_ahead(look_ahead);
    for batch in accesses(&world).chunks(batch) {
        world.run(batch);
    }
    world.counters()
}

#[test]
fn batches_looking_ahead_and_vectors_change_no_count() {
    for data_lines in [false, true] {
        let expected = counts(1, 1, Vectors::Portable, data_lines);
        assert!(
            expected.walks > 4_000
                && expected.stlb_hits > 1_000
                && (expected.data_references > 0) == data_lines
        );
        for vectors in Vectors::ALL.into_iter().filter(|vectors| vectors.is_available()) {
            for batch in [1, 7, 32, 256] {
                for look_ahead in [1, 7, 32, 256] {
                    let found = counts(batch, look_ahead, vectors, data_lines);
                    assert_eq!(found, expected, "{vectors}, batches of {batch}, {look_ahead} ahead");
                }
            }
        }
    }
}
