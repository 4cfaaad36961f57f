//! Paging-structure caches and the nested TLB.

use std::collections::BTreeSet;

use crate::world::{DATA, FRAMES, GUEST_DATA, Native, Virtual, load, machine};
use terrace_addr::PageSize;
use terrace_table::LeafFlags;

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

/// Entries read by one load at each of some places, each in a mapped 4K page of its own. The second-level TLB is
/// left out and the first holds instructions only, so that every load walks.
fn references(more: &str, places: &[u64]) -> Vec<u64> {
    let mut machine = machine(more);
    machine.tlb.retain(|name, _| name == "l1i");
    let mut world = Native::new(&machine);
    let mapped: BTreeSet<u64> = places.iter().map(|place| place >> 12).collect();
    for page in mapped {
        world.map(DATA + (page << 12), FRAMES + (page << 12), PageSize::Size4K, LeafFlags::everything());
    }
    let mut read = |place: u64| {
        let before = world.counts().walk_references;
        world.run(load(DATA + place)).unwrap();
        world.counts().walk_references - before
    };
    places.iter().map(|&place| read(place)).collect()
}

/// Intel SDM vol. 3, "Paging-structure caches": a walk may start below the entry that is cached.
#[test]
fn a_pde_that_is_cached_leaves_one_entry_to_read() {
    assert_eq!(references(PDE, &[0, 4096, 2 * MIB, 2 * MIB]), [4, 1, 4, 1]);
}

#[test]
fn the_deepest_cache_that_hits_is_used() {
    let both = [PDE, PDPTE].concat();
    assert_eq!(references(&both, &[0, 4096, 2 * MIB, GIB, GIB + 4096]), [4, 1, 2, 4, 1]);
}

#[test]
fn a_leaf_is_not_in_a_paging_structure_cache() {
    let mut machine = machine(PDE);
    machine.tlb.retain(|name, _| name == "l1i");
    let mut world = Native::new(&machine).with_pages(2, PageSize::Size2M);
    for _ in 0..3 {
        world.run(load(DATA)).unwrap();
    }
    assert_eq!((world.counts().walk_references, world.counts().walk_cache_hits), (9, 0));
}

/// A walk that a deeper cache serves still touches the entries above it: the rule of ChampSim's newer
/// releases, whose walker asks every cache. With caches of two entries, the third load keeps the first region's
/// PDPTE young although its PDE serves; so the fourth load gives up the second region's, and the last load still
/// finds the first region's.
#[test]
fn a_hit_at_a_deeper_level_keeps_the_levels_above_young() {
    let both = [PDE, PDPTE].concat();
    let loads = [0, GIB, 4096, 2 * GIB, 2 * MIB];
    assert_eq!(references(&both, &loads), [4, 4, 1, 4, 2]);
}

/// An entry that a walk passes is filled after those above it; one that was found is not filled again. So the
/// order of entries of one level is that of their last use, and the PDE of the first load is given up first.
#[test]
fn entries_are_refilled_in_the_order_of_use() {
    let loads = [0, 2 * MIB, 4096, 4 * MIB, 8192, 2 * MIB + 4096];
    assert_eq!(references(PDE, &loads), [4, 4, 1, 4, 1, 4]);
}

const NESTED: &str = r#"
    [nested_tlb.all]
    pages = ["4K", "2M", "1G"]
    entries = 16
    ways = 16
    replacement = "lru"
    source = "test"
"#;

/// What the guest's tables and data need of EPT is found without a walk once it is known.
#[test]
fn a_nested_tlb_saves_the_ept_part_of_later_walks() {
    let mut world = Virtual::new(&machine(NESTED), PageSize::Size4K, PageSize::Size4K);
    world.run(load(DATA)).unwrap();
    assert_eq!((world.counts().walk_references, world.counts().nested_tlb_misses), (24, 5));
    // The next page has the same tables: only its data is new to EPT.
    world.map_guest(DATA + 4096, GUEST_DATA + 4096, PageSize::Size4K);
    world.map_host(GUEST_DATA + 4096, PageSize::Size4K);
    world.run(load(DATA + 4096)).unwrap();
    assert_eq!((world.counts().walk_references, world.counts().nested_tlb_hits), (24 + 4 + 4, 4));
}

/// Combined entries know the final address of the next table: no part of EPT is walked for it.
#[test]
fn a_cached_pde_skips_the_ept_walks_above_it() {
    let mut world = Virtual::new(&machine(PDE), PageSize::Size4K, PageSize::Size4K);
    world.run(load(DATA)).unwrap();
    world.map_guest(DATA + 4096, GUEST_DATA + 4096, PageSize::Size4K);
    world.map_host(GUEST_DATA + 4096, PageSize::Size4K);
    world.run(load(DATA + 4096)).unwrap();
    assert_eq!(world.counts().walk_references, 24 + 1 + 4);
}
