//! A file appears when it is whole.

use terrace_trace::{Batch, Provenance, TerraceFile, TerraceWriter, TraceErrorKind};

use crate::support::{looping, written};

#[test]
fn an_abandoned_writer_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new");
    let mut writer = TerraceWriter::create(&path, Provenance::new()).unwrap().block_references(10);
    let mut batch = Batch::new();
    for (_, _, access) in looping(5) {
        batch.push(access);
    }
    writer.write(&batch).unwrap();
    assert!(!path.exists());
    drop(writer);
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
}

#[test]
fn a_file_without_a_footer_says_that_its_writer_was_interrupted() {
    let (_folder, path) = written(&looping(100), &[], 100);
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    let error = TerraceFile::open(&path).err().unwrap();
    assert_eq!(error.kind(), TraceErrorKind::Truncated);
    assert!(error.to_string().contains("its writer was interrupted"), "{error}");
}

#[test]
fn another_version_is_named() {
    let (_folder, path) = written(&looping(1), &[], 100);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[8] = 2;
    std::fs::write(&path, &bytes).unwrap();
    let error = TerraceFile::open(&path).err().unwrap();
    assert_eq!(error.kind(), TraceErrorKind::Format);
    assert!(error.to_string().contains("found version 2 of Terrace's format, expected version 1"), "{error}");
}
