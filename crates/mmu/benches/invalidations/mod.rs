//! Invalidations by kind, each of structures that are full.

use core::cell::RefCell;
use core::fmt;

use divan::Bencher;
use terrace_addr::{Addr, PageSize};
use terrace_mmu::{Amd, Intel, Invalidation, Invlpgb, Vectors};

use crate::world::World;

/// An address of the program.
const ADDR: u64 = (1 << 44) + 0x5000;

/// An invalidation that is shown by its kind.
#[derive(Clone, Copy)]
struct Named(Invalidation);

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.kind().name())
    }
}

/// One of each kind that an Intel processor has, of what the program uses.
fn intel_kinds() -> impl Iterator<Item = Named> {
    let addr = Addr::new(ADDR);
    let (pcid, vpid, root) = (0, 1, 1);
    [
        Intel::Invlpg(addr),
        Intel::InvpcidAddress { pcid, addr },
        Intel::InvpcidContext { pcid },
        Intel::InvpcidAll,
        Intel::InvpcidAllButGlobal,
        Intel::MovCr3 { pcid, keep: false },
        Intel::MovCr3 { pcid, keep: true },
        Intel::MovCr4,
        Intel::InvvpidAddress { vpid, addr },
        Intel::InvvpidContext { vpid },
        Intel::InvvpidAll,
        Intel::InvvpidContextButGlobal { vpid },
        Intel::InveptContext { root },
        Intel::InveptAll,
        Intel::VmTransition,
    ]
    .into_iter()
    .map(Invalidation::Intel)
    .chain([Invalidation::Everything])
    .map(Named)
}

/// One of each kind that only an AMD processor has.
fn amd_kinds() -> impl Iterator<Item = Named> {
    let (asid, tce) = (1, false);
    let addr = Addr::new(ADDR);
    let invlpgb = Invlpgb {
        addresses: Some((addr, PageSize::Size4K, 8)),
        pcid: Some(0),
        asid: Some(asid),
        globals: true,
        final_only: false,
        nested: false,
        tce,
    };
    [
        Amd::Invlpga { asid, addr, tce },
        Amd::Invlpgb(invlpgb),
        Amd::Tlbsync,
        Amd::FlushAll,
        Amd::FlushAsid { asid },
        Amd::FlushAsidButGlobal { asid },
    ]
    .into_iter()
    .map(|amd| Named(Invalidation::Amd(amd)))
}

/// One at a time: what it removed is filled in again before the next, while the clock stands.
fn measure(bencher: Bencher<'_, '_>, world: World, invalidation: Invalidation) {
    let accesses = world.mixed(20, 4096, 7);
    let world = RefCell::new(world);
    bencher
        .with_inputs(|| world.borrow_mut().run(&accesses))
        .bench_local_values(|()| world.borrow_mut().invalidate(invalidation));
}

#[divan::bench(args = intel_kinds(), sample_size = 1)]
fn intel(bencher: Bencher<'_, '_>, named: Named) {
    measure(bencher, World::new(13, false, Vectors::best()), named.0);
}

#[divan::bench(args = amd_kinds(), sample_size = 1)]
fn amd(bencher: Bencher<'_, '_>, named: Named) {
    measure(bencher, World::guest_of("zen4-9554", 13, false, Vectors::best()), named.0);
}
