//! Files that cannot be unpacked or are no traces end in one clear error.

use std::path::Path;

use terrace_trace::{Format, Place, TraceErrorKind, open, open_as};

use crate::build::{PACKERS, data, gzip, only_member, read, read_bytes, small_champsim, small_trace, zip};

/// The error's text, after checks that every error must pass.
fn refused(content: &[u8], kind: TraceErrorKind) -> String {
    let error = read_bytes(content).unwrap_err();
    let text = error.to_string();
    assert_eq!(error.kind(), kind, "{text}");
    assert!(text.lines().map(|line| line.chars().count().div_ceil(110)).sum::<usize>() <= 4, "{text}");
    assert!(text.contains("found ") && text.contains(", expected "), "{text}");
    assert!(!error.facts().advice.is_empty(), "{text}");
    text
}

#[test]
fn a_path_that_does_not_exist() {
    let error = open(Path::new("/nowhere/at/all.zip")).err().unwrap();
    assert_eq!(error.kind(), TraceErrorKind::Unreadable);
    assert!(error.to_string().starts_with("/nowhere/at/all.zip: found No such file or directory"), "{error}");
}

#[test]
fn a_path_below_a_file() {
    let error = open(data("mix.champsim.xz").join("trace")).err().unwrap();
    assert!(error.to_string().contains("found Not a directory"), "{error}");
}

#[test]
fn an_empty_file() {
    let text = refused(b"", TraceErrorKind::Format);
    assert!(text.contains("found an empty file, expected a drmemtrace, champsim, cloudsuite, "), "{text}");
    for (name, pack) in PACKERS {
        let expected = format!("found {name} content of 0 bytes");
        assert!(refused(&pack(b""), TraceErrorKind::Format).contains(&expected), "{name}");
    }
    assert!(refused(&zip(&[b""]), TraceErrorKind::Format).contains("found zip content of 0 bytes"));
    assert!(refused(&zip(&[]), TraceErrorKind::Damaged).contains("found a zip file without members"));
}

#[test]
fn a_wrong_magic() {
    let mut content = zip(&[&small_trace()]);
    content[0] = b'Q';
    let text = refused(&content, TraceErrorKind::Format);
    assert!(text.contains("found plain content that begins with 51 4b 03 04"), "{text}");
    assert!(text.contains("as champsim: branch flags of 8 and 0"), "{text}");
    for format in Format::ALL {
        assert!(text.contains(format.name()), "{text}");
    }
    for (container, _) in PACKERS {
        assert!(text.contains(container), "{text}");
    }
}

#[test]
fn a_foreign_file() {
    for (name, pack) in PACKERS {
        let text = refused(&gzip(&pack(b"x")), TraceErrorKind::Format);
        assert!(text.contains(&format!(" {name} file inside another container, expected ")), "{text}");
        assert!(text.contains("\nUnpack it once. Files may be plain, gzip, xz, bzip2, lz4, "), "{text}");
    }
    let text = refused(b"PERFILE2 and more", TraceErrorKind::Format);
    assert!(text.contains("found a recording of Linux perf") && text.contains("perf script"), "{text}");
}

#[test]
fn a_text_that_is_no_trace() {
    let long = "\n  All work and no play makes Jack a dull boy. ".repeat(4000);
    let text = refused(long.as_bytes(), TraceErrorKind::Format);
    let expected = "found text that begins with \"All work and no play makes Jack a dull b\", \
                    expected a drmemtrace, champsim, cloudsuite, lackey, perf-script, terrace or text trace\n\
                    Give the path of a trace. Text is lackey's, perf script's with addr, or \
                    address,size,kind,thread.";
    assert!(text.contains(expected), "{text}");
    // A character of two bytes across the end of what is looked at.
    for text in ["x".repeat(255) + "é", "x".to_owned()] {
        assert!(refused(text.as_bytes(), TraceErrorKind::Format).contains("found text that begins with \"x"));
    }
    assert!(
        refused(b"==7== Memcheck, a memory error detector\n==7== \n", TraceErrorKind::Format)
            .contains("Memcheck")
    );
    assert!(refused(b"text\0and more", TraceErrorKind::Format).contains("content that begins with 74 65 78"));
}

#[test]
fn a_flipped_byte_inside_a_chunk() {
    let content = only_member("gups.drmemtrace.zip");
    let half = content.len() / 24 * 12;
    let good = zip(&[&content[..half], &content[half..]]);
    let name = b"chunk.0001";
    let local = good.windows(name.len()).position(|window| window == name).unwrap();
    // Wherever it is flipped in the second chunk's data: in the deflate stream's structure or in a literal.
    for offset in [40, 5000, 50_000] {
        let mut bad = good.clone();
        bad[local + name.len() + offset] ^= 0x10;
        let error = read_bytes(&bad).unwrap_err();
        assert_eq!(error.kind(), TraceErrorKind::Damaged, "{error}");
        let Place::Member { name, .. } = &error.facts().place else { panic!("{error}") };
        assert_eq!(name, "chunk.0001");
        assert!(error.to_string().contains("copy it again"), "{error}");
    }
}

#[test]
fn a_check_sum_that_is_wrong() {
    let trace = small_trace();
    let mut content = zip(&[&trace]);
    // The central directory's entry has it 16 bytes from its start.
    let entry = content.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    content[entry + 16] ^= 1;
    let text = refused(&content, TraceErrorKind::Damaged);
    assert!(text.contains("zip member chunk.0000") && text.contains("check sum"), "{text}");
}

#[test]
fn a_member_that_lies_about_its_size() {
    let trace = small_trace();
    let good = zip(&[&trace]);
    let entry = good.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    let mut inflated = good.clone();
    inflated[entry + 24..entry + 28].copy_from_slice(&0xf000_0000_u32.to_le_bytes());
    let text = refused(&inflated, TraceErrorKind::Damaged);
    assert!(text.contains("found 144 bytes of content, expected the 4026531840 bytes"), "{text}");
    let mut stored = good;
    stored[entry + 20..entry + 24].copy_from_slice(&0xf000_0000_u32.to_le_bytes());
    let text = refused(&stored, TraceErrorKind::Damaged);
    assert!(text.contains("4026531840 bytes of data from byte"), "{text}");
}

#[test]
fn a_truncated_zip() {
    let content = zip(&[&small_trace()]);
    for length in [30, content.len() / 2, content.len() - 1] {
        let text = refused(&content[..length], TraceErrorKind::Damaged);
        assert!(text.contains("a zip file whose directory cannot be read"), "{text}");
        assert!(text.contains("cut short"), "{text}");
    }
}

#[test]
fn a_truncated_compressed_file() {
    for content in [small_trace(), small_champsim()] {
        for (name, packed) in PACKERS.map(|(name, pack)| (name, pack(&content))) {
            for length in [packed.len() / 2, packed.len() - 1] {
                let text = refused(&packed[..length], TraceErrorKind::Truncated);
                assert!(text.contains("found the end of the file"), "{text}");
                assert!(text.contains(&format!("expected the rest of its {name} data")), "{text}");
            }
        }
    }
}

#[test]
fn a_flipped_byte_in_a_compressed_file() {
    let content: Vec<u8> = small_champsim().repeat(50);
    for (name, mut packed) in PACKERS.map(|(name, pack)| (name, pack(&content))) {
        let last = packed.len() - 30;
        packed[last] ^= 0x40;
        let text = read_bytes(&packed).unwrap_err().to_string();
        assert!(text.contains(&format!("{name} data")), "{text}");
    }
}

#[test]
fn insisting_on_champsim_reads_what_only_the_first_records_speak_against() {
    let mut content = small_champsim();
    content[8] = 7;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &content).unwrap();
    assert!(read(file.path()).unwrap_err().to_string().contains("branch flags of 7 and 0"));
    assert!(open_as(file.path(), Format::ChampSim).is_ok());
}
