//! Whatever the bytes: an error, or what was written.

use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::*;
use terrace_trace::{Event, EventKind, TerraceFile, ThreadIndex, TraceErrorKind};

use crate::support::{Made, looping, read, rest, written};

/// A small file with all that a file may have, and what it holds.
fn sample() -> (tempfile::TempDir, std::path::PathBuf, Vec<Made>, Vec<Event>) {
    let accesses = looping(60);
    let mark = |reference, text: &str| Event {
        reference,
        thread: ThreadIndex::new(0),
        kind: EventKind::Mark { text: text.to_owned() },
    };
    let events = vec![mark(0, "begin"), mark(130, "in the middle"), mark(300, "end")];
    let (folder, path) = written(&accesses, &events, 128);
    (folder, path, accesses, events)
}

/// The bytes of that file: written once, because finishing a file waits for the disk.
static SAMPLE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let (_folder, path, ..) = sample();
    std::fs::read(path).unwrap()
});

/// Reads these bytes: an error, or this content.
fn check(path: &Path, bytes: &[u8], accesses: &[Made], events: &[Event], what: &str) {
    std::fs::write(path, bytes).unwrap();
    if let Ok(content) = read(path) {
        assert_eq!(content, (accesses.to_vec(), events.to_vec()), "{what}");
    }
}

#[test]
fn each_byte_counts() {
    let (_folder, path, accesses, events) = sample();
    let bytes = std::fs::read(&path).unwrap();
    for at in 0..bytes.len() {
        for flip in [1, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] ^= flip;
            std::fs::write(&path, &damaged).unwrap();
            assert!(read(&path).is_err(), "byte {at} of {} with {flip:#x}", bytes.len());
        }
    }
    check(&path, &bytes, &accesses, &events, "undamaged");
}

#[test]
fn a_file_that_is_cut_anywhere_is_refused() {
    let (_folder, path, ..) = sample();
    let bytes = std::fs::read(&path).unwrap();
    for length in 0..bytes.len() {
        std::fs::write(&path, &bytes[..length]).unwrap();
        let error = read(&path).unwrap_err();
        let expected = if length < 8 { TraceErrorKind::Format } else { TraceErrorKind::Truncated };
        assert_eq!(error.kind(), expected, "{length} bytes: {error}");
    }
}

#[test]
fn bytes_that_are_missing_or_doubled_in_the_middle() {
    let (_folder, path, ..) = sample();
    let bytes = std::fs::read(&path).unwrap();
    for at in (0..bytes.len()).step_by(7) {
        let shorter = [&bytes[..at], &bytes[at + 1..]].concat();
        let longer = [&bytes[..at], &[0], &bytes[at..]].concat();
        for changed in [shorter, longer] {
            std::fs::write(&path, &changed).unwrap();
            assert!(read(&path).is_err(), "at {at}");
        }
    }
}

/// Changes a body and mends the check sums, so that what is behind them is reached.
fn mended(bytes: &[u8], section: usize, change: impl Fn(&mut [u8])) -> Option<Vec<u8>> {
    let mut bytes = bytes.to_vec();
    let mut at = 12;
    let length = |bytes: &[u8], at: usize| {
        usize::try_from(u64::from_le_bytes(bytes[at + 4..at + 12].try_into().unwrap())).unwrap()
    };
    for _ in 0..section {
        at += 16 + length(&bytes, at);
        if at + 24 >= bytes.len() {
            return None;
        }
    }
    let end = at + 16 + length(&bytes, at);
    change(&mut bytes[at + 16..end]);
    let mut crc = flate2::Crc::new();
    crc.update(&bytes[at..at + 12]);
    crc.update(&bytes[at + 16..end]);
    bytes[at + 12..at + 16].copy_from_slice(&crc.sum().to_le_bytes());
    Some(bytes)
}

/// Reads without the digest, from the second reference on.
fn read_from_one(path: &Path) -> Option<Vec<Made>> {
    let mut file = TerraceFile::open(path).ok()?;
    file.seek(1).ok()?;
    let accesses = rest(&mut file).ok();
    let _ = file.events();
    accesses
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_changed_body_with_a_mended_check_sum_never_panics(
        section in 0..7_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        small: bool,
    ) {
        let bytes = &*SAMPLE;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t");
        let change = |body: &mut [u8]| {
            for (at, value) in &changes {
                let at = at.index(if small { body.len().min(44) } else { body.len() });
                body[at] = *value;
            }
        };
        if let Some(changed) = mended(bytes, section, change) {
            std::fs::write(&path, &changed).unwrap();
            if changed != *bytes && section < 6 {
                prop_assert!(read(&path).is_err());
            } else {
                let _ = read(&path);
            }
            let _ = read_from_one(&path);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..400), begun: bool) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t");
        if begun {
            bytes.splice(0..0, *b"\x89TRC\r\n\x1a\n\x01\0\0\0");
            bytes.extend(*b"\x89TRCend\n");
        }
        std::fs::write(&path, &bytes).unwrap();
        prop_assert!(read(&path).is_err());
    }
}
