//! What can only be read from start to end, such as standard input.

use std::io::{self, Cursor, Read};

use terrace_trace::{Batch, Format, Options, Source, TraceError, TraceErrorKind};

use crate::build::{
    PACKERS, Seen, only_member, read_bytes, small_champsim, small_cloudsuite, small_lackey,
    small_perf_script, small_text, small_trace, zip,
};

const NAME: &str = "standard input";

fn source(content: Vec<u8>) -> Result<Box<dyn Source>, TraceError> {
    Options::new().open_stream(Box::new(Cursor::new(content)), NAME)
}

/// All that a source of unknown length gives.
fn drain(source: &mut dyn Source) -> Result<Vec<Seen>, TraceError> {
    let mut seen = Vec::new();
    let mut batch = Batch::new();
    while source.next_batch(&mut batch)? {
        seen.extend(batch.accesses().iter().map(|&access| (batch.thread().get(), access)));
        let progress = source.progress();
        assert!(progress.total == 0 || progress.read == progress.total);
    }
    let progress = source.progress();
    assert!(progress.read > 0 && progress.read == progress.total);
    Ok(seen)
}

/// A pipe that gives a few bytes at a time, and is interrupted.
struct Pipe(Cursor<Vec<u8>>, usize);

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 += 1;
        if self.1.is_multiple_of(5) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let length = buffer.len().min(self.1 % 7 + 1);
        self.0.read(&mut buffer[..length])
    }
}

#[test]
fn every_format_and_container_is_read() {
    for content in [
        small_trace(),
        small_champsim(),
        small_cloudsuite(),
        small_lackey(),
        small_perf_script(),
        small_text(),
        only_member("gups.drmemtrace.zip"),
    ] {
        let expected = read_bytes(&content).unwrap();
        assert!(drain(&mut *source(content.clone()).unwrap()).unwrap() == expected);
        for (name, pack) in PACKERS {
            let packed = pack(&content);
            assert!(drain(&mut *source(packed).unwrap()).unwrap() == expected, "{name}");
        }
    }
}

#[test]
fn a_pipe_may_give_few_bytes_at_a_time() {
    for (name, pack) in PACKERS {
        let packed = pack(&small_trace());
        let pipe = Box::new(Pipe(Cursor::new(packed), 0));
        let mut source = Options::new().format(Format::DrMemtrace).open_stream(pipe, NAME).unwrap();
        assert_eq!(drain(&mut *source).unwrap(), read_bytes(&small_trace()).unwrap(), "{name}");
    }
}

#[test]
fn a_zip_file_is_refused() {
    let error = source(zip(&[&small_trace()])).err().unwrap();
    assert_eq!(
        error.to_string(),
        "standard input: found a zip file, whose directory is at its end, expected what can be read from start to \
         end\nSave it to a file and give the path of that."
    );
    assert_eq!(error.kind(), TraceErrorKind::Unreadable);
}

#[test]
fn errors_name_the_stream() {
    let error = source(Vec::new()).err().unwrap().to_string();
    assert!(error.starts_with("standard input: found an empty file, expected a drmemtrace, "), "{error}");
    let mut cut = source(small_champsim()[..500].to_vec()).unwrap();
    let error = drain(&mut *cut).unwrap_err().to_string();
    assert!(
        error.starts_with("standard input: byte 448 of its unpacked content: found 52 bytes after"),
        "{error}"
    );
    let wanted = Options::new().format(Format::Lackey);
    let error = wanted.open_stream(Box::new(Cursor::new(small_trace())), NAME).err().unwrap().to_string();
    assert!(
        error.starts_with("standard input: found a drmemtrace trace, expected a lackey trace"),
        "{error}"
    );
}

/// A reader that fails after some bytes.
struct Failing(Cursor<Vec<u8>>);

impl Read for Failing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(io::Error::other("the line went dead")),
            read => Ok(read),
        }
    }
}

#[test]
fn a_reader_that_fails_is_no_end() {
    let content = small_champsim();
    let reader = Box::new(Failing(Cursor::new(content)));
    let error = Options::new().open_stream(reader, NAME).err().unwrap();
    assert_eq!(error.kind(), TraceErrorKind::Unreadable);
    assert!(error.to_string().starts_with("standard input: found the line went dead, expected"), "{error}");
}

/// A reader that never gives more once its content is read.
struct Waiting(Cursor<Vec<u8>>, std::sync::mpsc::Receiver<()>);

impl Read for Waiting {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Ok(self.1.recv().map_or(0, |()| 0)),
            read => Ok(read),
        }
    }
}

#[test]
fn a_source_can_be_dropped_while_its_reader_waits() {
    let (more, waits) = std::sync::mpsc::channel();
    let content = small_champsim().repeat(1000);
    let reader = Box::new(Waiting(Cursor::new(content), waits));
    let mut source = Options::new().open_stream(reader, NAME).unwrap();
    assert!(source.next_batch(&mut Batch::new()).unwrap());
    drop(source);
    drop(more);
}
