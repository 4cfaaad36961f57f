//! The same records give the same stream, however they are packed.

use std::num::NonZero;
use std::path::Path;

use terrace_trace::Options;
use zip::CompressionMethod;

use crate::build::{Seen, data, drain, gzip, only_member, read, xz, zip, zip_with};

fn read_with(path: &Path, threads: usize) -> Vec<Seen> {
    let mut source = Options::new().threads(NonZero::new(threads).unwrap()).open(path).unwrap();
    drain(&mut *source).unwrap()
}

#[test]
fn sort_in_many_chunks_is_the_sort_in_one() {
    let content = only_member("sort.drmemtrace.zip");
    let expected = read(&data("sort.drmemtrace.zip")).unwrap();
    // Chunks of unequal length, of which most do not end where a record does.
    let chunks: Vec<&[u8]> = content.chunks(9_999_991).collect();
    assert_eq!(chunks.len(), 14);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("chunks.zip");
    std::fs::write(&path, zip(&chunks)).unwrap();
    for threads in [1, 2, 5] {
        assert!(read_with(&path, threads) == expected, "with {threads} threads");
    }
}

#[test]
fn gups_is_the_same_in_every_container() {
    let content = only_member("gups.drmemtrace.zip");
    let expected = read(&data("gups.drmemtrace.zip")).unwrap();
    let halves: Vec<&[u8]> = content.chunks(content.len() / 2 + 5).collect();
    let with_an_empty_chunk = [halves[0], &[], halves[1]];
    let packed = [
        ("plain", content.clone()),
        ("gzip", gzip(&content)),
        ("two gzip members", [gzip(halves[0]), gzip(halves[1])].concat()),
        ("xz", xz(&content)),
        ("two xz streams", [xz(halves[0]), xz(halves[1])].concat()),
        ("stored zip", zip_with(&halves, CompressionMethod::Stored)),
        ("zip with an empty chunk", zip(&with_an_empty_chunk)),
    ];
    let directory = tempfile::tempdir().unwrap();
    // The name says nothing: the content is looked at.
    let path = directory.path().join("trace.bin");
    for (what, bytes) in packed {
        std::fs::write(&path, bytes).unwrap();
        assert!(read_with(&path, 2) == expected, "{what}");
    }
}

#[test]
fn threads_that_inflate_end_with_their_source() {
    let content = only_member("gups.drmemtrace.zip");
    let chunks: Vec<&[u8]> = content.chunks(100_000).collect();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("chunks.zip");
    std::fs::write(&path, zip(&chunks)).unwrap();
    let mut source = Options::new().threads(NonZero::new(3).unwrap()).open(&path).unwrap();
    let mut batch = terrace_trace::Batch::new();
    assert!(source.next_batch(&mut batch).unwrap());
    // Dropping it waits for its threads: this test would not end if one of them did not.
    drop(source);
}
