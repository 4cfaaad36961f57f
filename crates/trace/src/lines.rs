//! Whole lines, out of pieces that end anywhere.

use std::path::Path;

use terrace_addr::convert;

use crate::content::Content;
use crate::{Place, Progress, TraceError};

/// The content of a file as whole lines.
///
/// It is used as [`Records`](crate::records::Records) are: lines lie in the piece that was unpacked, and only those
/// that straddle pieces are copied.
pub(crate) struct Lines {
    content: Content,
    /// The first byte of the piece at hand that was not taken.
    at: usize,
    /// Where the whole lines of the piece end.
    end: usize,
    straddling: Straddling,
    /// Bytes taken since the start of the content.
    offset: u64,
}

/// A line whose start lies in an earlier piece than its end.
#[derive(Debug, Default)]
struct Straddling {
    /// What is kept of it, with its end if that was found.
    kept: Vec<u8>,
    /// How much of it is kept, in bytes, its end aside.
    most: usize,
    /// Bytes that it has in the content.
    length: u64,
    whole: bool,
}

impl Straddling {
    /// Adds what follows of the line, up to its end if that is in `bytes`.
    fn add(&mut self, bytes: &[u8]) {
        let (text, end) = match bytes.strip_suffix(b"\n") {
            Some(text) => (text, &b"\n"[..]),
            None => (bytes, &b""[..]),
        };
        let room = self.most - self.kept.len();
        self.kept.extend_from_slice(&text[..text.len().min(room)]);
        self.kept.extend_from_slice(end);
        self.length += convert::count(bytes.len());
        self.whole = !end.is_empty();
    }

    fn clear(&mut self) {
        self.kept.clear();
        self.length = 0;
        self.whole = false;
    }
}

impl Lines {
    /// `most` is how much of a line that straddles pieces is kept, in bytes, its end aside: enough to see that a
    /// longer line is no record. A file without line ends takes no more memory than one with them.
    pub(crate) fn new(content: Content, most: usize) -> Self {
        let end = end_of_lines(content.piece());
        let straddling = Straddling { most, ..Straddling::default() };
        Self { content, at: 0, end, straddling, offset: 0 }
    }

    pub(crate) fn path(&self) -> &Path {
        self.content.path()
    }

    pub(crate) fn progress(&self) -> Progress {
        self.content.progress()
    }

    /// The whole lines at hand, the last one's end included.
    #[inline]
    pub(crate) fn whole(&self) -> &[u8] {
        if self.straddling.whole {
            return &self.straddling.kept;
        }
        &self.content.piece()[self.at..self.end]
    }

    /// Takes `bytes` of the lines at hand: whole ones.
    pub(crate) fn advance(&mut self, bytes: usize) {
        if !self.straddling.whole {
            self.at += bytes;
            self.offset += convert::count(bytes);
        } else if bytes > 0 {
            self.offset += self.straddling.length;
            self.straddling.clear();
        }
    }

    /// Makes sure that a whole line is at hand. `false` at the end of the content, where
    /// [`unfinished`](Self::unfinished) may be left.
    pub(crate) fn refill(&mut self) -> Result<bool, TraceError> {
        while self.whole().is_empty() {
            // What is left has no line end.
            self.straddling.add(&self.content.piece()[self.at..]);
            (self.at, self.end) = (0, 0);
            if !self.content.next_piece()? {
                return Ok(false);
            }
            let piece = self.content.piece();
            if !self.straddling.kept.is_empty() {
                self.at = length(piece);
                self.straddling.add(&piece[..self.at]);
            }
            self.end = end_of_lines(piece).max(self.at);
        }
        Ok(true)
    }

    /// The start of a last line that has no end. Only asked for at the end of the content.
    pub(crate) fn unfinished(&self) -> &[u8] {
        &self.straddling.kept
    }

    /// Passes over the unfinished line, if there is one.
    pub(crate) fn drop_unfinished(&mut self) {
        self.offset += self.straddling.length;
        self.straddling.clear();
    }

    /// The place of line `number`, which is the first one at hand.
    pub(crate) fn place(&self, number: u64) -> Place {
        Place::Line { number, offset: self.offset }
    }

    /// As [`Content::blame`].
    pub(crate) fn blame(&mut self, line: TraceError) -> TraceError {
        self.content.blame(line)
    }
}

/// Characters of the first line of `text`, its end included.
pub(crate) fn length(text: &[u8]) -> usize {
    text.iter().position(|&byte| byte == b'\n').map_or(text.len(), |end| end + 1)
}

/// Where the last whole line of `text` ends.
fn end_of_lines(text: &[u8]) -> usize {
    text.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::tests::content_in;
    use proptest::prelude::*;

    const KEPT: usize = 100;

    /// Lines as they are handed out: the long ones may be cut.
    fn cut(text: &[u8]) -> Vec<u8> {
        let Some(line) = text.strip_suffix(b"\n") else { return text[..text.len().min(KEPT)].to_vec() };
        [&line[..line.len().min(KEPT)], b"\n"].concat()
    }

    proptest! {
        #[test]
        fn lines_do_not_depend_on_where_pieces_end(
            lines in prop::collection::vec("[a-z]{0,5}|[a-z]{60,200}", 0..20),
            ends: bool,
            lengths in prop::collection::vec(1_usize..40, 0..200),
        ) {
            let mut text = lines.join("\n").into_bytes();
            if ends && !text.is_empty() {
                text.push(b'\n');
            }
            let mut pieces = Vec::new();
            let mut rest = &text[..];
            for length in lengths {
                let (piece, left) = rest.split_at(length.min(rest.len()));
                pieces.push(piece.to_vec());
                rest = left;
            }
            pieces.push(rest.to_vec());
            pieces.retain(|piece| !piece.is_empty());
            let mut given = Lines::new(content_in(pieces), KEPT);
            let mut out = Vec::new();
            let mut taken = 0;
            while given.refill().unwrap() {
                let first = given.whole()[..length(given.whole())].to_vec();
                prop_assert_eq!(given.place(1), Place::Line { number: 1, offset: taken });
                given.advance(first.len());
                taken = given.offset;
                out.push(cut(&first));
            }
            let mut expected: Vec<Vec<u8>> = text.split_inclusive(|&byte| byte == b'\n').map(cut).collect();
            let unfinished = expected.pop_if(|line| !line.ends_with(b"\n")).unwrap_or_default();
            prop_assert_eq!(out, expected);
            prop_assert_eq!(given.unfinished(), unfinished);
            let finished = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
            prop_assert_eq!(taken, convert::count(finished));
        }
    }
}
