//! What decoding a trace costs on this machine.
//!
//! Opening, inflating and decoding are timed, with a consumer that does nothing but add addresses up. Readers inflate
//! ahead on other threads, so that this is not the time of one core.

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use terrace_trace::Batch;

/// Reads a whole trace: its accesses, and the sum of their addresses.
fn read(path: &str) -> (usize, u64) {
    let mut source = terrace_trace::open(path).expect("a trace");
    let mut batch = Batch::new();
    let (mut count, mut sum) = (0, 0);
    while source.next_batch(&mut batch).expect("a whole trace") {
        count += batch.accesses().len();
        sum = batch.accesses().iter().fold(sum, |sum: u64, access| sum.wrapping_add(access.addr.get()));
    }
    (count, sum)
}

#[divan::bench(
    args = ["sort.drmemtrace.zip", "gups.drmemtrace.zip", "mix.champsim.xz", "true.lackey.gz"],
    sample_count = 20
)]
fn decode(bencher: Bencher<'_, '_>, name: &str) {
    let path = format!("{}/../../tests/data/{name}", env!("CARGO_MANIFEST_DIR"));
    let stored = std::fs::metadata(&path).expect("a trace").len();
    let (accesses, _) = read(&path);
    bencher
        .counter(ItemsCount::new(accesses))
        .counter(BytesCount::new(stored))
        .bench(|| read(divan::black_box(&path)));
}
