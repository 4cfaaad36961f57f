//! A guest with all its pages mapped, for the benches.

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use terrace_addr::{Access, AccessKind, Addr, Gpa, Hpa, Page, PageSize, Space};
use terrace_machine::builtin;
use terrace_mmu::{AsTheyAre, Context, Counters, Extended, Layout, Mmu, Stack, Vectors};
use terrace_table::{Ept, FrameSource, LeafFlags, Levels, SimulatedMemory, Table, X86};

/// Hands out table pages one after the other.
struct TablePages(u64);

impl<S: Space> FrameSource<S> for TablePages {
    fn take(&mut self) -> Option<Addr<S>> {
        self.0 += 0x1000;
        Some(Addr::new(self.0))
    }

    fn give_back(&mut self, _: Addr<S>) {}
}

/// Where the program's memory begins.
const START: u64 = 1 << 44;
/// Where frames begin, in both spaces; table pages lie below.
const FRAMES: u64 = 1 << 36;

/// A guest of 2^`bits` pages of 4K on host pages of 4K, its frames scattered.
pub struct World {
    mmu: Mmu,
    stack: Stack<Extended>,
    bytes: u64,
}

impl World {
    pub fn new(bits: u32, data_lines: bool, vectors: Vectors) -> Self {
        let machine = builtin("broadwell-e5-2620v4", &[]).expect("a built-in machine");
        let mut mmu = Mmu::new(&machine, 1, &Layout::single(Addr::new(1 << 38))).expect("a machine");
        mmu.set_context(0, Context { pcid: 0, vpid: 1, root: 1 });
        mmu.set_data_lines(data_lines);
        mmu.set_vectors(vectors);
        let mut guest_pages = TablePages(0);
        let mut host_pages = TablePages(0);
        let mut first = Table::new(X86::new(Levels::Four), SimulatedMemory::<Gpa>::new(), &mut guest_pages)
            .expect("room");
        let mut host =
            Table::new(Ept::new(Levels::Four), SimulatedMemory::<Hpa>::new(), &mut host_pages).expect("room");
        let flags = LeafFlags::everything() | LeafFlags::ACCESSED | LeafFlags::DIRTY;
        let pages = 1_u64 << bits;
        let scattered =
            |number: u64, key: u64| number.wrapping_mul(key | 1).wrapping_add(key >> 20) & (pages - 1);
        for number in 0..pages {
            let page = Page::containing(Addr::new(START + (number << 12)), PageSize::Size4K);
            let frame = Addr::new(FRAMES + (scattered(number, 0x9e37_79b9_7f4a_7c15) << 12));
            let _ = first.map(page, frame, flags, &mut guest_pages).expect("a free page");
        }
        for number in 0..pages {
            let page = Page::containing(Addr::new(FRAMES + (number << 12)), PageSize::Size4K);
            let frame = Addr::new(FRAMES + (scattered(number, 0xd134_2543_de82_ef95) << 12));
            let _ = host.map(page, frame, flags, &mut host_pages).expect("a free page");
        }
        for number in 1..=(guest_pages.0 >> 12) {
            let page = Page::containing(Addr::new(number << 12), PageSize::Size4K);
            let frame = Addr::new((1 << 35) + (number << 12));
            let _ = host.map(page, frame, flags, &mut host_pages).expect("a free page");
        }
        Self { mmu, stack: Stack { first, below: Extended { table: host } }, bytes: pages << 12 }
    }

    /// Runs accesses that all translate.
    pub fn run(&mut self, accesses: &[Access]) {
        self.mmu.run(0, &mut self.stack, accesses, &mut AsTheyAre).expect("everything is mapped");
    }

    /// Looks ahead over so many accesses.
    pub fn look_ahead(&mut self, accesses: usize) {
        self.mmu.set_look_ahead(accesses);
    }

    /// What was counted so far.
    pub fn counters(&self) -> Counters {
        self.mmu.counters(0)
    }

    /// Walks so far, and table entries read by them.
    pub fn walks(&self) -> (u64, u64) {
        let counters = self.mmu.counters(0);
        (counters.walks, counters.walk_references)
    }

    /// Stores to random places of the whole memory.
    pub fn anywhere(&self, count: usize, seed: u64) -> Vec<Access> {
        self.accesses(count, seed, |draw| draw >> 8 & (self.bytes - 8))
    }

    /// Stores to random places of 2^`bits` bytes.
    pub fn within(&self, bits: u32, count: usize, seed: u64) -> Vec<Access> {
        self.accesses(count, seed, |draw| draw >> 8 & ((1 << bits) - 8))
    }

    /// `misses` accesses of a hundred go anywhere, the others into 64 KiB.
    pub fn mixed(&self, misses: u64, count: usize, seed: u64) -> Vec<Access> {
        let anywhere = self.bytes - 8;
        self.accesses(count, seed, |draw| {
            draw >> 8 & if (draw & 0xff) * 100 < misses * 256 { anywhere } else { 0xfff8 }
        })
    }

    fn accesses(&self, count: usize, seed: u64, place: impl Fn(u64) -> u64) -> Vec<Access> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let access = |_| Access {
            addr: Addr::new(START + place(random.next_u64())),
            size: 8,
            kind: AccessKind::Store,
        };
        (0..count).map(access).collect()
    }
}
