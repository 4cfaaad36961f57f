//! Invalidations: drawn as the oracle has them, and said again as the engine has them.

use terrace_addr::{Addr, Gva, PageSize, VirtualWidth};
use terrace_machine::Vendor;
use terrace_mmu as engine;
use terrace_oracle::{Amd, Intel, Invalidation, Invlpgb};

use crate::draw::Draw;
use crate::history::Place;

/// Any operation of the vendor's, with tags that exist and tags that do not.
pub(crate) fn draw(draw: &mut Draw, vendor: Vendor) -> Invalidation {
    if draw.percent(4) {
        return Invalidation::Everything;
    }
    match vendor {
        Vendor::Intel => Invalidation::Intel(intel(draw)),
        Vendor::Amd => Invalidation::Amd(amd(draw)),
    }
}

fn address(draw: &mut Draw) -> Addr<Gva> {
    let addr = Addr::truncate(Place::draw(draw).0);
    if draw.percent(80) { addr.canonical(VirtualWidth::Bits48) } else { addr }
}

/// A PCID, VPID, ASID or root: most contexts have the first three.
fn number(draw: &mut Draw) -> u16 {
    draw.pick(&[0, 0, 1, 1, 1, 2, 9])
}

fn intel(draw: &mut Draw) -> Intel {
    let addr = address(draw);
    let (pcid, vpid, root) = (number(draw), number(draw), number(draw));
    match draw.below(18) {
        0..3 => Intel::Invlpg { addr },
        3 | 4 => Intel::InvpcidAddress { pcid, addr },
        5 => Intel::InvpcidContext { pcid },
        6 => Intel::InvpcidAll,
        7 => Intel::InvpcidAllButGlobals,
        8 => Intel::MovToCr3 { pcid },
        9 => Intel::MovToCr3NoFlush,
        10 => Intel::MovToCr4,
        11 => Intel::InvvpidAddress { vpid, addr },
        12 => Intel::InvvpidContext { vpid },
        13 => Intel::InvvpidAll,
        14 => Intel::InvvpidContextButGlobals { vpid },
        15 => Intel::InveptContext { root },
        16 => Intel::InveptAll,
        _ => Intel::EntryOrExitWithoutVpid,
    }
}

fn amd(draw: &mut Draw) -> Amd {
    let (addr, tce) = (address(draw), draw.percent(50));
    let (pcid, asid) = (number(draw), number(draw));
    match draw.below(22) {
        0..3 => Amd::Invlpg { addr, tce },
        3 | 4 => Amd::Invlpga { asid, addr, tce },
        5 | 6 => Amd::InvpcidAddress { pcid, addr, tce },
        7 => Amd::InvpcidContext { pcid },
        8 => Amd::InvpcidAll,
        9 => Amd::InvpcidAllButGlobals,
        10 => Amd::MovToCr3 { pcid },
        11 => Amd::MovToCr3NoFlush,
        12 => Amd::MovToCr4,
        13 => Amd::Tlbsync,
        14 => Amd::TlbControlAll,
        15 => Amd::TlbControlGuest { asid },
        16 => Amd::TlbControlGuestButGlobals { asid },
        _ => Amd::Invlpgb(invlpgb(draw)),
    }
}

fn invlpgb(draw: &mut Draw) -> Invlpgb {
    // Where a range begins: at a place, or so far before one that only its last addresses reach it.
    let apart = draw.pick(&[PageSize::Size4K, PageSize::Size2M]);
    let count = draw.pick(&[1, 1, 2, 3, 511, 513, 65_536]);
    let before = draw.pick(&[0, 0, 1, 2]).min(count - 1);
    let place = address(draw).get();
    let first = Addr::truncate(place.wrapping_sub(u64::from(before) * apart.bytes()));
    let (pcid, asid) = (number(draw), number(draw));
    Invlpgb {
        pages: draw.maybe(75, (first, apart, count)),
        pcid: draw.maybe(50, pcid),
        asid: draw.maybe(60, asid),
        globals: draw.percent(50),
        final_only: draw.percent(30),
        nested: draw.percent(30),
        tce: draw.percent(50),
    }
}

/// The same operation for the engine.
pub(crate) fn for_engine(invalidation: Invalidation) -> engine::Invalidation {
    match invalidation {
        Invalidation::Intel(operation) => engine::Invalidation::Intel(intel_for_engine(operation)),
        Invalidation::Amd(operation) => engine::Invalidation::Amd(amd_for_engine(operation)),
        Invalidation::Everything => engine::Invalidation::Everything,
    }
}

fn intel_for_engine(operation: Intel) -> engine::Intel {
    match operation {
        Intel::Invlpg { addr } => engine::Intel::Invlpg(addr),
        Intel::InvpcidAddress { pcid, addr } => engine::Intel::InvpcidAddress { pcid, addr },
        Intel::InvpcidContext { pcid } => engine::Intel::InvpcidContext { pcid },
        Intel::InvpcidAll => engine::Intel::InvpcidAll,
        Intel::InvpcidAllButGlobals => engine::Intel::InvpcidAllButGlobal,
        Intel::MovToCr3 { pcid } => engine::Intel::MovCr3 { pcid, keep: false },
        Intel::MovToCr3NoFlush => engine::Intel::MovCr3 { pcid: 0, keep: true },
        Intel::MovToCr4 => engine::Intel::MovCr4,
        Intel::InvvpidAddress { vpid, addr } => engine::Intel::InvvpidAddress { vpid, addr },
        Intel::InvvpidContext { vpid } => engine::Intel::InvvpidContext { vpid },
        Intel::InvvpidAll => engine::Intel::InvvpidAll,
        Intel::InvvpidContextButGlobals { vpid } => engine::Intel::InvvpidContextButGlobal { vpid },
        Intel::InveptContext { root } => engine::Intel::InveptContext { root },
        Intel::InveptAll => engine::Intel::InveptAll,
        Intel::EntryOrExitWithoutVpid => engine::Intel::VmTransition,
    }
}

fn amd_for_engine(operation: Amd) -> engine::Amd {
    match operation {
        Amd::Invlpg { addr, tce } => engine::Amd::Invlpg { addr, tce },
        Amd::Invlpga { asid, addr, tce } => engine::Amd::Invlpga { asid, addr, tce },
        Amd::InvpcidAddress { pcid, addr, tce } => engine::Amd::InvpcidAddress { pcid, addr, tce },
        Amd::InvpcidContext { pcid } => engine::Amd::InvpcidContext { pcid },
        Amd::InvpcidAll => engine::Amd::InvpcidAll,
        Amd::InvpcidAllButGlobals => engine::Amd::InvpcidAllButGlobal,
        Amd::MovToCr3 { pcid } => engine::Amd::MovCr3 { pcid, keep: false },
        Amd::MovToCr3NoFlush => engine::Amd::MovCr3 { pcid: 0, keep: true },
        Amd::MovToCr4 => engine::Amd::MovCr4,
        Amd::Invlpgb(operands) => {
            let Invlpgb { pages, pcid, asid, globals, final_only, nested, tce } = operands;
            engine::Amd::Invlpgb(engine::Invlpgb {
                addresses: pages,
                pcid,
                asid,
                globals,
                final_only,
                nested,
                tce,
            })
        }
        Amd::Tlbsync => engine::Amd::Tlbsync,
        Amd::TlbControlAll => engine::Amd::FlushAll,
        Amd::TlbControlGuest { asid } => engine::Amd::FlushAsid { asid },
        Amd::TlbControlGuestButGlobals { asid } => engine::Amd::FlushAsidButGlobal { asid },
    }
}
