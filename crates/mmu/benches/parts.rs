//! What the parts of the MMU cost on this machine: `cargo bench -p terrace-mmu --bench parts`.
//!
//! `-- walk` runs the benches whose names contain `walk`; `-- --test` runs each once, unmeasured. The rates are of
//! accesses, all made before the clock runs, in a world whose structures are warm.

mod invalidations;
mod world;

use divan::Bencher;
use divan::counter::ItemsCount;
use terrace_addr::Access;
use terrace_mmu::{Below, Vectors};
use world::World;

/// The program has 2^17 pages, 512 MiB: many times what an STLB reaches.
const BITS: u32 = 17;
/// Accesses of one iteration.
const ACCESSES: usize = 1 << 15;

fn main() {
    divan::main();
}

/// The kinds that this processor has.
fn vectors() -> impl Iterator<Item = Vectors> {
    Vectors::ALL.into_iter().filter(|vectors| vectors.is_available())
}

/// Runs the accesses again and again.
fn measure<B: Below>(bencher: Bencher<'_, '_>, mut world: World<B>, accesses: &[Access]) {
    world.run(accesses);
    bencher.counter(ItemsCount::new(accesses.len())).bench_local(|| world.run(accesses));
}

/// First-level hits: 64 KiB.
#[divan::bench(args = vectors())]
fn hits(bencher: Bencher<'_, '_>, vectors: Vectors) {
    let world = World::new(BITS, false, vectors);
    let accesses = world.within(16, ACCESSES, 1);
    measure(bencher, world, &accesses);
}

/// Second-level hits: the 1,024 pages of 4 MiB, of which the first level holds 64.
#[divan::bench(args = vectors())]
fn stlb_hits(bencher: Bencher<'_, '_>, vectors: Vectors) {
    let world = World::new(BITS, false, vectors);
    let accesses = world.within(22, ACCESSES, 2);
    measure(bencher, world, &accesses);
}

/// Three accesses of a hundred walk, in two dimensions.
#[divan::bench(args = vectors())]
fn few_misses(bencher: Bencher<'_, '_>, vectors: Vectors) {
    let world = World::new(BITS, false, vectors);
    let accesses = world.mixed(3, ACCESSES, 3);
    measure(bencher, world, &accesses);
}

/// A walk in one dimension for nearly every access.
#[divan::bench(args = vectors())]
fn walks_native(bencher: Bencher<'_, '_>, vectors: Vectors) {
    let world = World::native(BITS, false, vectors);
    let accesses = world.anywhere(ACCESSES, 4);
    measure(bencher, world, &accesses);
}

/// A walk in two dimensions for nearly every access.
#[divan::bench(args = vectors())]
fn walks_2d(bencher: Bencher<'_, '_>, vectors: Vectors) {
    let world = World::new(BITS, false, vectors);
    let accesses = world.anywhere(ACCESSES, 5);
    measure(bencher, world, &accesses);
}

/// Fills: each access is the first to its page since all structures held others, so that each fills an entry of both
/// TLB levels, and a page directory's entry in 512; eight neighbours share a table line.
#[divan::bench(args = vectors())]
fn fills(bencher: Bencher<'_, '_>, vectors: Vectors) {
    let world = World::new(BITS, false, vectors);
    let accesses = world.sweep();
    measure(bencher, world, &accesses);
}

/// Line accesses: data lines looked up in the caches, where 2^`bits` bytes stay in the first (14), the second (17) or
/// the third level (22).
#[divan::bench(args = [14, 17, 22])]
fn data_lines(bencher: Bencher<'_, '_>, bits: u32) {
    let world = World::new(BITS, true, Vectors::best());
    let accesses = world.within(bits, ACCESSES, 6);
    measure(bencher, world, &accesses);
}
