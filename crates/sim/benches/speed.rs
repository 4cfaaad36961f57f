//! How fast the engine is on this machine, beside what the machine itself does: `cargo bench -p terrace-sim`.
//!
//! `-- gups` runs the rows whose names contain `gups`: hits, misses, gups, sort, native. With `--test`, as the
//! project's check runs it, everything is small and done once. `TERRACE_BENCH_MACHINE` chooses the machine.

use std::time::Instant;

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use terrace_addr::{Access, AccessKind, Addr, Bytes, PageSize, convert};
use terrace_machine::builtin;
use terrace_sim::Mode;
use terrace_sim::mapping::{PageRule, PageRules, Placement, Rule};
use terrace_sim::replay::{Replay, Settings};
use terrace_trace::{Batch, ThreadIndex};

fn main() {
    let small = std::env::args().any(|argument| argument == "--test");
    let machine = std::env::var("TERRACE_BENCH_MACHINE").unwrap_or_else(|_| "broadwell-e5-2620v4".to_owned());
    println!("{machine}, {} run", if small { "reduced" } else { "full" });
    let scale = |full: u64| if small { full / 1000 } else { full };
    let filters: Vec<String> = std::env::args().skip(1).filter(|text| !text.starts_with('-')).collect();
    let wanted =
        |name: &str| filters.is_empty() || filters.iter().any(|filter| name.contains(filter.as_str()));
    if wanted("hits") {
        hits(&machine, scale(400_000_000));
    }
    if wanted("misses") {
        few_misses(&machine, scale(100_000_000));
    }
    if wanted("gups") {
        gups(&machine, if small { 256 << 20 } else { 32 << 30 }, scale(50_000_000));
    }
    if wanted("sort") {
        sort(&machine, if small { 1 } else { 5 });
    }
    if wanted("native") {
        native(if small { 32 << 20 } else { 8 << 30 }, scale(100_000_000));
    }
}

/// Prints a row: what was done, how often a second.
fn row(what: &str, done: u64, started: Instant) {
    let nanoseconds = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX).max(1);
    println!("{what:<64} {:>8.1} M/s", 1000.0 * convert::ratio(done, nanoseconds));
}

fn replay(machine: &str, mode: Mode, memory: u64) -> Replay {
    let rule = Rule {
        pages: PageRules::all(PageRule::All(PageSize::Size4K)),
        placement: Placement::Scattered,
        memory: Bytes::new(memory),
        seed: 1,
        file: None,
    };
    let machine = builtin(machine, &[]).expect("a built-in machine");
    Replay::new(&machine, &[mode], &rule, Settings::default()).expect("a machine that can be built")
}

/// Feeds `count` accesses to addresses that `next` makes.
fn feed(replay: &mut Replay, count: u64, kind: AccessKind, mut next: impl FnMut() -> u64) {
    let mut batch = Batch::new();
    let mut done = 0;
    while done < count {
        batch.start(ThreadIndex::new(0), 0, done);
        while !batch.is_full() && done < count {
            batch.push(Access { addr: Addr::new(next()), size: 8, kind });
            done += 1;
        }
        replay.feed(&mut batch).expect("accesses within memory");
    }
}

fn hits(machine: &str, count: u64) {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
    let mut replay = replay(machine, Mode::TwoDimensional, 1 << 30);
    let mut next = move || (1 << 32) + (random.next_u64() & 0xfff8);
    feed(&mut replay, 1000, AccessKind::Load, &mut next);
    let started = Instant::now();
    feed(&mut replay, count, AccessKind::Load, &mut next);
    row("TLB hits: loads in 64 KiB", count, started);
}

/// Three accesses of a hundred go anywhere in 8 GiB, the others stay in 64 KiB.
fn few_misses(machine: &str, count: u64) {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(2);
    let mut replay = replay(machine, Mode::TwoDimensional, 1 << 34);
    let mut next = move || {
        let draw = random.next_u64();
        let near = (draw >> 32) % 100 >= 3;
        (1 << 40) + (draw & if near { 0xfff8 } else { 0x1_ffff_fff8 })
    };
    feed(&mut replay, count / 4, AccessKind::Load, &mut next);
    let started = Instant::now();
    feed(&mut replay, count, AccessKind::Load, &mut next);
    row("3 % misses, 2d", count, started);
}

fn gups(machine: &str, bytes: u64, count: u64) {
    let mut replay = replay(machine, Mode::TwoDimensional, bytes.max(1 << 30));
    let pages = bytes >> 12;
    let started = Instant::now();
    let mut page = 0;
    feed(&mut replay, pages, AccessKind::Store, || {
        page += 1;
        (1 << 44) + ((page - 1) << 12)
    });
    row(&format!("first touch of {} MiB, 2d (pages)", bytes >> 20), pages, started);
    let mut random = Xoshiro256PlusPlus::seed_from_u64(3);
    let started = Instant::now();
    feed(&mut replay, count, AccessKind::Store, || (1 << 44) + (random.next_u64() & (bytes - 8)));
    row(&format!("GUPS {} MiB, 2d, 4K on 4K", bytes >> 20), count, started);
    let counts = replay.counters().expect("accesses within memory")[0].1;
    println!(
        "  {:.2} misses an access, {:.2} references a walk",
        convert::ratio(counts.stlb_misses - pages, count),
        convert::ratio(counts.walk_references, counts.walks)
    );
}

fn sort(machine: &str, rounds: u64) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/sort.drmemtrace.zip");
    let started = Instant::now();
    let mut references = 0;
    for _ in 0..rounds {
        let mut replay = replay(machine, Mode::Native, 1 << 30);
        let mut source = terrace_trace::open(path).expect("the trace");
        let mut batch = Batch::new();
        while source.next_batch(&mut batch).expect("a whole trace") {
            replay.feed(&mut batch).expect("accesses within memory");
        }
        references += replay.counters().expect("accesses within memory")[0].1.references;
    }
    row("drmemtrace `sort`, native, decoding included (references)", references, started);
}

/// The program itself: random read-modify-writes of 8 bytes.
fn native(bytes: u64, count: u64) {
    let mut table = vec![0_u64; convert::index(bytes / 8)];
    for word in table.iter_mut().step_by(512) {
        *word = 1;
    }
    let mask = convert::index(bytes / 8 - 1);
    let mut random = Xoshiro256PlusPlus::seed_from_u64(4);
    let started = Instant::now();
    for _ in 0..count {
        let draw = random.next_u64();
        table[convert::index(draw) & mask] ^= draw;
    }
    row(&format!("this machine itself: GUPS {} MiB", bytes >> 20), count, started);
    assert!(std::hint::black_box(&table).iter().take(4).count() == 4);
}
