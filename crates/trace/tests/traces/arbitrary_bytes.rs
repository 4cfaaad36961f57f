//! No bytes make a reader panic or wait for ever.

use proptest::prelude::*;

use terrace_trace::{Format, Options, open_as};

use crate::build::{
    drain, gzip, read, read_bytes, small_champsim, small_lackey, small_trace, xz, zip, zip_with,
};

/// Valid files in every container.
fn valid() -> Vec<Vec<u8>> {
    let (trace, champsim, lackey) = (small_trace(), small_champsim(), small_lackey());
    let (first, second) = trace.split_at(50);
    vec![
        gzip(&trace),
        xz(&trace),
        zip(&[&trace]),
        zip(&[first, second]),
        zip_with(&[first, second], zip::CompressionMethod::Stored),
        gzip(&champsim),
        xz(&champsim),
        zip(&[&champsim]),
        gzip(&lackey),
        xz(&lackey),
        zip(&[&lackey[..70], &lackey[70..]]),
        trace,
        champsim,
        lackey,
    ]
}

/// A change to a file.
#[derive(Debug, Clone)]
enum Change {
    Set(prop::sample::Index, u8),
    Cut(prop::sample::Index),
    Insert(prop::sample::Index, Vec<u8>),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => any::<(prop::sample::Index, u8)>().prop_map(|(at, byte)| Change::Set(at, byte)),
        1 => any::<prop::sample::Index>().prop_map(Change::Cut),
        1 => any::<(prop::sample::Index, Vec<u8>)>().prop_map(|(at, bytes)| Change::Insert(at, bytes)),
    ]
}

fn apply(content: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Set(at, byte) => {
            if !content.is_empty() {
                let at = at.index(content.len());
                content[at] = *byte;
            }
        }
        Change::Cut(at) => content.truncate(at.index(content.len() + 1)),
        Change::Insert(at, bytes) => {
            let at = at.index(content.len() + 1);
            content.splice(at..at, bytes.iter().copied());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn arbitrary_bytes_do_not_panic(
        magic in prop::sample::select(vec![
            &b""[..], b"==1== Lackey, an example Valgrind tool\n", b"I  04001000,3\n", b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b\x08", b"\xfd7zXZ\0", b"\x19\0\0\0\x07\0\0\0\0\0\0\0",
        ]),
        bytes in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        let _ = read_bytes(&[magic, &bytes].concat());
    }

    #[test]
    fn arbitrary_lines_do_not_panic(
        lines in prop::collection::vec("(I  | [LSM] |==|\\PC{0,3})[0-9a-f]{0,18}[, x]?[0-9]{0,12}\r?", 0..30),
        wanted in prop::sample::select(vec![None, Some(Format::Lackey), Some(Format::ChampSim)]),
    ) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), lines.join("\n")).unwrap();
        let options = wanted.map_or(Options::new(), |wanted| Options::new().format(wanted));
        let _ = options.open(file.path()).and_then(|mut source| drain(&mut *source));
    }

    #[test]
    fn arbitrary_bytes_read_as_lackey_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        let _ = open_as(file.path(), Format::Lackey).and_then(|mut source| drain(&mut *source));
    }

    #[test]
    fn changes_to_valid_files_do_not_panic(
        which in prop::sample::select(valid()),
        changes in prop::collection::vec(change(), 1..6),
    ) {
        let mut content = which;
        for change in &changes {
            apply(&mut content, change);
        }
        let _ = read_bytes(&content);
        // The same as one of two threads of a directory.
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("a"), &content).unwrap();
        std::fs::write(directory.path().join("b"), small_trace()).unwrap();
        let _ = read(directory.path());
    }
}

#[test]
fn the_valid_files_are_valid() {
    for content in valid() {
        read_bytes(&content).unwrap();
    }
}
