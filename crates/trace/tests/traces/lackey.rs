//! Logs of Valgrind's lackey.

use std::fs::File;
use std::io::Read as _;

use flate2::read::GzDecoder;
use proptest::prelude::*;
use terrace_addr::{Access, AccessKind, Addr};
use terrace_trace::{Format, Place, Statistics, TraceError, TraceErrorKind, open, open_as};

use crate::build::{Seen, data, drain, gzip, read_bytes, small_champsim, small_lackey, small_trace, xz, zip};

const KNOWN: &str = "true.lackey.gz";

/// The text of the recorded log.
fn known_text() -> String {
    let mut text = String::new();
    GzDecoder::new(File::open(data(KNOWN)).unwrap()).read_to_string(&mut text).unwrap();
    text
}

/// What a log says, read in another way: field by field, with the standard library's number parsers.
fn accesses(text: &str) -> Vec<Seen> {
    let mut seen = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with("==")) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [operation, fields] = words[..] else { continue };
        let Some((address, size)) = fields.split_once(',') else { continue };
        let addr = Addr::new(u64::from_str_radix(address, 16).unwrap());
        let access = |kind| (0, Access { addr, size: size.parse().unwrap(), kind });
        seen.extend(match operation {
            "I" => vec![access(AccessKind::Fetch)],
            "L" => vec![access(AccessKind::Load)],
            "S" => vec![access(AccessKind::Store)],
            "M" => vec![access(AccessKind::Load), access(AccessKind::Store)],
            _ => panic!("{line}"),
        });
    }
    seen
}

fn read_as_lackey(content: &[u8]) -> Result<(Vec<Seen>, Statistics), TraceError> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), content).unwrap();
    let mut source = open_as(file.path(), Format::Lackey)?;
    let seen = drain(&mut *source)?;
    Ok((seen, source.statistics()))
}

/// The error's text, after checks that every error must pass.
fn refused(content: &[u8], kind: TraceErrorKind) -> String {
    let error = read_as_lackey(content).unwrap_err();
    let text = error.to_string();
    assert_eq!(error.kind(), kind, "{text}");
    assert!(text.lines().map(|line| line.chars().count().div_ceil(110)).sum::<usize>() <= 3, "{text}");
    assert!(!error.facts().advice.is_empty(), "{text}");
    text
}

#[test]
fn true_has_the_accesses_that_its_recorder_counted() {
    let mut source = open(data(KNOWN)).unwrap();
    assert_eq!(source.format(), Format::Lackey);
    let seen = drain(&mut *source).unwrap();
    let text = known_text();
    assert!(seen == accesses(&text));
    // Valgrind counted the instructions itself, and says so at the end of the log.
    assert!(text.contains("guest instrs:  127,587\n"));
    let expected = Statistics {
        records: 167_222,
        fetches: 127_587,
        loads: 27_867 + 1_504,
        stores: 10_264 + 1_504,
        foreign_lines: 25,
        ..Statistics::default()
    };
    assert_eq!(source.statistics(), expected);
}

#[test]
fn a_log_is_read_from_any_container() {
    let text = known_text();
    let expected = accesses(&text);
    let (first, second) = text.as_bytes().split_at(text.len() / 2 + 5);
    for content in
        [text.clone().into_bytes(), gzip(text.as_bytes()), xz(text.as_bytes()), zip(&[first, second])]
    {
        assert!(read_bytes(&content).unwrap() == expected);
    }
}

#[test]
fn what_is_no_access_is_passed_over_and_counted() {
    let (seen, statistics) = read_as_lackey(&small_lackey()).unwrap();
    assert_eq!(seen, accesses(str::from_utf8(&small_lackey()).unwrap()));
    assert_eq!((statistics.records, statistics.foreign_lines, seen.len()), (5, 4, 6));
    // A last line without an end counts once, and lines far longer than an access do not matter.
    let long = "words ".repeat(100_000);
    let text = format!("I  10,1\n{long}\n\r\n S 20,2\r\n{long}");
    let (seen, statistics) = read_as_lackey(text.as_bytes()).unwrap();
    assert_eq!((statistics.records, statistics.foreign_lines, seen.len()), (2, 3, 2));
}

#[test]
fn the_format_is_found_and_can_be_asked_for() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let format = |content: &[u8]| {
        std::fs::write(file.path(), content).unwrap();
        open(file.path()).map(|source| source.format())
    };
    assert_eq!(format(&small_lackey()).unwrap(), Format::Lackey);
    assert_eq!(format(b" M 10,1\n").unwrap(), Format::Lackey);
    assert_eq!(format(&small_trace()).unwrap(), Format::DrMemtrace);
    assert_eq!(format(&small_champsim()).unwrap(), Format::ChampSim);
    // What a program printed first speaks against a log, unless that is asked for.
    let text = b"words first\nI  04001000,3\n";
    assert_eq!(format(text).unwrap_err().kind(), TraceErrorKind::Format);
    assert_eq!(read_as_lackey(text).unwrap().0.len(), 1);
    assert_eq!("lackey".parse(), Ok(Format::Lackey));
    for (name, wanted, found) in [
        (KNOWN, Format::ChampSim, "found a lackey trace, expected a champsim trace"),
        (KNOWN, Format::DrMemtrace, "found a lackey trace, expected a drmemtrace trace"),
        ("mix.champsim.xz", Format::Lackey, "found a champsim trace, expected a lackey trace"),
        ("gups.drmemtrace.zip", Format::Lackey, "found a drmemtrace trace, expected a lackey trace"),
    ] {
        let error = open_as(data(name), wanted).err().unwrap().to_string();
        assert!(error.contains(found), "{error}");
    }
}

#[test]
fn a_file_without_an_access() {
    let text = refused(b"==1== Lackey, an example Valgrind tool\nwords\nmore", TraceErrorKind::Format);
    assert!(
        text.contains("found no line that is an access (3 lines in all), expected a lackey trace"),
        "{text}"
    );
    assert!(text.contains("--trace-mem=yes"), "{text}");
    assert!(refused(b"\x80\0\n", TraceErrorKind::Format).contains("(1 lines in all)"));
    assert!(refused(b"", TraceErrorKind::Format).contains("found an empty file, expected a lackey trace"));
}

#[test]
fn a_line_that_starts_like_an_access_and_is_none() {
    let lines = "I  04001000,3\n".repeat(50_000);
    for (bad, found) in [
        (" L 04001000", "found the line \" L 04001000\", expected a hexadecimal address, a comma"),
        (" L 04001000,65536", "found an access of 65536 bytes, expected at most 65535 bytes"),
        (" L 1234567812345678,8", "found address 0x1234567812345678, expected a canonical address"),
        ("I  am the program", "found the line \"I  am the program\""),
    ] {
        let text = format!("{lines}words\n{bad}\n{lines}");
        for content in [text.clone().into_bytes(), gzip(text.as_bytes())] {
            let error = read_bytes(&content).unwrap_err();
            assert_eq!(error.facts().place, Place::Line { number: 50_002, offset: 50_000 * 14 + 6 });
            assert!(refused(&content, TraceErrorKind::Record).contains(found), "{error}");
        }
    }
    let long = format!("{lines}I  {}\n", "1".repeat(1 << 20));
    let text = refused(long.as_bytes(), TraceErrorKind::Record);
    assert!(
        text.contains(": line 50001 (byte 700000 of its unpacked content): found the line \"I  111"),
        "{text}"
    );
}

#[test]
fn a_log_that_ends_inside_an_access() {
    for end in ["I", " ", " L 1ffe000768", " L 1ffe000768,8"] {
        let text = refused(format!("I  04001000,3\nwords\n{end}").as_bytes(), TraceErrorKind::Truncated);
        assert!(
            text.contains("line 3 (byte 20 of its unpacked content): found the end of the file"),
            "{text}"
        );
        assert!(text.contains("cut short"), "{text}");
    }
}

#[test]
fn damage_is_blamed_rather_than_the_line_that_it_spoils() {
    let mut content = gzip(format!("I  04001000,3\nI  spoilt\n{}", "words\n".repeat(200_000)).as_bytes());
    let last = content.len() - 6;
    content[last] ^= 1;
    assert!(refused(&content, TraceErrorKind::Damaged).contains("gzip data"));
}

proptest! {
    /// A record of another format that starts like text would be a log's.
    #[test]
    fn a_log_is_not_taken_for_another_format(
        lines in prop::collection::vec("(I  | [LSM] )[0-9a-f]{1,14},[0-9]{1,3}", 1..40),
        noise in prop::collection::vec(any::<u8>(), 0..4096),
    ) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), [lines.join("\n").as_bytes(), b"\n", &noise].concat()).unwrap();
        prop_assert_eq!(open(file.path()).unwrap().format(), Format::Lackey);
    }
}
