//! No bytes make a reader panic or wait for ever.

use proptest::prelude::*;

use terrace_trace::{Format, Options, open_as, page_frames};

use crate::build::{
    PACKERS, drain, read, read_bytes, small_champsim, small_cloudsuite, small_lackey, small_perf_script,
    small_text, small_trace, zip, zip_with,
};

/// Valid files of every format, plain and in every container.
fn valid() -> Vec<Vec<u8>> {
    let contents = [
        small_trace(),
        small_champsim(),
        small_cloudsuite(),
        small_lackey(),
        small_perf_script(),
        small_text(),
    ];
    let (first, second) = contents[0].split_at(50);
    let mut valid = vec![
        zip(&[first, second]),
        zip_with(&[first, second], zip::CompressionMethod::Stored),
        zip(&[&contents[3][..70], &contents[3][70..]]),
    ];
    for content in contents {
        valid.extend(PACKERS.map(|(_, pack)| pack(&content)));
        // Two streams behind one another.
        valid.extend(PACKERS.map(|(_, pack)| [pack(&content[..30]), pack(&content[30..])].concat()));
        valid.push(zip(&[&content]));
        valid.push(content);
    }
    valid
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

/// A format that is asked for, or none.
fn wanted() -> impl Strategy<Value = Option<Format>> {
    prop::option::of(prop::sample::select(Format::ALL.to_vec()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn arbitrary_bytes_do_not_panic(
        magic in prop::sample::select(vec![
            &b""[..], b"==1== Lackey, an example Valgrind tool\n", b"I  04001000,3\n", b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b\x08", b"\xfd7zXZ\0", b"BZh91AY&SY", b"\x04\x22\x4d\x18\x60\x40\x82",
            b"\xff\x06\0\0sNaPpY", b"\x28\xb5\x2f\xfd", b"address,size\n", b"sh 1 2.3: mem-loads: 10\n", b"\x19\0\0\0\x07\0\0\0\0\0\0\0",
        ]),
        bytes in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        let _ = read_bytes(&[magic, &bytes].concat());
    }

    #[test]
    fn arbitrary_lines_do_not_panic(
        lines in prop::collection::vec("(I  | [LSM] |==|\\PC{0,3})[0-9a-f]{0,18}[, x]?[0-9]{0,12}\r?", 0..30),
        wanted in wanted(),
    ) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), lines.join("\n")).unwrap();
        let options = wanted.map_or(Options::new(), |wanted| Options::new().format(wanted));
        let _ = options.open(file.path()).and_then(|mut source| drain(&mut *source));
    }

    #[test]
    fn arbitrary_words_do_not_panic(
        lines in prop::collection::vec(
            "((sh|0x|[0-9a-f]{1,18}|[0-9]{1,3}/[0-9]{1,3}|\\[[0-9]{1,3}\\]|[0-9]\\.[0-9]:|mem-stores:|[rwx#]|\\PC{0,3})[ ,\t]{0,2}){0,8}",
            0..30,
        ),
        wanted in wanted(),
    ) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), lines.join("\n")).unwrap();
        let options = wanted.map_or(Options::new(), |wanted| Options::new().format(wanted));
        let _ = options.open(file.path()).and_then(|mut source| drain(&mut *source));
        let _ = page_frames(file.path());
    }

    #[test]
    fn arbitrary_bytes_read_as_a_format_do_not_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..600),
        wanted in prop::sample::select(Format::ALL.to_vec()),
    ) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        let _ = open_as(file.path(), wanted).and_then(|mut source| drain(&mut *source));
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
