//! What the records of a trace are packed in: nothing, one of the compressors, or the members of a zip file.
//!
//! The rule: whatever the container, its content comes out as [`Piece`]s of bounded size, in order, and nothing is
//! allocated because a header declares a size. Found by the first bytes: RFC 1952 §2.3.1 (gzip), the .xz file
//! format §2.1.1.1, PKWARE's APPNOTE §4.3 (zip), the LZ4 frame format, Snappy's framing format §4.1, RFC 8878 §3.1.1
//! (zstd). bzip2's are those of its own decompressor: `BZh`, the block size, and the magic of a block.

mod counted;
mod lz4;
mod magic;
mod piece;
mod stream;
mod zip;

use std::fs::File;
use std::io::{Cursor, Read, Seek as _};
use std::num::NonZero;
use std::path::Path;

pub(crate) use magic::{Container, foreign};
pub(crate) use piece::{Piece, Pieces};

use crate::{Place, TraceError, TraceErrorKind};

/// How a container is to be read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    /// How many threads inflate members of a zip file that has several. One inflates in the calling thread.
    pub(crate) threads: NonZero<usize>,
    /// Bytes in a piece.
    pub(crate) piece: usize,
}

/// An opened file or stream.
pub(crate) struct Opened {
    pub(crate) container: Container,
    pub(crate) pieces: Box<dyn Pieces>,
    /// The file's length in bytes, where that is known.
    pub(crate) total: Option<u64>,
}

/// Opens a regular file and finds its container.
pub(crate) fn open(path: &Path, reading: Reading) -> Result<Opened, TraceError> {
    let refused = |error| TraceError::unreadable(path, error);
    let mut file = File::open(path).map_err(refused)?;
    let total = file.metadata().map_err(refused)?.len();
    let container = Container::of(&start(path, &mut file)?);
    file.rewind().map_err(refused)?;
    let pieces = match container {
        Container::Zip => zip::open(path, file, total, reading)?,
        container => stream::open(path, container, Box::new(file), reading.piece)?,
    };
    Ok(Opened { container, pieces, total: Some(total) })
}

/// Opens what can only be read from start to end, and finds its container. `name` stands for its path in errors.
pub(crate) fn open_stream(
    name: &Path,
    mut reader: Box<dyn Read + Send>,
    reading: Reading,
) -> Result<Opened, TraceError> {
    let start = start(name, &mut reader)?;
    let container = Container::of(&start);
    if container == Container::Zip {
        return Err(TraceError::new(name, TraceErrorKind::Unreadable, Place::Whole)
            .found("a zip file, whose directory is at its end")
            .expected("what can be read from start to end")
            .advice("Save it to a file and give the path of that."));
    }
    let whole = Cursor::new(start).chain(reader);
    let pieces = stream::open(name, container, Box::new(whole), reading.piece)?;
    Ok(Opened { container, pieces, total: None })
}

/// The first bytes, as many as containers are told by.
fn start(path: &Path, reader: &mut dyn Read) -> Result<Vec<u8>, TraceError> {
    let mut start = Vec::new();
    let read = reader.take(magic::LENGTH).read_to_end(&mut start);
    read.map_err(|error| TraceError::unreadable(path, error))?;
    Ok(start)
}
