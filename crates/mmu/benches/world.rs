//! A program with all its pages mapped, for the benches and for tests that compare ways to run.
#![allow(dead_code, reason = "each bench and test uses a part of this")]

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use terrace_addr::{Access, AccessKind, Addr, Gpa, Hpa, Page, PageSize, Space};
use terrace_machine::builtin;
use terrace_mmu::{
    AsTheyAre, Below, Context, Counters, Extended, Identity, Invalidation, Layout, Mmu, Origin, Stack,
    Vectors,
};
use terrace_table::{Ept, Format, FrameSource, LeafFlags, Levels, SimulatedMemory, Table, X86};

/// The machine, unless a bench is about another vendor's.
const MACHINE: &str = "broadwell-e5-2620v4";
/// Where the program's memory begins.
const START: u64 = 1 << 44;
/// Where frames begin, in both spaces; table pages lie below.
const FRAMES: u64 = 1 << 36;
/// Where the host's frames for the guest's table pages begin.
const TABLE_FRAMES: u64 = 1 << 35;
/// What scatters the frames of each table.
const SCATTER: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0xd134_2543_de82_ef95];

/// A program of 2^`bits` pages of 4K on frames of 4K that are scattered.
pub(crate) struct World<B: Below = Extended> {
    mmu: Mmu,
    stack: Stack<B>,
    bytes: u64,
}

impl World {
    /// In a guest on EPT with pages of 4K.
    pub(crate) fn new(bits: u32, data_lines: bool, vectors: Vectors) -> Self {
        Self::guest_of(MACHINE, bits, data_lines, vectors)
    }

    /// The same on another machine.
    pub(crate) fn guest_of(machine: &str, bits: u32, data_lines: bool, vectors: Vectors) -> Self {
        let (mut guest_pages, mut host_pages) = (TablePages(0), TablePages(0));
        let mut first = Table::new(X86::new(Levels::Four), SimulatedMemory::<Gpa>::new(), &mut guest_pages)
            .expect("room");
        map_scattered(&mut first, START, bits, SCATTER[0], &mut guest_pages);
        let mut host =
            Table::new(Ept::new(Levels::Four), SimulatedMemory::<Hpa>::new(), &mut host_pages).expect("room");
        map_scattered(&mut host, FRAMES, bits, SCATTER[1], &mut host_pages);
        for number in 1..=(guest_pages.0 >> 12) {
            map(&mut host, number << 12, TABLE_FRAMES + (number << 12), &mut host_pages);
        }
        let context = Context { pcid: 0, vpid: 1, root: 1 };
        let stack = Stack { first, below: host };
        Self { mmu: mmu(machine, context, data_lines, vectors), stack, bytes: 1 << (bits + 12) }
    }
}

impl World<Identity> {
    /// On bare metal.
    pub(crate) fn native(bits: u32, data_lines: bool, vectors: Vectors) -> Self {
        let mut table_pages = TablePages(0);
        let mut first = Table::new(X86::new(Levels::Four), SimulatedMemory::<Hpa>::new(), &mut table_pages)
            .expect("room");
        map_scattered(&mut first, START, bits, SCATTER[0], &mut table_pages);
        let mmu = mmu(MACHINE, Context::default(), data_lines, vectors);
        Self { mmu, stack: Stack { first, below: Identity }, bytes: 1 << (bits + 12) }
    }
}

impl<B: Below> World<B> {
    /// Runs accesses that all translate.
    pub(crate) fn run(&mut self, accesses: &[Access]) {
        self.mmu.run(0, &mut self.stack, accesses, &mut AsTheyAre).expect("everything is mapped");
    }

    /// Executes an invalidation; how many entries it removed.
    pub(crate) fn invalidate(&mut self, invalidation: Invalidation) -> u64 {
        self.mmu.invalidate(0, Origin::Local, invalidation).removed
    }

    /// Looks ahead over so many accesses.
    pub(crate) fn look_ahead(&mut self, accesses: usize) {
        self.mmu.set_look_ahead(accesses);
    }

    /// What was counted so far.
    pub(crate) fn counters(&self) -> Counters {
        self.mmu.counters(0)
    }

    /// Walks so far, and table entries read by them.
    pub(crate) fn walks(&self) -> (u64, u64) {
        let counters = self.mmu.counters(0);
        (counters.walks, counters.walk_references)
    }

    /// Stores to random places of the whole memory.
    pub(crate) fn anywhere(&self, count: usize, seed: u64) -> Vec<Access> {
        accesses(count, seed, |draw| draw >> 8 & (self.bytes - 8))
    }

    /// Stores to random places of 2^`bits` bytes.
    #[allow(clippy::unused_self, reason = "beside its siblings, which need the memory's length")]
    pub(crate) fn within(&self, bits: u32, count: usize, seed: u64) -> Vec<Access> {
        accesses(count, seed, |draw| draw >> 8 & ((1 << bits) - 8))
    }

    /// `misses` accesses of a hundred go anywhere, the others into 64 KiB.
    pub(crate) fn mixed(&self, misses: u64, count: usize, seed: u64) -> Vec<Access> {
        let anywhere = self.bytes - 8;
        accesses(count, seed, |draw| {
            draw >> 8 & if (draw & 0xff) * 100 < misses * 256 { anywhere } else { 0xfff8 }
        })
    }

    /// A store to each page of the whole memory, in order.
    pub(crate) fn sweep(&self) -> Vec<Access> {
        (0..self.bytes >> 12).map(|page| store(page << 12)).collect()
    }
}

/// Stores to places that random numbers give.
fn accesses(count: usize, seed: u64, place: impl Fn(u64) -> u64) -> Vec<Access> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    (0..count).map(|_| store(place(random.next_u64()))).collect()
}

/// A store to a place in the program's memory.
fn store(place: u64) -> Access {
    Access { addr: Addr::new(START + place), size: 8, kind: AccessKind::Store }
}

/// Hands out table pages one after the other.
struct TablePages(u64);

impl<S: Space> FrameSource<S> for TablePages {
    fn take(&mut self) -> Option<Addr<S>> {
        self.0 += 0x1000;
        Some(Addr::new(self.0))
    }

    fn give_back(&mut self, _: Addr<S>) {}
}

fn mmu(machine: &str, context: Context, data_lines: bool, vectors: Vectors) -> Mmu {
    let machine = builtin(machine, &[]).expect("a built-in machine");
    let mut mmu = Mmu::new(&machine, 1, &Layout::single(Addr::new(1 << 38))).expect("a machine");
    mmu.set_context(0, context);
    mmu.set_data_lines(data_lines);
    mmu.set_vectors(vectors);
    mmu
}

/// Maps 2^`bits` pages from `start` on to as many frames, in an order that `key` decides.
fn map_scattered<U: Space, F: Format, L: Space>(
    table: &mut Table<U, F, SimulatedMemory<L>>,
    start: u64,
    bits: u32,
    key: u64,
    table_pages: &mut TablePages,
) {
    let pages = 1_u64 << bits;
    for number in 0..pages {
        let place = number.wrapping_mul(key | 1).wrapping_add(key >> 20) & (pages - 1);
        map(table, start + (number << 12), FRAMES + (place << 12), table_pages);
    }
}

/// Maps a page as populated and written before.
fn map<U: Space, F: Format, L: Space>(
    table: &mut Table<U, F, SimulatedMemory<L>>,
    at: u64,
    frame: u64,
    table_pages: &mut TablePages,
) {
    let flags = LeafFlags::everything() | LeafFlags::ACCESSED | LeafFlags::DIRTY;
    let page = Page::containing(Addr::new(at), PageSize::Size4K);
    let _ = table.map(page, Addr::new(frame), flags, table_pages).expect("a free page");
}
