//! The tables that a walk goes through.

use terrace_addr::{Addr, Bytes, Gpa, Gva, Hpa, PageSize, Space};
use terrace_table::{Ept, SimulatedMemory, Table, X86};

use crate::cores::{Foresee, Translate};

/// The table of the first dimension, in the space that its nodes and leaves are addresses of.
pub type GuestTable<L> = Table<Gva, X86, SimulatedMemory<L>>;

/// An extended page table lies below: two-dimensional translation.
pub type Extended = Table<Gpa, Ept, SimulatedMemory<Hpa>>;

/// What a walk goes through: the first dimension's table, and what lies below it.
#[derive(Debug)]
pub struct Stack<B: Below> {
    /// The table that virtual addresses are looked up in.
    pub first: GuestTable<B::Space>,
    /// What its addresses mean.
    pub below: B,
}

/// The same tables where they belong to others: the first dimension's to an address space, what lies below it to a
/// virtual machine that has several of them.
#[derive(Debug)]
pub struct Tables<'a, B: Below> {
    /// The table that virtual addresses are looked up in.
    pub first: &'a mut GuestTable<B::Space>,
    /// What its addresses mean.
    pub below: &'a mut B,
}

impl<'a, B: Below> From<&'a mut Stack<B>> for Tables<'a, B> {
    #[inline(always)]
    fn from(stack: &'a mut Stack<B>) -> Self {
        let Stack { first, below } = stack;
        Self { first, below }
    }
}

/// What lies below the first dimension: how its addresses become addresses of memory. The walker knows all of
/// them; others cannot be added from outside.
pub trait Below: Translate<Self::Space> + Foresee<Self::Space> {
    /// The space of the first dimension's nodes and frames.
    type Space: Space;
}

/// Nothing lies below: addresses of the first dimension are addresses of memory. Native execution, and every
/// mode whose software composes one table.
#[derive(Debug, Clone, Copy, Default)]
pub struct Identity;

impl Below for Identity {
    type Space = Hpa;
}

impl Below for Extended {
    type Space = Gpa;
}

/// A segment lies below: all of the guest's memory is one block of the host's, and guest-physical addresses are
/// relocated and checked, not translated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// The block's first address: a multiple of 4 KiB.
    pub base: Addr<Hpa>,
    /// The block's length.
    pub size: Bytes,
}

impl Below for Segment {
    type Space = Gpa;
}

impl Segment {
    /// Where `addr` is in memory, if the page of `size` around it lies inside.
    #[inline(always)]
    pub fn place(&self, addr: Addr<Gpa>, size: PageSize) -> Option<Addr<Hpa>> {
        let highest = self.size.get().checked_sub(size.bytes())?;
        // Inside the block, so the sum is an address.
        (addr.align_down(size).get() <= highest).then(|| Addr::truncate(self.base.get() + addr.get()))
    }

    /// The largest page size that the base is a multiple of: pages of the guest are at most so large in memory.
    #[inline(always)]
    pub fn page_size(&self) -> PageSize {
        let fits = |&size: &PageSize| self.base.is_aligned(size);
        PageSize::ALL.into_iter().rev().find(fits).unwrap_or(PageSize::Size4K)
    }

    /// Whether the table page at `at` lies inside the block.
    #[inline(always)]
    pub(crate) fn contains_table(&self, at: Addr<Hpa>) -> bool {
        let page = PageSize::Size4K.bytes();
        at.get()
            .checked_sub(self.base.get())
            .is_some_and(|offset| self.size.get().checked_sub(page).is_some_and(|highest| offset <= highest))
    }
}
