//! Records of a fixed size, out of pieces that end anywhere.

use std::path::Path;

use terrace_addr::convert;

use crate::content::Content;
use crate::{Place, Progress, TraceError, TraceErrorKind};

/// The content of a file as whole records of `SIZE` bytes.
///
/// A decoder looks at [`whole`](Self::whole) records, says with [`advance`](Self::advance) how many bytes of them
/// it took, and asks for more with [`refill`](Self::refill). Records lie in the piece that was unpacked and are
/// not copied, but for one that straddles two pieces.
pub(crate) struct Records<const SIZE: usize> {
    content: Content,
    /// The first byte of the piece at hand that was not taken.
    at: usize,
    straddling: [u8; SIZE],
    /// How much of `straddling` is there; it is a whole record when this is `SIZE`.
    joined: usize,
    /// Bytes taken since the start of the content.
    offset: u64,
}

impl<const SIZE: usize> Records<SIZE> {
    pub(crate) fn new(content: Content) -> Self {
        Self { content, at: 0, straddling: [0; SIZE], joined: 0, offset: 0 }
    }

    pub(crate) fn path(&self) -> &Path {
        self.content.path()
    }

    pub(crate) fn progress(&self) -> Progress {
        self.content.progress()
    }

    /// The records at hand: a multiple of `SIZE` bytes.
    #[inline]
    pub(crate) fn whole(&self) -> &[u8] {
        if self.joined == SIZE {
            return &self.straddling;
        }
        let rest = &self.content.piece()[self.at..];
        &rest[..rest.len() - rest.len() % SIZE]
    }

    /// Takes `bytes` of the records at hand: a multiple of `SIZE`.
    pub(crate) fn advance(&mut self, bytes: usize) {
        debug_assert!(bytes.is_multiple_of(SIZE) && bytes <= self.whole().len());
        self.offset += convert::count(bytes);
        if self.joined < SIZE {
            self.at += bytes;
        } else if bytes > 0 {
            self.joined = 0;
        }
    }

    /// Makes sure that a whole record is at hand. `false` at the end of the content.
    pub(crate) fn refill(&mut self) -> Result<bool, TraceError> {
        while self.whole().is_empty() {
            // What is left is less than a record.
            self.join();
            self.at = 0;
            if !self.content.next_piece()? {
                return if self.joined == 0 { Ok(false) } else { Err(self.remainder()) };
            }
            if self.joined > 0 {
                self.join();
            }
        }
        Ok(true)
    }

    /// Moves bytes of the piece to the end of the straddling record, until that is whole or the piece is empty.
    fn join(&mut self) {
        let rest = &self.content.piece()[self.at..];
        let taken = rest.len().min(SIZE - self.joined);
        self.straddling[self.joined..self.joined + taken].copy_from_slice(&rest[..taken]);
        self.joined += taken;
        self.at += taken;
    }

    /// The place of the record `bytes` after the first one at hand.
    pub(crate) fn place(&self, bytes: usize) -> Place {
        let offset = self.offset + convert::count(bytes);
        Place::Record { index: offset / convert::count(SIZE), offset }
    }

    /// As [`Content::blame`].
    pub(crate) fn blame(&mut self, records: TraceError) -> TraceError {
        self.content.blame(records)
    }

    fn remainder(&self) -> TraceError {
        partial(self.path(), SIZE, self.offset + convert::count(self.joined))
    }
}

/// The fault of content whose length is no multiple of its records' `size`. All in bytes.
pub(crate) fn partial(path: &Path, size: usize, length: u64) -> TraceError {
    let remainder = length % convert::count(size);
    TraceError::new(path, TraceErrorKind::Truncated, Place::Content { offset: length - remainder })
        .found(format!("{remainder} bytes after the last whole record ({length} bytes in all)"))
        .expected(format!("a length that is a multiple of {size} bytes, the size of a record"))
        .advice(
            "The file is cut short, or holds records of another kind (champsim has 64 bytes, cloudsuite 96).",
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::tests::content_in;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn records_do_not_depend_on_where_pieces_end(
            pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..40), 0..20),
            most in 1_usize..5,
        ) {
            let content: Vec<u8> = pieces.concat();
            let mut records = Records::<12>::new(content_in(pieces));
            let mut out = Vec::new();
            let ended = loop {
                match records.refill() {
                    Ok(true) => {}
                    Ok(false) => break None,
                    Err(error) => break Some(error),
                }
                let taken = records.whole().len().min(12 * most);
                out.extend_from_slice(&records.whole()[..taken]);
                records.advance(taken);
            };
            let whole = content.len() - content.len() % 12;
            prop_assert_eq!(&out, &content[..whole]);
            prop_assert_eq!(ended.is_some(), whole != content.len());
            prop_assert!(records.whole().is_empty() || ended.is_some());
        }
    }
}
