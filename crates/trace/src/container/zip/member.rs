//! One member of a zip file, inflated and checked.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom, Take};
use std::path::Path;
use std::sync::Arc;

use flate2::Crc;
use flate2::bufread::DeflateDecoder;
use terrace_addr::convert;

use super::directory::{Member, Method};
use crate::container::Piece;
use crate::container::counted::{Counted, Counter};
use crate::container::piece::Filled;
use crate::container::stream::INPUT_BUFFER;
use crate::{Place, TraceError, TraceErrorKind};

/// A member that is being read.
pub(super) struct MemberReader {
    path: Arc<Path>,
    member: Member,
    data: Data,
    counter: Counter,
    crc: Crc,
    /// Bytes inflated so far.
    offset: u64,
    ended: bool,
}

/// The data of a member, from a file handle of its own: handles that were cloned would share their position.
enum Data {
    Stored(Counted<Take<File>>),
    Deflated(DeflateDecoder<BufReader<Counted<Take<File>>>>),
}

impl Read for Data {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Stored(data) => data.read(buffer),
            Self::Deflated(data) => data.read(buffer),
        }
    }
}

impl MemberReader {
    /// Opens `member` of the zip file `path`.
    pub(super) fn open(path: &Arc<Path>, member: &Member) -> Result<Self, TraceError> {
        let refused = |error| TraceError::unreadable(path, error);
        let mut file = File::open(path).map_err(refused)?;
        file.seek(SeekFrom::Start(member.start)).map_err(refused)?;
        let (data, counter) = Counted::new(file.take(member.stored));
        let data = match member.method {
            Method::Stored => Data::Stored(data),
            Method::Deflated => {
                Data::Deflated(DeflateDecoder::new(BufReader::with_capacity(INPUT_BUFFER, data)))
            }
        };
        Ok(Self {
            path: Arc::clone(path),
            member: member.clone(),
            data,
            counter,
            crc: Crc::new(),
            offset: 0,
            ended: false,
        })
    }

    /// Refills `piece` with the next `size` bytes of the member. `false` at its end, when its length and check
    /// sum have been found right.
    pub(super) fn next_piece(&mut self, piece: &mut Piece, size: usize) -> Result<bool, TraceError> {
        if self.ended {
            return Ok(false);
        }
        let filled = piece.fill(&mut self.data, size);
        self.crc.update(piece.content());
        self.offset += convert::count(piece.content().len());
        piece.input = self.counter.take();
        match filled {
            Filled::Wholly => {}
            Filled::Ended => {
                self.ended = true;
                self.check()?;
            }
            Filled::Failed(cause) => return Err(self.failure(cause)),
        }
        Ok(!piece.content().is_empty())
    }

    fn check(&self) -> Result<(), TraceError> {
        let Member { size, crc, .. } = self.member;
        if self.offset != size {
            return Err(self
                .damaged()
                .found(format!("{} bytes of content", self.offset))
                .expected(format!("the {size} bytes that the zip file's directory declares")));
        }
        if self.crc.sum() != crc {
            return Err(self
                .damaged()
                .found(format!("content with check sum {:08x}", self.crc.sum()))
                .expected(format!("check sum {crc:08x} (CRC-32)")));
        }
        Ok(())
    }

    fn failure(&self, cause: io::Error) -> TraceError {
        if cause.raw_os_error().is_some() {
            return TraceError::unreadable(&self.path, cause);
        }
        self.damaged().found(format!("damaged data ({cause})")).expected("a deflate stream").cause(cause)
    }

    fn damaged(&self) -> TraceError {
        let place = Place::Member { name: self.member.name.clone(), offset: self.offset };
        TraceError::new(&self.path, TraceErrorKind::Damaged, place)
            .advice("The file was changed after it was written: copy it again, or record it again.")
    }
}
