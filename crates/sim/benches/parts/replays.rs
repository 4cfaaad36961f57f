//! What a replay costs on this machine, mode by mode.
//!
//! Small worlds, for comparing changes; `terrace bench` measures the sizes that the engine's speed is stated for.

use divan::Bencher;
use divan::counter::ItemsCount;
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use terrace_addr::{Access, AccessKind, Addr, Bytes};
use terrace_machine::builtin;
use terrace_sim::Mode;
use terrace_sim::mapping::{PageRules, Placement, Rule};
use terrace_sim::replay::{Replay, Settings};
use terrace_trace::{Batch, ThreadIndex};

/// Pages of the program: 256 MiB.
const PAGES: u64 = 1 << 16;
/// Where they begin.
const START: u64 = 1 << 44;

fn replay(mode: Mode) -> Replay {
    let machine = builtin("broadwell-e5-2620v4", &[]).expect("a built-in machine");
    let rule = Rule {
        pages: PageRules::default(),
        placement: Placement::Scattered,
        memory: Bytes::new(1 << 30),
        seed: 1,
        file: None,
    };
    let settings = Settings { data_lines: false, ..Settings::default() };
    Replay::new(&machine, &[mode], &rule, settings).expect("a machine that can be built")
}

/// A store to each place.
fn stores(places: impl Iterator<Item = u64>) -> Vec<Batch> {
    let mut batches: Vec<Batch> = Vec::new();
    for (place, number) in places.zip(0..) {
        if batches.last().is_none_or(Batch::is_full) {
            let mut batch = Batch::new();
            batch.start(ThreadIndex::new(0), 0, number);
            batches.push(batch);
        }
        if let Some(batch) = batches.last_mut() {
            batch.push(Access { addr: Addr::new(START + place), size: 8, kind: AccessKind::Store });
        }
    }
    batches
}

fn feed(replay: &mut Replay, batches: &mut [Batch]) {
    for batch in batches {
        replay.feed(batch).expect("accesses within memory");
    }
}

/// The first touch of every page: mapping it in all layers, inside its walk.
#[divan::bench(args = Mode::ALL, sample_count = 10)]
fn first_touch(bencher: Bencher<'_, '_>, mode: Mode) {
    let batches = stores((0..PAGES).map(|page| page << 12));
    bencher
        .counter(ItemsCount::new(PAGES))
        .with_inputs(|| (replay(mode), batches.clone()))
        .bench_local_refs(|(replay, batches)| feed(replay, batches));
}

/// Random stores to pages that were touched before.
#[divan::bench(args = Mode::ALL, sample_count = 10)]
fn random_stores(bencher: Bencher<'_, '_>, mode: Mode) {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
    let mut batches = stores((0..PAGES).map(|_| random.next_u64() & ((PAGES << 12) - 8)));
    let mut replay = replay(mode);
    feed(&mut replay, &mut stores((0..PAGES).map(|page| page << 12)));
    bencher.counter(ItemsCount::new(PAGES)).bench_local(|| feed(&mut replay, &mut batches));
}
