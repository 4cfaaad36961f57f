//! What is kept, at which size, and what that costs.

use crate::world::{DATA, FRAMES, GUEST_DATA, Native, Virtual, access, fetch, load, machine, store};
use terrace_addr::{AccessKind, Addr, Gva, PageSize};
use terrace_mmu::{Cause, Fault};
use terrace_table::LeafFlags;

/// A TLB entry covers no more than every dimension's leaf does ("splintering"; Intel SDM vol. 3, "Caching
/// translation information": combined mappings).
#[test]
fn guest_2m_on_host_4k_fills_4k_entries() {
    let mut world = Virtual::new(&machine(""), PageSize::Size2M, PageSize::Size4K);
    for page in 0..8 {
        world.run(load(DATA + page * 4096)).unwrap();
    }
    assert_eq!((world.counts().walks, world.counts().translations_4k), (8, 8));
}

#[test]
fn guest_4k_on_host_2m_fills_4k_entries() {
    let mut world = Virtual::new(&machine(""), PageSize::Size4K, PageSize::Size2M);
    world.map_guest(DATA + 4096, GUEST_DATA + 4096, PageSize::Size4K);
    for page in 0..2 {
        world.run(load(DATA + page * 4096)).unwrap();
    }
    assert_eq!((world.counts().walks, world.counts().translations_4k), (2, 2));
}

#[test]
fn guest_2m_on_host_2m_fills_one_2m_entry() {
    let mut world = Virtual::new(&machine(""), PageSize::Size2M, PageSize::Size2M);
    for page in 0..512 {
        let found = world.run(load(DATA + page * 4096 + 8)).unwrap();
        assert_eq!(found.addr, Addr::new(FRAMES + GUEST_DATA + page * 4096 + 8));
    }
    assert_eq!((world.counts().walks, world.counts().translations_2m), (1, 1));
}

/// Every address ends where both tables say, whatever the sizes.
#[test]
fn translations_compose_the_layers() {
    for guest in PageSize::ALL {
        for host in PageSize::ALL {
            let mut world = Virtual::new(&machine(""), guest, host);
            for offset in [0, 0xabc, guest.bytes().min(1 << 21) - 1] {
                for _ in 0..2 {
                    let found = world.run(access(AccessKind::Load, DATA + offset, 1)).unwrap();
                    assert_eq!(found.addr, Addr::new(FRAMES + GUEST_DATA + offset), "{guest} on {host}");
                }
            }
        }
    }
}

/// A size that an array does not hold is kept there in smaller pieces (Intel SDM vol. 3, "Caching translation
/// information": a processor may keep several entries for one large page).
#[test]
fn a_page_larger_than_an_array_holds_is_kept_in_pieces() {
    let mut machine = machine("");
    for array in machine.tlb.values_mut() {
        array.pages.truncate(2);
    }
    let mut world = Native::new(&machine).with_pages(1, PageSize::Size1G);
    for at in [DATA, DATA + (2 << 20), DATA + 4096] {
        world.run(load(at)).unwrap();
    }
    // Two pieces of 2M were walked for; the third access is in the first piece.
    assert_eq!((world.counts().walks, world.counts().translations_1g), (2, 2));
    assert_eq!(world.run(load(DATA + (2 << 20) + 5)).unwrap().addr, Addr::new(FRAMES + (2 << 20) + 5));
}

#[test]
fn an_access_that_crosses_a_page_is_looked_up_in_both() {
    let mut world = Native::new(&machine("")).with_pages(2, PageSize::Size4K);
    world.run(access(AccessKind::Load, DATA + 4092, 8)).unwrap();
    assert_eq!((world.counts().references, world.counts().accesses, world.counts().walks), (1, 2, 2));
}

#[test]
fn an_access_within_a_large_page_is_looked_up_once() {
    let mut world = Native::new(&machine("")).with_pages(1, PageSize::Size2M);
    world.run(access(AccessKind::Load, DATA + 4092, 8)).unwrap();
    assert_eq!((world.counts().references, world.counts().accesses), (1, 1));
}

#[test]
fn an_access_of_size_0_touches_one_byte() {
    let mut world = Native::new(&machine("")).with_pages(1, PageSize::Size4K);
    world.run(access(AccessKind::Load, DATA + 4095, 0)).unwrap();
    assert_eq!(world.counts().accesses, 1);
}

#[test]
fn instruction_and_data_tlbs_are_apart_and_share_the_second_level() {
    let mut world = Native::new(&machine("")).with_pages(1, PageSize::Size4K);
    for access in [fetch(DATA), load(DATA), store(DATA)] {
        world.run(access).unwrap();
    }
    let counts = world.counts();
    assert_eq!((counts.itlb_misses, counts.dtlb_misses), (1, 1));
    assert_eq!((counts.stlb_misses, counts.stlb_hits), (1, 1));
    assert_eq!(counts.stlb_cycles, 7);
    assert_eq!(counts.cycles, 7 + 4 * 100 + 4 * 100, "a walk for the fetch, another to set the dirty bit");
}

#[test]
fn an_absent_entry_is_a_page_fault_and_is_not_cached() {
    let mut world = Native::new(&machine("")).with_pages(1, PageSize::Size4K);
    let absent = DATA + 4096;
    let fault = Fault::Page { addr: Addr::<Gva>::new(absent), cause: Cause::NotPresent };
    assert_eq!(world.run(load(absent)), Err(fault));
    world.map(absent, FRAMES, PageSize::Size4K, LeafFlags::everything());
    assert_eq!(world.run(load(absent)).unwrap().addr, Addr::new(FRAMES));
    assert_eq!((world.counts().page_faults, world.counts().walks), (1, 2));
}

#[test]
fn an_absent_host_page_is_an_ept_violation_at_the_guest_physical_address() {
    let mut world = Virtual::new(&machine(""), PageSize::Size4K, PageSize::Size4K);
    world.map_guest(DATA + 4096, GUEST_DATA + (64 << 20), PageSize::Size4K);
    let addr = Addr::new(GUEST_DATA + (64 << 20) + 8);
    let fault = Fault::Extended { addr, kind: AccessKind::Load, cause: Cause::NotPresent };
    assert_eq!(world.run(load(DATA + 4096 + 8)), Err(fault));
    assert_eq!((world.counts().ept_violations, world.counts().page_faults), (1, 0));
}

#[test]
fn stores_and_fetches_need_permission() {
    let mut world = Native::new(&machine(""));
    world.map(DATA, FRAMES, PageSize::Size4K, LeafFlags::READ);
    let denied = Err(Fault::Page { addr: Addr::new(DATA), cause: Cause::Protection });
    assert!(world.run(load(DATA)).is_ok());
    assert_eq!(world.run(store(DATA)), denied);
    assert_eq!(world.run(fetch(DATA)), denied);
}

#[test]
fn an_address_beyond_the_levels_faults_without_a_lookup() {
    let mut world = Native::new(&machine(""));
    let beyond = 1 << 50;
    let fault = Fault::Page { addr: Addr::new(beyond), cause: Cause::NotPresent };
    assert_eq!(world.run(load(beyond)), Err(fault));
    let counts = world.counts();
    assert_eq!((counts.accesses, counts.dtlb_accesses, counts.walks, counts.page_faults), (1, 0, 0, 1));
}
