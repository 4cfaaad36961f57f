//! The rows that drive the engine.

use std::path::Path;
use std::time::{Duration, Instant};

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use terrace_addr::{Access, AccessKind, Addr, Bytes, PageSize};
use terrace_mmu::Counters;
use terrace_trace::{Batch, Format, ThreadIndex};

use super::{Bench, BenchError, Measured, Touched};
use crate::Mode;
use crate::mapping::{PageRules, Placement, Rule};
use crate::replay::{Replay, Settings};

/// Batches that are made at a time, before the clock runs: 4 MiB of accesses.
const MADE: usize = 64;

/// Where the program's memory begins.
const START: u64 = 1 << 44;

/// The memory that misses go to, in bytes: some thousand times what an STLB reaches.
const MISSED: u64 = 8 << 30;

fn replay(bench: &Bench<'_>, mode: Mode, memory: u64, data_lines: bool) -> Result<Replay, BenchError> {
    let rule = Rule {
        pages: PageRules::default(),
        placement: Placement::Scattered,
        memory: Bytes::new(memory.max(PageSize::Size1G.bytes())),
        seed: 1,
        file: None,
    };
    let settings = Settings { data_lines, vectors: bench.vectors, ..Settings::default() };
    Ok(Replay::new(bench.machine, &[mode], &rule, settings)?)
}

/// Feeds `count` accesses to places that `next` gives; how long that took.
fn feed(
    replay: &mut Replay,
    count: u64,
    kind: AccessKind,
    mut next: impl FnMut() -> u64,
) -> Result<Duration, BenchError> {
    let mut batches: Vec<Batch> = (0..MADE).map(|_| Batch::new()).collect();
    let mut done = 0;
    let mut took = Duration::ZERO;
    while done < count {
        for batch in &mut batches {
            batch.start(ThreadIndex::new(0), 0, done);
            while !batch.is_full() && done < count {
                batch.push(Access { addr: Addr::new(START + next()), size: 8, kind });
                done += 1;
            }
        }
        let started = Instant::now();
        for batch in &mut batches {
            replay.feed(batch)?;
        }
        took += started.elapsed();
    }
    Ok(took)
}

/// Feeds `warm` accesses, then `count` that are measured.
fn measure(
    replay: &mut Replay,
    [warm, count]: [u64; 2],
    kind: AccessKind,
    mut next: impl FnMut() -> u64,
) -> Result<Measured, BenchError> {
    feed(replay, warm, kind, &mut next)?;
    let before = counted(replay)?;
    let took = feed(replay, count, kind, &mut next)?;
    Ok(Measured::new(count, took, &before, &counted(replay)?))
}

/// What was counted so far.
fn counted(replay: &mut Replay) -> Result<Counters, BenchError> {
    Ok(replay.counters()?.first().map_or_else(Counters::default, |(_, counters)| *counters))
}

fn random(seed: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(seed)
}

pub(super) fn hits(bench: &Bench<'_>) -> Result<Measured, BenchError> {
    let mut random = random(1);
    let mut replay = replay(bench, Mode::TwoDimensional, 0, bench.data_lines)?;
    measure(&mut replay, [10_000, bench.size.accesses], AccessKind::Load, || random.next_u64() & 0xfff8)
}

pub(super) fn misses(bench: &Bench<'_>) -> Result<Measured, BenchError> {
    let mut random = random(2);
    let bytes = bench.size.bytes.min(MISSED);
    let (mut replay, first_touch) = touched(bench, Mode::TwoDimensional, bytes, bench.data_lines)?;
    let count = bench.size.accesses / 4;
    let measured = measure(&mut replay, [count / 10, count], AccessKind::Load, || {
        let draw = random.next_u64();
        let near = (draw >> 48) % 100 >= 3;
        draw & if near { 0xfff8 } else { bytes - 8 }
    })?;
    Ok(Measured { first_touch: Some(first_touch), ..measured })
}

/// A replay that has touched every page of `bytes`, and how that went.
pub(super) fn touched(
    bench: &Bench<'_>,
    mode: Mode,
    bytes: u64,
    data_lines: bool,
) -> Result<(Replay, Touched), BenchError> {
    let mut replay = replay(bench, mode, bytes, data_lines)?;
    let size = PageSize::Size4K;
    let pages = bytes >> size.shift();
    let mut places = (0..pages).map(|page| page << size.shift());
    let took = feed(&mut replay, pages, AccessKind::Store, || places.next().unwrap_or(0))?;
    Ok((replay, Touched { pages, took }))
}

pub(super) fn gups(bench: &Bench<'_>, mode: Mode, data_lines: bool) -> Result<Measured, BenchError> {
    let mut random = random(3);
    let bytes = bench.size.bytes;
    let (mut replay, first_touch) = touched(bench, mode, bytes, data_lines)?;
    let count = bench.size.accesses / 20;
    let places = || random.next_u64() & (bytes - 8);
    let measured = measure(&mut replay, [count / 10, count], AccessKind::Store, places)?;
    Ok(Measured { first_touch: Some(first_touch), ..measured })
}

/// A trace, over and over until enough of it was replayed; opening and decoding are timed too.
pub(super) fn trace(bench: &Bench<'_>, path: &Path) -> Result<Measured, BenchError> {
    let mut replay = replay(bench, Mode::Native, 0, bench.data_lines)?;
    let mut done = 0;
    let started = Instant::now();
    while done < bench.size.accesses / 10 {
        let mut source = terrace_trace::open(path)?;
        let mut batch = Batch::new();
        while source.next_batch(&mut batch)? {
            replay.feed(&mut batch)?;
        }
        // A record of ChampSim's is an instruction, and gives a fetch beside its operands.
        let statistics = source.statistics();
        let records = match source.format() {
            Format::ChampSim | Format::CloudSuite => statistics.records,
            _ => statistics.references(),
        };
        if records == 0 {
            return Err(BenchError::Empty { trace: path.display().to_string() });
        }
        done += records;
    }
    let took = started.elapsed();
    Ok(Measured::new(done, took, &Counters::default(), &counted(&mut replay)?))
}
