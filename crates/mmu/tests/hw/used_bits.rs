//! Accessed and dirty bits (Intel SDM vol. 3, "Accessed and dirty flags" and "Accessed and dirty flags for EPT").

use crate::world::{DATA, FRAMES, GUEST_DATA, Native, Virtual, load, machine, store};
use terrace_addr::{AccessKind, Addr, Page, PageSize};
use terrace_mmu::{AsTheyAre, Cause, Fault, Intel, Invalidation, Origin};
use terrace_table::{Entry, LeafFlags, TableMemory};

const BOTH: LeafFlags = LeafFlags::ACCESSED.union(LeafFlags::DIRTY);

fn native_bits(world: &Native) -> LeafFlags {
    world.stack.first.lookup(Addr::new(DATA)).unwrap().flags & BOTH
}

#[test]
fn a_load_sets_accessed_and_a_store_dirty() {
    let mut world = Native::new(&machine("")).with_pages(1, PageSize::Size4K);
    world.run(load(DATA)).unwrap();
    assert_eq!(native_bits(&world), LeafFlags::ACCESSED);
    world.run(store(DATA)).unwrap();
    assert_eq!(native_bits(&world), BOTH);
}

#[test]
fn a_first_store_through_a_clean_entry_walks_again() {
    let mut world = Native::new(&machine("")).with_pages(1, PageSize::Size4K);
    world.run(load(DATA)).unwrap();
    for _ in 0..3 {
        world.run(store(DATA)).unwrap();
    }
    let counts = world.counts();
    assert_eq!((counts.walks, counts.stlb_misses, counts.upgrade_walks), (2, 1, 1));
}

/// More references in a batch than wait at most, none of them after a miss.
#[test]
fn first_stores_to_hundreds_of_cached_pages_walk_one_by_one() {
    let mut machine = machine("");
    machine.tlb.get_mut("l1d").unwrap().entries = 512;
    let mut world = Virtual::new(&machine, PageSize::Size4K, PageSize::Size4K);
    let pages: Vec<u64> = (0..320).map(|page| page << 12).collect();
    for page in &pages[1..] {
        world.map_guest(DATA + page, GUEST_DATA + page, PageSize::Size4K);
        world.map_host(GUEST_DATA + page, PageSize::Size4K);
    }
    for kind in [load, store] {
        let accesses: Vec<_> = pages.iter().map(|page| kind(DATA + page)).collect();
        world.mmu.run(0, &mut world.stack, &accesses, &mut AsTheyAre).unwrap();
    }
    let counts = world.counts();
    assert_eq!((counts.upgrade_walks, counts.walks, counts.walk_references), (320, 640, 640 * 24));
}

#[test]
fn walks_set_accessed_in_every_table() {
    let mut world = Native::new(&machine("")).with_pages(1, PageSize::Size4K);
    world.run(load(DATA)).unwrap();
    assert!(world.stack.first.path(Addr::new(DATA)).all(|step| step.entry.has(1 << 5)));
}

#[test]
fn a_cached_entry_hides_later_reads_until_it_is_flushed() {
    let mut world = Native::new(&machine("")).with_pages(1, PageSize::Size4K);
    world.run(load(DATA)).unwrap();
    let page = Page::containing(Addr::new(DATA), PageSize::Size4K);
    let (found, _stale) = world.stack.first.clear_used(page, LeafFlags::ACCESSED).unwrap();
    assert_eq!(found, LeafFlags::ACCESSED);
    world.run(load(DATA)).unwrap();
    assert_eq!(native_bits(&world), LeafFlags::empty(), "the TLB served the load");
    assert_eq!(
        world.mmu.invalidate(0, Origin::Local, Invalidation::Intel(Intel::Invlpg(Addr::new(DATA)))).removed,
        2
    );
    world.run(load(DATA)).unwrap();
    assert_eq!(native_bits(&world), LeafFlags::ACCESSED);
}

#[test]
fn with_bits_off_walks_write_nothing() {
    let mut machine = machine("");
    machine.paging.accessed_dirty = false;
    let mut world = Native::new(&machine).with_pages(1, PageSize::Size4K);
    for access in [load(DATA), store(DATA)] {
        world.run(access).unwrap();
    }
    assert_eq!(native_bits(&world), LeafFlags::empty());
    assert_eq!(world.counts().upgrade_walks, 0);
}

#[test]
fn with_ept_bits_on_reading_guest_tables_dirties_their_pages() {
    let mut machine = machine("");
    machine.paging.ept_accessed_dirty = true;
    let mut world = Virtual::new(&machine, PageSize::Size4K, PageSize::Size4K);
    world.run(load(DATA)).unwrap();
    let flags = |at| world.stack.below.lookup(Addr::new(at)).unwrap().flags & BOTH;
    assert_eq!(flags(world.stack.first.root().get()), BOTH);
    assert_eq!(flags(GUEST_DATA), LeafFlags::ACCESSED, "the data was only read");
}

#[test]
fn with_ept_bits_off_ept_is_not_written() {
    let mut world = Virtual::new(&machine(""), PageSize::Size4K, PageSize::Size4K);
    world.run(store(DATA)).unwrap();
    assert!(world.stack.below.all_leaves().all(|leaf| !leaf.flags.intersects(BOTH)));
}

/// A guest table in memory that EPT does not let the guest write. With EPT bits on, even a load's walk is a
/// violation; with them off, only a walk that must set a bit in it (Intel SDM vol. 3, "Accessed and dirty flags for
/// EPT").
#[test]
fn guest_tables_need_write_permission_in_ept_where_they_are_written() {
    for (ept_bits, already_accessed, works) in
        [(false, true, true), (false, false, false), (true, true, false)]
    {
        let mut machine = machine("");
        machine.paging.ept_accessed_dirty = ept_bits;
        let mut world = Virtual::new(&machine, PageSize::Size4K, PageSize::Size4K);
        if already_accessed {
            world.run(load(DATA)).unwrap();
            let _removed = world.mmu.invalidate(0, Origin::Local, Invalidation::Everything);
        }
        let root = Page::containing(world.stack.first.root(), PageSize::Size4K);
        let _stale = world.stack.below.protect(root, LeafFlags::READ | LeafFlags::EXECUTE).unwrap();
        let entry = world.stack.first.path(Addr::new(DATA)).next().unwrap().address;
        let violation = Fault::Extended { addr: entry, kind: AccessKind::Store, cause: Cause::Protection };
        assert_eq!(world.run(load(DATA)).err(), (!works).then_some(violation));
    }
}

#[test]
fn an_upper_entry_without_write_permission_forbids_stores_below() {
    let mut world = Native::new(&machine("")).with_pages(1, PageSize::Size4K);
    let step = world.stack.first.path(Addr::new(DATA)).nth(1).unwrap();
    world.stack.first.memory_mut().write(step.node, step.index, Entry(step.entry.0 & !2));
    assert!(world.run(load(DATA)).is_ok());
    assert!(world.run(store(DATA)).is_err());
    assert_eq!(world.run(load(DATA)).unwrap().addr, Addr::new(FRAMES));
}
