//! Fuzz targets of the readers: whatever the bytes are, a reader ends, with an error or without, and never panics.
//!
//! `cargo test` runs each for a second on what is made here. For longer:
//! `BOLERO_RANDOM_TEST_TIME_MS=3600000 BOLERO_RANDOM_ITERATIONS=1000000000 cargo test --release -p terrace-trace --test
//! fuzz`; guided by coverage: `cargo bolero test -p terrace-trace TARGET`.

use std::io::{Cursor, Write};
use std::path::Path;
use std::sync::OnceLock;

use terrace_addr::{Access, AccessKind, Addr};
use terrace_trace::{
    Batch, ChampSimWriter, Format, Options, Provenance, TerraceWriter, TextWriter, ThreadIndex, TraceWriter,
};

/// Reads bytes as a trace, from a file and as a stream.
fn read(bytes: &[u8], format: Option<Format>) {
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().write_all(bytes).unwrap();
    let options = format.map_or_else(Options::new, |format| Options::new().format(format));
    let stream = options.open_stream(Box::new(Cursor::new(bytes.to_vec())), "a stream");
    let [of_file, of_stream] = [options.open(file.path()), stream].map(|source| {
        let mut source = source.ok()?;
        let mut batch = Batch::new();
        let mut count = 0;
        while source.next_batch(&mut batch).ok()? {
            count += batch.accesses().len();
        }
        Some(count)
    });
    // Some formats need a file; what can be read as a stream is read as a file with the same content.
    assert!(of_stream.is_none() || of_file == of_stream, "{of_file:?}, {of_stream:?}");
}

/// Small traces that are whole, of each format and in each container.
fn whole() -> &'static [Vec<u8>] {
    static WHOLE: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    WHOLE.get_or_init(|| {
        let text = written(|path| Box::new(TextWriter::create(path).unwrap()));
        let lackey = b"==1== Lackey\nI  04000000,3\n L 1ffe000,8\n S 1ffe008,8\n M 1ffe010,4\n".repeat(5);
        let perf = b"  cat 77 [001] 12.5: 1 mem-loads: ffff800012345678 401000 main (/bin/cat)\n".repeat(5);
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file("chunk.00000000", zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(&drmemtrace()).unwrap();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&text).unwrap();
        let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        bzip2.write_all(&text).unwrap();
        let mut lz4 = lz4_flex::frame::FrameEncoder::new(Vec::new());
        lz4.write_all(&text).unwrap();
        let mut snappy = snap::write::FrameEncoder::new(Vec::new());
        snappy.write_all(&text).unwrap();
        let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 0);
        xz.write_all(&text).unwrap();
        vec![
            written(|path| Box::new(ChampSimWriter::create(path).unwrap())),
            written(|path| Box::new(TerraceWriter::create(path, Provenance::new()).unwrap())),
            drmemtrace(),
            lackey,
            perf,
            zip.finish().unwrap().into_inner(),
            gzip.finish().unwrap(),
            bzip2.finish().unwrap(),
            lz4.finish().unwrap(),
            snappy.into_inner().unwrap(),
            xz.finish().unwrap(),
            zstd::encode_all(&text[..], 1).unwrap(),
            text,
        ]
    })
}

/// A trace of some accesses, as a writer writes it.
fn written(create: impl FnOnce(&Path) -> Box<dyn TraceWriter>) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace");
    let mut writer = create(&path);
    let mut batch = Batch::new();
    batch.start(ThreadIndex::new(0), 7, 0);
    for place in 0..30 {
        batch.push(Access { addr: Addr::new(0x40_0000 + place * 4), size: 4, kind: AccessKind::Fetch });
        batch.push(Access {
            addr: Addr::new(0x7fff_0000 + place % 7 * 640),
            size: 8,
            kind: AccessKind::Load,
        });
        batch.push(Access { addr: Addr::new(0x1000 + place * 8), size: 8, kind: AccessKind::Store });
    }
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    std::fs::read(path).unwrap()
}

/// A header, a thread, instructions, loads and stores, and a footer.
fn drmemtrace() -> Vec<u8> {
    let record = |kind: u16, size: u16, value: u64| {
        [&kind.to_le_bytes()[..], &size.to_le_bytes(), &value.to_le_bytes()].concat()
    };
    let mut records = vec![record(25, 0, 4), record(22, 8, 7)];
    for place in 0..20 {
        records.push(record(10, 4, 0x40_0000 + place * 4));
        records.push(record(0, 8, 0x1000));
        records.push(record(1, 8, 0x2000 * place));
    }
    records.push(record(26, 0, 7));
    records.concat()
}

#[test]
fn arbitrary_bytes() {
    bolero::check!().for_each(|bytes: &[u8]| read(bytes, None));
}

#[test]
fn arbitrary_bytes_of_a_format() {
    bolero::check!().with_type::<(u8, Vec<u8>)>().for_each(|(format, bytes)| {
        read(bytes, Some(Format::ALL[usize::from(*format) % Format::ALL.len()]));
    });
}

/// Whole traces with some bytes changed, and perhaps cut.
#[test]
fn damaged_traces() {
    type Damage = (u8, Vec<(u16, u8)>, Option<u16>);
    bolero::check!().with_type::<Damage>().for_each(|(which, changes, cut)| {
        let mut bytes = whole()[usize::from(*which) % whole().len()].clone();
        for (place, value) in changes {
            let place = usize::from(*place) % bytes.len();
            bytes[place] ^= value;
        }
        if let Some(cut) = cut {
            bytes.truncate(usize::from(*cut) % (bytes.len() + 1));
        }
        read(&bytes, None);
    });
}

/// The targets begin with what is right.
#[test]
fn whole_traces_are_read() {
    for (number, bytes) in whole().iter().enumerate() {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().write_all(bytes).unwrap();
        let mut source = Options::new().open(file.path()).unwrap_or_else(|error| panic!("{number}: {error}"));
        let mut batch = Batch::new();
        while source.next_batch(&mut batch).unwrap_or_else(|error| panic!("{number}: {error}")) {}
        assert!(source.statistics().references() > 0);
    }
}
