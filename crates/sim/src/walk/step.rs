//! What a walk consists of.

use terrace_addr::{Addr, Bytes, Cycles, Hpa, PageSize};

use super::AnyAddr;
use crate::mapping::LayerName;

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalkStep {
    /// The address that is being translated.
    pub translates: AnyAddr,
    /// What lies there.
    pub held: Held,
    /// The layers whose table, or whose structure, was used, the uppermost first: several where it is composed of
    /// theirs. None for the TLB, which holds what all of them say together, and for a segment.
    pub layers: &'static [LayerName],
    /// What was done.
    pub action: Action,
    /// What it took.
    pub latency: Cycles,
    /// What all steps up to this one took.
    pub cycles: Cycles,
}

/// What lies at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// What the program accesses.
    Data,
    /// An entry of the first table.
    Entry {
        /// Its level.
        level: u32,
    },
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// A structure was looked up.
    Lookup {
        /// Which one.
        structure: Structure,
        /// What it held.
        hit: Option<Hit>,
    },
    /// An entry of a table was read.
    Read(Read),
    /// An address was relocated by a segment: compared with the limit, and added to the base.
    Relocation {
        /// Where the segment begins in memory.
        base: Addr<Hpa>,
        /// Its length: every address of the guest is below.
        limit: Bytes,
        /// The address in memory.
        to: Addr<Hpa>,
    },
}

/// What remembers translations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Structure {
    /// The first level of the TLB.
    FirstLevelTlb,
    /// The second.
    SecondLevelTlb,
    /// The paging-structure caches of the first table.
    WalkCaches,
    /// The nested TLB.
    NestedTlb,
    /// The paging-structure caches of the second table.
    NestedWalkCaches,
}

/// What a structure held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hit {
    /// A translation for a page of this size.
    Page(PageSize),
    /// What the entry of this level refers to: the walk goes on one level below.
    Entry {
        /// The deepest that was held.
        level: u32,
    },
}

/// An entry that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// 1 for the table that translates the program's addresses, 2 for the one below it.
    pub dimension: u32,
    /// The level of its table.
    pub level: u32,
    /// Its number in the table, below 512.
    pub index: u16,
    /// Its address in the space below the first table, if there is one between that table and memory.
    pub lower: Option<AnyAddr>,
    /// Its address in memory.
    pub at: Addr<Hpa>,
    /// Its bits.
    pub bits: u64,
    /// What it refers to.
    pub found: Found,
    /// What served its line.
    pub served_by: ServedBy,
}

/// What an entry refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// A table of the next level, at this address.
    Table(AnyAddr),
    /// A page of this size, at this address.
    Page(AnyAddr, PageSize),
}

/// What served a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServedBy {
    /// The cache with this name in the machine file.
    Cache(String),
    /// Memory.
    Memory,
}
