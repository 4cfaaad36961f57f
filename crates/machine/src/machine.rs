//! What a machine file holds.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Deserialize;
use terrace_addr::{AccessKind, Cycles, PageSize};

use crate::quantity::{Frequency, Size, Time};
use crate::{Replacement, Source};

/// A processor and its memory, as far as address translation sees them.
///
/// Structures are keyed by the name that they have in the file (`[tlb.stlb]`), which is also how `--set
/// tlb.stlb.entries=1024` and results name them. Every table states the source of its numbers.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// The name under which it is chosen.
    pub name: String,
    /// One sentence: which processor, and what for.
    pub description: String,
    /// Sockets, cores and threads.
    pub topology: Topology,
    /// The core's clock.
    pub clock: Clock,
    /// Page tables and how the walker treats them.
    pub paging: Paging,
    /// TLB arrays of both levels.
    #[serde(default)]
    pub tlb: BTreeMap<String, TlbArray>,
    /// Paging-structure caches of the first dimension.
    #[serde(default)]
    pub walk_cache: BTreeMap<String, WalkCache>,
    /// Arrays that hold guest-physical translations.
    #[serde(default)]
    pub nested_tlb: BTreeMap<String, NestedTlbArray>,
    /// Paging-structure caches of the second dimension.
    #[serde(default)]
    pub nested_walk_cache: BTreeMap<String, WalkCache>,
    /// Caches for lines of memory, nearest first by `level`.
    #[serde(default)]
    pub cache: BTreeMap<String, Cache>,
    /// Memory beyond the caches.
    pub memory: Memory,
}

/// How many of what there are.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topology {
    /// Sockets of the machine.
    pub sockets: u32,
    /// Cores of a socket.
    pub cores: u32,
    /// Hardware threads of a core.
    pub threads: u32,
    /// Where the numbers come from.
    pub source: Source,
}

/// The clock of a core.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// Its frequency, `"2.1 GHz"`.
    pub frequency: Frequency,
    /// Where the number comes from.
    pub source: Source,
}

/// Page tables and how the walker treats them.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paging {
    /// Levels of the first dimension's tables: 4 or 5.
    pub levels: u32,
    /// Levels of EPT: 4 or 5.
    pub ept_levels: u32,
    /// Whether walks set accessed and dirty bits in page tables. Off only in machines that copy a simulator
    /// that does not.
    pub accessed_dirty: bool,
    /// Whether walks set accessed and dirty bits in EPT (EPTP bit 6).
    pub ept_accessed_dirty: bool,
    /// Where the numbers come from.
    pub source: Source,
}

/// One TLB array.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlbArray {
    /// 1, or 2 for the STLB.
    pub level: u32,
    /// The kinds of access that look here.
    pub serves: Vec<Serves>,
    /// The page sizes that it can hold.
    pub pages: Vec<PageSizeName>,
    /// Entries.
    pub entries: u32,
    /// Ways of a set; equal to `entries` where fully associative.
    pub ways: u32,
    /// Which entry a full set gives up.
    pub replacement: Replacement,
    /// Cycles that a hit adds to the access; 0 for level 1, which is looked up beside the cache.
    #[serde(default)]
    pub latency: u64,
    /// Where the numbers come from.
    pub source: Source,
}

/// A paging-structure cache: for entries of one level, the table that each refers to.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WalkCache {
    /// The level of the cached entries: 2 (PDE), 3 (PDPTE), 4 (PML4E) or 5 (PML5E).
    pub level: u32,
    /// Entries.
    pub entries: u32,
    /// Ways of a set.
    pub ways: u32,
    /// Which entry a full set gives up.
    pub replacement: Replacement,
    /// Where the numbers come from.
    pub source: Source,
}

/// An array of guest-physical translations.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NestedTlbArray {
    /// The page sizes that it can hold.
    pub pages: Vec<PageSizeName>,
    /// Entries.
    pub entries: u32,
    /// Ways of a set.
    pub ways: u32,
    /// Which entry a full set gives up.
    pub replacement: Replacement,
    /// Where the numbers come from.
    pub source: Source,
}

/// A cache for lines of 64 bytes.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cache {
    /// 1 for the nearest; levels follow each other without a gap.
    pub level: u32,
    /// What one instance holds, all its slices together, `"20 MiB"`.
    pub size: Size,
    /// Ways of a set.
    pub ways: u32,
    /// Slices that the sets are spread over by a hash of the line's address; 1 for a private cache.
    pub slices: u32,
    /// Who shares an instance.
    pub shared_by: SharedBy,
    /// Which line a full set gives up.
    pub replacement: Replacement,
    /// Cycles from the start of an access to its data, for a hit here.
    pub latency: u64,
    /// Where the numbers come from.
    pub source: Source,
}

/// Who shares an instance of a structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SharedBy {
    /// The hardware threads of a core.
    Core,
    /// The cores of a socket.
    Socket,
}

/// Memory beyond the caches.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// The time of an access that misses every cache, `"80 ns"`.
    pub latency: Time,
    /// Where the number comes from.
    pub source: Source,
}

/// A kind of access in a machine file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Serves(pub AccessKind);

/// A page size in a machine file: `"4K"`, `"2M"` or `"1G"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct PageSizeName(pub PageSize);

impl TryFrom<String> for Serves {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_| format!("found {text:?}; expected fetch, load or store"))
    }
}

impl TryFrom<String> for PageSizeName {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_| format!("found {text:?}; expected 4K, 2M or 1G"))
    }
}

impl TlbArray {
    /// Whether it is looked at for accesses of `kind`.
    pub fn serves(&self, kind: AccessKind) -> bool {
        self.serves.contains(&Serves(kind))
    }

    /// Whether it can hold pages of `size`.
    pub fn holds(&self, size: PageSize) -> bool {
        self.pages.contains(&PageSizeName(size))
    }
}

impl NestedTlbArray {
    /// Whether it can hold pages of `size`.
    pub fn holds(&self, size: PageSize) -> bool {
        self.pages.contains(&PageSizeName(size))
    }
}

impl Machine {
    /// The time of an access that misses every cache, in cycles of the core (rounded down).
    pub fn memory_latency(&self) -> Cycles {
        self.memory.latency.at(self.clock.frequency)
    }

    /// The caches, nearest first.
    pub fn caches(&self) -> Vec<(&str, &Cache)> {
        let mut caches: Vec<_> = self.cache.iter().map(|(name, cache)| (name.as_str(), cache)).collect();
        caches.sort_by_key(|(_, cache)| cache.level);
        caches
    }
}
