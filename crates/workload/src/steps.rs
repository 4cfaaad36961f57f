//! A piece of work: accesses, and marks between them.

use terrace_addr::{Access, AccessKind, Addr, Bytes, Gva, convert};

use crate::RegionId;

/// Accesses of one thread in its order, and marks that stand between them.
#[derive(Debug, Clone, Default)]
pub struct Steps {
    accesses: Vec<Access>,
    marks: Vec<Mark>,
    /// Accesses that fill the current piece.
    limit: usize,
}

/// Something besides an access, at a place between accesses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// How many accesses of the steps come before it.
    pub position: usize,
    /// What it is.
    pub kind: MarkKind,
}

/// What a mark says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkKind {
    /// What follows belongs to this phase.
    PhaseBegins(Phase),
    /// The accesses since the last such mark, or since the steady phase began, were one request.
    RequestEnds,
    /// The kernel maps a region of so many bytes here. The piece ends.
    Map(RegionId, Bytes),
    /// The kernel adds so many bytes at the end of a region here. The piece ends.
    Grow(RegionId, Bytes),
    /// The kernel unmaps a region here, as a whole.
    Unmap(RegionId),
}

/// A part of a program's run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Memory is touched for the first time: never sampled.
    Initialise,
    /// What is measured.
    Steady,
}

impl Steps {
    /// The most accesses that one call of [`Program::next`](crate::Program::next) appends.
    pub const PIECE: usize = 1024;

    /// No steps, with room for a piece.
    pub fn new() -> Self {
        Self { accesses: Vec::with_capacity(Self::PIECE), marks: Vec::new(), limit: Self::PIECE }
    }

    /// The accesses.
    pub fn accesses(&self) -> &[Access] {
        &self.accesses
    }

    /// The marks, by position.
    pub fn marks(&self) -> &[Mark] {
        &self.marks
    }

    /// Drops all accesses and marks; keeps the memory.
    pub fn clear(&mut self) {
        self.accesses.clear();
        self.marks.clear();
    }

    /// Begins a piece.
    pub(crate) fn open(&mut self) {
        self.limit = self.accesses.len() + Self::PIECE;
        self.accesses.reserve(Self::PIECE);
    }

    /// How many accesses the piece still takes.
    #[inline]
    pub(crate) const fn room(&self) -> usize {
        self.limit.saturating_sub(self.accesses.len())
    }

    #[inline]
    pub(crate) fn push(&mut self, access: Access) {
        self.accesses.push(access);
    }

    /// A load and a store of the same 8 bytes.
    #[inline]
    pub(crate) fn update(&mut self, addr: Addr<Gva>) {
        self.accesses.extend_from_slice(&[
            Access { addr, size: WORD, kind: AccessKind::Load },
            Access { addr, size: WORD, kind: AccessKind::Store },
        ]);
    }

    /// A load of 8 bytes.
    #[inline]
    pub(crate) fn load(&mut self, addr: Addr<Gva>) {
        self.push(Access { addr, size: WORD, kind: AccessKind::Load });
    }

    /// A store of 8 bytes.
    #[inline]
    pub(crate) fn store(&mut self, addr: Addr<Gva>) {
        self.push(Access { addr, size: WORD, kind: AccessKind::Store });
    }

    pub(crate) fn mark(&mut self, kind: MarkKind) {
        self.marks.push(Mark { position: self.accesses.len(), kind });
    }
}

/// Bytes of a word.
const WORD: u16 = 8;

/// Bytes of a word, as an amount of memory.
pub(crate) const WORD_BYTES: u64 = convert::wide(WORD);

/// Bytes of a cache line, in which programs read and write larger things.
pub(crate) const LINE: u64 = 64;
