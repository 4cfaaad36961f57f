//! Files that are one stream from start to end: plain, or packed by one of the compressors.
//!
//! | container | several behind one another | the most memory that unpacking takes |
//! | --- | --- | --- |
//! | gzip | members | 32 KiB |
//! | xz | streams | 1 GiB; what needs more is refused |
//! | bzip2 | streams | 4 MB |
//! | lz4 | frames | 16 MiB, a few blocks of the largest size |
//! | snappy | streams | 140 KB |
//! | zstd | frames | a window of 128 MiB; what needs more is refused |
//!
//! None of them is given room for the size of content that a header declares. Snappy's framing has no mark at its
//! end: one that is cut between two chunks can only be told by what it holds.

use std::io::{self, BufReader, ErrorKind, Read};
use std::path::Path;

use bzip2::bufread::MultiBzDecoder;
use flate2::bufread::MultiGzDecoder;
use liblzma::bufread::XzDecoder;
use liblzma::stream::{CONCATENATED, Stream};
use terrace_addr::convert;

use super::counted::{Counted, Counter};
use super::lz4::Lz4Frames;
use super::piece::Filled;
use super::{Container, Piece, Pieces};
use crate::{Place, TraceError, TraceErrorKind};

/// Bytes that are read from a compressed file at a time.
pub(super) const INPUT_BUFFER: usize = 64 << 10;

/// The most memory that unpacking an xz file may take, in bytes. `xz -9` needs 65 MiB; a damaged header can ask
/// for 4 GiB.
const XZ_MEMORY: u64 = 1 << 30;

/// The largest window of a zstd frame: 2 to this power bytes. What `zstd -d` accepts unasked, and `zstd --long` makes.
const ZSTD_WINDOW_LOG: u32 = 27;

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

/// Unpacks the `container` that `input` gives, from its first byte on.
pub(super) fn open(
    path: &Path,
    container: Container,
    input: Box<dyn Read + Send>,
    piece: usize,
) -> Result<Box<dyn Pieces>, TraceError> {
    let (input, counter) = Counted::new(input);
    let buffered = |input| BufReader::with_capacity(INPUT_BUFFER, input);
    let refused = |error| TraceError::unreadable(path, error);
    let reader: Box<dyn Read + Send> = match container {
        Container::Plain | Container::Zip => Box::new(input),
        Container::Gzip => Box::new(MultiGzDecoder::new(buffered(input))),
        Container::Xz => {
            let stream = Stream::new_stream_decoder(XZ_MEMORY, CONCATENATED);
            let stream = stream.map_err(|error| refused(io::Error::other(error)))?;
            Box::new(XzDecoder::new_stream(buffered(input), stream))
        }
        Container::Bzip2 => Box::new(MultiBzDecoder::new(buffered(input))),
        Container::Lz4 => Box::new(Lz4Frames::new(buffered(input))),
        Container::Snappy => Box::new(snap::read::FrameDecoder::new(buffered(input))),
        Container::Zstd => {
            let mut decoder = zstd::Decoder::with_buffer(buffered(input)).map_err(refused)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG).map_err(refused)?;
            Box::new(decoder)
        }
    };
    Ok(Box::new(Unpacked { path: path.into(), container, reader, counter, offset: 0, ended: false, piece }))
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
    if cause.raw_os_error().is_some() || container == Container::Plain {
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
