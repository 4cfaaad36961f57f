//! A ChampSim trace of 20 million instructions: how long it takes, beside what unpacking it takes. Not run by default:
//! `cargo test --release -p terrace-cli --test all -- --ignored --nocapture large` needs 1.3 GB in the temporary folder.

use crate::run;

use std::process::Command;
use std::time::{Duration, Instant};

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use run::terrace;
use terrace_addr::{Access, AccessKind, Addr};
use terrace_trace::{Batch, ChampSimWriter, ThreadIndex, TraceWriter};

const INSTRUCTIONS: u64 = 20_000_000;

/// Instructions of a loop, every third of which loads: 97 of 100 times from 64 KiB, otherwise from 64 MiB.
fn write(path: &std::path::Path) {
    let mut writer = Box::new(ChampSimWriter::create(path).unwrap());
    let mut random = Xoshiro256PlusPlus::seed_from_u64(5);
    let mut batch = Batch::new();
    for number in 0..INSTRUCTIONS {
        let fetch =
            Access { addr: Addr::new(0x40_0000 + number % 4096 * 4), size: 4, kind: AccessKind::Fetch };
        batch.push(fetch);
        if number % 3 == 0 {
            let draw = random.next_u64();
            let mask = if (draw >> 48) % 100 >= 3 { 0xfff8 } else { 0x3ff_fff8 };
            let addr = Addr::new((1 << 32) + (draw & mask));
            batch.push(Access { addr, size: 8, kind: AccessKind::Load });
        }
        if batch.accesses().len() + 2 > Batch::CAPACITY || number + 1 == INSTRUCTIONS {
            writer.write(&batch).unwrap();
            batch.start(ThreadIndex::default(), 0, 0);
        }
    }
    writer.finish().unwrap();
}

fn timed(work: impl FnOnce()) -> Duration {
    let started = Instant::now();
    work();
    started.elapsed()
}

#[test]
#[ignore = "takes a minute and 1.3 GB"]
fn twenty_million_instructions() {
    let folder = tempfile::tempdir().unwrap();
    let plain = folder.path().join("large.champsim");
    write(&plain);
    let path = plain.to_str().unwrap();
    let counts = terrace(&["replay", path, "--mode", "native", "--data-lines", "off", "--format", "csv"]);
    assert!(counts.success().lines().count() == 2);
    let engine = timed(|| {
        terrace(&["replay", path, "--mode", "native", "--data-lines", "off", "--quiet"]).success();
    });
    println!("plain, native: {engine:?} with starting, reading and the digest");
    let status = Command::new("xz").args(["-1", "--keep", "--threads=2", path]).status().unwrap();
    assert!(status.success());
    let packed = format!("{path}.xz");
    let unpacking = timed(|| {
        let status =
            Command::new("sh").args(["-c", "xz -dc --threads=1 \"$0\" > /dev/null", &packed]).status();
        assert!(status.unwrap().success());
    });
    let replaying = timed(|| {
        terrace(&["replay", &packed, "--mode", "native", "--data-lines", "off", "--quiet"]).success();
    });
    let reading = timed(|| {
        terrace(&["replay", &packed, "--mode", "native", "--skip", "1000000000", "--quiet"]).success();
    });
    println!("xz -d alone {unpacking:?}; here: read {reading:?}, replayed {replaying:?}");
}
