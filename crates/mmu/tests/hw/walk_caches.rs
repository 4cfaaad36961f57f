//! Paging-structure caches and the nested TLB.

use crate::world::{DATA, GUEST_DATA, Native, Virtual, load, machine};
use terrace_addr::PageSize;

const PDE: &str = r#"
    [walk_cache.pde]
    level = 2
    entries = 2
    ways = 2
    replacement = "lru"
    source = "test"
"#;

const PDPTE: &str = r#"
    [walk_cache.pdpte]
    level = 3
    entries = 2
    ways = 2
    replacement = "lru"
    source = "test"
"#;

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// A native machine with one 4K page in each of some places; entries read so far after each load.
fn references(more: &str, places: &[u64]) -> Vec<u64> {
    let mut world = Native::new(&machine(more));
    let mut mapped: Vec<u64> = places.to_vec();
    mapped.sort_unstable();
    mapped.dedup();
    for (number, place) in (0..).zip(&mapped) {
        let flags = terrace_table::LeafFlags::everything();
        world.map(DATA + place, crate::world::FRAMES + number * 4096, PageSize::Size4K, flags);
    }
    // Nothing may hit in the TLBs: they are made to hold no 4K page.
    let read = |world: &mut Native, place: u64| {
        let before = world.counts().walk_references;
        let _removed = world.mmu.invalidate_translations_for_test(place);
        world.run(load(DATA + place)).unwrap();
        world.counts().walk_references - before
    };
    places.iter().map(|&place| read(&mut world, place)).collect()
}
