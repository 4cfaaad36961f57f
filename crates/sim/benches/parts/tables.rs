//! What page tables cost on this machine.

use divan::Bencher;
use divan::counter::ItemsCount;
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use terrace_addr::{Addr, Gva, Hpa, Page, PageSize, convert};
use terrace_table::{FrameSource, LeafFlags, Levels, SimulatedMemory, Table, X86};

/// Pages of each table.
const PAGES: u64 = 1 << 15;
/// Where they begin.
const START: u64 = 1 << 44;
/// Where table pages begin, above all frames.
const TABLE_PAGES: u64 = 1 << 40;

type Mapped = Table<Gva, X86, SimulatedMemory<Hpa>>;

/// Hands out table pages one after the other.
struct TablePages(u64);

impl FrameSource<Hpa> for TablePages {
    fn take(&mut self) -> Option<Addr<Hpa>> {
        self.0 += PageSize::Size4K.bytes();
        Some(Addr::new(TABLE_PAGES + self.0))
    }

    fn give_back(&mut self, _: Addr<Hpa>) {}
}

fn page(number: u64, size: PageSize) -> Page<Gva> {
    Page::containing(Addr::new(START + (number << size.shift())), size)
}

/// A table of `PAGES` pages of this size.
fn mapped(size: PageSize) -> Mapped {
    let mut frames = TablePages(0);
    let mut table = Table::new(X86::new(Levels::Four), SimulatedMemory::new(), &mut frames).expect("room");
    for number in 0..PAGES {
        let frame = Addr::new(number << size.shift());
        let _ = table.map(page(number, size), frame, LeafFlags::everything(), &mut frames).expect("free");
    }
    table
}

/// Builds a table page by page.
#[divan::bench(args = [PageSize::Size4K, PageSize::Size2M])]
fn map(bencher: Bencher<'_, '_>, size: PageSize) {
    bencher.counter(ItemsCount::new(PAGES)).bench(|| mapped(size));
}

/// Takes one down again, page by page; its table pages stay.
#[divan::bench(args = [PageSize::Size4K, PageSize::Size2M])]
fn unmap(bencher: Bencher<'_, '_>, size: PageSize) {
    bencher.counter(ItemsCount::new(PAGES)).with_inputs(|| mapped(size)).bench_refs(|table| {
        for number in 0..PAGES {
            // Nothing caches this table's translations.
            let _ = divan::black_box(table.unmap(page(number, size)).expect("a mapped page"));
        }
    });
}

/// Looks up random addresses.
#[divan::bench(args = [PageSize::Size4K, PageSize::Size2M])]
fn lookup(bencher: Bencher<'_, '_>, size: PageSize) {
    let table = mapped(size);
    let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
    let addresses: Vec<Addr<Gva>> =
        (0..PAGES).map(|_| page(random.next_u64() % PAGES, size).start()).collect();
    bencher.counter(ItemsCount::new(PAGES)).bench(|| {
        let found = addresses.iter().filter(|&&addr| table.lookup(divan::black_box(addr)).is_some()).count();
        assert_eq!(convert::count(found), PAGES);
    });
}

/// Visits all leaves in order.
#[divan::bench]
fn leaves(bencher: Bencher<'_, '_>) {
    let table = mapped(PageSize::Size4K);
    bencher
        .counter(ItemsCount::new(PAGES))
        .bench(|| assert_eq!(convert::count(table.all_leaves().count()), PAGES));
}

/// Splits a page of 2M, and merges its parts again.
#[divan::bench]
fn split_and_merge(bencher: Bencher<'_, '_>) {
    let mut table = mapped(PageSize::Size2M);
    let mut frames = TablePages(PAGES << 12);
    let huge = page(7, PageSize::Size2M);
    bencher.bench_local(|| {
        let split = table.split(huge, &mut frames).expect("a page of 2M");
        (split, table.merge(huge, &mut frames).expect("its parts, one after the other"))
    });
}
