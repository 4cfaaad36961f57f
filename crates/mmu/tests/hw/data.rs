//! Data lines in the caches, and the memory nodes behind them.

use crate::world::{DATA, FRAMES, Native, access, load, machine};
use terrace_addr::{AccessKind, Addr, PageSize};
use terrace_machine::Machine;
use terrace_mmu::{Layout, Mmu, NodeReferences};

fn with_caches() -> Machine {
    machine(
        r#"
        [cache.l1i]
        level = 1
        serves = ["fetch"]
        size = "8 KiB"
        ways = 4
        slices = 1
        shared_by = "core"
        replacement = "lru"
        latency = 3
        source = "test"
        [cache.l1d]
        level = 1
        serves = ["load", "store"]
        size = "8 KiB"
        ways = 4
        slices = 1
        shared_by = "core"
        replacement = "lru"
        latency = 4
        source = "test"
        [cache.l2]
        level = 2
        size = "16 KiB"
        ways = 8
        slices = 1
        shared_by = "socket"
        replacement = "lru"
        latency = 12
        source = "test"
        [memory.far]
        kind = "dram"
        size = "64 GiB"
        latency = "300 ns"
        bandwidth = "unlimited"
        source = "test"
        "#,
    )
}

fn world() -> Native {
    let mut world = Native::new(&with_caches()).with_pages(64, PageSize::Size4K);
    world.mmu.set_data_lines(true);
    world
}

/// Data references by level: first, second, memory.
fn data(world: &Native) -> [u64; 3] {
    let counts = world.counts();
    assert_eq!(counts.data_references_l3, 0);
    let levels = [counts.data_references_l1, counts.data_references_l2, counts.data_references_memory];
    assert_eq!(levels.iter().sum::<u64>(), counts.data_references);
    levels
}

#[test]
fn a_line_is_in_memory_first_and_then_near() {
    let mut world = world();
    world.run(load(DATA)).unwrap();
    assert_eq!(data(&world), [0, 0, 1]);
    world.run(load(DATA + 56)).unwrap();
    assert_eq!(data(&world), [1, 0, 1]);
    // Four more lines of its set push it out; the second level still has it.
    for line in 1..=4 {
        world.run(load(DATA + line * 2048)).unwrap();
    }
    let before = data(&world);
    world.run(load(DATA)).unwrap();
    assert_eq!(data(&world), [before[0], before[1] + 1, before[2]]);
    assert_eq!(world.counts().data_cycles, 100 * 5 + 4 + 12);
}

#[test]
fn fetches_have_a_first_level_of_their_own() {
    let mut world = world();
    world.run(load(DATA)).unwrap();
    world.run(access(AccessKind::Fetch, DATA, 4)).unwrap();
    assert_eq!(data(&world), [0, 1, 1], "the second level has it from the load");
    world.run(access(AccessKind::Fetch, DATA, 4)).unwrap();
    assert_eq!(data(&world), [1, 1, 1]);
}

#[test]
fn an_access_refers_to_every_line_that_it_touches() {
    let mut world = world();
    world.run(access(AccessKind::Load, DATA + 60, 8)).unwrap();
    assert_eq!(world.counts().data_references, 2);
    // 200 bytes from the last 8 of a page on: one line there, three and a half beyond.
    world.run(access(AccessKind::Load, DATA + 4088, 200)).unwrap();
    assert_eq!(world.counts().data_references, 2 + 1 + 3);
    world.run(access(AccessKind::Load, DATA + 128, 0)).unwrap();
    assert_eq!(world.counts().data_references, 2 + 1 + 3 + 1, "a size of 0 is one byte");
}

#[test]
fn data_pushes_table_lines_out() {
    let walk_from_memory = |data_lines: bool| {
        let mut world = world();
        world.mmu.set_data_lines(data_lines);
        world.run(load(DATA)).unwrap();
        // Twice what the larger level holds, and once more when nothing of it is walked for any longer.
        for line in (0..512).chain(0..512) {
            world.run(load(DATA + 0x1000 + line * 64)).unwrap();
        }
        let before = world.counts().walk_references_memory;
        let _removed =
            world.mmu.invalidate(0, terrace_mmu::Origin::Local, terrace_mmu::Invalidation::Everything);
        world.run(load(DATA)).unwrap();
        world.counts().walk_references_memory - before
    };
    assert_eq!(walk_from_memory(false), 0);
    assert_eq!(walk_from_memory(true), 4);
}

#[test]
fn each_node_serves_its_part_of_memory() {
    let mut world = world();
    // Tables lie below 1 TiB, in the near node; data from there on in the far one.
    let layout = Layout::new(vec![(Addr::new(FRAMES), 0), (Addr::new(1 << 42), 1)]);
    world.mmu = Mmu::new(&with_caches(), 1, &layout).unwrap();
    world.mmu.set_data_lines(true);
    world.run(load(DATA)).unwrap();
    let [near, far] = world.mmu.node_references(0)[..] else { panic!("two nodes") };
    assert_eq!(near, NodeReferences { table: 4, data: 0 });
    assert_eq!(far, NodeReferences { table: 0, data: 1 });
    let counts = world.counts();
    assert_eq!((counts.walk_cycles, counts.data_cycles), (400, 300));
    assert!(
        Mmu::new(&with_caches(), 1, &Layout::new(vec![(Addr::new(1 << 42), 2)])).is_err(),
        "no third node"
    );
}
