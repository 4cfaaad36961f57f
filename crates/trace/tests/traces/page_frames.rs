//! The `v2p.textproto` of a drmemtrace.

use std::fmt::Write as _;
use std::fs;

use proptest::prelude::*;
use terrace_trace::{PageFrames, TraceErrorKind, page_frames};

use crate::build::{addresses, read, small_trace};

const SMALL: &str = "# VirtualToPhysical\n# Instance name: vm00\naddress_mapping_group \t {\n  page_size: 0x200000\n  \
                     address_mapping {\n    virtual_address: 281464337858560\n    physical_address: 10485760\n  }\n  \
                     address_mapping {\n    virtual_address: 0x400000\n    physical_address: 0x200000\n  }\n  \
                     information {\n    page_count: 2\n    bytes_mapped: 0x400000\n  }\n}\ninformation {\n  \
                     page_count: 2\n  bytes_mapped: 4194304\n}\n";

fn parsed(text: &str) -> Result<PageFrames, terrace_trace::TraceError> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), text).unwrap();
    page_frames(file.path()).map(Option::unwrap)
}

/// The error's text after the path.
fn refused(text: &str, kind: TraceErrorKind) -> String {
    let error = parsed(text).unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    error.to_string().strip_prefix(&format!("{}: ", error.facts().path.display())).unwrap().to_owned()
}

fn small() -> PageFrames {
    PageFrames { page_size: 2 << 20, frames: vec![(0x40_0000, 0x20_0000), (281_464_337_858_560, 10_485_760)] }
}

#[test]
fn pages_come_in_order_of_their_virtual_addresses() {
    assert_eq!(parsed(SMALL).unwrap(), small());
    let short = "page_size: 4096 m<virtual_address:0x1000,physical_address:0>; m {physical_address: 0x3000 # a\n\
                 virtual_address: 0}";
    let expected = PageFrames { page_size: 4096, frames: vec![(0, 0x3000), (0x1000, 0)] };
    assert_eq!(parsed(short).unwrap(), expected);
    let others = "page_size: 4096\nname: \"a { b\" list: [1, 2] negative: -5\n";
    assert_eq!(parsed(&others.replace(" list: [1, 2]", "")).unwrap().frames, []);
}

#[test]
fn the_file_is_found_from_a_directory_and_does_not_disturb_the_trace() {
    let top = tempfile::tempdir().unwrap();
    fs::write(top.path().join("a"), small_trace()).unwrap();
    assert_eq!(page_frames(top.path()).unwrap(), None);
    let before = addresses(&read(top.path()).unwrap());
    fs::write(top.path().join("v2p.textproto"), SMALL).unwrap();
    assert_eq!(page_frames(top.path()).unwrap(), Some(small()));
    assert_eq!(addresses(&read(top.path()).unwrap()), before);
    // As in Google's traces.
    let google = tempfile::tempdir().unwrap();
    for folder in ["trace", "aux"] {
        fs::create_dir(google.path().join(folder)).unwrap();
    }
    fs::write(google.path().join("aux/v2p.textproto"), SMALL).unwrap();
    assert_eq!(page_frames(google.path()).unwrap(), Some(small()));
    assert_eq!(page_frames(google.path().join("trace")).unwrap(), Some(small()));
    let error = page_frames(google.path().join("nowhere")).unwrap_err();
    assert_eq!(error.kind(), TraceErrorKind::Unreadable);
}

#[test]
fn a_file_that_is_cut_short() {
    // Wherever it is cut, but behind the group, where nothing is missing.
    let group = SMALL.find("}\ninformation").unwrap() + 1;
    for length in (0..SMALL.len() - 2).filter(|length| !(group..=group + 1).contains(length)) {
        assert!(parsed(&SMALL[..length]).is_err(), "{:?}", &SMALL[..length]);
    }
    let text = refused(&SMALL[..SMALL.find("  information").unwrap()], TraceErrorKind::Truncated);
    assert_eq!(
        text,
        "line 13 (byte 267 of its unpacked content): found the end of the file inside a message, expected each message \
         to be closed\nThe file is cut short: copy it again."
    );
    let text = refused(&SMALL.replacen("page_count: 2", "page_count: 3", 1), TraceErrorKind::Truncated);
    assert_eq!(
        text,
        "line 17 (byte 332 of its unpacked content): found 2 pages, expected the 3 that page_count declares\nThe file \
         is cut short, or lines were taken out: copy it again."
    );
}

#[test]
fn faults_have_their_line() {
    let text = refused(&SMALL.replace("0x400000\n    p", "0x40000g\n    p"), TraceErrorKind::Record);
    assert_eq!(
        text,
        "line 10 (byte 202 of its unpacked content): found the virtual_address \"0x40000g\", expected a number of 64 \
         bits\nThe file is damaged, or no v2p.textproto of DynamoRIO's: copy it again."
    );
    for (text, found, expected) in [
        ("page_size: 4095", "a page_size of 4095", "a power of two of at least 4096"),
        ("", "no page_size", "page_size: a power of two"),
        ("page_size: 4096 page_size: 8192", "a second page_size", "one page_size"),
        (
            "page_size: 4096 m { virtual_address: 4096 }",
            "a message with one of two addresses",
            "a virtual_address and",
        ),
        (
            "page_size: 4096 m { virtual_address: 4096 physical_address: 1 }",
            "the virtual page 0x1000 in the physical page 0x1",
            "multiples of the page_size 4096",
        ),
        (
            "page_size: 4096 m { virtual_address: 0 physical_address: 0 } m { virtual_address: 0 physical_address: \
             4096 }",
            "the physical pages 0x0 and 0x1000 of the virtual page 0x0",
            "one physical page for each virtual one",
        ),
        ("page_size 4096", "\"4096\"", "a field (name: value) or a message"),
        ("}", "\"}\"", "a field (name: value) or a message"),
        ("a { a { a { a { a { a { a { a {", "\"{\"", "a field"),
        ("\u{0}\u{1}", "\"\\0\\u{1}\"", "a field"),
    ] {
        let text = refused(text, TraceErrorKind::Record);
        assert!(text.contains(&format!("found {found}, expected {expected}")), "{text}");
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    for bytes in [b"page_size: \xff".to_vec(), vec![b'x'; 1 << 20]] {
        fs::write(file.path(), bytes).unwrap();
        let error = page_frames(file.path()).unwrap_err().to_string();
        assert!(
            error.contains("found what is no line of text, expected a line of a textproto file"),
            "{error}"
        );
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        pages in prop::collection::btree_map(0_u64..1 << 44, 0_u64..1 << 40, 0..50),
        hexadecimal: bool,
        shift in 12_u32..20,
    ) {
        let number = |value: u64| if hexadecimal { format!("{value:#x}") } else { value.to_string() };
        let mut text = format!("address_mapping_group {{\n  page_size: {}\n", number(1 << shift));
        for (&page, &frame) in pages.iter().rev() {
            let (page, frame) = (number(page << shift), number(frame << shift));
            write!(text, "  address_mapping {{\n    virtual_address: {page}\n    physical_address: {frame}\n  }}\n").unwrap();
        }
        write!(text, "  information {{\n    page_count: {}\n  }}\n}}\n", pages.len()).unwrap();
        let frames = pages.into_iter().map(|(page, frame)| (page << shift, frame << shift)).collect();
        prop_assert_eq!(parsed(&text).unwrap(), PageFrames { page_size: 1 << shift, frames });
    }

    #[test]
    fn arbitrary_changes_do_not_panic(at: prop::sample::Index, with in "\\PC{0,5}|[{}:<>\"\n]{0,3}", cut in 0_usize..9) {
        let at = at.index(SMALL.len());
        let rest = &SMALL[(at + cut).min(SMALL.len())..];
        let _ = parsed(&format!("{}{with}{rest}", &SMALL[..at]));
    }
}
