//! The tables that a walk goes through.

use terrace_addr::{Gpa, Gva, Hpa, Space};
use terrace_table::{Ept, SimulatedMemory, Table, X86};

use crate::cores::{Compiled, Foresee, Translate};

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
pub trait Below: Translate<Self::Space> + Foresee<Self::Space> + Compiled {
    /// The space of the first dimension's nodes and frames.
    type Space: Space;
    /// Whether what lies below has tables of its own, that are walked.
    const TABLES: bool = false;
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
    const TABLES: bool = true;
}
