//! INVLPGB, which acts on every CPU: of ASID 1 are the places 0, 1 (another PCID), 3, 6 (another thread) and 7
//! (another core); of ASID 2 are 2 and 5, of ASID 0 is 4.

use terrace_addr::PageSize::{self, Size2M};

use super::*;

/// What the instruction's registers say.
#[derive(Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a bit of the instruction's operands, or EFER's")]
struct Operands {
    addresses: Option<(Addr<Gva>, PageSize, u32)>,
    pcid: Option<u16>,
    asid: Option<u16>,
    globals: bool,
    final_only: bool,
    nested: bool,
    tce: bool,
}

/// ASID 1 and nothing else.
const PLAIN: Operands = Operands {
    addresses: None,
    pcid: None,
    asid: Some(1),
    globals: false,
    final_only: false,
    nested: false,
    tce: false,
};

fn invlpgb(operands: Operands) -> [String; 8] {
    let Operands { addresses, pcid, asid, globals, final_only, nested, tce } = operands;
    let invalidation = Invalidation::Invlpgb { addresses, pcid, asid, globals, final_only, nested, tce };
    left(Vendor::Amd, invalidation)
}

/// Every place of ASID 1 has this left.
fn of_asid_1(own: &str) -> [String; 8] {
    except(&[0, 1, 3, 6, 7].map(|place| (place, own)))
}

fn at(first: Addr<Gva>, apart: PageSize, count: u32) -> Operands {
    Operands { addresses: Some((first, apart, count)), ..PLAIN }
}

#[test]
fn an_asid() {
    assert_eq!(invlpgb(PLAIN), of_asid_1("--G --- n"));
    let other = Operands { asid: Some(2), ..PLAIN };
    assert_eq!(invlpgb(other), except(&[(2, "--G --- n"), (5, "--G --- n")]));
}

#[test]
fn any_asid() {
    let any = Operands { asid: None, ..PLAIN };
    assert_eq!(invlpgb(any), FILLED.map(|_| "--G --- n"));
    assert_eq!(invlpgb(Operands { nested: true, globals: true, ..any }), FILLED.map(|_| "--- --- -"));
}

#[test]
fn globals_too() {
    assert_eq!(invlpgb(Operands { globals: true, ..PLAIN }), of_asid_1("--- --- n"));
}

#[test]
fn a_pcid() {
    let second = Operands { pcid: Some(2), ..PLAIN };
    assert_eq!(invlpgb(second), except(&[(1, "--G --- n")]));
    // Global translations go whatever the PCID.
    let mut expected = of_asid_1("AB- abg n");
    expected[1] = "--- --- n".to_owned();
    assert_eq!(invlpgb(Operands { globals: true, ..second }), expected);
}

#[test]
fn an_address() {
    assert_eq!(invlpgb(at(A, Size4K, 1)), of_asid_1("-BG --- n"));
    assert_eq!(invlpgb(Operands { tce: true, ..at(A, Size4K, 1) }), of_asid_1("-BG -bg n"));
}

#[test]
fn an_address_of_a_pcid() {
    // The upper-level entries that go without TCE are those of the PCID.
    let second = Operands { pcid: Some(2), ..at(A, Size4K, 1) };
    assert_eq!(invlpgb(second), except(&[(1, "-BG --- n")]));
    assert_eq!(invlpgb(Operands { tce: true, ..second }), except(&[(1, "-BG -bg n")]));
}

#[test]
fn a_global_address() {
    let tce = Operands { tce: true, ..at(G, Size4K, 1) };
    assert_eq!(invlpgb(tce), of_asid_1("ABG ab- n"));
    assert_eq!(invlpgb(Operands { globals: true, ..tce }), of_asid_1("AB- ab- n"));
}

#[test]
fn addresses_4k_or_2m_apart() {
    let tce = |operands| Operands { tce: true, globals: true, ..operands };
    assert_eq!(invlpgb(tce(at(A, Size2M, 2))), of_asid_1("--G --g n"));
    assert_eq!(invlpgb(tce(at(A, Size2M, 3))), of_asid_1("--- --- n"));
    // The 512th page behind A is B.
    assert_eq!(invlpgb(tce(at(A, Size4K, 512))), of_asid_1("-BG -bg n"));
    assert_eq!(invlpgb(tce(at(A, Size4K, 513))), of_asid_1("--G --g n"));
    assert_eq!(invlpgb(tce(at(A, Size4K, 65_536))), of_asid_1("--- --- n"));
}

#[test]
fn addresses_wrap_around_at_57_bits() {
    let last = Addr::new(0xffff_ffff_ffff_f000);
    for (count, left) in [(1, ALL), (2, "-BG -bg n")] {
        let operands = Operands { tce: true, ..at(last, Size4K, count) };
        assert_eq!(invlpgb(operands), of_asid_1(left));
    }
    // From the lower half into the upper, and there is nothing.
    let operands = Operands { tce: true, ..at(Addr::new(0xff_ffff_ffff_f000), Size4K, 2) };
    assert_eq!(invlpgb(operands), of_asid_1(ALL));
}

#[test]
fn final_translations_only() {
    assert_eq!(invlpgb(Operands { final_only: true, ..PLAIN }), of_asid_1("--G abg n"));
    assert_eq!(invlpgb(Operands { final_only: true, ..at(A, Size4K, 1) }), of_asid_1("-BG abg n"));
}

#[test]
fn nested_translations_too() {
    // All of the ASID, whatever the address.
    let operands = Operands { nested: true, tce: true, ..at(A, Size4K, 1) };
    assert_eq!(invlpgb(operands), of_asid_1("-BG -bg -"));
    let second = Operands { nested: true, asid: Some(2), final_only: true, ..PLAIN };
    assert_eq!(invlpgb(second), except(&[(2, "--G abg -"), (5, "--G abg -")]));
}
