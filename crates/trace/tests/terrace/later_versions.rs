//! What a later version may add.

use sha2::{Digest, Sha256};
use terrace_trace::{TerraceFile, TraceErrorKind};

use crate::support::{looping, read, written};

/// A section.
fn section(kind: [u8; 4], body: &[u8]) -> Vec<u8> {
    let mut section = kind.to_vec();
    section.extend(u64::try_from(body.len()).unwrap().to_le_bytes());
    let mut crc = flate2::Crc::new();
    crc.update(&section);
    crc.update(body);
    section.extend(crc.sum().to_le_bytes());
    section.extend(body);
    section
}

/// The file with another section before its footer, and the footer with `more` after what this version knows.
fn with(bytes: &[u8], kind: [u8; 4], more: &[u8]) -> Vec<u8> {
    let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    let footer_at = usize::try_from(word(bytes.len() - 24)).unwrap();
    let mut footer = bytes[footer_at + 16..bytes.len() - 24].to_vec();
    let mut file = bytes[..footer_at].to_vec();
    file.extend(section(kind, b"what it holds"));
    footer[8..40].copy_from_slice(&Sha256::digest(&file));
    footer.extend(more);
    let footer = section(*b"FOOT", &footer);
    let start = u64::try_from(file.len()).unwrap();
    file.extend(&footer);
    file.extend(start.to_le_bytes());
    file.extend(u64::try_from(footer.len()).unwrap().to_le_bytes());
    file.extend(*b"\x89TRCend\n");
    file
}

#[test]
fn a_section_in_small_letters_is_passed_over() {
    let accesses = looping(10);
    let (_folder, path) = written(&accesses, &[], 20);
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, with(&bytes, *b"note", b"")).unwrap();
    assert_eq!(read(&path).unwrap().0, accesses);
    std::fs::write(&path, with(&bytes, *b"NOTE", b"")).unwrap();
    let error = read(&path).unwrap_err();
    assert_eq!(error.kind(), TraceErrorKind::Damaged);
    assert!(error.to_string().contains("found a section \"NOTE\", expected blocks and events"), "{error}");
}

#[test]
fn a_longer_footer_is_read() {
    let (_folder, path) = written(&looping(10), &[], 20);
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, with(&bytes, *b"note", b"more")).unwrap();
    assert_eq!(TerraceFile::open(&path).unwrap().references(), 50);
}
