//! What the machine itself does, for comparison.

use std::time::{Duration, Instant};

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use terrace_addr::convert;

/// Random updates of 8 bytes over `bytes` bytes (a power of two), each a load and a store; how long they took.
pub fn gups(bytes: u64, updates: u64) -> Duration {
    let mut table = vec![0_u64; convert::index(bytes / 8)];
    // Every page is touched before the clock runs.
    for word in table.iter_mut().step_by(512) {
        *word = 1;
    }
    let mask = convert::index(bytes / 8 - 1);
    let mut random = Xoshiro256PlusPlus::seed_from_u64(4);
    let started = Instant::now();
    for _ in 0..updates {
        let draw = random.next_u64();
        table[convert::index(draw) & mask] ^= draw;
    }
    let took = started.elapsed();
    std::hint::black_box(&table);
    took
}

/// How much memory the comparison may take: a power of two, at most 8 GiB and at most a third of what is free; 256
/// MiB where that is not known.
pub fn memory() -> u64 {
    let available = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
    });
    let third = available.map_or(256 << 20, |kibibytes| kibibytes * 1024 / 3);
    let largest = third.clamp(64 << 20, 8 << 30);
    1 << largest.ilog2()
}
