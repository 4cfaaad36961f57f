//! The tables that an access is translated by.

use core::fmt;

use terrace_addr::{Addr, Bytes, Gpa, Gva, Hpa};
use terrace_table::{Ept, SimulatedMemory, Table, X86};

/// The tables of the context that accesses: walked for real, and written where walks set accessed and dirty bits.
pub enum Tables<'a> {
    /// One dimension: page tables that have host-physical addresses.
    Native(&'a mut Table<Gva, X86, SimulatedMemory<Hpa>>),
    /// Two: a guest's page tables, at guest-physical addresses, and EPT.
    TwoDimensional {
        /// The guest's page tables.
        guest: &'a mut Table<Gva, X86, SimulatedMemory<Gpa>>,
        /// EPT.
        host: &'a mut Table<Gpa, Ept, SimulatedMemory<Hpa>>,
    },
    /// A guest's page tables, at guest-physical addresses, and a segment that holds all of its memory.
    Segment {
        /// The guest's page tables.
        guest: &'a mut Table<Gva, X86, SimulatedMemory<Gpa>>,
        /// The segment's first address, a multiple of 4 KiB.
        base: Addr<Hpa>,
        /// Its size.
        size: Bytes,
    },
}

impl Tables<'_> {
    /// Whether the first dimension's tables translate `va`.
    pub(crate) fn cover(&self, va: Addr<Gva>) -> bool {
        match self {
            Self::Native(table) => table.covers(va),
            Self::TwoDimensional { guest, .. } | Self::Segment { guest, .. } => guest.covers(va),
        }
    }
}

impl fmt::Debug for Tables<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Native(table) => f.debug_tuple("Native").field(table).finish(),
            Self::TwoDimensional { guest, host } => {
                f.debug_struct("TwoDimensional").field("guest", guest).field("host", host).finish()
            }
            Self::Segment { guest, base, size } => f
                .debug_struct("Segment")
                .field("guest", guest)
                .field("base", base)
                .field("size", size)
                .finish(),
        }
    }
}
