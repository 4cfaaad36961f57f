//! Pieces of content, of bounded size and in reused memory.

use std::io::{self, ErrorKind, Read};

use crate::TraceError;

/// A piece of what a file unpacks to.
#[derive(Debug, Default)]
pub(crate) struct Piece {
    /// Always as long as a piece may be, so that refilling it clears nothing; the first `len` bytes count.
    bytes: Vec<u8>,
    len: usize,
    /// Bytes of the file that were read for this piece, as stored.
    pub(crate) input: u64,
}

impl Piece {
    /// The content.
    pub(crate) fn content(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Refills the piece with up to `size` bytes from `reader`: fewer only at the reader's end.
    pub(crate) fn fill(&mut self, reader: &mut dyn Read, size: usize) -> Filled {
        self.bytes.resize(size, 0);
        self.len = 0;
        while self.len < size {
            match reader.read(&mut self.bytes[self.len..]) {
                Ok(0) => return Filled::Ended,
                Ok(read) => self.len += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Filled::Failed(error),
            }
        }
        Filled::Wholly
    }
}

/// How filling a piece went.
#[derive(Debug)]
pub(crate) enum Filled {
    /// There may be more.
    Wholly,
    /// The reader is at its end.
    Ended,
    /// The reader failed; the piece holds what came before.
    Failed(io::Error),
}

/// The content of a file, piece by piece.
pub(crate) trait Pieces: Send {
    /// Replaces what `piece` holds by the next piece, which is not empty. `false` at the end. Not called again
    /// after it returned `false` or an error.
    fn next_piece(&mut self, piece: &mut Piece) -> Result<bool, TraceError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_reads_are_put_together() {
        let mut reader = b"abc".chain(&b"defg"[..]);
        let mut piece = Piece::default();
        assert!(matches!(piece.fill(&mut reader, 5), Filled::Wholly));
        assert_eq!(piece.content(), b"abcde");
        assert!(matches!(piece.fill(&mut reader, 5), Filled::Ended));
        assert_eq!(piece.content(), b"fg");
    }
}
