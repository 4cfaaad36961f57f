//! Intel's table. Places: 0 is the current context; another PCID is 1, VPID 2, root 3; 4 has VPID and root 0, 5 has
//! VPID 2 and root 0; 6 is another thread, 7 another core.

use super::*;

fn intel(invalidation: Invalidation) -> [String; 8] {
    left(Vendor::Intel, invalidation)
}

#[test]
fn invlpg() {
    // Under both roots of the VPID, and all prefixes of the PCID.
    for addr in [A, A.offset_by(0xabc)] {
        let expected = except(&[(0, "-BG --- n"), (3, "-BG --- n")]);
        assert_eq!(intel(Invalidation::Invlpg { addr }), expected);
    }
    // A global page goes whatever the PCID.
    let expected = except(&[(0, "AB- --- n"), (1, "AB- abg n"), (3, "AB- --- n")]);
    assert_eq!(intel(Invalidation::Invlpg { addr: G }), expected);
}

#[test]
fn invpcid_individual_address() {
    let expected = except(&[(0, "-BG -bg n"), (3, "-BG -bg n")]);
    assert_eq!(intel(Invalidation::InvpcidAddress { pcid: 1, addr: A }), expected);
    assert_eq!(intel(Invalidation::InvpcidAddress { pcid: 2, addr: B }), except(&[(1, "A-G a-g n")]));
    // A global translation stays.
    assert_eq!(intel(Invalidation::InvpcidAddress { pcid: 2, addr: G }), except(&[(1, "ABG ab- n")]));
    assert_eq!(intel(Invalidation::InvpcidAddress { pcid: 9, addr: A }), except(&[]));
}

#[test]
fn invpcid_single_context_and_mov_to_cr3() {
    for of in [|pcid| Invalidation::InvpcidContext { pcid }, |pcid| Invalidation::MovCr3 { pcid }] {
        assert_eq!(intel(of(1)), except(&[(0, "--G --- n"), (3, "--G --- n")]));
        assert_eq!(intel(of(2)), except(&[(1, "--G --- n")]));
        assert_eq!(intel(of(9)), except(&[]));
    }
}

#[test]
fn mov_to_cr3_with_the_no_flush_bit() {
    assert_eq!(intel(Invalidation::MovCr3Keep), except(&[]));
}

#[test]
fn invpcid_all_context_and_mov_to_cr4() {
    for invalidation in [Invalidation::InvpcidAll, Invalidation::MovCr4] {
        assert_eq!(intel(invalidation), except(&[0, 1, 3].map(|place| (place, "--- --- n"))));
    }
}

#[test]
fn invpcid_all_context_without_globals() {
    let expected = except(&[0, 1, 3].map(|place| (place, "--G --- n")));
    assert_eq!(intel(Invalidation::InvpcidAllButGlobal), expected);
}

#[test]
fn invvpid_individual_address() {
    // Of every PCID, under every root, global or not.
    let expected = except(&[0, 1, 3].map(|place| (place, "-BG -bg n")));
    assert_eq!(intel(Invalidation::InvvpidAddress { vpid: 1, addr: A }), expected);
    let expected = except(&[(2, "AB- ab- n"), (5, "AB- ab- n")]);
    assert_eq!(intel(Invalidation::InvvpidAddress { vpid: 2, addr: G }), expected);
    assert_eq!(intel(Invalidation::InvvpidAddress { vpid: 9, addr: A }), except(&[]));
}

#[test]
fn invvpid_single_context() {
    let expected = except(&[(2, "--- --- n"), (5, "--- --- n")]);
    assert_eq!(intel(Invalidation::InvvpidContext { vpid: 2 }), expected);
    let expected = except(&[0, 1, 3].map(|place| (place, "--- --- n")));
    assert_eq!(intel(Invalidation::InvvpidContext { vpid: 1 }), expected);
}

#[test]
fn invvpid_all_context_keeps_vpid_0() {
    let expected = except(&[0, 1, 2, 3, 5].map(|place| (place, "--- --- n")));
    assert_eq!(intel(Invalidation::InvvpidAll), expected);
}

#[test]
fn invvpid_single_context_retaining_globals() {
    let expected = except(&[(2, "--G --- n"), (5, "--G --- n")]);
    assert_eq!(intel(Invalidation::InvvpidContextButGlobal { vpid: 2 }), expected);
}

#[test]
fn invept_single_context() {
    // Of every VPID and PCID; the same root's entries of another thread stay.
    let expected = except(&[0, 1, 2].map(|place| (place, "--- --- -")));
    assert_eq!(intel(Invalidation::InveptContext { root: 1 }), expected);
    assert_eq!(intel(Invalidation::InveptContext { root: 2 }), except(&[(3, "--- --- -")]));
    assert_eq!(intel(Invalidation::InveptContext { root: 0 }), except(&[]), "0 is no root");
    assert_eq!(intel(Invalidation::InveptContext { root: 9 }), except(&[]));
}

#[test]
fn invept_all_context() {
    // What has no root keeps its translations and prefixes.
    let mut listed = [0, 1, 2, 3, 4, 5].map(|place| (place, "--- --- -"));
    (listed[4].1, listed[5].1) = ("ABG abg -", "ABG abg -");
    assert_eq!(intel(Invalidation::InveptAll), except(&listed));
}

#[test]
fn vm_entry_or_exit_without_vpid() {
    assert_eq!(intel(Invalidation::VmTransition), except(&[(4, "--- --- n")]));
}
