//! Members one after the other, inflated by the caller's thread.

use std::path::Path;
use std::sync::Arc;
use std::vec::IntoIter;

use super::directory::Member;
use super::member::MemberReader;
use crate::TraceError;
use crate::container::{Piece, Pieces};

/// The members that are still to be read, and the one that is being read.
pub(super) struct Sequential {
    path: Arc<Path>,
    current: Option<MemberReader>,
    rest: IntoIter<Member>,
    piece: usize,
}

impl Sequential {
    pub(super) fn new(path: Arc<Path>, members: Vec<Member>, piece: usize) -> Self {
        Self { path, current: None, rest: members.into_iter(), piece }
    }
}

impl Pieces for Sequential {
    fn next_piece(&mut self, piece: &mut Piece) -> Result<bool, TraceError> {
        loop {
            if let Some(reader) = &mut self.current
                && reader.next_piece(piece, self.piece)?
            {
                return Ok(true);
            }
            let Some(member) = self.rest.next() else { return Ok(false) };
            self.current = Some(MemberReader::open(&self.path, &member)?);
        }
    }
}
