//! How fast a trace is decoded: `cargo run --release -p terrace-trace --example decode_speed -- TRACE …`.
//!
//! Prints the best of five rounds: the references of a trace, over the time in which a consumer took all of them
//! that adds up their addresses. Under `taskset -c 0` that is the cost of everything on one core.

use std::time::{Duration, Instant};

use terrace_addr::convert;
use terrace_trace::{Batch, TraceError, open};

const ROUNDS: usize = 5;

fn main() -> Result<(), TraceError> {
    for path in std::env::args().skip(1) {
        let mut best = Duration::MAX;
        let mut references = 0;
        let mut instructions = 0;
        let mut bytes = 0;
        let mut sum = 0_u64;
        for _ in 0..ROUNDS {
            let start = Instant::now();
            let mut source = open(&path)?;
            let mut batch = Batch::new();
            instructions = 0;
            while source.next_batch(&mut batch)? {
                instructions += batch.instructions();
                sum = batch.accesses().iter().fold(sum, |sum, access| sum.wrapping_add(access.addr.get()));
            }
            best = best.min(start.elapsed());
            references = source.statistics().references();
            bytes = source.progress().total;
        }
        let rate = |count| convert::ratio(count, 1_000_000) / best.as_secs_f64();
        println!(
            "{path}: {references} references in {best:.1?}: {:.0} M references/s, {:.0} M instructions/s, \
             {:.0} M stored bytes/s ({sum:x})",
            rate(references),
            rate(instructions),
            rate(bytes),
        );
    }
    Ok(())
}
