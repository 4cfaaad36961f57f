//! Reading from the middle on.

use proptest::prelude::*;
use terrace_trace::{Batch, TerraceFile, TraceErrorKind};

use crate::support::{looping, rest, written};

#[test]
fn any_reference_can_be_the_first() {
    let accesses = looping(60);
    let (_folder, path) = written(&accesses, &[], 47);
    let mut file = TerraceFile::open(&path).unwrap();
    for first in (0..=accesses.len()).rev() {
        file.seek(u64::try_from(first).unwrap()).unwrap();
        assert_eq!(rest(&mut file).unwrap(), accesses[first..], "from {first}");
    }
    let error = file.seek(301).unwrap_err();
    assert_eq!(error.kind(), TraceErrorKind::Record);
    assert!(error.to_string().contains("found 300 references, expected"), "{error}");
}

#[test]
fn a_block_that_is_passed_over_is_not_read() {
    let (_folder, path) = written(&looping(60), &[], 100);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[60] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let mut file = TerraceFile::open(&path).unwrap();
    file.seek(100).unwrap();
    assert_eq!(rest(&mut file).unwrap().len(), 200);
    file.seek(99).unwrap();
    assert_eq!(rest(&mut file).unwrap_err().kind(), TraceErrorKind::Damaged);
}

proptest! {
    #[test]
    fn batches_say_where_they_are(first in 0..20_000_u64, block in 1..9_000_u32) {
        let accesses = looping(4_000);
        let (_folder, path) = written(&accesses, &[], block);
        let mut file = TerraceFile::open(&path).unwrap();
        file.seek(first).unwrap();
        let mut batch = Batch::new();
        let mut next = first;
        while file.next_batch(&mut batch).unwrap() {
            prop_assert_eq!(batch.first_reference(), next);
            next += u64::try_from(batch.accesses().len()).unwrap();
        }
        prop_assert_eq!(next, 20_000);
    }
}
