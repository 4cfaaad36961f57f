//! Traces that the tests make, and what comes out of them.

use std::fs::File;
use std::io::{Cursor, Read as _, Write as _};
use std::path::{Path, PathBuf};

use bzip2::write::BzEncoder;
use flate2::Compression;
use flate2::write::GzEncoder;
use liblzma::write::XzEncoder;
use lz4_flex::frame::{FrameEncoder, FrameInfo};
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

/// A `CloudSuite` record of an instruction with loads and stores.
pub(crate) fn cloudsuite_record(instruction: u64, loads: [u64; 4], stores: [u64; 4]) -> Vec<u8> {
    let mut bytes = instruction.to_le_bytes().to_vec();
    bytes.extend([1, 0]);
    // Registers written and read, and padding.
    bytes.extend([1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0]);
    for value in stores.into_iter().chain(loads) {
        bytes.extend(value.to_le_bytes());
    }
    // Address-space id, and padding.
    bytes.extend([3, 0, 0, 0, 0, 0, 0, 0]);
    bytes
}

/// A small valid `CloudSuite` file.
pub(crate) fn small_cloudsuite() -> Vec<u8> {
    let record =
        |i: u64| cloudsuite_record(0x40_0000 + 4 * i, [0, 0, 0x1000 * i, 0], [0x2000 * i, 0, 0, 0x3000]);
    (0..9).flat_map(record).collect()
}

/// A small valid text.
pub(crate) fn small_text() -> Vec<u8> {
    "# made by hand\naddress,size,kind,thread\n0x401000,4,x,7\n7ffe1000,8,r,7\n\n7ffe1008,8,w,9\r\n10\n"
        .into()
}

/// A small valid output of perf script.
pub(crate) fn small_perf_script() -> Vec<u8> {
    "# captured on: some day\n\
     \x20       sort 12345/12346 [003] 12345.678901:          1   cpu/mem-loads,ldlat=30/P:     7ffe12345678 \
     5080021 |OP LOAD|LVL L1 hit|SNP None|TLB L1 or L2 hit|LCK No           401136 main+0x6 (/bin/sort)\n\
     \x20       sort 12345/12345 [001] 12345.678902:          1           cpu/mem-stores/P:     7ffe12345680 \
     401139 main+0x9 (/bin/sort)\n\
     \x20       sort 12345/12345 [001] 12345.678903:          1   cpu/mem-loads,ldlat=30/P:                0 \
     401139 main+0x9 (/bin/sort)\n"
        .into()
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

pub(crate) fn bzip2(content: &[u8]) -> Vec<u8> {
    let mut encoder = BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn lz4(content: &[u8]) -> Vec<u8> {
    let info = FrameInfo::new().content_checksum(true);
    let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn snappy(content: &[u8]) -> Vec<u8> {
    let mut encoder = snap::write::FrameEncoder::new(Vec::new());
    encoder.write_all(content).unwrap();
    // It writes its header with the first content.
    match encoder.into_inner().unwrap() {
        packed if packed.is_empty() => b"\xff\x06\0\0sNaPpY".to_vec(),
        packed => packed,
    }
}

pub(crate) fn zstd(content: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// A compressor.
pub(crate) type Packer = fn(&[u8]) -> Vec<u8>;

/// All that pack a file as one stream, with the names that errors call them by.
pub(crate) const PACKERS: [(&str, Packer); 6] =
    [("gzip", gzip), ("xz", xz), ("bzip2", bzip2), ("lz4", lz4), ("snappy", snappy), ("zstd", zstd)];

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
