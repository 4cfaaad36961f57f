//! Records that make no sense end in an error with their place.

use terrace_trace::{Place, TraceErrorKind};

use crate::build::{
    FETCH, FOOTER, HEADER, LOAD, MARKER, THREAD, champsim_record, gzip, read_bytes, record, small_champsim,
    small_trace, trace, zip,
};

/// The error's text, after checks that every error must pass.
fn refused(content: &[u8], kind: TraceErrorKind) -> String {
    let error = read_bytes(content).unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    let text = error.to_string();
    assert!(text.lines().count() <= 2, "{text}");
    assert!(text.contains("found ") && text.contains(", expected "), "{text}");
    text
}

#[test]
fn types_that_do_not_belong_in_a_file() {
    for number in [17, 30, 50, 500] {
        let content = trace(1, &[record(LOAD, 8, 8), record(number, 0, 0)]);
        let text = refused(&zip(&[&content]), TraceErrorKind::Record);
        assert!(text.contains("record 4 (byte 48 of its unpacked content)"), "{text}");
        assert!(
            text.contains(&format!("found a record of type {number}, expected a type that belongs")),
            "{text}"
        );
    }
}

#[test]
fn addresses_that_are_not_canonical() {
    let mut body = vec![record(FETCH, 4, 0x40_0000); 5000];
    body[4321] = record(1, 8, 0x0123_4567_89ab_cdef);
    let error = read_bytes(&gzip(&trace(1, &body))).unwrap_err();
    assert_eq!(error.facts().place, Place::Record { index: 4324, offset: 4324 * 12 });
    assert_eq!(error.facts().found, "address 0x123456789abcdef in a record of type 1");
    assert!(error.facts().expected.contains("bits 63 to 56 must be equal"), "{error}");
}

#[test]
fn addresses_of_the_kernel_are_canonical() {
    let content = trace(1, &[record(LOAD, 8, 0xffff_8880_0000_0000), record(LOAD, 8, u64::MAX)]);
    assert_eq!(read_bytes(&content).unwrap().len(), 2);
}

#[test]
fn champsim_addresses_that_are_not_canonical() {
    let mut content = small_champsim();
    content.extend(champsim_record(0x40_0000, [0, 0, 1 << 59, 0], [0, 0]));
    let text = refused(&content, TraceErrorKind::Record);
    assert!(text.contains("record 9 (byte 576 of its unpacked content)"), "{text}");
    assert!(
        text.contains("found the load address 0x800000000000000, expected a canonical address"),
        "{text}"
    );
}

#[test]
fn a_missing_footer() {
    let whole = small_trace();
    let text = refused(&gzip(&whole[..whole.len() - 12]), TraceErrorKind::Truncated);
    assert!(text.contains("byte 132 of its unpacked content: found the end after 11 records"), "{text}");
    assert!(text.contains("expected a footer record (type 26)") && text.contains("cut short"), "{text}");
}

#[test]
fn a_part_of_a_record_at_the_end() {
    let whole = small_trace();
    let text = refused(&whole[..whole.len() - 5], TraceErrorKind::Truncated);
    assert!(text.contains("found 7 bytes after the last whole record (139 bytes in all)"), "{text}");
}

#[test]
fn a_record_after_the_footer() {
    for (number, kind) in [(LOAD, TraceErrorKind::Record), (MARKER, TraceErrorKind::Record)] {
        let content = [small_trace(), record(number, 8, 8)].concat();
        let text = refused(&content, kind);
        assert!(text.contains(&format!("found a record of type {number} after the footer record")), "{text}");
    }
}

#[test]
fn a_reference_of_no_thread() {
    let content =
        [record(HEADER, 0, 7), record(LOAD, 8, 8), record(THREAD, 4, 1), record(FOOTER, 0, 0)].concat();
    let text = refused(&content, TraceErrorKind::Record);
    assert!(
        text.contains("record 1 (byte 12 ") && text.contains("a reference before any thread record"),
        "{text}"
    );
}

#[test]
fn a_trace_of_a_32_bit_program() {
    // Its records have 8 bytes: after the header's comes a version marker.
    let mut content = [25_u16, 0, 7, 0, 28, 12, 7, 0].map(u16::to_le_bytes).concat();
    content.extend([0; 64]);
    let text = refused(&content, TraceErrorKind::Format);
    assert!(text.contains("expected drmemtrace's header record (type 25) of a 64-bit program"), "{text}");
    assert!(text.contains("Traces of 32-bit programs have shorter records"), "{text}");
}

#[test]
fn a_champsim_file_whose_length_is_no_multiple_of_64() {
    let whole = small_champsim();
    let cut = &whole[..whole.len() - 24];
    for content in [cut.to_vec(), gzip(cut)] {
        let text = refused(&content, TraceErrorKind::Truncated);
        assert!(text.contains("found 40 bytes after the last whole record (552 bytes in all)"), "{text}");
        assert!(text.contains("expected a length that is a multiple of 64 bytes"), "{text}");
    }
}
