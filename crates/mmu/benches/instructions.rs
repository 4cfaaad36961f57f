//! Counts the instructions of the engine's paths, under Valgrind. The bench `ceilings` runs this one and judges it.
//!
//! Counts do not depend on the processor or on what else it does, but on the compiler and, a little, on the C library.
//! Of the vector instructions only those are counted that every x86-64 processor has, and none: Valgrind does not know
//! AVX-512.

#![allow(missing_docs, reason = "the macros make items that nobody sees")]

mod counted;
mod world;

use counted::ACCESSES;
use gungraun::prelude::*;
use gungraun::{Callgrind, library_benchmark, library_benchmark_group, main};
use terrace_addr::{Access, convert};
use terrace_mmu::{Below, Counters, Extended, Identity, Vectors};
use world::World;

/// The program has 2^17 pages, 512 MiB: many times what an STLB reaches.
const BITS: u32 = 17;

/// What is made before counting begins: a world whose structures are warm, and the accesses.
type Ready<B = Extended> = (World<B>, Vec<Access>);

/// Warms a world by four times as many accesses of the same kind as are counted, and makes sure that they take the
/// path that `taken` counts.
fn warm<B: Below>(
    mut world: World<B>,
    accesses: impl Fn(&World<B>, usize, u64) -> Vec<Access>,
    taken: impl Fn(&Counters) -> u64,
) -> Ready<B> {
    let before = accesses(&world, 3 * ACCESSES, 1);
    world.run(&before);
    let earlier = taken(&world.counters());
    let last = accesses(&world, ACCESSES, 2);
    world.run(&last);
    let took = taken(&world.counters()) - earlier;
    let all = convert::count(ACCESSES);
    assert!(100 * took > 90 * all, "{took} of {all} accesses take the path");
    let counted = accesses(&world, ACCESSES, 3);
    (world, counted)
}

/// Of 64 KiB: all are hits of the first level.
fn first_level(vectors: Vectors) -> Ready {
    let world = World::new(BITS, false, vectors);
    let hits = |counters: &Counters| counters.accesses - counters.dtlb_misses;
    warm(world, |world, count, seed| world.within(16, count, seed), hits)
}

/// Of 4 MiB, 1,024 pages: the second level holds them all, the first 64.
fn second_level(vectors: Vectors) -> Ready {
    let world = World::new(BITS, false, vectors);
    warm(world, |world, count, seed| world.within(22, count, seed), |counters| counters.stlb_hits)
}

fn extended(vectors: Vectors) -> Ready {
    warm(World::new(BITS, false, vectors), World::anywhere, |counters| counters.walks)
}

fn native(vectors: Vectors) -> Ready<Identity> {
    warm(World::native(BITS, false, vectors), World::anywhere, |counters| counters.walks)
}

// The worlds are given back, so that their end is not counted.

#[library_benchmark]
#[bench::portable(args = (Vectors::Portable), setup = first_level)]
#[bench::sse2(args = (Vectors::Sse2), setup = first_level)]
fn hits((mut world, accesses): Ready) -> Ready {
    world.run(&accesses);
    (world, accesses)
}

#[library_benchmark]
#[bench::portable(args = (Vectors::Portable), setup = second_level)]
#[bench::sse2(args = (Vectors::Sse2), setup = second_level)]
fn stlb_hits((mut world, accesses): Ready) -> Ready {
    world.run(&accesses);
    (world, accesses)
}

#[library_benchmark]
#[bench::portable(args = (Vectors::Portable), setup = extended)]
#[bench::sse2(args = (Vectors::Sse2), setup = extended)]
fn walks_2d((mut world, accesses): Ready) -> Ready {
    world.run(&accesses);
    (world, accesses)
}

#[library_benchmark]
#[bench::portable(args = (Vectors::Portable), setup = native)]
#[bench::sse2(args = (Vectors::Sse2), setup = native)]
fn walks_native((mut world, accesses): Ready<Identity>) -> Ready<Identity> {
    world.run(&accesses);
    (world, accesses)
}

library_benchmark_group!(name = paths, benchmarks = [hits, stlb_hits, walks_2d, walks_native]);

main!(
    config = LibraryBenchmarkConfig::default().tool(Callgrind::with_args(["--cache-sim=no"]));
    library_benchmark_groups = paths
);
