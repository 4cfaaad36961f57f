//! The structures that a machine file sizes: TLB arrays, paging-structure caches and caches for lines.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Deserialize;
use terrace_addr::{AccessKind, PageSize};

use crate::quantity::Size;
use crate::{Replacement, Source};

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
    /// The kinds of access that look here, those of the walker being loads; all kinds if left out. At each level
    /// at most one cache serves a kind, and a kind that none serves passes the level over.
    #[serde(default = "all_kinds")]
    pub serves: Vec<Serves>,
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

/// What a cache serves if its table does not say.
fn all_kinds() -> Vec<Serves> {
    AccessKind::ALL.map(Serves).to_vec()
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

impl Cache {
    /// Whether accesses of `kind` look here.
    pub fn serves(&self, kind: AccessKind) -> bool {
        self.serves.contains(&Serves(kind))
    }
}
