//! References on their way: made, and not yet looked up in the caches.

use terrace_addr::{AccessKind, Addr, Hpa};

use super::line::{Kinds, Line};
use super::purpose::Purpose;
use super::servers::ServerNumber;
use super::settle::Ready;

/// References, in the order in which they were made.
///
/// Where a reference is served decides how long it takes, and never what is referred to next. So those of many accesses
/// are gathered here, and go through one cache after the other together.
#[derive(Debug)]
pub(crate) struct Waiting {
    count: usize,
    lines: Box<[Line; ROOM]>,
    purposes: Box<[Purpose; ROOM]>,
    /// What serves each, by its place in [`Servers`](super::servers::Servers).
    servers: Box<[ServerNumber; ROOM]>,
    /// Of accesses.
    kinds: Kinds,
    /// Whether a walk begins with the next of its references.
    begins: bool,
    /// Whether any are for something else than data and entries that walks had not asked for.
    unusual: bool,
    pub(super) ready: Ready,
}

/// As many references wait at most, [`MOST_OF_AN_ACCESS`] of them of the last access.
pub(super) const ROOM: usize = 4096;

/// A walk of five levels in each of two dimensions reads 35 entries, and asks for fewer than as many beforehand.
const MOST_OF_AN_ACCESS: usize = 128;

/// Those that no cache so far has served.
pub(super) struct OnTheWay<'a> {
    pub(super) lines: &'a mut [Line],
    /// Kinds that they may be of.
    pub(super) kinds: Kinds,
    /// What serves each reference, by its place.
    pub(super) servers: &'a mut [ServerNumber; ROOM],
}

impl Waiting {
    pub(crate) fn new() -> Self {
        Self {
            count: 0,
            lines: room(),
            purposes: room(),
            servers: room(),
            kinds: Kinds::default(),
            begins: false,
            unusual: false,
            ready: Ready::default(),
        }
    }

    /// How many wait.
    #[inline(always)]
    pub(super) const fn count(&self) -> usize {
        self.count
    }

    /// A walk begins.
    #[inline(always)]
    pub(crate) const fn walk_begins(&mut self) {
        self.begins = true;
    }

    /// Whether those that wait must go before another access makes more.
    #[inline(always)]
    pub(crate) const fn is_nearly_full(&self) -> bool {
        self.count > ROOM - MOST_OF_AN_ACCESS
    }

    /// A walk reads an entry.
    #[inline(always)]
    pub(crate) fn push_entry(&mut self, addr: Addr<Hpa>) {
        self.push(addr, Purpose::ENTRY);
    }

    /// Any other reference of a walk.
    pub(crate) fn push_unusual(&mut self, addr: Addr<Hpa>, purpose: Purpose) {
        self.unusual = true;
        self.push(addr, purpose);
    }

    #[inline(always)]
    fn push(&mut self, addr: Addr<Hpa>, purpose: Purpose) {
        let begins = core::mem::replace(&mut self.begins, false);
        self.put(addr, AccessKind::Load, purpose.beginning(begins));
    }

    /// A reference to data.
    #[inline(always)]
    pub(crate) fn push_data(&mut self, addr: Addr<Hpa>, kind: AccessKind) {
        self.put(addr, kind, Purpose::DATA);
    }

    #[inline(always)]
    fn put(&mut self, addr: Addr<Hpa>, kind: AccessKind, purpose: Purpose) {
        let place = self.count % ROOM;
        self.lines[place] = Line::new(addr, kind, place);
        self.purposes[place] = purpose;
        self.kinds.add(kind);
        self.count += 1;
    }

    /// Whether any are for something else than data and entries that walks had not asked for.
    #[inline(always)]
    pub(super) const fn any_unusual(&self) -> bool {
        self.unusual
    }

    /// The first so many lines.
    #[inline(always)]
    pub(super) fn first(&mut self, lines: usize) -> OnTheWay<'_> {
        OnTheWay { lines: &mut self.lines[..lines], kinds: self.kinds, servers: &mut self.servers }
    }

    /// What each was for, and what has served it.
    #[inline(always)]
    pub(super) fn served(&self) -> impl Iterator<Item = (Purpose, ServerNumber)> {
        let purposes = self.purposes[..self.count].iter();
        purposes.zip(&self.servers[..self.count]).map(|(purpose, server)| (*purpose, *server))
    }

    /// What has served the one that had this place.
    pub(super) fn server_of(&self, place: usize) -> ServerNumber {
        self.servers[place % ROOM]
    }

    /// None waits any longer. Whether a walk has begun, and has made no reference yet.
    #[inline(always)]
    pub(super) fn clear(&mut self) -> bool {
        self.count = 0;
        self.kinds = Kinds::default();
        self.unusual = false;
        core::mem::replace(&mut self.begins, false)
    }
}

/// Room for as many as wait at most.
#[expect(clippy::unnecessary_box_returns, reason = "it is much for a stack")]
fn room<T: Default + Clone>() -> Box<[T; ROOM]> {
    let Ok(room) = vec![T::default(); ROOM].into_boxed_slice().try_into() else {
        unreachable!("it is as long as was asked for")
    };
    room
}
