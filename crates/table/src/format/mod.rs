//! Entry formats: where the manuals put the bits.

use core::fmt::Debug;

use terrace_addr::{Addr, PageSize, Space, VirtualWidth};

use crate::{Entry, LeafFlags};

mod ept;
mod x86;

pub use ept::Ept;
pub use x86::X86;

/// How many levels a table has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Levels {
    /// 48 bits are translated.
    Four,
    /// 57 bits are translated.
    Five,
}

impl Levels {
    /// The number of levels; the root is at this level, and level 1 maps 4 KiB.
    #[inline(always)]
    pub const fn count(self) -> u32 {
        match self {
            Self::Four => 4,
            Self::Five => 5,
        }
    }

    /// 4 or 5 levels.
    pub const fn from_count(count: u32) -> Option<Self> {
        match count {
            4 => Some(Self::Four),
            5 => Some(Self::Five),
            _ => None,
        }
    }

    /// The width of the addresses that are translated.
    pub const fn width(self) -> VirtualWidth {
        match self {
            Self::Four => VirtualWidth::Bits48,
            Self::Five => VirtualWidth::Bits57,
        }
    }
}

/// The bits of one kind of table.
pub trait Format: Copy + Debug + Send + Sync + 'static {
    /// The name that the manuals use.
    const NAME: &'static str;
    /// The accessed bit, in entries of all levels.
    const ACCESSED: u64;
    /// The dirty bit of leaves.
    const DIRTY: u64;

    /// How many levels the table has.
    fn levels(self) -> Levels;

    /// Whether a walk may go on with the entry.
    fn is_present(entry: Entry) -> bool;

    /// Whether a present entry of `level` ends a walk.
    fn is_leaf(entry: Entry, level: u32) -> bool;

    /// Whether stores are allowed by this entry alone.
    fn allows_store(entry: Entry) -> bool;

    /// Whether instruction fetches are allowed by this entry alone.
    fn allows_fetch(entry: Entry) -> bool;

    /// Whether a leaf's translation is global.
    fn is_global(entry: Entry) -> bool;

    /// An entry that refers to the node at `node` and forbids nothing.
    fn node_entry<L: Space>(node: Addr<L>) -> Entry;

    /// A leaf for a frame of `size` at `frame`, which is aligned to it.
    fn leaf_entry<L: Space>(frame: Addr<L>, size: PageSize, flags: LeafFlags) -> Entry;

    /// What a leaf of `size` says beside its frame.
    fn leaf_flags(entry: Entry) -> LeafFlags;

    /// The address that a present entry refers to: of a node, or of a frame of `size`.
    #[inline(always)]
    fn node_address<L: Space>(entry: Entry) -> Addr<L> {
        Addr::truncate(entry.0 & ADDRESS)
    }

    /// The first address of the frame of a leaf of `size`.
    #[inline(always)]
    fn frame_address<L: Space>(entry: Entry, size: PageSize) -> Addr<L> {
        Addr::truncate(entry.0 & ADDRESS).align_down(size)
    }
}

/// Bits 51:12, the address in entries of both formats.
const ADDRESS: u64 = ((1 << 52) - 1) & !0xfff;
