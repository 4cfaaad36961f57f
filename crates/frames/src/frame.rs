//! What a frame is, and what its owner says of it.

use terrace_addr::{Addr, Bytes, Space};

/// Whether what a frame holds can be moved to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mobility {
    /// Memory of programs: whoever maps it can be told of another frame.
    Movable,
    /// Memory of the kernel, table pages, pinned memory: stays where it is.
    Unmovable,
}

impl Mobility {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Movable, Self::Unmovable];
}

/// What the owner of an allocated frame stores beside it: 48 bits that lead to who maps the frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(u64);

impl Tag {
    /// How many bits a tag has.
    pub const BITS: u32 = 48;
    /// The tag of the frames that a [`Fragmenter`](crate::fragment::Fragmenter) holds: the largest one. Others must
    /// not use it.
    pub const CRUMB: Self = Self((1 << Self::BITS) - 1);

    /// The tag with this number.
    ///
    /// # Panics
    /// If the number has more than 48 bits.
    #[inline]
    #[track_caller]
    pub const fn new(raw: u64) -> Self {
        assert!(raw >> Self::BITS == 0, "a tag has 48 bits");
        Self(raw)
    }

    /// The tag with this number, if it has no more than 48 bits.
    #[inline]
    pub const fn try_new(raw: u64) -> Option<Self> {
        if raw >> Self::BITS == 0 { Some(Self(raw)) } else { None }
    }

    /// The number.
    #[inline(always)]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// The number of a node of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u8);

impl NodeId {
    /// The node number `number`, counted from 0 by address.
    pub const fn new(number: u8) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> u8 {
        self.0
    }

    #[inline(always)]
    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// Where a node's memory lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeSpec<L: Space> {
    /// The first address.
    pub start: Addr<L>,
    /// How much memory follows.
    pub bytes: Bytes,
}

/// Who holds a reservation: a number that the caller gives a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner(u32);

impl Owner {
    /// The owner with this number.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// A reservation of a [`Memory`](crate::Memory). No two of the same memory are ever equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReservationId(pub(crate) u32);

impl ReservationId {
    /// Its number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameState {
    /// No memory is there.
    Absent,
    /// Anybody may have it.
    Free,
    /// Somebody has it.
    Used,
    /// It is put aside and not used.
    Reserved(ReservationId),
}

/// A run of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent<L: Space> {
    /// The first address.
    pub start: Addr<L>,
    /// The length.
    pub bytes: Bytes,
}

impl<L: Space> Extent<L> {
    /// Whether `at` lies in it.
    pub fn contains(self, at: Addr<L>) -> bool {
        at.get().wrapping_sub(self.start.get()) < self.bytes.get()
    }
}
