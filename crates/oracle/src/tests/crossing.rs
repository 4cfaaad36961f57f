//! Accesses of several bytes.

use terrace_addr::PageSize::{Size2M, Size4K};
use terrace_table::Levels::Four;

use super::*;

fn of_size(oracle: &mut One, tables: &mut Tables<'_>, addr: u64, size: u16) -> Result<Translation, Fault> {
    oracle.0.access(0, TAG, tables, access(addr, size, AccessKind::Load))
}

#[test]
fn bytes_in_the_next_page_are_looked_up_there() {
    let mut native = Native::new(Four);
    native.map(0, 0x5000, Size4K);
    native.map(0x1000, 0x9000, Size4K);
    let mut oracle = One::new(&tlb("l1", 1, &["4K"], 4, 4));
    for (addr, size, pieces) in [(0xff8, 8, 1), (0xff9, 8, 2), (0xfff, 1, 1), (0xfff, 0, 1), (0, 0x2000, 2)] {
        let counted = oracle.more("accesses", |oracle| {
            let expected = to(0x5000 + addr, Size4K);
            assert_eq!(of_size(oracle, &mut native.tables(), addr, size), Ok(expected), "of the first byte");
        });
        assert_eq!(counted, pieces, "{size} bytes at {addr:#x}");
    }
    assert_eq!(oracle.counts(["references", "dtlb_accesses", "walks"]), [5, 7, 2]);
}

#[test]
fn pieces_are_as_large_as_the_entry_that_served() {
    // A 2M page, level 2 holds it whole, level 1 in 4K pieces. The access crosses a 4K boundary.
    let mut native = Native::new(Four);
    native.map(0, 0x20_0000, Size2M);
    let mut oracle = One::new(&[tlb("l1", 1, &["4K"], 2, 1), tlb("stlb", 2, &["2M"], 4, 4)].concat());
    // The walk inserts the first 4K; the second is looked up, and found in level 2.
    assert_eq!(of_size(&mut oracle, &mut native.tables(), 0xff9, 8), Ok(to(0x20_0ff9, Size4K)));
    assert_eq!(oracle.counts(["accesses", "walks", "stlb_hits"]), [2, 1, 1]);
    // Both are hits of level 1.
    assert_eq!(of_size(&mut oracle, &mut native.tables(), 0xff9, 8), Ok(to(0x20_0ff9, Size4K)));
    assert_eq!(oracle.counts(["accesses", "walks", "stlb_hits"]), [4, 1, 1]);
    // Elsewhere in the page the first piece is served by level 2, whose entry holds all bytes.
    assert_eq!(of_size(&mut oracle, &mut native.tables(), 0x5ff9, 8), Ok(to(0x20_5ff9, Size2M)));
    assert_eq!(oracle.counts(["accesses", "walks", "stlb_hits"]), [5, 1, 2]);
}

#[test]
fn without_an_entry_the_translation_gives_the_piece() {
    let mut native = Native::new(Four);
    native.map(0, 0x20_0000, Size2M);
    let mut oracle = One::new("");
    of_size(&mut oracle, &mut native.tables(), 0xff9, 8).unwrap();
    assert_eq!(oracle.count("accesses"), 1);
}

#[test]
fn an_access_ends_with_the_fault_of_a_later_piece() {
    let mut native = Native::new(Four);
    native.map(0, 0x5000, Size4K);
    let mut oracle = One::new("");
    let fault = Fault::Page { addr: Addr::new(0x1000), protection: false };
    assert_eq!(of_size(&mut oracle, &mut native.tables(), 0xff9, 8), Err(fault));
    assert_eq!(oracle.counts(["references", "accesses", "walks", "page_faults"]), [0, 2, 2, 1]);
}

#[test]
fn the_last_page_of_the_space_is_followed_by_the_first() {
    let mut native = Native::new(Four);
    native.map(0xffff_ffff_ffff_f000, 0x5000, Size4K);
    native.map(0, 0x9000, Size4K);
    let mut oracle = One::new("");
    of_size(&mut oracle, &mut native.tables(), 0xffff_ffff_ffff_fffc, 8).unwrap();
    assert_eq!(oracle.count("accesses"), 2);
}

#[test]
fn an_access_into_the_hole_between_the_halves_faults_there() {
    let mut native = Native::new(Four);
    native.map(0x7fff_ffff_f000, 0x5000, Size4K);
    let mut oracle = One::new("");
    let fault = Fault::Page { addr: Addr::new(0x8000_0000_0000), protection: false };
    assert_eq!(of_size(&mut oracle, &mut native.tables(), 0x7fff_ffff_fffc, 8), Err(fault));
    assert_eq!(oracle.counts(["accesses", "dtlb_accesses", "walks", "page_faults"]), [2, 1, 1, 1]);
}
