//! What a machine file holds.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Deserialize;
use terrace_addr::Cycles;

use crate::quantity::Frequency;
use crate::{
    Cache, CoreTiming, Costs, MemoryNode, NestedTlbArray, Schemes, Source, TlbArray, Vendor, WalkCache,
};

/// A processor and its memory, as far as address translation sees them.
///
/// Structures and memory nodes are keyed by the name that they have in the file (`[tlb.stlb]`), which is also how
/// `--set tlb.stlb.entries=1024` and results name them. Every table states the source of its numbers.
///
/// What a machine file has to hold: `name`, `description`, `vendor`, `[topology]`, `[clock]`, `[paging]` and at
/// least one `[memory.<name>]`. A structure that is left out does not exist. Without `[core]` no work hides a walk,
/// and without `[cost]` nothing but references and hits takes time.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// The name under which it is chosen.
    pub name: String,
    /// One sentence: which processor, and what for.
    pub description: String,
    /// Whose rules it follows.
    pub vendor: Vendor,
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
    /// Caches for lines of memory.
    #[serde(default)]
    pub cache: BTreeMap<String, Cache>,
    /// The memory nodes beyond the caches; at least one.
    #[serde(default)]
    pub memory: BTreeMap<String, MemoryNode>,
    /// What a core does beside a walk; `None` in machines that have no such figures.
    #[serde(default)]
    pub core: Option<CoreTiming>,
    /// What events cost beside references; `None` in machines that have no such figures.
    #[serde(default)]
    pub cost: Option<Costs>,
    /// Schemes of translation that were proposed, and that it has beside all this.
    #[serde(default)]
    pub scheme: Option<Schemes>,
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

impl Machine {
    /// The memory nodes, nearest to socket 0 first; those equally near by name.
    pub fn nodes(&self) -> Vec<(&str, &MemoryNode)> {
        let mut nodes: Vec<_> = self.memory.iter().map(|(name, node)| (name.as_str(), node)).collect();
        nodes.sort_by_key(|(_, node)| node.latency.of(0));
        nodes
    }

    /// The time of an access from `socket` that misses every cache and is served by `node`, in cycles of the core
    /// (rounded down).
    ///
    /// # Panics
    /// If the node has no latency for that socket, which a validated machine has for each of its sockets.
    pub fn node_latency(&self, node: &MemoryNode, socket: u32) -> Cycles {
        let latency = node.latency.of(socket).expect("a latency for each socket of a validated machine");
        latency.at(self.clock.frequency)
    }

    /// The caches, nearest first; those of one level by name.
    pub fn caches(&self) -> Vec<(&str, &Cache)> {
        let mut caches: Vec<_> = self.cache.iter().map(|(name, cache)| (name.as_str(), cache)).collect();
        caches.sort_by_key(|(_, cache)| cache.level);
        caches
    }
}
