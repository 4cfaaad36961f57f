//! What each invalidation removes: kind × structure × tag, each row with the section of the manual that says so.
//!
//! A guest's accesses in several contexts fill the structures; then one CPU, in the first context, executes an
//! invalidation, and for each context is found out what is still there:
//! `P` the translation of the page at [`PAGE`], `O` that of another page, `G` that of a global page, `U` the
//! paging-structure-cache entry for `PAGE`, `V` that for the other page, `N` guest-physical entries. `-` is gone.

use crate::world::{Bump, load, machine};
use terrace_addr::{Addr, Gva, Page, PageSize};
use terrace_machine::{Machine, Vendor};
use terrace_mmu::{
    Amd, Context, Extended, GuestTable, Intel, Invalidation, Invlpgb, Layout, Mmu, Origin, Stack,
};
use terrace_table::{Ept, LeafFlags, Levels, SimulatedMemory, Table, X86};

/// The page that is named, one beside it that has the same frame, and pages elsewhere.
const PAGE: u64 = 0x7f00_0000_0000;
const BESIDE: u64 = PAGE + 0x1000;
const OTHER: u64 = PAGE + (1 << 30);
const GLOBAL: u64 = PAGE + (2 << 30);

const fn context(pcid: u16, vpid: u16, root: u16) -> Context {
    Context { pcid, vpid, root }
}

/// The one that invalidates, and contexts that differ from it in PCID, VPID and EPT root; the last is bare metal.
const INTEL: [Context; 5] =
    [context(1, 1, 1), context(2, 1, 1), context(1, 2, 1), context(1, 1, 2), context(1, 0, 0)];

/// The one that invalidates, and contexts that differ from it in PCID and ASID; the last is the host.
const AMD: [Context; 4] = [context(1, 1, 1), context(2, 1, 1), context(1, 2, 1), context(1, 0, 0)];

fn a_machine(vendor: Vendor) -> Machine {
    let lru =
        |ways: u32| format!("entries = {ways}\nways = {ways}\nreplacement = \"lru\"\nsource = \"test\"\n");
    let mut machine = machine(&format!(
        "[walk_cache.pde]\nlevel = 2\n{}[nested_tlb.all]\npages = [\"4K\", \"2M\", \"1G\"]\n{}",
        lru(24),
        lru(96)
    ));
    let stlb = machine.tlb.get_mut("stlb").unwrap();
    (stlb.entries, stlb.ways) = (48, 48);
    machine.vendor = vendor;
    machine.topology.threads = 2;
    machine
}

struct World {
    mmu: Mmu,
    stack: Stack<Extended>,
}

impl World {
    /// Everything cached in every context, on CPU `cpu`.
    fn new(vendor: Vendor, contexts: &[Context], cpus: &[usize]) -> Self {
        let (mut guest_frames, mut host_frames) = (Bump(0x10_0000), Bump(0x10_0000));
        let mut first: GuestTable<_> =
            Table::new(X86::new(Levels::Four), SimulatedMemory::new(), &mut guest_frames).unwrap();
        let mut table: Extended =
            Table::new(Ept::new(Levels::Four), SimulatedMemory::new(), &mut host_frames).unwrap();
        let all = LeafFlags::everything() | LeafFlags::ACCESSED | LeafFlags::DIRTY;
        for (at, frame) in [(PAGE, 8 << 30), (BESIDE, 8 << 30), (OTHER, 9 << 30), (GLOBAL, 10 << 30)] {
            let flags = if at == GLOBAL { all | LeafFlags::GLOBAL } else { all };
            let page = Page::from_start(Addr::new(at), PageSize::Size4K).unwrap();
            let _nothing_stale = first.map(page, Addr::new(frame), flags, &mut guest_frames).unwrap();
        }
        for at in [0, 8 << 30, 9 << 30, 10 << 30] {
            for page in 0..512 {
                let page = Page::containing(Addr::new(at + page * 0x1000), PageSize::Size4K);
                let frame = Addr::new((1 << 40) + page.start().get());
                let _nothing_stale = table.map(page, frame, all, &mut host_frames).unwrap();
            }
        }
        let mmu = Mmu::new(&a_machine(vendor), 1, &Layout::single(Addr::new(1 << 42))).unwrap();
        let mut world = Self { mmu, stack: Stack { first, below: table } };
        for &cpu in cpus {
            for context in contexts {
                world.mmu.set_context(cpu, *context);
                for at in [PAGE, OTHER, GLOBAL] {
                    world.mmu.access(cpu, &mut world.stack, load(at)).unwrap();
                }
            }
        }
        world
    }

    /// Walks of a load, paging-structure-cache hits and nested-TLB misses that it makes.
    fn load(&mut self, cpu: usize, at: u64) -> [u64; 3] {
        let before = self.mmu.counters(cpu);
        self.mmu.access(cpu, &mut self.stack, load(at)).unwrap();
        let after = self.mmu.counters(cpu);
        [
            after.walks - before.walks,
            after.walk_cache_hits - before.walk_cache_hits,
            after.nested_tlb_misses - before.nested_tlb_misses,
        ]
    }
}

/// What is left for each context after CPU 0 executed the invalidation in the first one; looked at on `cpu`.
fn left(vendor: Vendor, contexts: &[Context], cpu: usize, invalidation: Invalidation) -> String {
    let mut columns = Vec::new();
    for context in contexts {
        let mut column = String::new();
        for (letter, at) in
            [('P', PAGE), ('O', OTHER), ('G', GLOBAL), ('U', BESIDE), ('V', OTHER + 0x1000), ('N', BESIDE)]
        {
            // A look changes what it looks at: each begins anew.
            let mut world = World::new(vendor, contexts, &[0, cpu]);
            if letter == 'V' {
                let page = Page::from_start(Addr::new(at), PageSize::Size4K).unwrap();
                let mut frames = Bump(0x20_0000);
                let flags = LeafFlags::everything() | LeafFlags::ACCESSED | LeafFlags::DIRTY;
                let _nothing_stale =
                    world.stack.first.map(page, Addr::new(8 << 30), flags, &mut frames).unwrap();
            }
            world.mmu.set_context(0, contexts[0]);
            let _removed = world.mmu.invalidate(0, Origin::Local, invalidation);
            world.mmu.set_context(cpu, *context);
            let [walks, upper_hits, nested_misses] = world.load(cpu, at);
            let there = match letter {
                'P' | 'O' | 'G' => walks == 0,
                'U' | 'V' => upper_hits == 1,
                _ => nested_misses == 0,
            };
            column.push(if there { letter } else { '-' });
        }
        columns.push(column);
    }
    columns.join(" ")
}

fn check(vendor: Vendor, contexts: &[Context], rows: &[(&str, Invalidation, &str)]) {
    for (section, invalidation, expected) in rows {
        let found = left(vendor, contexts, 0, *invalidation);
        assert_eq!(found, *expected, "{invalidation:?}: {section}");
    }
}

const ADDR: Addr<Gva> = Addr::new(PAGE);

#[test]
fn intel() {
    const TLB: &str = "SDM vol. 3, Operations that invalidate TLBs and paging-structure caches";
    const VMX: &str = "SDM vol. 3, Operations that invalidate cached mappings";
    let intel = Invalidation::Intel;
    check(
        Vendor::Intel,
        &INTEL,
        &[
            // Contexts:                                                         current PCID   VPID   root   bare
            (TLB, intel(Intel::Invlpg(ADDR)), "-OG--N POGUVN POGUVN -OG--N POGUVN"),
            (TLB, intel(Intel::Invlpg(Addr::new(GLOBAL))), "PO---N PO-UVN POGUVN PO---N POGUVN"),
            (TLB, intel(Intel::InvpcidAddress { pcid: 1, addr: ADDR }), "-OG-VN POGUVN POGUVN -OG-VN POGUVN"),
            (TLB, intel(Intel::InvpcidAddress { pcid: 2, addr: ADDR }), "POGUVN -OG-VN POGUVN POGUVN POGUVN"),
            (
                TLB,
                intel(Intel::InvpcidAddress { pcid: 1, addr: Addr::new(GLOBAL) }),
                "POGUVN POGUVN POGUVN POGUVN POGUVN",
            ),
            (TLB, intel(Intel::InvpcidContext { pcid: 2 }), "POGUVN --G--N POGUVN POGUVN POGUVN"),
            (TLB, intel(Intel::InvpcidAll), "-----N -----N POGUVN -----N POGUVN"),
            (TLB, intel(Intel::InvpcidAllButGlobal), "--G--N --G--N POGUVN --G--N POGUVN"),
            (TLB, intel(Intel::MovCr3 { pcid: 1, keep: false }), "--G--N POGUVN POGUVN --G--N POGUVN"),
            (TLB, intel(Intel::MovCr3 { pcid: 2, keep: false }), "POGUVN --G--N POGUVN POGUVN POGUVN"),
            (TLB, intel(Intel::MovCr3 { pcid: 1, keep: true }), "POGUVN POGUVN POGUVN POGUVN POGUVN"),
            (TLB, intel(Intel::MovCr4), "-----N -----N POGUVN -----N POGUVN"),
            (VMX, intel(Intel::InvvpidAddress { vpid: 1, addr: ADDR }), "-OG-VN -OG-VN POGUVN -OG-VN POGUVN"),
            (VMX, intel(Intel::InvvpidAddress { vpid: 2, addr: ADDR }), "POGUVN POGUVN -OG-VN POGUVN POGUVN"),
            (VMX, intel(Intel::InvvpidContext { vpid: 1 }), "-----N -----N POGUVN -----N POGUVN"),
            (VMX, intel(Intel::InvvpidAll), "-----N -----N -----N -----N POGUVN"),
            (VMX, intel(Intel::InvvpidContextButGlobal { vpid: 1 }), "--G--N --G--N POGUVN --G--N POGUVN"),
            (VMX, intel(Intel::InveptContext { root: 1 }), "------ ------ ------ POGUVN POGUVN"),
            (VMX, intel(Intel::InveptContext { root: 2 }), "POGUVN POGUVN POGUVN ------ POGUVN"),
            (VMX, intel(Intel::InveptContext { root: 0 }), "POGUVN POGUVN POGUVN POGUVN POGUVN"),
            (VMX, intel(Intel::InveptAll), "------ ------ ------ ------ POGUV-"),
            (VMX, intel(Intel::VmTransition), "POGUVN POGUVN POGUVN POGUVN -----N"),
            ("a reset", Invalidation::Everything, "------ ------ ------ ------ ------"),
        ],
    );
}

#[test]
fn amd() {
    const TLB: &str = "APM vol. 2, TLB management";
    const CONTROL: &str = "APM vol. 2, TLB control";
    const BROADCAST: &str = "APM vol. 3, INVLPGB";
    let amd = Invalidation::Amd;
    let nothing = Invlpgb {
        addresses: None,
        pcid: None,
        asid: None,
        globals: false,
        final_only: false,
        nested: false,
        tce: false,
    };
    let one = Some((ADDR, PageSize::Size4K, 1));
    // Two addresses, 2 MiB apart: the second is the other page's.
    let many = Some((ADDR, PageSize::Size2M, 513));
    let invlpgb = |invlpgb| amd(Amd::Invlpgb(invlpgb));
    check(
        Vendor::Amd,
        &AMD,
        &[
            // Contexts:                                                         current PCID   ASID   host
            (TLB, amd(Amd::Invlpg { addr: ADDR, tce: false }), "-OG--N POG--N POGUVN POGUVN"),
            (TLB, amd(Amd::Invlpg { addr: ADDR, tce: true }), "-OG-VN POGUVN POGUVN POGUVN"),
            (TLB, amd(Amd::Invlpga { asid: 2, addr: ADDR, tce: false }), "POGUVN POGUVN -OG--N POGUVN"),
            (TLB, amd(Amd::Invlpga { asid: 2, addr: ADDR, tce: true }), "POGUVN POGUVN -OG-VN POGUVN"),
            (TLB, amd(Amd::Invlpga { asid: 1, addr: ADDR, tce: true }), "-OG-VN -OG-VN POGUVN POGUVN"),
            (
                TLB,
                amd(Amd::InvpcidAddress { pcid: 2, addr: ADDR, tce: false }),
                "POG--N -OG--N POGUVN POGUVN",
            ),
            (TLB, amd(Amd::InvpcidAddress { pcid: 2, addr: ADDR, tce: true }), "POGUVN -OG-VN POGUVN POGUVN"),
            (TLB, amd(Amd::InvpcidContext { pcid: 2 }), "POGUVN --G--N POGUVN POGUVN"),
            (TLB, amd(Amd::InvpcidAll), "-----N -----N POGUVN POGUVN"),
            (TLB, amd(Amd::InvpcidAllButGlobal), "--G--N --G--N POGUVN POGUVN"),
            (TLB, amd(Amd::MovCr3 { pcid: 1, keep: false }), "--G--N POGUVN POGUVN POGUVN"),
            (TLB, amd(Amd::MovCr3 { pcid: 1, keep: true }), "POGUVN POGUVN POGUVN POGUVN"),
            (TLB, amd(Amd::MovCr4), "-----N -----N POGUVN POGUVN"),
            (CONTROL, amd(Amd::FlushAll), "------ ------ ------ ------"),
            (CONTROL, amd(Amd::FlushAsid { asid: 1 }), "------ ------ POGUVN POGUVN"),
            (CONTROL, amd(Amd::FlushAsidButGlobal { asid: 1 }), "--G--- --G--- POGUVN POGUVN"),
            (BROADCAST, invlpgb(nothing), "--G--N --G--N --G--N --G--N"),
            (BROADCAST, invlpgb(Invlpgb { globals: true, ..nothing }), "-----N -----N -----N -----N"),
            (BROADCAST, invlpgb(Invlpgb { nested: true, ..nothing }), "--G--- --G--- --G--- --G---"),
            (
                BROADCAST,
                invlpgb(Invlpgb { asid: Some(2), nested: true, ..nothing }),
                "POGUVN POGUVN --G--- POGUVN",
            ),
            (
                BROADCAST,
                invlpgb(Invlpgb { asid: Some(1), pcid: Some(2), ..nothing }),
                "POGUVN --G--N POGUVN POGUVN",
            ),
            (BROADCAST, invlpgb(Invlpgb { final_only: true, ..nothing }), "--GUVN --GUVN --GUVN --GUVN"),
            (
                BROADCAST,
                invlpgb(Invlpgb { addresses: one, asid: Some(1), ..nothing }),
                "-OG--N -OG--N POGUVN POGUVN",
            ),
            (
                BROADCAST,
                invlpgb(Invlpgb { addresses: one, asid: Some(1), tce: true, ..nothing }),
                "-OG-VN -OG-VN POGUVN POGUVN",
            ),
            (
                BROADCAST,
                invlpgb(Invlpgb { addresses: many, asid: Some(1), tce: true, ..nothing }),
                "--G--N --G--N POGUVN POGUVN",
            ),
            (BROADCAST, amd(Amd::Tlbsync), "POGUVN POGUVN POGUVN POGUVN"),
        ],
    );
}

/// Entries belong to the thread that made them; INVLPGB is for every CPU.
#[test]
fn what_is_executed_by_one_thread_leaves_its_sibling_alone() {
    // CPU 2 is the second thread of core 0.
    let sibling = |invalidation| left(Vendor::Amd, &AMD[..1], 2, invalidation);
    assert_eq!(sibling(Invalidation::Amd(Amd::MovCr4)), "POGUVN");
    let all = Invlpgb {
        addresses: None,
        pcid: None,
        asid: None,
        globals: true,
        final_only: false,
        nested: true,
        tce: false,
    };
    assert_eq!(sibling(Invalidation::Amd(Amd::Invlpgb(all))), "------");
    assert_eq!(sibling(Invalidation::Everything), "------");
}

#[test]
fn invalidations_are_counted_by_kind_and_origin() {
    let mut world = World::new(Vendor::Intel, &INTEL[..1], &[0]);
    for (origin, times) in [(Origin::Local, 2), (Origin::Remote, 3)] {
        for _ in 0..times {
            let done = world.mmu.invalidate(0, origin, Invalidation::Intel(Intel::Invlpg(ADDR)));
            assert_eq!((done.kind.name(), done.origin), ("invlpg", origin));
        }
    }
    let counted: Vec<_> = world
        .mmu
        .invalidations(0)
        .iter()
        .filter(|(_, local, remote)| local + remote > 0)
        .map(|(kind, local, remote)| (kind.name(), local, remote))
        .collect();
    assert_eq!(counted, [("invlpg", 2, 3)]);
}
