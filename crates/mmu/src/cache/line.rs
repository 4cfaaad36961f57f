//! A reference as caches look it up.

use terrace_addr::{AccessKind, Addr, Hpa, convert};

use super::LINE_SHIFT;
use super::waiting::ROOM;

/// A line of memory, the kind of access to it, and the place of the reference among those that wait.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Line(u64);

const PLACE_BITS: u32 = ROOM.trailing_zeros();
const KIND_BITS: u32 = 2;

impl Line {
    #[inline(always)]
    pub(super) fn new(addr: Addr<Hpa>, kind: AccessKind, place: usize) -> Self {
        let kind = convert::count(kind.index());
        Self(((addr.get() >> LINE_SHIFT) << KIND_BITS | kind) << PLACE_BITS | convert::count(place))
    }

    /// Its number.
    #[inline(always)]
    pub(super) const fn number(self) -> u64 {
        self.0 >> (KIND_BITS + PLACE_BITS)
    }

    /// The kind of access, by its index.
    #[inline(always)]
    pub(super) const fn kind(self) -> u64 {
        self.0 >> PLACE_BITS & ((1 << KIND_BITS) - 1)
    }

    /// The place of the reference.
    #[inline(always)]
    pub(super) const fn place(self) -> usize {
        convert::index(self.0) % ROOM
    }

    /// Where it is in memory.
    #[inline(always)]
    pub(super) const fn address(self) -> Addr<Hpa> {
        Addr::truncate(self.number() << LINE_SHIFT)
    }
}

/// Kinds of access, as bits.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Kinds(u8);

impl Kinds {
    /// Those of which `is_one` is true.
    pub(super) fn of(is_one: impl Fn(AccessKind) -> bool) -> Self {
        let ones = AccessKind::ALL.into_iter().filter(|&kind| is_one(kind));
        Self(ones.fold(0, |all, kind| all | 1 << kind.index()))
    }

    #[inline(always)]
    pub(super) const fn add(&mut self, kind: AccessKind) {
        self.0 |= 1 << kind.index();
    }

    /// Whether the kind with this index is one.
    #[inline(always)]
    pub(super) const fn has(self, kind: u64) -> bool {
        self.0 >> kind & 1 != 0
    }

    #[inline(always)]
    pub(super) const fn any_of(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }

    #[inline(always)]
    pub(super) const fn all_of(self, others: Self) -> bool {
        others.0 & !self.0 == 0
    }
}
