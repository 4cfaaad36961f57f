//! What references are for.

use terrace_addr::convert;

/// What a reference is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Purpose(u16);

impl Purpose {
    /// A walk reads an entry.
    pub(crate) const ENTRY: Self = Self(0);
    /// Data of the program.
    pub(crate) const DATA: Self = Self(1);
    /// A walk asks for an entry that it will read.
    pub(crate) const ASKED: Self = Self(2);
    /// The third level of the TLB.
    pub(crate) const THIRD_LEVEL: Self = Self(3);
    pub(super) const SORTS: usize = 4;
    const SORT: u16 = 3;
    /// It is the first entry that its walk asks for.
    const FIRST_ASKED: u16 = 1 << 2;
    /// The walk has asked for entries.
    const AFTER_ASKING: u16 = 1 << 3;
    /// It is the first of its walk.
    const BEGINS: u16 = 1 << 4;
    /// Bits 5 to 8: the walk's dimension, and the level of the entry.
    const STEP_SHIFT: u32 = 5;

    /// A walk asks for the entry of this step.
    pub(crate) fn asked(step: WalkStep, is_first: bool) -> Self {
        let first = Self::FIRST_ASKED * u16::from(is_first);
        Self(Self::ASKED.0 | first | step.0 << Self::STEP_SHIFT)
    }

    /// A walk that has asked for entries reads the one of this step.
    pub(crate) const fn entry_after_asking(step: WalkStep) -> Self {
        Self(Self::ENTRY.0 | Self::AFTER_ASKING | step.0 << Self::STEP_SHIFT)
    }

    /// The same of the first reference of a walk, if it is that.
    #[inline(always)]
    pub(super) fn beginning(self, begins: bool) -> Self {
        Self(self.0 | (Self::BEGINS * u16::from(begins)))
    }

    #[inline(always)]
    pub(super) const fn is_first_asked(self) -> bool {
        self.0 & Self::FIRST_ASKED != 0
    }

    #[inline(always)]
    pub(super) const fn is_after_asking(self) -> bool {
        self.0 & Self::AFTER_ASKING != 0
    }

    #[inline(always)]
    pub(super) const fn begins(self) -> bool {
        self.0 & Self::BEGINS != 0
    }

    /// Which of the four it is.
    #[inline(always)]
    pub(super) const fn sort(self) -> Self {
        Self(self.0 & Self::SORT)
    }

    /// The place of one of the four among them.
    #[inline(always)]
    pub(super) const fn index(self) -> usize {
        convert::index16(self.0) % Self::SORTS
    }

    /// The step of the walk.
    pub(super) const fn step(self) -> usize {
        convert::index16(self.0 >> Self::STEP_SHIFT)
    }
}

/// A dimension's walk, and a level of its table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WalkStep(u16);

/// How many there are.
pub(super) const WALK_STEPS: usize = 16;

impl WalkStep {
    /// The walk of the first dimension (0) or the second (1) at an entry of `level`, which is below 8.
    pub(crate) fn new(dimension: u16, level: u32) -> Self {
        Self(dimension << 3 | convert::low16(u64::from(level & 7)))
    }
}
