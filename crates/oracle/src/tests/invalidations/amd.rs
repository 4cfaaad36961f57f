//! AMD's table, INVLPGB apart. Places as in Intel's; the root tags nothing, so that 3 is the current context too,
//! and 5 is that of 2.

use super::*;

fn amd(invalidation: Invalidation) -> [String; 8] {
    left(Vendor::Amd, invalidation)
}

#[test]
fn invlpg() {
    // All upper-level entries of the ASID.
    let expected = except(&[(0, "-BG --- n"), (1, "ABG --- n"), (3, "-BG --- n")]);
    assert_eq!(amd(Invalidation::AmdInvlpg { addr: A, tce: false }), expected);
    let expected = except(&[0, 1, 3].map(|place| (place, "AB- --- n")));
    assert_eq!(amd(Invalidation::AmdInvlpg { addr: G, tce: false }), expected);
}

#[test]
fn invlpg_with_tce() {
    let expected = except(&[(0, "-BG -bg n"), (3, "-BG -bg n")]);
    assert_eq!(amd(Invalidation::AmdInvlpg { addr: A, tce: true }), expected);
    let expected = except(&[(0, "AB- ab- n"), (1, "AB- abg n"), (3, "AB- ab- n")]);
    assert_eq!(amd(Invalidation::AmdInvlpg { addr: G, tce: true }), expected);
}

#[test]
fn invlpga() {
    for (tce, own) in [(false, "-BG --- n"), (true, "-BG -bg n")] {
        let expected = except(&[0, 1, 3].map(|place| (place, own)));
        assert_eq!(amd(Invalidation::Invlpga { asid: 1, addr: A, tce }), expected);
    }
    for (tce, own) in [(false, "AB- --- n"), (true, "AB- ab- n")] {
        assert_eq!(amd(Invalidation::Invlpga { asid: 2, addr: G, tce }), except(&[(2, own), (5, own)]));
        assert_eq!(amd(Invalidation::Invlpga { asid: 0, addr: G, tce }), except(&[(4, own)]));
        assert_eq!(amd(Invalidation::Invlpga { asid: 9, addr: G, tce }), except(&[]));
    }
}

#[test]
fn invpcid_individual_address() {
    let of = |addr, tce| amd(Invalidation::AmdInvpcidAddress { pcid: 2, addr, tce });
    // Without TCE the upper-level entries of the ASID go, of every PCID.
    assert_eq!(of(A, false), except(&[(0, "ABG --- n"), (1, "-BG --- n"), (3, "ABG --- n")]));
    assert_eq!(of(A, true), except(&[(1, "-BG -bg n")]));
    // A global translation stays.
    assert_eq!(of(G, true), except(&[(1, "ABG ab- n")]));
}

#[test]
fn invpcid_single_context_and_mov_to_cr3() {
    for of in [|pcid| Invalidation::InvpcidContext { pcid }, |pcid| Invalidation::MovCr3 { pcid }] {
        assert_eq!(amd(of(1)), except(&[(0, "--G --- n"), (3, "--G --- n")]));
        assert_eq!(amd(of(2)), except(&[(1, "--G --- n")]));
    }
}

#[test]
fn invpcid_all_context_and_mov_to_cr4() {
    for invalidation in [Invalidation::InvpcidAll, Invalidation::MovCr4] {
        assert_eq!(amd(invalidation), except(&[0, 1, 3].map(|place| (place, "--- --- n"))));
    }
}

#[test]
fn invpcid_all_context_without_globals() {
    let expected = except(&[0, 1, 3].map(|place| (place, "--G --- n")));
    assert_eq!(amd(Invalidation::InvpcidAllButGlobal), expected);
}

#[test]
fn mov_to_cr3_with_the_no_flush_bit_and_tlbsync() {
    assert_eq!(amd(Invalidation::MovCr3Keep), except(&[]));
    assert_eq!(amd(Invalidation::Tlbsync), except(&[]));
}

#[test]
fn tlb_control_1() {
    // Everything of the thread that enters the guest.
    let expected = except(&[0, 1, 2, 3, 4, 5].map(|place| (place, "--- --- -")));
    assert_eq!(amd(Invalidation::FlushAll), expected);
}

#[test]
fn tlb_control_3() {
    let expected = except(&[(2, "--- --- -"), (5, "--- --- -")]);
    assert_eq!(amd(Invalidation::FlushAsid { asid: 2 }), expected);
    let expected = except(&[0, 1, 3].map(|place| (place, "--- --- -")));
    assert_eq!(amd(Invalidation::FlushAsid { asid: 1 }), expected);
}

#[test]
fn tlb_control_7() {
    let expected = except(&[(2, "--G --- -"), (5, "--G --- -")]);
    assert_eq!(amd(Invalidation::FlushAsidButGlobal { asid: 2 }), expected);
}
