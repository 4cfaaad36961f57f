//! Accesses, files of them, and what is read back.

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use terrace_addr::{Access, AccessKind, Addr};
use terrace_trace::{Batch, Event, Provenance, TerraceFile, TerraceWriter, ThreadIndex, TraceError};

/// The path of a file in the repository's `tests/data`.
pub(crate) fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data").join(name)
}

/// An access and its thread.
pub(crate) type Made = (u32, u64, Access);

/// An access of thread 0.
pub(crate) fn made(addr: u64, size: u16, kind: AccessKind) -> Made {
    (0, 0, Access { addr: Addr::truncate(addr), size, kind })
}

/// A program of a loop that walks an array and a stack, of this many rounds.
pub(crate) fn looping(rounds: u64) -> Vec<Made> {
    let of = |round: u64| {
        [
            made(0x40_1000, 4, AccessKind::Fetch),
            made(0x10_0000 + 8 * round, 8, AccessKind::Load),
            made(0x40_1004, 3, AccessKind::Fetch),
            made(0x7fff_ff00 - 16 * (round % 9), 8, AccessKind::Store),
            made(0x40_1007 + round % 3, 2, AccessKind::Fetch),
        ]
    };
    (0..rounds).flat_map(of).collect()
}

/// Writes accesses and events to a new file.
pub(crate) fn write(path: &Path, accesses: &[Made], events: &[Event], block: u32) {
    let provenance = Provenance::new().with(Provenance::TOOL, "a test").with("empty", "");
    let mut writer = TerraceWriter::create(path, provenance).unwrap().block_references(block);
    let mut batch = Batch::new();
    let mut events = events.iter().peekable();
    let mut first = 0;
    for run in accesses.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)).flat_map(|run| run.chunks(Batch::CAPACITY))
    {
        batch.start(ThreadIndex::new(run[0].0), run[0].1, first);
        for (_, _, access) in run {
            batch.push(*access);
        }
        first += u64::try_from(run.len()).unwrap();
        while let Some(event) = events.next_if(|event| event.reference < first) {
            writer.event(event.clone()).unwrap();
        }
        writer.write(&batch).unwrap();
    }
    events.for_each(|event| writer.event(event.clone()).unwrap());
    let summary = writer.finish().unwrap();
    assert_eq!(summary.references, u64::try_from(accesses.len()).unwrap());
    assert_eq!(summary.bytes, path.metadata().unwrap().len());
}

/// A file of accesses, in a folder that goes away with the first value.
pub(crate) fn written(accesses: &[Made], events: &[Event], block: u32) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.trace");
    write(&path, accesses, events, block);
    (folder, path)
}

/// All that is left in a file; the error if there is one.
pub(crate) fn rest(file: &mut TerraceFile) -> Result<Vec<Made>, TraceError> {
    let mut accesses = Vec::new();
    let mut batch = Batch::new();
    while file.next_batch(&mut batch)? {
        assert!(!batch.accesses().is_empty());
        let fetches = batch.accesses().iter().filter(|access| access.kind == AccessKind::Fetch).count();
        assert_eq!(batch.instructions(), u64::try_from(fetches).unwrap());
        accesses
            .extend(batch.accesses().iter().map(|access| (batch.thread().get(), batch.thread_id(), *access)));
    }
    assert!(!file.next_batch(&mut batch)?);
    Ok(accesses)
}

/// All accesses and events of a file.
pub(crate) fn read(path: &Path) -> Result<(Vec<Made>, Vec<Event>), TraceError> {
    let mut file = TerraceFile::open(path)?;
    let accesses = rest(&mut file)?;
    Ok((accesses, file.events()?))
}
