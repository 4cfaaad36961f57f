//! A guest in a segment. Its tables are at [`Segmented::TABLES`] and the next three pages.

use terrace_addr::PageSize::{self, Size1G, Size2M, Size4K};
use terrace_table::Levels::{Five, Four};

use super::*;

const BASE: u64 = 1 << 40;
const DATA: u64 = 0x10_0000;

fn outside(gpa: u64) -> Result<Translation, Fault> {
    Err(Fault::Segment { addr: Addr::new(gpa) })
}

/// A guest of 4 levels with one page at 0.
fn guest(base: u64, size: u64, data: u64, page: PageSize) -> Segmented {
    let mut guest = Segmented::new(Four, base, size);
    guest.map(0, data, page);
    guest
}

#[test]
fn a_walk_reads_the_guests_entries_only() {
    for (levels, page, references) in
        [(Four, Size4K, 4), (Four, Size2M, 3), (Four, Size1G, 2), (Five, Size4K, 5), (Five, Size1G, 3)]
    {
        let mut guest = Segmented::new(levels, BASE, 4 << 30);
        guest.map(0, 1 << 30, page);
        let mut oracle = One::new("");
        assert_eq!(oracle.load(&mut guest.tables(), 0x123), Ok(to(BASE + (1 << 30) + 0x123, page)));
        let names = ["walk_references", "nested_references", "nested_tlb_hits", "nested_tlb_misses"];
        assert_eq!(oracle.counts(names), [references, 0, 0, 0]);
    }
}

#[test]
fn entries_are_read_behind_the_base() {
    // The node begins with the segment.
    let machine = machine(nodes::FAR);
    let mut oracle = Oracle::new(&machine, 0, &[(Addr::new(BASE), 0), (Addr::new(2 * BASE), 1)]);
    let mut guest = guest(BASE, DATA + 0x1000, DATA, Size4K);
    oracle.access(0, TAG, &mut guest.tables(), access(0, 8, AccessKind::Load)).unwrap();
    assert_eq!(oracle.node_references(0), [(0, 0), (4, 0)]);
}

#[test]
fn data_lies_inside_up_to_the_last_byte() {
    for (page, data) in [(Size4K, DATA), (Size2M, 1 << 21), (Size1G, 1 << 30)] {
        let end = data + page.bytes();
        for (size, is_inside) in [(end + 1, true), (end, true), (end - 1, false), (data + 8, false)] {
            let mut oracle = One::new("");
            let found = oracle.load(&mut guest(BASE, size, data, page).tables(), 8);
            let expected = if is_inside { Ok(to(BASE + data + 8, page)) } else { outside(data + 8) };
            assert_eq!(found, expected, "{page} in {size:#x} bytes");
            assert_eq!(oracle.count("segment_violations"), u64::from(!is_inside));
        }
    }
}

#[test]
fn a_page_larger_than_the_segment_lies_outside() {
    // The tables lie inside, the page at 0 does not.
    for size in [0x20_0000 - 1, 0x10_0000] {
        let mut guest = guest(BASE, size, 0, Size2M);
        assert_eq!(One::new("").load(&mut guest.tables(), 8), outside(8));
    }
    let mut guest = guest(BASE, 0x20_0000, 0, Size2M);
    assert_eq!(One::new("").load(&mut guest.tables(), 8), Ok(to(BASE + 8, Size2M)));
}

#[test]
fn a_table_that_lies_outside_is_not_read() {
    // By entry 3 of the root. The last size holds the root, and not the next table.
    let root_end = Segmented::TABLES + 0x1000;
    for (size, references) in [(0, 0), (1, 0), (0xfff, 0), (0x1000, 0), (root_end - 1, 0), (root_end, 1)] {
        let va = 3 << 39;
        let mut guest = Segmented::new(Four, BASE, size);
        guest.map(va, DATA, Size4K);
        let mut oracle = One::new("");
        let addr = if references == 0 { Segmented::TABLES + 3 * 8 } else { root_end };
        assert_eq!(oracle.load(&mut guest.tables(), va), outside(addr), "{size:#x} bytes");
        let names = ["walk_references", "segment_violations", "page_faults"];
        assert_eq!(oracle.counts(names), [references, 1, 0]);
    }
}

#[test]
fn the_highest_addresses_do_not_overflow() {
    const LAST: u64 = (1 << 52) - 0x1000;
    let mut high = guest(BASE, 1 << 30, LAST, Size4K);
    assert_eq!(One::new("").load(&mut high.tables(), 8), outside(LAST + 8));
    // A segment as large as can be written holds every page of memory that starts at 0.
    let mut all = guest(0, u64::MAX, LAST, Size4K);
    assert_eq!(One::new("").load(&mut all.tables(), 8), Ok(to(LAST + 8, Size4K)));
}

#[test]
fn pages_are_as_large_as_the_base_allows() {
    for (base, page, size) in [
        (BASE + 0x1000, Size4K, Size4K),
        (BASE + 0x1000, Size2M, Size4K),
        (BASE + 0x1000, Size1G, Size4K),
        (BASE + 0x20_0000, Size2M, Size2M),
        (BASE + 0x20_0000, Size1G, Size2M),
        (BASE, Size4K, Size4K),
        (BASE, Size2M, Size2M),
        (BASE, Size1G, Size1G),
        // Everything divides 0.
        (0, Size1G, Size1G),
    ] {
        let mut guest = guest(base, 4 << 30, 1 << 30, page);
        let mut oracle = One::new(&tlb("l1", 1, &["4K", "2M", "1G"], 4, 4));
        let expected = Ok(to(base + (1 << 30) + 8, size));
        assert_eq!(oracle.load(&mut guest.tables(), 8), expected, "{page} at {base:#x}");
        assert_eq!(oracle.load(&mut guest.tables(), 8), expected, "a hit says the same");
    }
}

#[test]
fn a_splintered_page_goes_with_one_invlpg() {
    let mut guest = guest(BASE + 0x1000, 4 << 30, 1 << 30, Size2M);
    let mut oracle = One::new(&tlb("l1", 1, &["4K"], 4, 4));
    let mut walks = |oracle: &mut One| {
        oracle.more("walks", |oracle| {
            for part in [0, 0x5000] {
                oracle.load(&mut guest.tables(), part).unwrap();
            }
        })
    };
    assert_eq!([walks(&mut oracle), walks(&mut oracle)], [2, 0]);
    oracle.0.invalidate(0, TAG, Invalidation::Invlpg { addr: Addr::new(0x1f_f000) });
    assert_eq!(walks(&mut oracle), 2);
}

#[test]
fn stores_mark_the_guests_entries_and_nothing_forbids_it() {
    for ept_keeps_bits in [false, true] {
        let mut guest = guest(BASE, 4 << 30, DATA, Size4K);
        let mut machine = machine(&tlb("l1", 1, &["4K"], 4, 4));
        machine.paging.ept_accessed_dirty = ept_keeps_bits;
        let mut oracle = One::of(&machine);
        oracle.store(&mut guest.tables(), 0).unwrap();
        oracle.store(&mut guest.tables(), 0).unwrap();
        assert_eq!(oracle.counts(["walks", "segment_violations", "ept_violations"]), [1, 0, 0]);
        let flags = guest.guest.lookup(Addr::ZERO).unwrap().flags;
        assert!(flags.contains(terrace_table::LeafFlags::ACCESSED | terrace_table::LeafFlags::DIRTY));
    }
}

#[test]
fn a_cached_table_that_the_segment_no_longer_holds_is_not_read() {
    // The page table is the fourth table page. Its final address is cached, and then the segment moves: up, so that
    // the address is below it (and what is reported wraps around), or far down, so that it is behind it.
    const VA: u64 = 5 << 12;
    let page_table = Segmented::TABLES + 0x3000;
    for (base, from_base) in
        [(BASE + page_table + 0x1000, (1 << 52) - 0x1000), (BASE - (1 << 30), (1 << 30) + page_table)]
    {
        let mut guest = Segmented::new(Four, BASE, 1 << 30);
        guest.map(VA, DATA, Size4K);
        let mut oracle = One::new(&walk_cache("walk_cache", 2));
        oracle.load(&mut guest.tables(), VA).unwrap();
        guest.base = base;
        let references = oracle.more("walk_references", |oracle| {
            assert_eq!(oracle.load(&mut guest.tables(), VA), outside(from_base + 5 * 8));
        });
        assert_eq!(references, 0);
        // The violation has removed the cached address.
        assert_eq!(oracle.load(&mut guest.tables(), VA), Ok(to(base + DATA, Size4K)));
        assert_eq!(oracle.counts(["walk_cache_hits", "segment_violations", "walk_references"]), [1, 1, 8]);
    }
}

#[test]
fn a_cached_table_is_checked_to_its_last_byte() {
    let page_table = Segmented::TABLES + 0x3000;
    for (size, is_inside) in [(page_table + 0x1000, true), (page_table + 0xfff, false), (0xfff, false)] {
        let mut guest = guest(BASE, 1 << 30, 0, Size4K);
        let mut oracle = One::new(&walk_cache("walk_cache", 2));
        oracle.load(&mut guest.tables(), 0).unwrap();
        guest.size = size;
        let expected = if is_inside { Ok(to(BASE, Size4K)) } else { outside(page_table) };
        assert_eq!(oracle.load(&mut guest.tables(), 0), expected, "{size:#x} bytes");
    }
}

#[test]
fn a_cached_table_that_the_segment_still_holds_is_read_where_it_was() {
    // The base moves down by a page: the cached address is one page further on in the segment. The data is found
    // by the new base.
    let mut guest = guest(BASE, 1 << 30, DATA, Size4K);
    let mut oracle = One::new(&walk_cache("walk_cache", 2));
    oracle.load(&mut guest.tables(), 0).unwrap();
    guest.base = BASE - 0x1000;
    let references = oracle.more("walk_references", |oracle| {
        assert_eq!(oracle.load(&mut guest.tables(), 0), Ok(to(BASE - 0x1000 + DATA, Size4K)));
    });
    assert_eq!(references, 1);
}

#[test]
fn a_cached_translation_outlives_the_segment() {
    let mut guest = guest(BASE, 1 << 30, DATA, Size4K);
    let mut oracle = One::new(&tlb("l1", 1, &["4K"], 4, 4));
    oracle.load(&mut guest.tables(), 0).unwrap();
    guest.size = 0;
    assert_eq!(oracle.load(&mut guest.tables(), 0), Ok(to(BASE + DATA, Size4K)));
}

#[test]
fn a_violation_removes_what_the_current_context_has_for_the_address() {
    // Both contexts have the translation and the prefix. After the segment has shrunk, a store, which the leaf's
    // clear dirty bit sends to the tables, leaves it.
    let other = Tag { root: 7, ..TAG };
    let mut guest = guest(BASE, 1 << 30, DATA, Size4K);
    guest.map(0x1000, DATA, Size4K);
    let mut oracle = One::new(&[tlb("l1", 1, &["4K"], 4, 4), walk_cache("walk_cache", 2)].concat());
    for tag in [TAG, other] {
        oracle.load_as(tag, &mut guest.tables(), 0).unwrap();
    }
    guest.size = DATA;
    assert_eq!(oracle.store(&mut guest.tables(), 0), outside(DATA));
    guest.size = 1 << 30;
    let mut references = |tag, addr| {
        oracle.more("walk_references", |oracle| {
            oracle.load_as(tag, &mut guest.tables(), addr).unwrap();
        })
    };
    assert_eq!([references(other, 0), references(other, 0x1000)], [0, 1]);
    assert_eq!([references(TAG, 0), references(TAG, 0x1000)], [4, 1]);
}
