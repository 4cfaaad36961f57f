//! The worked example of `docs/trace-format.md` is what is written, byte by byte.

use std::path::Path;

use terrace_addr::{Access, AccessKind, Addr};
use terrace_trace::{Batch, Event, EventKind, Provenance, TerraceFile, TerraceWriter, ThreadIndex};

/// Two rounds of a loop of two instructions, the first of which loads; before them, a mark.
fn example() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("example");
    let provenance = Provenance::new().with(Provenance::TOOL, "doc");
    let mut writer = TerraceWriter::create(&path, provenance).unwrap();
    let thread = ThreadIndex::new(0);
    writer.event(Event { reference: 0, thread, kind: EventKind::Mark { text: "go".to_owned() } }).unwrap();
    let mut batch = Batch::new();
    batch.start(thread, 7, 0);
    for round in 0..2 {
        batch.push(Access { addr: Addr::new(0x40_1000), size: 4, kind: AccessKind::Fetch });
        batch.push(Access { addr: Addr::new(0x7ffe_0010 + 8 * round), size: 8, kind: AccessKind::Load });
        batch.push(Access { addr: Addr::new(0x40_1004), size: 3, kind: AccessKind::Fetch });
    }
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    std::fs::read(&path).unwrap()
}

/// The bytes in the lines `offset: bytes | meaning` of the document, whose offsets are checked.
fn documented() -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/trace-format.md");
    let text = std::fs::read_to_string(path).unwrap();
    let mut bytes = Vec::new();
    for line in text.lines().filter_map(|line| line.split_once(" | ")) {
        let Some((offset, digits)) = line.0.split_once(": ") else { continue };
        let Ok(offset) = usize::from_str_radix(offset, 16) else { continue };
        assert_eq!(offset, bytes.len(), "{}", line.0);
        bytes.extend(digits.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()));
    }
    bytes
}

#[test]
fn the_worked_example_is_what_is_written() {
    let (example, documented) = (example(), documented());
    let difference = example.iter().zip(&documented).position(|(written, documented)| written != documented);
    assert_eq!(difference, None, "the first byte that differs, of those written: {example:02x?}");
    assert_eq!(example.len(), documented.len());
}

#[test]
fn the_worked_example_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("example");
    std::fs::write(&path, documented()).unwrap();
    let mut file = TerraceFile::open(&path).unwrap();
    let mut batch = Batch::new();
    assert!(file.next_batch(&mut batch).unwrap());
    let loads = batch.accesses().iter().filter(|access| access.kind == AccessKind::Load);
    assert_eq!(loads.map(|load| load.addr.get()).collect::<Vec<_>>(), [0x7ffe_0010, 0x7ffe_0018]);
    assert_eq!(batch.thread_id(), 7);
    assert!(!file.next_batch(&mut batch).unwrap());
}
