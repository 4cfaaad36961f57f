//! Segments: base and limit instead of a second dimension, and what their check keeps out.

use crate::world::{Bump, DATA, load, machine, mmu, store};
use terrace_addr::{Addr, Bytes, Gpa, Hpa, Page, PageSize};
use terrace_machine::Machine;
use terrace_mmu::{
    Context, Fault, GuestTable, Invalidation, Mmu, Origin, Segment, SegmentPair, Stack, Step, Translation,
};
use terrace_table::{Entry, LeafFlags, Levels, SimulatedMemory, Table, TableMemory, X86};

const BASE: u64 = 5 << 30;
const SIZE: u64 = 1 << 30;

struct World {
    mmu: Mmu,
    stack: Stack<Segment>,
    frames: Bump,
}

impl World {
    fn new(machine: &Machine) -> Self {
        let mut frames = Bump(0x10_0000);
        let first: GuestTable<Gpa> =
            Table::new(X86::new(Levels::Four), SimulatedMemory::new(), &mut frames).unwrap();
        let below = Segment { base: Addr::new(BASE), size: Bytes::new(SIZE) };
        let mut mmu = mmu(machine);
        mmu.set_context(0, Context { pcid: 0, vpid: 1, root: 0 });
        Self { mmu, stack: Stack { first, below }, frames }
    }

    fn map(&mut self, at: u64, frame: u64, size: PageSize) {
        let page = Page::from_start(Addr::new(at), size).unwrap();
        let all = LeafFlags::everything();
        let _nothing_stale = self.stack.first.map(page, Addr::new(frame), all, &mut self.frames).unwrap();
    }

    fn load(&mut self, at: u64) -> Result<Translation, Fault> {
        self.mmu.access(0, &mut self.stack, load(at))
    }

    fn flush(&mut self) {
        let _removed = self.mmu.invalidate(0, Origin::Local, Invalidation::Everything);
    }
}

/// A page of `size` at the guest-physical address `frame`, once.
fn page_at(frame: u64, size: PageSize) -> Result<Translation, Fault> {
    let mut world = World::new(&machine(""));
    world.map(DATA, frame, size);
    world.load(DATA)
}

fn violation(addr: u64) -> Result<Translation, Fault> {
    Err(Fault::Segment { addr: Addr::new(addr) })
}

#[test]
fn a_walk_reads_the_guests_tables_only() {
    for (size, references) in [(PageSize::Size4K, 4), (PageSize::Size2M, 3), (PageSize::Size1G, 2)] {
        let mut world = World::new(&machine(""));
        world.stack.below.size = Bytes::new(2 << 30);
        world.map(DATA, 1 << 30, size);
        let found = world.load(DATA + 0x123).unwrap();
        assert_eq!(found, Translation { addr: Addr::new(BASE + (1 << 30) + 0x123), size });
        let counts = world.mmu.counters(0);
        assert_eq!((counts.walk_references, counts.nested_references), (references, 0));
    }
}

#[test]
fn pages_end_at_the_limit_exactly() {
    for size in [PageSize::Size4K, PageSize::Size2M] {
        let last = SIZE - size.bytes();
        assert_eq!(page_at(last, size).unwrap().addr, Addr::new(BASE + last));
        assert_eq!(page_at(SIZE, size), violation(SIZE));
    }
    assert!(page_at(0, PageSize::Size1G).is_ok(), "the whole block is one page");
}

/// A large page that begins inside and ends outside is outside, its inner part too.
#[test]
fn a_page_that_straddles_the_limit_is_outside() {
    let mut world = World::new(&machine(""));
    world.stack.below.size = Bytes::new(SIZE - 0x1000);
    world.map(DATA, SIZE - (2 << 20), PageSize::Size2M);
    assert_eq!(world.load(DATA), violation(SIZE - (2 << 20)));
    world.stack.below.size = Bytes::new(0x1000);
    assert!(world.load(DATA).is_err(), "a segment that is smaller than the page, and than its tables' place");
}

/// Addresses whose sum with the base would wrap around are far above the limit.
#[test]
fn the_addition_cannot_overflow() {
    let highest = (1 << 52) - 0x1000;
    assert_eq!(page_at(highest, PageSize::Size4K), violation(highest));
    let mut world = World::new(&machine(""));
    world.stack.below.base = Addr::new(highest);
    world.map(DATA, 1 << 40, PageSize::Size4K);
    assert!(matches!(world.load(DATA), Err(Fault::Segment { .. })));
}

/// A guest's entry that refers to a table outside the block: the entry's own place is reported, and nothing is read
/// there.
#[test]
fn a_table_outside_is_never_read() {
    let mut world = World::new(&machine(
        "[walk_cache.pde]\nlevel = 2\nentries = 4\nways = 4\nreplacement = \"lru\"\nsource = \"test\"",
    ));
    world.map(DATA, 0x4000_0000 - 0x1000, PageSize::Size4K);
    let step = world.stack.first.path(Addr::new(DATA)).nth(2).unwrap();
    let outside = 1 << 40;
    let entry = Entry(step.entry.0 & 0xfff | outside);
    world.stack.first.memory_mut().write(step.node, step.index, entry);
    let (steps, result) = world.mmu.explain(0, &mut world.stack, load(DATA));
    assert_eq!(result, violation(outside));
    let read = steps.iter().filter(|step| matches!(step, Step::Entry { .. })).count();
    assert_eq!(read, 3, "the entries above the table");
    // Nothing of it was kept either: mended, it works.
    world.stack.first.memory_mut().write(step.node, step.index, step.entry);
    assert!(world.load(DATA).is_ok());
}

/// A paging-structure-cache entry from before the block moved or shrank is checked when it is used.
#[test]
fn a_stale_table_outside_is_not_read() {
    let pde = "[walk_cache.pde]\nlevel = 2\nentries = 4\nways = 4\nreplacement = \"lru\"\nsource = \"test\"";
    let mut world = World::new(&machine(pde));
    for page in 0..2 {
        world.map(DATA + page * 0x1000, 0x2000_0000 + page * 0x1000, PageSize::Size4K);
    }
    world.load(DATA).unwrap();
    world.stack.below.base = Addr::new(BASE + (2 << 30));
    let violations = |world: &World| world.mmu.counters(0).segment_violations;
    assert!(matches!(world.load(DATA + 0x1000), Err(Fault::Segment { .. })));
    assert_eq!(violations(&world), 1);
    // The violation dropped the entry: the walk starts at the root, in the new place.
    assert_eq!(world.load(DATA + 0x1000).unwrap().addr, Addr::new(BASE + (2 << 30) + 0x2000_1000));
}

/// A base that large pages cannot lie at: the guest's large pages are held in pieces.
#[test]
fn an_unaligned_base_splinters_large_pages() {
    for (base, size) in
        [(BASE, PageSize::Size2M), (BASE + (2 << 20), PageSize::Size2M), (BASE + 0x3000, PageSize::Size4K)]
    {
        let mut world = World::new(&machine(""));
        world.stack.below.base = Addr::new(base);
        world.map(DATA, 0x2000_0000, PageSize::Size2M);
        assert_eq!(
            world.load(DATA + 0x5000).unwrap(),
            Translation { addr: Addr::new(base + 0x2000_5000), size }
        );
    }
}

/// Hits and misses are those of a native run with the same frames.
#[test]
fn counts_are_those_of_a_native_run() {
    let mut world = World::new(&machine(""));
    let mut native = crate::world::Native::new(&machine(""));
    for page in 0..40 {
        world.map(DATA + page * 0x1000, 0x2000_0000 + page * 0x1000, PageSize::Size4K);
        native.map(
            DATA + page * 0x1000,
            BASE + 0x2000_0000 + page * 0x1000,
            PageSize::Size4K,
            LeafFlags::everything(),
        );
    }
    for at in (0..400).map(|number| DATA + number * 7 % 40 * 0x1000) {
        let access = if at % 3 == 0 { store(at) } else { load(at) };
        let found = world.mmu.access(0, &mut world.stack, access).unwrap();
        assert_eq!(found, native.run(access).unwrap());
    }
    let (ours, native) = (world.mmu.counters(0), native.counts());
    assert_eq!(
        (ours.dtlb_misses, ours.stlb_misses, ours.walk_references),
        (native.dtlb_misses, native.stlb_misses, native.walk_references)
    );
}

/// As software must: shrink, flush, then give away.
#[test]
fn after_a_flush_nothing_beyond_a_smaller_limit_is_reached() {
    let mut world = World::new(&machine(""));
    world.map(DATA, 0x3000_0000, PageSize::Size4K);
    world.load(DATA).unwrap();
    world.stack.below.size = Bytes::new(0x2000_0000);
    let stale = world.load(DATA).unwrap();
    assert_eq!(stale.addr, Addr::<Hpa>::new(BASE + 0x3000_0000), "a TLB hit is not checked");
    world.flush();
    assert_eq!(world.load(DATA), violation(0x3000_0000));
}

/// Guest-physical memory with a hole, in two segments: each page belongs to one, and none to the hole.
#[test]
fn two_segments_leave_a_hole_between_them() {
    let World { mut mmu, stack: Stack { mut first, below: low }, mut frames } = World::new(&machine(""));
    let high = Segment { base: Addr::new(20 << 30), size: Bytes::new(4 << 20) };
    let below = SegmentPair { low, split: Addr::new(4 << 30), high };
    let pages = [SIZE - 0x1000, SIZE, (4 << 30) - 0x1000, 4 << 30, (4 << 30) + (4 << 20)];
    for (page, frame) in (0..).zip(pages) {
        let page = Page::from_start(Addr::new(DATA + page * 0x1000), PageSize::Size4K).unwrap();
        let _nothing_stale = first.map(page, Addr::new(frame), LeafFlags::everything(), &mut frames).unwrap();
    }
    let mut stack = Stack { first, below };
    let mut found =
        |page| mmu.access(0, &mut stack, load(DATA + page * 0x1000)).map(|found| found.addr.get());
    assert_eq!(found(0), Ok(BASE + SIZE - 0x1000));
    assert_eq!(found(3), Ok(20 << 30));
    for page in [1, 2, 4] {
        assert_eq!(
            found(page),
            Err(Fault::Segment { addr: Addr::new(pages[terrace_addr::convert::index(page)]) })
        );
    }
}

/// A segment keeps the guest's large pages whole. Where they are used in few places and the array for large pages is
/// small, EPT that splinters them misses less: references to walk are fewer with a segment, misses need not be.
#[test]
fn splintered_pages_may_miss_less_often() {
    let mut machine = machine("");
    // Four base pages in the first level, two large ones, and nothing behind it.
    machine.tlb.remove("stlb");
    let small = machine.tlb.get_mut("l1d").unwrap();
    small.pages = vec![terrace_machine::PageSizeName(PageSize::Size4K)];
    let mut large = small.clone();
    large.pages = vec![terrace_machine::PageSizeName(PageSize::Size2M)];
    (large.entries, large.ways) = (2, 2);
    machine.tlb.insert("l1_large".to_owned(), large);
    let mut segment = World::new(&machine);
    let mut extended = crate::world::Virtual::new(&machine, PageSize::Size2M, PageSize::Size4K);
    for page in 0..4 {
        let at = DATA + (page + 1) * (2 << 20);
        segment.map(at, page * (2 << 20) + 0x1000_0000, PageSize::Size2M);
        extended.map_guest(at, crate::world::GUEST_DATA + (page + 1) * (2 << 20), PageSize::Size2M);
        extended.map_host(crate::world::GUEST_DATA + (page + 1) * (2 << 20), PageSize::Size4K);
    }
    for _ in 0..100 {
        for page in 0..4 {
            let access = load(DATA + (page + 1) * (2 << 20));
            segment.mmu.access(0, &mut segment.stack, access).unwrap();
            extended.mmu.access(0, &mut extended.stack, access).unwrap();
        }
    }
    let (ours, theirs) = (segment.mmu.counters(0), extended.mmu.counters(0));
    assert_eq!((ours.dtlb_misses, theirs.dtlb_misses), (400, 4));
    assert!(ours.walk_references / ours.walks < theirs.walk_references / theirs.walks);
}
