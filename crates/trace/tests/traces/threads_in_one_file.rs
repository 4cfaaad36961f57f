//! A single file may hold several threads: its thread records say whose the records after them are.

use terrace_trace::{Batch, open};

use crate::build::{FETCH, LOAD, MARKER, THREAD, TIMESTAMP, addresses, read_bytes, record, trace};

fn interleaved() -> Vec<u8> {
    trace(
        9,
        &[
            record(FETCH, 4, 0x900),
            record(THREAD, 4, 4),
            record(MARKER, TIMESTAMP, 3),
            record(FETCH, 4, 0x400),
            record(LOAD, 8, 0x408),
            record(THREAD, 4, 4),
            record(LOAD, 8, 0x410),
            record(THREAD, 4, 9),
            record(MARKER, TIMESTAMP, 2),
            record(LOAD, 8, 0x908),
        ],
    )
}

#[test]
fn threads_are_numbered_as_they_appear_and_order_is_kept() {
    let seen = read_bytes(&interleaved()).unwrap();
    assert_eq!(addresses(&seen), [(0, 0x900), (1, 0x400), (1, 0x408), (1, 0x410), (0, 0x908)]);
}

#[test]
fn a_batch_is_of_one_thread() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), interleaved()).unwrap();
    let mut source = open(file.path()).unwrap();
    let mut batch = Batch::new();
    let mut batches = Vec::new();
    while source.next_batch(&mut batch).unwrap() {
        batches.push((
            batch.thread_id(),
            batch.accesses().len(),
            batch.instructions(),
            batch.first_reference(),
        ));
    }
    assert_eq!(batches, [(9, 1, 1, 0), (4, 3, 1, 1), (9, 1, 0, 4)]);
}
