//! What the records of a trace are packed in: nothing, gzip, xz, or the members of a zip file.
//!
//! The rule: whatever the container, its content comes out as [`Piece`]s of bounded size, in order, and nothing is
//! allocated because a header declares a size. Found by the first bytes: RFC 1952 §2.3.1 (gzip), the .xz file
//! format §2.1.1.1, PKWARE's APPNOTE §4.3 (zip).

mod counted;
mod magic;
mod piece;
mod stream;
mod zip;

use std::fs::File;
use std::io::{Read, Seek as _};
use std::num::NonZero;
use std::path::Path;

pub(crate) use magic::{Container, foreign};
pub(crate) use piece::{Piece, Pieces};

use crate::TraceError;

/// How a container is to be read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    /// How many threads inflate members of a zip file that has several. One inflates in the calling thread.
    pub(crate) threads: NonZero<usize>,
    /// Bytes in a piece.
    pub(crate) piece: usize,
}

/// An opened file.
pub(crate) struct Opened {
    pub(crate) container: Container,
    pub(crate) pieces: Box<dyn Pieces>,
    /// The file's length in bytes.
    pub(crate) total: u64,
}

/// Opens a regular file and finds its container.
pub(crate) fn open(path: &Path, reading: Reading) -> Result<Opened, TraceError> {
    let refused = |error| TraceError::unreadable(path, error);
    let mut file = File::open(path).map_err(refused)?;
    let total = file.metadata().map_err(refused)?.len();
    let mut start = Vec::new();
    (&mut file).take(magic::LENGTH).read_to_end(&mut start).map_err(refused)?;
    file.rewind().map_err(refused)?;
    let container = Container::of(&start);
    let pieces = match container {
        Container::Zip => zip::open(path, file, total, reading)?,
        Container::Plain => stream::plain(path, file, reading.piece),
        Container::Gzip => stream::gzip(path, file, reading.piece),
        Container::Xz => stream::xz(path, file, reading.piece)?,
    };
    Ok(Opened { container, pieces, total })
}
