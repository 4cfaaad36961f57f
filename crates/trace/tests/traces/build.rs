//! Traces that the tests make, and what comes out of them.

use std::fs::File;
use std::io::{Cursor, Read as _, Write as _};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use liblzma::write::XzEncoder;
use terrace_addr::Access;
use terrace_trace::{Batch, Source, TraceError, open};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

pub(crate) const LOAD: u16 = 0;
pub(crate) const STORE: u16 = 1;
pub(crate) const FETCH: u16 = 10;
pub(crate) const THREAD: u16 = 22;
pub(crate) const HEADER: u16 = 25;
pub(crate) const FOOTER: u16 = 26;
pub(crate) const MARKER: u16 = 28;
pub(crate) const TIMESTAMP: u16 = 2;

/// A file of `tests/data`.
pub(crate) fn data(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data")).join(name)
}

/// A drmemtrace record.
pub(crate) fn record(number: u16, size: u16, value: u64) -> Vec<u8> {
    [&number.to_le_bytes()[..], &size.to_le_bytes(), &value.to_le_bytes()].concat()
}

/// A drmemtrace file of one thread: header, thread, `body`, footer.
pub(crate) fn trace(thread: u64, body: &[Vec<u8>]) -> Vec<u8> {
    let start = [record(HEADER, 0, 7), record(THREAD, 4, thread), record(24, 4, 1)].concat();
    [start, body.concat(), record(FOOTER, 0, 0)].concat()
}

/// A small valid drmemtrace file.
pub(crate) fn small_trace() -> Vec<u8> {
    let body = [
        record(MARKER, TIMESTAMP, 100),
        record(47, 3, 0x12_3456),
        record(FETCH, 3, 0x40_1000),
        record(LOAD, 8, 0x7fff_0000),
        record(29, 3, 0x40_1000),
        record(STORE, 8, 0x7fff_0008),
        record(4, 1, 0x7fff_0040),
        record(48, 2, 0x40_1003),
    ];
    trace(77, &body)
}

/// A `ChampSim` record of an instruction with loads and stores.
pub(crate) fn champsim_record(instruction: u64, loads: [u64; 4], stores: [u64; 2]) -> Vec<u8> {
    let mut bytes = instruction.to_le_bytes().to_vec();
    bytes.extend([1, 0, 1, 2, 3, 4, 5, 6]);
    for value in stores.into_iter().chain(loads) {
        bytes.extend(value.to_le_bytes());
    }
    bytes
}

/// A small valid `ChampSim` file.
pub(crate) fn small_champsim() -> Vec<u8> {
    (0..9)
        .flat_map(|i| champsim_record(0x40_0000 + 4 * i, [0, 0x1000 * i, 0, 0x2000 * i], [0x3000 * i, 0]))
        .collect()
}

/// A small valid log of lackey, between what else is in one.
pub(crate) fn small_lackey() -> Vec<u8> {
    "==12== Lackey, an example Valgrind tool\n==12== \nI  04001000,3\n L 1ffe000768,8\nhello\nI  04001003,12\n \
     M 1ffe000760,4\n S 0040f0a0,16\n==12== Exit code:       0\n"
        .into()
}

pub(crate) fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn xz(content: &[u8]) -> Vec<u8> {
    let mut encoder = XzEncoder::new(Vec::new(), 1);
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// A zip file of deflated members `chunk.0000`, `chunk.0001` …
pub(crate) fn zip(chunks: &[&[u8]]) -> Vec<u8> {
    zip_with(chunks, CompressionMethod::Deflated)
}

pub(crate) fn zip_with(chunks: &[&[u8]], method: CompressionMethod) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (index, chunk) in chunks.iter().enumerate() {
        let options = SimpleFileOptions::default()
            .compression_method(method)
            .compression_level((method == CompressionMethod::Deflated).then_some(1));
        writer.start_file(format!("chunk.{index:04}"), options).unwrap();
        writer.write_all(chunk).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// What the only member of a zip file of `tests/data` inflates to.
pub(crate) fn only_member(name: &str) -> Vec<u8> {
    let mut archive = ZipArchive::new(File::open(data(name)).unwrap()).unwrap();
    let mut content = Vec::new();
    archive.by_index(0).unwrap().read_to_end(&mut content).unwrap();
    content
}

/// An access and the index of its thread.
pub(crate) type Seen = (u32, Access);

/// All that a source gives. Checks what every batch promises.
pub(crate) fn drain(source: &mut dyn Source) -> Result<Vec<Seen>, TraceError> {
    let mut seen = Vec::new();
    let mut batch = Batch::new();
    let (mut instructions, mut read) = (0, 0);
    while source.next_batch(&mut batch)? {
        assert!(!batch.accesses().is_empty());
        assert_eq!(usize::try_from(batch.first_reference()).unwrap(), seen.len());
        seen.extend(batch.accesses().iter().map(|&access| (batch.thread().get(), access)));
        instructions += batch.instructions();
        let statistics = source.statistics();
        assert_eq!(usize::try_from(statistics.references()).unwrap(), seen.len());
        assert_eq!(statistics.fetches, instructions);
        let progress = source.progress();
        assert!(read <= progress.read && progress.read <= progress.total);
        read = progress.read;
    }
    assert!(batch.accesses().is_empty());
    assert!(!source.next_batch(&mut batch)?);
    assert_eq!(source.progress().read, source.progress().total);
    Ok(seen)
}

/// All that a path gives.
pub(crate) fn read(path: &Path) -> Result<Vec<Seen>, TraceError> {
    drain(&mut *open(path)?)
}

/// All that a file with this content gives.
pub(crate) fn read_bytes(content: &[u8]) -> Result<Vec<Seen>, TraceError> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), content).unwrap();
    read(file.path())
}

/// The address and thread index of every access.
pub(crate) fn addresses(seen: &[Seen]) -> Vec<(u32, u64)> {
    seen.iter().map(|(thread, access)| (*thread, access.addr.get())).collect()
}
