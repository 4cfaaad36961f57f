//! Segments against bare metal and EPT, on the same random machines: a segment costs what the guest's own table costs,
//! and nothing else.

use terrace_addr::{Access, Addr, Bytes, Gpa, Gva, Hpa, Page, PageSize, Space};
use terrace_machine::{Machine, Schemes};
use terrace_mmu::{
    Below, Context, DirectSegment, Extended, Fault, GuestTable, Identity, Invalidation, Layout, Mmu, Origin,
    Segment, SegmentPair, Stack, Translation,
};
use terrace_table::{Ept, FrameSource, LeafFlags, SimulatedMemory, Table, X86};

use crate::draw::Draw;
use crate::machines;
use crate::tables::levels;

/// Hands out table pages from one address on.
struct Bump(u64);

impl<L: Space> FrameSource<L> for Bump {
    fn take(&mut self) -> Option<Addr<L>> {
        self.0 += 0x1000;
        Some(Addr::new(self.0))
    }
    fn give_back(&mut self, _: Addr<L>) {}
}

/// Where a guest's table pages lie.
const TABLES: u64 = 1 << 20;

/// What one side runs.
struct Side<B: Below> {
    mmu: Mmu,
    stack: Stack<B>,
}

impl<B: Below> Side<B> {
    /// A guest's table with these leaves: its own pages and those of its table lie where `place` puts them.
    fn new(
        machine: &Machine,
        seed: u64,
        leaves: &[(Page<Gva>, u64)],
        below: B,
        place: impl Fn(u64) -> u64,
    ) -> Self {
        let layout = Layout::single(Addr::new(1 << 37));
        let mut mmu = Mmu::new(machine, seed, &layout).unwrap();
        let tag = Context { pcid: 0, vpid: 1, root: 0 };
        mmu.set_context(0, tag);
        mmu.set_data_lines(seed.is_multiple_of(2));
        // A block holds all tables, so the places of the first and of the last decide.
        let mut frames = Bump(place(TABLES));
        let format = X86::new(levels(machine.paging.levels));
        let mut first: GuestTable<B::Space> =
            Table::new(format, SimulatedMemory::new(), &mut frames).unwrap();
        for &(page, frame) in leaves {
            let flags = LeafFlags::everything();
            let mapped = first.map(page, Addr::new(place(frame)), flags, &mut frames);
            assert!(mapped.unwrap().stale_spans().is_empty());
        }
        Self { mmu, stack: Stack { first, below } }
    }

    fn run(&mut self, access: Access) -> Result<Translation, Fault> {
        self.mmu.access(0, &mut self.stack, access)
    }

    fn set_direct_segment(&mut self, start: Addr<Gva>, size: Bytes, to: u64) {
        let segment = DirectSegment::new(start, size, to);
        assert!(segment.is_some());
        self.mmu.set_direct_segment(0, segment);
    }

    fn flush(&mut self) {
        let _removed = self.mmu.invalidate(0, Origin::Local, Invalidation::Everything);
    }

    /// References of walks, and those of them to EPT.
    fn references(&self) -> (u64, u64) {
        let counts = self.mmu.counters(0);
        (counts.walk_references, counts.nested_references)
    }
}

/// Pages of all sizes in the gigabytes of the guest that both segments hold, behind its tables.
fn leaves(draw: &mut Draw) -> Vec<(Page<Gva>, u64)> {
    let mut leaves: Vec<(Page<Gva>, u64)> = Vec::new();
    for number in 0..12 + draw.below(20) {
        let size = draw.pick(&[PageSize::Size4K, PageSize::Size4K, PageSize::Size2M, PageSize::Size1G]);
        // Each gigabyte, and each 2M of it, has pages of one size.
        let gigabyte = match size {
            PageSize::Size1G => 8 + number,
            PageSize::Size2M => draw.below(2),
            PageSize::Size4K => 2 + draw.below(2),
        };
        let block = if size == PageSize::Size1G { 0 } else { draw.below(6) };
        let page = if size == PageSize::Size4K { draw.below(5) } else { 0 };
        let at = (gigabyte << 30) + (block << 21) + (page << 12);
        let places = (6 << 30) / size.bytes();
        let frame = ((1 << 30) + draw.below(places) * size.bytes()).next_multiple_of(size.bytes());
        let page = Page::containing(Addr::new(at), size);
        if leaves.iter().all(|&(other, _)| other != page) {
            leaves.push((page, frame));
        }
    }
    leaves
}

fn accesses(draw: &mut Draw, leaves: &[(Page<Gva>, u64)]) -> Vec<Access> {
    let access = |draw: &mut Draw| {
        let (page, _) = draw.pick(leaves);
        let offset = draw.below(page.size().bytes() / 8) * 8;
        Access {
            addr: page.start().offset_by(offset),
            size: 8,
            kind: draw.pick(&terrace_addr::AccessKind::ALL),
        }
    };
    (0..150).map(|_| access(draw)).collect()
}

/// The guest's memory ends there.
const END: u64 = 8 << 30;

/// One block or two; each at a multiple of 1 GiB, as large as the guest's largest pages.
fn blocks(draw: &mut Draw) -> SegmentPair {
    let base = |draw: &mut Draw, from: u64| Addr::new((from + draw.below(16)) << 30);
    if draw.percent(50) {
        return SegmentPair::one(Segment { base: base(draw, 1), size: Bytes::new(END) });
    }
    let split = draw.pick(&[1_u64, 3, 4]) << 30;
    let low = Segment { base: base(draw, 40), size: Bytes::new(split) };
    let high = Segment { base: base(draw, 1), size: Bytes::new(END - split) };
    SegmentPair { low, split: Addr::new(split), high }
}

/// A direct segment from the start of a leaf on, into one gigabyte of the guest's memory, which one block holds.
fn direct(draw: &mut Draw, leaves: &[(Page<Gva>, u64)]) -> (Addr<Gva>, Bytes, u64) {
    const GIGABYTE: u64 = 1 << 30;
    let start = draw.pick(leaves).0.start();
    let to = draw.below(8) * GIGABYTE + start.get() % GIGABYTE + draw.pick(&[0, 0, 4096, 1 << 21]);
    let size = draw.pick(&[4096, 5 * 4096, 1 << 21, 1 << 22, GIGABYTE]);
    (start, Bytes::new(size.min(GIGABYTE - to % GIGABYTE)), to)
}

fn placed(pair: &SegmentPair, at: u64) -> u64 {
    pair.place(Addr::new(at), PageSize::Size4K).expect("inside").0.get()
}

/// Translations, references, hits and misses, cycles: every count is that of bare metal whose pages and tables lie in the
/// same frames, whatever structures the machine has.
#[test]
fn segments_count_as_bare_metal_does() {
    for number in 0..600 {
        let mut draw = Draw::new(number);
        let mut machine = machines::draw(&mut draw);
        let leaves = leaves(&mut draw);
        let pair = blocks(&mut draw);
        let mut other_draw = Draw::new(!number);
        machine.scheme = Some(machines::schemes(&mut other_draw, machine.paging.levels));
        let mut segment = Side::new(&machine, number, &leaves, pair, |at| at);
        let mut native = Side::new(&machine, number, &leaves, Identity, |at| placed(&pair, at));
        if other_draw.percent(50) {
            let (start, size, to) = direct(&mut other_draw, &leaves);
            segment.set_direct_segment(start, size, to);
            native.set_direct_segment(start, size, placed(&pair, to));
        }
        for (at, access) in accesses(&mut draw, &leaves).into_iter().enumerate() {
            assert_eq!(segment.run(access), native.run(access), "case {number}, access {at}");
            if draw.percent(3) {
                segment.flush();
                native.flush();
            }
        }
        let (ours, theirs) = (segment.mmu.counters(0), native.mmu.counters(0));
        assert!(ours.iter().eq(theirs.iter()), "case {number}: {ours:?}, bare metal {theirs:?}");
        assert_eq!(segment.mmu.node_references(0), native.mmu.node_references(0));
        assert!(ours.walks > 0 && ours.segment_violations == 0);
    }
}

/// On machines without TLBs, where each access is the same walk on both sides: a segment's has the references of EPT's,
/// less those to EPT.
#[test]
fn a_walk_has_the_references_of_ept_less_those_to_ept() {
    let mut nested = 0;
    for number in 0..400 {
        let mut draw = Draw::new(number);
        let mut machine = machines::draw(&mut draw);
        machine.tlb.clear();
        let schemes = machines::schemes(&mut Draw::new(!number), machine.paging.levels);
        machine.scheme = Some(Schemes { third_level: None, ..schemes });
        let leaves = leaves(&mut draw);
        let pair = blocks(&mut draw);
        let accesses = accesses(&mut draw, &leaves);
        let ept = extended(&mut draw, &machine, &leaves, &accesses, &pair);
        let mut extended = Side::new(&machine, number, &leaves, ept, |at| at);
        extended.mmu.set_context(0, Context { pcid: 0, vpid: 1, root: 1 });
        let mut segment = Side::new(&machine, number, &leaves, pair, |at| at);
        for (at, &access) in accesses.iter().enumerate() {
            let before = (segment.references(), extended.references());
            let (found, expected) = (segment.run(access).unwrap(), extended.run(access).unwrap());
            assert_eq!(found.addr, expected.addr, "case {number}, access {at}");
            let ours = segment.references().0 - before.0.0;
            let all = extended.references().0 - before.1.0;
            let of_ept = extended.references().1 - before.1.1;
            assert_eq!(ours, all - of_ept, "case {number}, access {at}");
            nested += of_ept;
        }
    }
    assert!(nested > 0);
}

/// EPT that backs what the accesses need, in pages of any size where they fit.
fn extended(
    draw: &mut Draw,
    machine: &Machine,
    leaves: &[(Page<Gva>, u64)],
    accesses: &[Access],
    pair: &SegmentPair,
) -> Extended {
    let mut frames = Bump(70 << 30);
    let format = Ept::new(levels(machine.paging.ept_levels));
    let table: Extended = Table::new(format, SimulatedMemory::new(), &mut frames).unwrap();
    let mut side = Side::new(machine, 0, leaves, table, |at| at);
    for &access in accesses {
        while let Err(fault) = side.run(access) {
            let Fault::Extended { addr, .. } = fault else { panic!("{fault}") };
            let sizes = [draw.pick(&PageSize::ALL), PageSize::Size2M, PageSize::Size4K];
            let ept: &mut Extended = &mut side.stack.below;
            let maps = |size: PageSize| {
                let page = Page::<Gpa>::containing(addr, size);
                let frame = Addr::<Hpa>::new(placed(pair, page.start().get()));
                ept.map(page, frame, LeafFlags::everything(), &mut frames).is_ok()
            };
            assert!(sizes.into_iter().any(maps));
        }
    }
    side.stack.below
}
