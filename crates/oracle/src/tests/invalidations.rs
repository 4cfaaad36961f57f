//! Invalidations: what is left is what does not walk, or walks less.

use terrace_addr::Gva;
use terrace_addr::PageSize::Size4K;
use terrace_machine::Vendor;
use terrace_table::{LeafFlags, Levels::Four};

use super::*;

const GLOBAL: u64 = 0x1000;
const OTHER: u64 = 0x2000;

fn at(addr: u64) -> Addr<Gva> {
    Addr::new(addr)
}

/// References for 0, a global page and another page, all below one PDE, after they were cached and a CPU in the context
/// `tag` executed the invalidation.
fn references_after(vendor: Vendor, tag: Tag, invalidation: Invalidation) -> [u64; 3] {
    let mut native = Native::new(Four);
    native.map(0, 0, Size4K);
    native.map_with(GLOBAL, 0, Size4K, LeafFlags::everything() | LeafFlags::GLOBAL);
    native.map(OTHER, 0, Size4K);
    let mut machine = machine(&[tlb("l1", 1, &["4K"], 8, 8), walk_cache("walk_cache", 2)].concat());
    machine.vendor = vendor;
    let mut oracle = One::of(&machine);
    for addr in [0, GLOBAL, OTHER] {
        oracle.load(&mut native.tables(), addr).unwrap();
    }
    oracle.0.invalidate(0, tag, invalidation);
    [0, GLOBAL, OTHER].map(|addr| {
        oracle.more("walk_references", |oracle| {
            oracle.load(&mut native.tables(), addr).unwrap();
        })
    })
}

/// Lost prefixes alone cost nothing while no translation is lost: they show as 4 instead of 1 at the first walk.
#[test]
fn each_of_intels_rows() {
    use Invalidation::*;
    let rows = [
        (Invlpg { addr: at(8) }, [4, 0, 0]),
        (Invlpg { addr: at(GLOBAL) }, [0, 4, 0]),
        (InvpcidAddress { pcid: 1, addr: at(8) }, [4, 0, 0]),
        (InvpcidAddress { pcid: 1, addr: at(GLOBAL) }, [0, 0, 0]),
        (InvpcidAddress { pcid: 9, addr: at(8) }, [0, 0, 0]),
        (InvpcidContext { pcid: 1 }, [4, 0, 1]),
        (InvpcidContext { pcid: 9 }, [0, 0, 0]),
        (InvpcidAll, [4, 1, 1]),
        (InvpcidAllButGlobal, [4, 0, 1]),
        (MovCr3 { pcid: 1 }, [4, 0, 1]),
        (MovCr3 { pcid: 9 }, [0, 0, 0]),
        (MovCr3Keep, [0, 0, 0]),
        (MovCr4, [4, 1, 1]),
        (InvvpidAddress { vpid: 2, addr: at(GLOBAL) }, [0, 4, 0]),
        (InvvpidAddress { vpid: 9, addr: at(GLOBAL) }, [0, 0, 0]),
        (InvvpidContext { vpid: 2 }, [4, 1, 1]),
        (InvvpidContext { vpid: 9 }, [0, 0, 0]),
        (InvvpidAll, [4, 1, 1]),
        (InvvpidContextButGlobal { vpid: 2 }, [4, 0, 1]),
        (InveptContext { root: 3 }, [4, 1, 1]),
        (InveptContext { root: 9 }, [0, 0, 0]),
        (InveptAll, [4, 1, 1]),
        (VmTransition, [0, 0, 0]),
        (Everything, [4, 1, 1]),
    ];
    for (invalidation, expected) in rows {
        assert_eq!(references_after(Vendor::Intel, TAG, invalidation), expected, "{invalidation:?}");
    }
}

#[test]
fn a_global_page_goes_whatever_the_pcid() {
    let tag = Tag { pcid: 9, ..TAG };
    let invlpg = |addr| references_after(Vendor::Intel, tag, Invalidation::Invlpg { addr: at(addr) });
    assert_eq!([invlpg(0), invlpg(GLOBAL)], [[0, 0, 0], [0, 1, 0]]);
}

#[test]
fn each_of_amds_rows() {
    use Invalidation::*;
    let broadcast = Invlpgb {
        addresses: None,
        pcid: None,
        asid: None,
        globals: true,
        final_only: false,
        nested: false,
        tce: false,
    };
    let with = |change: fn(&mut Fields)| {
        let mut fields = Fields { addresses: None, pcid: None, globals: false, final_only: false };
        change(&mut fields);
        let Fields { addresses, pcid, globals, final_only } = fields;
        Invlpgb { addresses, pcid, asid: Some(2), globals, final_only, nested: false, tce: true }
    };
    let rows = [
        (AmdInvlpg { addr: at(0x20_0000), tce: false }, [0, 0, 0]),
        (AmdInvlpg { addr: at(8), tce: true }, [4, 0, 0]),
        (Invlpga { asid: 2, addr: at(GLOBAL), tce: true }, [0, 4, 0]),
        (Invlpga { asid: 9, addr: at(GLOBAL), tce: false }, [0, 0, 0]),
        (AmdInvpcidAddress { pcid: 1, addr: at(8), tce: true }, [4, 0, 0]),
        (AmdInvpcidAddress { pcid: 1, addr: at(GLOBAL), tce: false }, [0, 0, 0]),
        (broadcast, [4, 1, 1]),
        (with(|_| ()), [4, 0, 1]),
        (with(|fields| fields.globals = true), [4, 1, 1]),
        (with(|fields| fields.pcid = Some(9)), [0, 0, 0]),
        (with(|fields| fields.final_only = true), [1, 0, 1]),
        (with(|fields| fields.addresses = Some((at(GLOBAL), Size4K, 2))), [0, 0, 4]),
        (with(|fields| fields.addresses = Some((at((1 << 56) - 0x1000), Size4K, 1))), [0, 0, 0]),
        (Tlbsync, [0, 0, 0]),
        (FlushAll, [4, 1, 1]),
        (FlushAsid { asid: 2 }, [4, 1, 1]),
        (FlushAsid { asid: 9 }, [0, 0, 0]),
        (FlushAsidButGlobal { asid: 2 }, [4, 0, 1]),
    ];
    for (invalidation, expected) in rows {
        assert_eq!(references_after(Vendor::Amd, TAG, invalidation), expected, "{invalidation:?}");
    }
}

/// What the rows of INVLPGB differ in.
struct Fields {
    addresses: Option<(Addr<Gva>, PageSize, u32)>,
    pcid: Option<u16>,
    globals: bool,
    final_only: bool,
}

#[test]
fn the_space_with_pcid_0_keeps_global_translations_too() {
    let tag = Tag { pcid: 0, ..TAG };
    let mut native = Native::new(Four);
    native.map_with(0, 0, Size4K, LeafFlags::everything() | LeafFlags::GLOBAL);
    let mut oracle = One::new(&tlb("l1", 1, &["4K"], 8, 8));
    for _ in 0..2 {
        oracle.0.access(0, tag, &mut native.tables(), access(0, 1, AccessKind::Load)).unwrap();
        oracle.0.invalidate(0, tag, Invalidation::MovCr3 { pcid: 0 });
    }
    assert_eq!(oracle.count("walks"), 1);
}

#[test]
fn which_take_guest_physical_entries() {
    use Invalidation::*;
    let nested = |nested, asid| Invlpgb {
        addresses: None,
        pcid: None,
        asid,
        globals: true,
        final_only: false,
        nested,
        tce: false,
    };
    let rows = [
        (Vendor::Intel, Invlpg { addr: at(0) }, 0),
        (Vendor::Intel, InvvpidAll, 0),
        (Vendor::Intel, InveptContext { root: 3 }, 8),
        (Vendor::Intel, InveptContext { root: 2 }, 0),
        (Vendor::Intel, InveptAll, 8),
        (Vendor::Intel, Everything, 8),
        (Vendor::Amd, InvpcidAll, 0),
        (Vendor::Amd, nested(false, None), 0),
        (Vendor::Amd, nested(true, None), 8),
        (Vendor::Amd, nested(true, Some(3)), 0),
        (Vendor::Amd, FlushAsid { asid: 2 }, 8),
        (Vendor::Amd, FlushAsidButGlobal { asid: 3 }, 0),
        (Vendor::Amd, FlushAll, 8),
    ];
    for (vendor, invalidation, expected) in rows {
        let mut tables = TwoDimensional::new(Four, Four, Size4K);
        tables.map_guest(0, 0x5000, Size4K);
        tables.map_host(0x5000, Size4K);
        let mut machine = machine(&[nested_tlb(&["4K"]), walk_cache("nested_walk_cache", 2)].concat());
        machine.vendor = vendor;
        let mut oracle = One::of(&machine);
        oracle.load(&mut tables.tables(), 0).unwrap();
        oracle.0.invalidate(0, TAG, invalidation);
        // Five translations from scratch, with one EPT PDE above them: 4 + 4 × 1.
        let references = oracle.more("nested_references", |oracle| {
            oracle.load(&mut tables.tables(), 0).unwrap();
        });
        assert_eq!(references, expected, "{invalidation:?}");
    }
}

#[test]
fn cpus_are_invalidated_one_by_one_but_by_invlpgb_and_a_reset_takes_the_core() {
    let mut machine = machine(&tlb("l1", 1, &["4K"], 8, 8));
    (machine.vendor, machine.topology.cores, machine.topology.threads) = (Vendor::Amd, 2, 2);
    let mut oracle = Oracle::new(&machine, 0, &MEMORY);
    let mut native = Native::new(Four);
    native.map(0, 0, Size4K);
    let mut load = |oracle: &mut Oracle| {
        for cpu in 0..4 {
            oracle.access(cpu, TAG, &mut native.tables(), access(0, 1, AccessKind::Load)).unwrap();
        }
        [0, 1, 2, 3].map(|cpu| oracle.counts(cpu)["walks"])
    };
    assert_eq!(load(&mut oracle), [1; 4], "threads do not use each other's entries");
    oracle.invalidate(1, TAG, Invalidation::FlushAll);
    assert_eq!(load(&mut oracle), [1, 2, 1, 1]);
    // CPUs 0 and 2 are the threads of core 0.
    oracle.invalidate(2, TAG, Invalidation::Everything);
    assert_eq!(load(&mut oracle), [2, 2, 2, 1]);
    let everywhere = Invalidation::Invlpgb {
        addresses: None,
        pcid: None,
        asid: Some(2),
        globals: false,
        final_only: false,
        nested: false,
        tce: false,
    };
    oracle.invalidate(0, Tag { vpid: 0, ..TAG }, everywhere);
    assert_eq!(load(&mut oracle), [3, 3, 3, 2]);
}
