//! The rows that drive the engine.

use std::path::Path;
use std::time::{Duration, Instant};

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use terrace_addr::{Access, AccessKind, Addr, Bytes, convert};
use terrace_mmu::Counters;
use terrace_trace::{Batch, ThreadIndex};

use super::{Bench, BenchError, Measured};
use crate::Mode;
use crate::mapping::{PageRules, Placement, Rule};
use crate::replay::{Replay, Settings};

/// Batches that are made at a time, before the clock runs: 4 MiB of accesses.
const MADE: usize = 64;

/// Where the program's memory begins.
const START: u64 = 1 << 44;

fn replay(bench: &Bench<'_>, mode: Mode, memory: u64, data_lines: bool) -> Result<Replay, BenchError> {
    let rule = Rule {
        pages: PageRules::default(),
        placement: Placement::Scattered,
        memory: Bytes::new(memory.max(1 << 30)),
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

/// What was counted so far.
fn counted(replay: &mut Replay) -> Result<Counters, BenchError> {
    Ok(replay.counters()?.first().map_or_else(Counters::default, |(_, counters)| *counters))
}

fn random(seed: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(seed)
}

pub(super) fn hits(bench: &Bench<'_>) -> Result<Measured, BenchError> {
    let mut random = random(1);
    let mut replay = replay(bench, Mode::TwoDimensional, 1 << 30, false)?;
    let mut next = move || random.next_u64() & 0xfff8;
    feed(&mut replay, 1000, AccessKind::Load, &mut next)?;
    let done = bench.size.accesses;
    let took = feed(&mut replay, done, AccessKind::Load, &mut next)?;
    Ok(Measured { done, took, references_a_walk: 0.0, first_touch: None })
}

pub(super) fn misses(bench: &Bench<'_>) -> Result<Measured, BenchError> {
    let mut random = random(2);
    let memory = bench.size.bytes.min(8 << 30);
    let mut replay = replay(bench, Mode::TwoDimensional, 2 * memory, false)?;
    let mut next = move || {
        let draw = random.next_u64();
        let near = (draw >> 48) % 100 >= 3;
        draw & if near { 0xfff8 } else { memory - 8 }
    };
    let done = bench.size.accesses / 4;
    feed(&mut replay, done / 4, AccessKind::Load, &mut next)?;
    let before = counted(&mut replay)?;
    let took = feed(&mut replay, done, AccessKind::Load, &mut next)?;
    let references_a_walk = a_walk(&before, &counted(&mut replay)?);
    Ok(Measured { done, took, references_a_walk, first_touch: None })
}

/// A replay that has touched every page of GUPS, and how long that took for a page.
pub(super) fn touched(
    bench: &Bench<'_>,
    mode: Mode,
    data_lines: bool,
) -> Result<(Replay, Duration), BenchError> {
    let bytes = bench.size.bytes;
    let mut replay = replay(bench, mode, bytes, data_lines)?;
    let pages = bytes >> 12;
    let mut page = 0;
    let took = feed(&mut replay, pages, AccessKind::Store, || {
        page += 1;
        (page - 1) << 12
    })?;
    let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
    Ok((replay, Duration::from_nanos(nanoseconds / pages)))
}

pub(super) fn gups(bench: &Bench<'_>, mode: Mode, data_lines: bool) -> Result<Measured, BenchError> {
    let bytes = bench.size.bytes;
    let (mut replay, first_touch) = touched(bench, mode, data_lines)?;
    let mut random = random(3);
    let mut next = move || random.next_u64() & (bytes - 8);
    let done = bench.size.accesses / 20;
    feed(&mut replay, done / 10, AccessKind::Store, &mut next)?;
    let before = counted(&mut replay)?;
    let took = feed(&mut replay, done, AccessKind::Store, &mut next)?;
    let references_a_walk = a_walk(&before, &counted(&mut replay)?);
    Ok(Measured { done, took, references_a_walk, first_touch: Some(first_touch) })
}

/// A trace, over and over until enough of it was replayed; opening and decoding are timed too.
pub(super) fn trace(bench: &Bench<'_>, path: &Path) -> Result<Measured, BenchError> {
    let mut done = 0;
    let mut took = Duration::ZERO;
    while done < bench.size.accesses / 10 {
        let mut replay = replay(bench, Mode::Native, 1 << 30, false)?;
        let started = Instant::now();
        let mut source = terrace_trace::open(path)?;
        let mut batch = Batch::new();
        while source.next_batch(&mut batch)? {
            replay.feed(&mut batch)?;
        }
        took += started.elapsed();
        // ChampSim's records are instructions, most without an access.
        let records = if source.format() == terrace_trace::Format::ChampSim {
            replay.instructions()
        } else {
            counted(&mut replay)?.references
        };
        if records == 0 {
            break;
        }
        done += records;
    }
    Ok(Measured { done, took, references_a_walk: 0.0, first_touch: None })
}

/// Table entries read by each walk between two counts.
fn a_walk(before: &Counters, after: &Counters) -> f64 {
    let walks = after.walks - before.walks;
    if walks == 0 { 0.0 } else { convert::ratio(after.walk_references - before.walk_references, walks) }
}
