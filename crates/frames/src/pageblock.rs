//! What a pageblock is for.

use crate::Mobility;

/// What a pageblock, an aligned block of 2 MiB, is for: on which list its free blocks are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pageblock {
    /// Memory of programs.
    Movable,
    /// Memory of the kernel.
    Unmovable,
    /// Both are in it: there are such only where [hybrid pageblocks are tracked](crate::Memory::track_hybrids).
    Hybrid,
}

impl Pageblock {
    pub(crate) const ALL: [Self; 3] = [Self::Movable, Self::Unmovable, Self::Hybrid];

    #[inline(always)]
    pub(crate) const fn of(mobility: Mobility) -> Self {
        match mobility {
            Mobility::Movable => Self::Movable,
            Mobility::Unmovable => Self::Unmovable,
        }
    }

    /// Where an allocation looks that found nothing in its own pageblocks and in hybrid ones.
    pub(crate) const fn other(mobility: Mobility) -> Self {
        match mobility {
            Mobility::Movable => Self::Unmovable,
            Mobility::Unmovable => Self::Movable,
        }
    }

    #[inline(always)]
    pub(crate) const fn index(self) -> usize {
        match self {
            Self::Movable => 0,
            Self::Unmovable => 1,
            Self::Hybrid => 2,
        }
    }

    #[inline(always)]
    pub(crate) const fn from_index(index: u64) -> Self {
        match index {
            0 => Self::Movable,
            1 => Self::Unmovable,
            _ => Self::Hybrid,
        }
    }
}
