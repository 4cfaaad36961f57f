//! The page-modification log (Intel SDM vol. 3, "Page-modification logging").

use crate::world::{DATA, GUEST_DATA, Virtual, load, machine, store};
use terrace_addr::{Addr, PageSize};
use terrace_mmu::{Fault, Invalidation, Origin};
use terrace_table::LeafFlags;

const PAGE: u64 = 4096;

fn world(pages: u64, host_size: PageSize) -> Virtual {
    let mut machine = machine("");
    machine.paging.ept_accessed_dirty = true;
    let mut world = Virtual::new(&machine, PageSize::Size4K, host_size);
    for page in 1..pages {
        world.map_guest(DATA + page * PAGE, GUEST_DATA + page * PAGE, PageSize::Size4K);
        if host_size == PageSize::Size4K {
            world.map_host(GUEST_DATA + page * PAGE, host_size);
        }
    }
    world.mmu.keep_log(0, true);
    world
}

/// The table pages of the guest are written by the walk: they are logged too, once.
#[test]
fn a_first_store_is_logged_once_with_the_tables_that_its_walk_wrote() {
    let mut world = world(2, PageSize::Size4K);
    world.run(load(DATA)).unwrap();
    let tables = world.mmu.take_log(0);
    assert_eq!(tables.len(), 4, "each table page of the guest");
    assert_eq!(tables[0], world.stack.first.root());
    world.run(store(DATA + 0x123)).unwrap();
    world.run(store(DATA + 0x456)).unwrap();
    assert_eq!(world.mmu.take_log(0), [Addr::new(GUEST_DATA)]);
    let _removed = world.mmu.invalidate(0, Origin::Local, Invalidation::Everything);
    world.run(store(DATA)).unwrap();
    assert_eq!(world.mmu.take_log(0), [], "it is dirty already");
}

/// A large page is logged by the 4K page that was written; what is written later in it is not seen.
#[test]
fn a_large_page_is_logged_as_the_4k_page_that_was_written() {
    let mut world = world(3, PageSize::Size2M);
    world.run(load(DATA)).unwrap();
    world.mmu.take_log(0);
    world.run(store(DATA + 2 * PAGE)).unwrap();
    world.run(store(DATA + PAGE)).unwrap();
    assert_eq!(world.mmu.take_log(0), [Addr::new(GUEST_DATA + 2 * PAGE)]);
}

#[test]
fn a_full_log_exits_before_anything_is_set() {
    let mut world = world(600, PageSize::Size4K);
    let mut stored = 0;
    let full = loop {
        match world.run(store(DATA + stored * PAGE)) {
            Ok(_) => stored += 1,
            Err(fault) => break fault,
        }
    };
    // One more page table is reached on the way; 4 tables and it are in the log too.
    assert_eq!(full, Fault::LogFull { addr: Addr::new(GUEST_DATA + stored * PAGE) });
    let leaf = |world: &Virtual| world.stack.below.lookup(Addr::new(GUEST_DATA + stored * PAGE)).unwrap();
    assert!(!leaf(&world).flags.intersects(LeafFlags::ACCESSED | LeafFlags::DIRTY));
    let counts = world.counts();
    assert_eq!((counts.log_full_exits, counts.references), (1, stored));
    assert_eq!(world.mmu.take_log(0).len(), 512);
    // The same access goes through when the log is emptied, and counts once.
    world.run(store(DATA + stored * PAGE)).unwrap();
    assert_eq!(world.mmu.take_log(0), [Addr::new(GUEST_DATA + stored * PAGE)]);
    assert_eq!(world.counts().references, stored + 1);
    assert!(leaf(&world).flags.contains(LeafFlags::ACCESSED | LeafFlags::DIRTY));
}

#[test]
fn without_a_log_nothing_is_kept() {
    let mut world = world(600, PageSize::Size4K);
    world.mmu.keep_log(0, false);
    for page in 0..600 {
        world.run(store(DATA + page * PAGE)).unwrap();
    }
    assert_eq!(world.mmu.take_log(0), []);
}
