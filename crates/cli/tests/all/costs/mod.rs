//! What translation costs in each mode, for the README.

use std::fmt::Write;

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use terrace_addr::{Access, AccessKind, Addr, Bytes, convert};
use terrace_machine::builtin;
use terrace_sim::Mode;
use terrace_sim::mapping::{PageRules, Placement, Rule};
use terrace_sim::replay::{Replay, Settings};
use terrace_trace::{Batch, ThreadIndex};

use crate::run::{data, terrace};

/// The machine of the table: the default of `terrace replay`.
const MACHINE: &str = "sapphire-rapids-8480";

/// (what, the trace)
const TRACES: [(&str, &str); 4] = [
    ("`gups`: random updates, 256 MiB", "gups.drmemtrace.zip"),
    ("`sort`", "sort.drmemtrace.zip"),
    ("`mix`", "mix.champsim.xz"),
    ("`true`", "true.lackey.gz"),
];

/// A row for each program, a column for each mode: translation cycles for an access, with 4K pages in every layer.
pub(crate) fn table() -> String {
    let mut table = String::from("| translation cycles for an access |");
    for mode in Mode::ALL {
        write!(table, " {mode} |").unwrap();
    }
    table.push_str("\n| --- |");
    table.push_str(&" ---: |".repeat(Mode::ALL.len()));
    table.push('\n');
    for (what, trace) in TRACES {
        row(&mut table, what, &replayed(trace));
    }
    row(&mut table, "GUPS, 2 GiB", &gups(2 << 30));
    table
}

fn row(table: &mut String, what: &str, costs: &[f64]) {
    write!(table, "| {what} |").unwrap();
    for cost in costs {
        write!(table, " {cost:.2} |").unwrap();
    }
    table.push('\n');
}

/// Of a trace, as `terrace replay TRACE --mode …` counts.
fn replayed(trace: &str) -> Vec<f64> {
    let modes = Mode::ALL.map(Mode::name).join(",");
    let output = terrace(&["replay", &data(trace), "--mode", &modes, "--format", "json"]).success();
    let result: serde_json::Value = serde_json::from_str(&output).unwrap();
    let modes = result["modes"].as_array().unwrap();
    let count = |mode: &serde_json::Value, name: &str| mode[name].as_u64().unwrap();
    modes.iter().map(|mode| convert::ratio(count(mode, "cycles"), count(mode, "accesses"))).collect()
}

/// Of stores of 8 bytes to random places of so much memory, all of it touched before.
fn gups(bytes: u64) -> Vec<f64> {
    let machine = builtin(MACHINE, &[]).unwrap();
    let rule = Rule {
        pages: PageRules::default(),
        placement: Placement::Scattered,
        memory: Bytes::new(bytes),
        seed: 1,
        file: None,
    };
    let cost = |mode: Mode| {
        let mut replay = Replay::new(&machine, &[mode], &rule, Settings::default()).unwrap();
        let mut feed = |places: &mut dyn Iterator<Item = u64>| {
            let mut batch = Batch::new();
            batch.start(ThreadIndex::new(0), 0, 0);
            for place in places {
                let addr = Addr::new((1 << 44) + place);
                batch.push(Access { addr, size: 8, kind: AccessKind::Store });
                if batch.is_full() {
                    replay.feed(&mut batch).unwrap();
                    batch.start(ThreadIndex::new(0), 0, 0);
                }
            }
            replay.feed(&mut batch).unwrap();
            let counts = replay.counters().unwrap()[0].1;
            (counts.cycles, counts.accesses)
        };
        let touched = feed(&mut (0..bytes >> 12).map(|page| page << 12));
        let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
        let all = feed(&mut (0..400_000).map(|_| random.next_u64() & (bytes - 8)));
        convert::ratio(all.0 - touched.0, all.1 - touched.1)
    };
    Mode::ALL.map(cost).to_vec()
}
