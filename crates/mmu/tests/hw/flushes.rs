//! What invalidations remove (Intel SDM vol. 3, "Operations that invalidate TLBs and paging-structure caches" and
//! "Operations that invalidate cached mappings").

use crate::world::{DATA, FRAMES, Native, Virtual, load, machine, mmu};
use terrace_addr::{Addr, Page, PageSize};
use terrace_mmu::{Context, Intel, Invalidation, Origin};
use terrace_table::LeafFlags;

const PAGE: u64 = 4096;

/// Walks that loads of the first four pages start, after they were all cached and something happened.
fn walks_after(happens: impl FnOnce(&mut Native)) -> [u64; 4] {
    let mut world = Native::new(&machine(""));
    for page in 0..4 {
        let global = if page == 3 { LeafFlags::GLOBAL } else { LeafFlags::empty() };
        let flags = LeafFlags::everything() | global;
        world.map(DATA + page * PAGE, FRAMES + page * PAGE, PageSize::Size4K, flags);
        world.run(load(DATA + page * PAGE)).unwrap();
    }
    happens(&mut world);
    [0, 1, 2, 3].map(|page| {
        let before = world.counts().walks;
        world.run(load(DATA + page * PAGE)).unwrap();
        world.counts().walks - before
    })
}

#[test]
fn invlpg_removes_one_page_from_both_levels() {
    assert_eq!(walks_after(|_| {}), [0; 4]);
    let page = |at: u64| Invalidation::Intel(Intel::Invlpg(Addr::new(at)));
    assert_eq!(
        walks_after(|world| assert_eq!(world.mmu.invalidate(0, Origin::Local, page(DATA + 7)).removed, 2)),
        [1, 0, 0, 0]
    );
}

#[test]
fn invlpg_removes_global_pages_too() {
    let page = Invalidation::Intel(Intel::Invlpg(Addr::new(DATA + 3 * PAGE)));
    assert_eq!(
        walks_after(|world| assert_eq!(world.mmu.invalidate(0, Origin::Local, page).removed, 2)),
        [0, 0, 0, 1]
    );
}

#[test]
fn a_move_to_cr3_keeps_global_pages() {
    assert_eq!(
        walks_after(|world| assert_eq!(
            world
                .mmu
                .invalidate(0, Origin::Local, Invalidation::Intel(Intel::MovCr3 { pcid: 0, keep: false }))
                .removed,
            6
        )),
        [1, 1, 1, 0]
    );
}

#[test]
fn invalidating_all_leaves_nothing() {
    assert_eq!(
        walks_after(|world| assert_eq!(
            world.mmu.invalidate(0, Origin::Local, Invalidation::Everything).removed,
            8
        )),
        [1; 4]
    );
}

/// Translations of one PCID are not used under another, and are still there when it returns.
#[test]
fn a_change_of_context_without_a_flush_keeps_both_apart() {
    let other = Context { pcid: 5, ..Context::default() };
    // The global page is every address space's.
    assert_eq!(walks_after(|world| world.mmu.set_context(0, other)), [1, 1, 1, 0]);
    let there_and_back = |world: &mut Native| {
        world.mmu.set_context(0, other);
        world.mmu.set_context(0, Context::default());
    };
    assert_eq!(walks_after(there_and_back), [0; 4]);
}

#[test]
fn an_invalidation_reaches_its_own_core_only() {
    let all_on_core_1 = |world: &mut Native| {
        assert_eq!(world.mmu.invalidate(1, Origin::Local, Invalidation::Everything).removed, 0);
    };
    assert_eq!(walks_after(all_on_core_1), [0; 4]);
}

/// One INVLPG for a 2M page removes every 4K entry that stands for a part of it.
#[test]
fn invlpg_removes_all_pieces_of_a_splintered_page() {
    let mut world = Virtual::new(&machine(""), PageSize::Size2M, PageSize::Size4K);
    for page in 0..3 {
        world.run(load(DATA + page * PAGE)).unwrap();
    }
    let removed = world
        .mmu
        .invalidate(0, Origin::Local, Invalidation::Intel(Intel::Invlpg(Addr::new(DATA + 100 * PAGE))))
        .removed;
    assert_eq!(removed, 6, "three pages in two levels");
}

#[test]
fn invept_removes_what_its_root_made() {
    for (root, walks) in [(1, 2), (2, 1)] {
        let mut world = Virtual::new(&machine(""), PageSize::Size4K, PageSize::Size4K);
        world.mmu = mmu(&machine(""));
        world.mmu.set_context(0, Context { pcid: 0, vpid: 1, root: 1 });
        world.run(load(DATA)).unwrap();
        let _removed =
            world.mmu.invalidate(0, Origin::Local, Invalidation::Intel(Intel::InveptContext { root }));
        world.run(load(DATA)).unwrap();
        assert_eq!(world.counts().walks, walks);
    }
}

/// After a merge of 4K pages into 2M that forgot to flush, a store finds an old 4K entry that does not allow it;
/// it walks once and not for ever.
#[test]
fn an_upgrade_walk_replaces_a_smaller_stale_entry() {
    let mut world = Native::new(&machine("")).with_pages(512, PageSize::Size4K);
    world.run(load(DATA)).unwrap();
    let page = Page::containing(Addr::new(DATA), PageSize::Size2M);
    let _not_flushed = world.stack.first.merge(page, &mut world.frames).unwrap();
    for _ in 0..3 {
        world.run(crate::world::store(DATA)).unwrap();
    }
    assert_eq!(world.counts().upgrade_walks, 1);
}
