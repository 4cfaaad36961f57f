//! Events beside accesses.

use proptest::prelude::*;
use terrace_addr::Addr;
use terrace_trace::{Advice, Batch, Event, EventKind, Provenance, TerraceFile, TerraceWriter, ThreadIndex};

use crate::support::{looping, read, written};

fn event(reference: u64, kind: EventKind) -> Event {
    Event { reference, thread: ThreadIndex::new(2), kind }
}

fn of_each_kind() -> Vec<EventKind> {
    let (start, bytes) = (Addr::new(0x7f00_0000_0000), 0x20_0000);
    vec![
        EventKind::VmStart { vm: 1, memory: 1 << 40 },
        EventKind::Map { start, bytes, frame: None },
        EventKind::Map { start, bytes, frame: Some(Addr::new(0x1234_5000)) },
        EventKind::Advise { start, bytes, advice: Advice::HUGEPAGE },
        EventKind::Remap { from: start, to: Addr::new(0x1000), bytes },
        EventKind::Unmap { start, bytes },
        EventKind::Mark { text: "Höhe".to_owned() },
        EventKind::Other { code: 999, payload: vec![1, 2, 3] },
        EventKind::VmStop { vm: 1 },
    ]
}

#[test]
fn events_of_each_kind_and_at_each_end() {
    let accesses = looping(100);
    let mut events = Vec::new();
    for reference in [0, 1, 99, 100, 101, 350, 500] {
        events.extend(of_each_kind().into_iter().map(|kind| event(reference, kind)));
    }
    let (_folder, path) = written(&accesses, &events, 100);
    assert_eq!(read(&path).unwrap(), (accesses, events));
}

#[test]
fn a_trace_of_events_alone() {
    let events: Vec<_> = of_each_kind().into_iter().map(|kind| event(0, kind)).collect();
    let (_folder, path) = written(&[], &events, 100);
    assert_eq!(read(&path).unwrap(), (vec![], events));
}

#[test]
fn events_can_be_read_in_the_middle() {
    let accesses = looping(100);
    let events = vec![event(250, EventKind::VmStop { vm: 3 })];
    let (_folder, path) = written(&accesses, &events, 100);
    let mut file = TerraceFile::open(&path).unwrap();
    let mut batch = Batch::new();
    assert!(file.next_batch(&mut batch).unwrap());
    assert_eq!(file.events().unwrap(), events);
    let mut references = batch.accesses().len();
    while file.next_batch(&mut batch).unwrap() {
        references += batch.accesses().len();
    }
    assert_eq!(references, 500);
}

#[test]
fn events_out_of_order_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = TerraceWriter::create(folder.path().join("new"), Provenance::new()).unwrap();
    writer.event(event(5, EventKind::VmStop { vm: 1 })).unwrap();
    let error = writer.event(event(4, EventKind::VmStop { vm: 1 })).unwrap_err().to_string();
    assert!(error.contains("found an event before reference 4, expected one before reference 5"), "{error}");
    let error = writer.finish().unwrap_err().to_string();
    assert!(error.contains("none beyond the 0 references"), "{error}");
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
}

#[test]
fn advice_has_linux_names() {
    assert_eq!(Advice(14).to_string(), "HUGEPAGE");
    assert_eq!(Advice(77).to_string(), "77");
}

proptest! {
    #[test]
    fn marks_anywhere(marks in prop::collection::vec((0..200_u64, ".{0,20}"), 0..40), block in 1..60_u32) {
        let mut events: Vec<_> =
            marks.into_iter().map(|(at, text)| event(at, EventKind::Mark { text })).collect();
        events.sort_by_key(|event| event.reference);
        let accesses = looping(40);
        let (_folder, path) = written(&accesses, &events, block);
        prop_assert_eq!(read(&path).unwrap(), (accesses, events));
    }
}
