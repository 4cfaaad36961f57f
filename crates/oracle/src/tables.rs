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
    /// A guest's page tables, at guest-physical addresses, and the segments that hold all of its memory.
    Segments {
        /// The guest's page tables.
        guest: &'a mut Table<Gva, X86, SimulatedMemory<Gpa>>,
        /// The segments, at least one, by their first guest-physical address, which is 0 for the first.
        segments: Vec<Segment>,
    },
}

/// A block of memory that holds a part of a guest's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Where it begins in guest-physical memory, a multiple of 4 KiB.
    pub start: Addr<Gpa>,
    /// Where it begins in memory, a multiple of 4 KiB.
    pub base: Addr<Hpa>,
    /// Its size.
    pub size: Bytes,
}

impl Tables<'_> {
    /// Whether the first dimension's tables translate `va`.
    pub(crate) fn cover(&self, va: Addr<Gva>) -> bool {
        match self {
            Self::Native(table) => table.covers(va),
            Self::TwoDimensional { guest, .. } | Self::Segments { guest, .. } => guest.covers(va),
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
            Self::Segments { guest, segments } => {
                f.debug_struct("Segments").field("guest", guest).field("segments", segments).finish()
            }
        }
    }
}
