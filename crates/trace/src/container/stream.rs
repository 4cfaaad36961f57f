//! Plain, gzip and xz files: one stream from start to end.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use liblzma::bufread::XzDecoder;
use liblzma::stream::{CONCATENATED, Stream};
use terrace_addr::convert;

use super::counted::{Counted, Counter};
use super::piece::Filled;
use super::{Container, Piece, Pieces};
use crate::{Place, TraceError, TraceErrorKind};

/// Bytes that are read from a compressed file at a time.
pub(super) const INPUT_BUFFER: usize = 64 << 10;

/// The most memory that unpacking an xz file may take, in bytes. `xz -9` needs 65 MiB; a damaged header can ask
/// for 4 GiB.
const XZ_MEMORY: u64 = 1 << 30;

/// A file that is unpacked by one reader.
struct Unpacked {
    path: Box<Path>,
    container: Container,
    reader: Box<dyn Read + Send>,
    counter: Counter,
    /// Bytes unpacked so far.
    offset: u64,
    ended: bool,
    piece: usize,
}

/// The bytes of the file themselves.
pub(super) fn plain(path: &Path, file: File, piece: usize) -> Box<dyn Pieces> {
    let (file, counter) = Counted::new(file);
    unpacked(path, Container::Plain, Box::new(file), counter, piece)
}

/// A gzip file of one or more members.
pub(super) fn gzip(path: &Path, file: File, piece: usize) -> Box<dyn Pieces> {
    let (file, counter) = Counted::new(file);
    let reader = MultiGzDecoder::new(BufReader::with_capacity(INPUT_BUFFER, file));
    unpacked(path, Container::Gzip, Box::new(reader), counter, piece)
}

/// An xz file of one or more streams.
pub(super) fn xz(path: &Path, file: File, piece: usize) -> Result<Box<dyn Pieces>, TraceError> {
    let (file, counter) = Counted::new(file);
    let stream = Stream::new_stream_decoder(XZ_MEMORY, CONCATENATED)
        .map_err(|error| TraceError::unreadable(path, io::Error::other(error)))?;
    let reader = XzDecoder::new_stream(BufReader::with_capacity(INPUT_BUFFER, file), stream);
    Ok(unpacked(path, Container::Xz, Box::new(reader), counter, piece))
}

fn unpacked(
    path: &Path,
    container: Container,
    reader: Box<dyn Read + Send>,
    counter: Counter,
    piece: usize,
) -> Box<dyn Pieces> {
    Box::new(Unpacked { path: path.into(), container, reader, counter, offset: 0, ended: false, piece })
}

impl Pieces for Unpacked {
    fn next_piece(&mut self, piece: &mut Piece) -> Result<bool, TraceError> {
        if self.ended {
            return Ok(false);
        }
        let filled = piece.fill(&mut *self.reader, self.piece);
        self.offset += convert::count(piece.content().len());
        piece.input = self.counter.take();
        match filled {
            Filled::Wholly => {}
            Filled::Ended => self.ended = true,
            Filled::Failed(cause) => return Err(failure(&self.path, self.container, self.offset, cause)),
        }
        Ok(!piece.content().is_empty())
    }
}

/// What a failure of a decompressor, or of the file below it, means.
fn failure(path: &Path, container: Container, offset: u64, cause: io::Error) -> TraceError {
    if cause.raw_os_error().is_some() {
        return TraceError::unreadable(path, cause);
    }
    let place = Place::Content { offset };
    if cause.kind() == ErrorKind::UnexpectedEof {
        return TraceError::new(path, TraceErrorKind::Truncated, place)
            .found("the end of the file")
            .expected(format!("the rest of its {container} data"))
            .advice("The file is cut short: copy it again, or record it again.")
            .cause(cause);
    }
    TraceError::new(path, TraceErrorKind::Damaged, place)
        .found(format!("damaged {container} data ({cause})"))
        .expected(format!("{container} data whose check sums are right"))
        .advice("The file was changed after it was written: copy it again, or record it again.")
        .cause(cause)
}
