//! What a file unpacks to, piece by piece, and how much of the file was read for that.

use std::path::Path;
use std::sync::Arc;

use crate::container::{Container, Opened, Piece, Pieces};
use crate::{Progress, TraceError, TraceErrorKind};

/// How much content is unpacked to find out why records make no sense, in bytes: some ten chunks of drmemtrace's
/// usual size, which take a second.
const BLAMED: usize = 2 << 30;

/// The content of a file, of which a piece is at hand.
pub(crate) struct Content {
    path: Arc<Path>,
    container: Container,
    pieces: Box<dyn Pieces>,
    piece: Piece,
    /// Bytes of the file read for the pieces so far.
    read: u64,
    /// Bytes of the file; `None` for a stream that has not ended.
    total: Option<u64>,
    ended: bool,
}

impl Content {
    /// The content of a file of which `first` is the first piece (empty if there is none).
    pub(crate) fn new(path: &Path, opened: Opened, first: Piece) -> Self {
        let Opened { container, pieces, total } = opened;
        Self { path: path.into(), container, pieces, read: first.input, piece: first, total, ended: false }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn progress(&self) -> Progress {
        match self.total {
            Some(total) => Progress { read: self.read.min(total), total },
            None => Progress { read: self.read, total: 0 },
        }
    }

    /// The piece at hand. Empty at the end of the content.
    #[inline]
    pub(crate) fn piece(&self) -> &[u8] {
        if self.ended { &[] } else { self.piece.content() }
    }

    /// Replaces the piece by the next one. `false` at the end, and from then on.
    pub(crate) fn next_piece(&mut self) -> Result<bool, TraceError> {
        if !self.ended && self.pieces.next_piece(&mut self.piece)? {
            self.read += self.piece.input;
            return Ok(true);
        }
        self.ended = true;
        self.read = *self.total.get_or_insert(self.read);
        Ok(false)
    }

    /// What to blame for records that make no sense: if the rest of the content cannot be unpacked either, or a
    /// check sum turns out wrong, then that, because it says more.
    pub(crate) fn blame(&mut self, records: TraceError) -> TraceError {
        if records.kind() != TraceErrorKind::Record || self.container == Container::Plain {
            return records;
        }
        let mut unpacked = 0;
        while unpacked < BLAMED {
            match self.next_piece() {
                Ok(true) => unpacked += self.piece.content().len(),
                Ok(false) => break,
                Err(damage) => return damage,
            }
        }
        records
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use terrace_addr::convert;

    /// Content that comes in given pieces.
    struct Cut(std::vec::IntoIter<Vec<u8>>);

    impl Pieces for Cut {
        fn next_piece(&mut self, piece: &mut Piece) -> Result<bool, TraceError> {
            // Like a reader that finds no more bytes, the end leaves an empty piece.
            let bytes = self.0.next();
            let content = bytes.as_deref().unwrap_or_default();
            piece.fill(&mut &*content, content.len());
            Ok(bytes.is_some())
        }
    }

    /// Content of which none is at hand yet, and which comes in these pieces.
    pub(crate) fn content_in(pieces: Vec<Vec<u8>>) -> Content {
        let total = convert::count(pieces.iter().map(Vec::len).sum());
        let opened = Opened {
            container: Container::Plain,
            pieces: Box::new(Cut(pieces.into_iter())),
            total: Some(total),
        };
        Content::new(Path::new("t"), opened, Piece::default())
    }
}
