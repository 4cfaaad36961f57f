//! Plain text and CSV.

use std::fmt::Write as _;

use proptest::prelude::*;
use terrace_addr::{Access, AccessKind, Addr};
use terrace_trace::{Batch, Format, Place, TraceErrorKind, open, open_as};

use crate::build::{Seen, drain, gzip, read_bytes, small_lackey, small_perf_script, small_text};

fn access(thread: u32, addr: u64, size: u16, kind: AccessKind) -> Seen {
    (thread, Access { addr: Addr::new(addr), size, kind })
}

/// The error's text after the path, after checks that every error must pass.
fn refused(content: &[u8], kind: TraceErrorKind) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), content).unwrap();
    let error = open_as(file.path(), Format::Text).and_then(|mut source| drain(&mut *source)).unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    let text = error.to_string();
    assert!(text.lines().map(|line| line.chars().count().div_ceil(110)).sum::<usize>() <= 3, "{text}");
    text.strip_prefix(&format!("{}: ", file.path().display())).unwrap().to_owned()
}

#[test]
fn a_line_is_an_access() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), small_text()).unwrap();
    let mut source = open(file.path()).unwrap();
    assert_eq!(source.format(), Format::Text);
    let seen = drain(&mut *source).unwrap();
    let expected = [
        access(0, 0x40_1000, 4, AccessKind::Fetch),
        access(0, 0x7ffe_1000, 8, AccessKind::Load),
        access(1, 0x7ffe_1008, 8, AccessKind::Store),
        access(2, 0x10, 1, AccessKind::Load),
    ];
    assert_eq!(seen, expected);
    let statistics = source.statistics();
    assert_eq!((statistics.records, statistics.foreign_lines), (4, 3));
    assert_eq!((statistics.fetches, statistics.loads, statistics.stores), (1, 2, 1));
}

#[test]
fn threads_have_the_ids_that_lines_give() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "10 1 r 9\n20 1 x 9\n30 1 r 4\n40 1 r 9\n").unwrap();
    let mut source = open(file.path()).unwrap();
    let mut batch = Batch::new();
    let mut batches = Vec::new();
    while source.next_batch(&mut batch).unwrap() {
        batches.push((batch.thread_id(), batch.thread().get(), batch.accesses().len(), batch.instructions()));
    }
    assert_eq!(batches, [(9, 0, 2, 1), (4, 1, 1, 0), (9, 0, 1, 0)]);
}

#[test]
fn what_addresses_are_is_said() {
    let notes = |text: &str| {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let mut source = open(file.path()).unwrap();
        (source.notes(), drain(&mut *source).unwrap()[0].1.addr.get())
    };
    let note = "Addresses without 0x, as in \"4096,8\", are read as hexadecimal; a first line \"address_decimal\" makes \
                them decimal.";
    assert_eq!(notes("# words\n4096,8\n"), (vec![note.to_owned()], 0x4096));
    assert_eq!(notes("0x4096,8\n"), (Vec::new(), 0x4096));
    assert_eq!(notes("address_decimal,size\n4096,8\n"), (Vec::new(), 4096));
    assert_eq!(notes("address_decimal,size\n0x4096,8\n"), (Vec::new(), 0x4096));
    assert_eq!(notes("\u{feff}Address,Size\r\n0x4096,8\r\n"), (Vec::new(), 0x4096));
}

#[test]
fn the_format_is_found_after_all_others() {
    let format = |content: &[u8]| {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        open(file.path()).map(|source| source.format()).ok()
    };
    assert_eq!(format(&small_lackey()), Some(Format::Lackey));
    assert_eq!(format(&small_perf_script()), Some(Format::PerfScript));
    assert_eq!(format(b"\n# words\n10"), Some(Format::Text));
    assert_eq!(format(b"address\nbad\n"), Some(Format::Text));
    // Words may be hexadecimal numbers: what has no digit at all is not taken for them, unless it is asked for.
    assert_eq!(format(b"add\nface\n"), None);
    assert!(refused(b"words\n", TraceErrorKind::Record).contains("the address \"words\""));
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "add\nface\n").unwrap();
    assert_eq!(open_as(file.path(), Format::Text).unwrap().format(), Format::Text);
    assert_eq!("text".parse(), Ok(Format::Text));
}

#[test]
fn a_line_that_is_no_access() {
    let text = refused(b"# one\n10,8\n20,8,q\n30\n", TraceErrorKind::Record);
    let expected = "line 3 (byte 11 of its unpacked content): found the kind \"q\", expected r, w or x (load, store or \
                    fetch)\nMend the line or take it out; what follows # on a line is a comment.";
    assert_eq!(text, expected);
    let text = refused(b"10\naddress,size\n", TraceErrorKind::Record);
    assert!(
        text.contains("found a line that names the fields, expected such a line once, before the first"),
        "{text}"
    );
    let text = refused(b"address\naddress\n", TraceErrorKind::Record);
    assert!(text.starts_with("line 2 (byte 8 "), "{text}");
    let text = refused(b"10\n\x80\xff\0\n", TraceErrorKind::Record);
    assert!(
        text.contains("found the address \"\u{fffd}\u{fffd}\\0\", expected a hexadecimal number"),
        "{text}"
    );
    let lines = "10,8\n".repeat(100_000);
    let error = read_bytes(&gzip(format!("{lines}10,8,r,1,2\n{lines}").as_bytes())).unwrap_err();
    assert_eq!(error.facts().place, Place::Line { number: 100_001, offset: 500_000 });
    let long = format!("{lines}{}\n", "1".repeat(1 << 20));
    let text = refused(long.as_bytes(), TraceErrorKind::Record);
    assert!(text.contains("found a line of 1000 bytes or more, expected an access as in"), "{text}");
}

#[test]
fn a_file_without_an_access() {
    let text = refused(b"# words\naddress\n\n", TraceErrorKind::Format);
    let expected = "found no line that is an access (3 lines in all), expected a text trace, with lines such as \
                    \"0x7ffe1000,8,w\" (address, size, kind, thread)\nWrite a line for each access: an address, and \
                    where known its size, kind and thread.";
    assert_eq!(text, expected);
    assert!(
        refused(b"", TraceErrorKind::Format).contains("found an empty file, expected a text trace (lines of")
    );
}

#[test]
fn damage_is_blamed_rather_than_the_line_that_it_spoils() {
    let mut content = gzip(format!("10,8\nspoilt\n{}", "20,8\n".repeat(200_000)).as_bytes());
    let last = content.len() - 6;
    content[last] ^= 1;
    assert!(refused(&content, TraceErrorKind::Damaged).contains("gzip data"));
}

/// A way to write a line.
#[derive(Debug, Clone)]
struct Style {
    comma: &'static str,
    prefix: &'static str,
    word: bool,
    end: &'static str,
}

fn style() -> impl Strategy<Value = Style> {
    let select = prop::sample::select::<&'static str>;
    (
        select(vec![",", " ", "\t", " , ", "  "]),
        select(vec!["", "0x", "0X", "0x000"]),
        any::<bool>(),
        select(vec!["\n", "\r\n", " \n", "# why\n", "\n\n# 1,2\n"]),
    )
        .prop_map(|(comma, prefix, word, end)| Style { comma, prefix, word, end })
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        lines in prop::collection::vec((0_u64..1 << 56, any::<u16>(), 0_usize..3, 0_u64..3, style()), 1..200),
    ) {
        const KINDS: [(AccessKind, &str, &str); 3] = [
            (AccessKind::Load, "r", "Load"), (AccessKind::Store, "w", "store"), (AccessKind::Fetch, "X", "FETCH"),
        ];
        let mut text = String::new();
        let mut expected = Vec::new();
        let mut ids = Vec::new();
        for (address, size, kind, thread, Style { comma, prefix, word, end }) in lines {
            let (kind, letter, name) = KINDS[kind];
            let written = if word { name } else { letter };
            write!(text, "{prefix}{address:x}{comma}{size}{comma}{written}{comma}{thread}{end}").unwrap();
            let number = ids.iter().position(|&id| id == thread).unwrap_or(ids.len());
            if number == ids.len() {
                ids.push(thread);
            }
            expected.push(access(u32::try_from(number).unwrap(), address, size, kind));
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &text).unwrap();
        let got = open_as(file.path(), Format::Text).and_then(|mut source| drain(&mut *source));
        prop_assert_eq!(got.unwrap(), expected);
    }
}
