//! The traces of `tests/data`: what they take and how fast they are read.

use std::time::{Duration, Instant};

use terrace_addr::convert;
use terrace_trace::{Batch, Provenance, TerraceFile, TerraceWriter, open};

use crate::support::data;

const TRACES: [&str; 4] = ["sort.drmemtrace.zip", "gups.drmemtrace.zip", "mix.champsim.xz", "true.lackey.gz"];

/// A trace converted to Terrace's format, and how long writing took.
fn converted(name: &str) -> (tempfile::TempDir, std::path::PathBuf, Duration) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    let mut source = open(data(name)).unwrap();
    let mut writer = TerraceWriter::create(&path, Provenance::new()).unwrap();
    let mut batch = Batch::new();
    let mut took = Duration::ZERO;
    while source.next_batch(&mut batch).unwrap() {
        let start = Instant::now();
        writer.write(&batch).unwrap();
        took += start.elapsed();
    }
    let start = Instant::now();
    writer.finish().unwrap();
    (folder, path, took + start.elapsed())
}

#[test]
fn each_trace_is_read_as_it_was() {
    for name in TRACES {
        let (_folder, path, _) = converted(name);
        let (mut one, mut other) = (open(data(name)).unwrap(), TerraceFile::open(&path).unwrap());
        let (mut left, mut right) = (Batch::new(), Batch::new());
        let (mut ahead_left, mut ahead_right) = (0, 0);
        loop {
            // The batches are cut differently.
            if ahead_left == left.accesses().len() {
                ahead_left = 0;
                if !one.next_batch(&mut left).unwrap() {
                    break;
                }
            }
            if ahead_right == right.accesses().len() {
                ahead_right = 0;
                assert!(other.next_batch(&mut right).unwrap(), "{name}");
            }
            let (rest_left, rest_right) = (&left.accesses()[ahead_left..], &right.accesses()[ahead_right..]);
            let both = rest_left.len().min(rest_right.len());
            assert_eq!(rest_left[..both], rest_right[..both], "{name}");
            assert_eq!((left.thread(), left.thread_id()), (right.thread(), right.thread_id()), "{name}");
            ahead_left += both;
            ahead_right += both;
        }
        assert_eq!(ahead_right, right.accesses().len(), "{name}");
        assert!(!other.next_batch(&mut right).unwrap(), "{name}");
        assert_eq!(other.references(), one.statistics().references(), "{name}");
    }
}

/// The promise: at most a quarter of what drmemtrace takes.
#[test]
fn sort_takes_a_quarter_of_its_drmemtrace_file() {
    let (_folder, path, _) = converted("sort.drmemtrace.zip");
    let bytes = path.metadata().unwrap().len();
    assert!(4 * bytes <= data("sort.drmemtrace.zip").metadata().unwrap().len(), "{bytes} bytes");
}

/// Prints bytes a reference, and references a second on the calling thread, the best of several rounds.
#[test]
#[ignore = "a measurement: cargo test --release -p terrace-trace --test terrace -- --ignored --nocapture"]
fn speed() {
    for name in TRACES {
        let (_folder, path, wrote) = converted(name);
        let mut best = Duration::MAX;
        let mut sum = 0_u64;
        let mut references = 0;
        for _ in 0..15 {
            let start = Instant::now();
            let mut file = TerraceFile::open(&path).unwrap();
            let mut batch = Batch::new();
            while file.next_batch(&mut batch).unwrap() {
                sum = batch.accesses().iter().fold(sum, |sum, access| sum.wrapping_add(access.addr.get()));
            }
            best = best.min(start.elapsed());
            references = file.references();
        }
        let bytes = path.metadata().unwrap().len();
        let rate = |took: Duration| convert::ratio(references, 1_000_000) / took.as_secs_f64();
        println!(
            "{name}: {references} references, {bytes} bytes ({:.4} a reference; the original has {:.4}), read at \
             {:.0} M references/s, written at {:.1} M references/s ({sum:x})",
            convert::ratio(bytes, references),
            convert::ratio(data(name).metadata().unwrap().len(), references),
            rate(best),
            rate(wrote),
        );
    }
}
