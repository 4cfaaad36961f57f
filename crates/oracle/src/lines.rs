//! Caches for lines of memory, and memory (MODEL.md, "References and cycles").

use terrace_addr::{Addr, Hpa, convert};
use terrace_machine::{Cache, Machine, SharedBy, array_seed};

use crate::array::Array;

/// Bytes of a line.
const LINE: u64 = 64;

/// The line caches of the whole machine, and its memory.
pub(crate) struct Lines {
    cores_of_a_socket: usize,
    /// Nearest first.
    caches: Vec<OneCache>,
    memory_latency: u64,
}

/// All instances of one level.
struct OneCache {
    latency: u64,
    shared_by: SharedBy,
    slices: u64,
    sets_of_a_slice: u64,
    /// One for each core or each socket. The sets of slice 0 come first, then those of slice 1, and so on.
    instances: Vec<Array<u64, ()>>,
}

/// How references are counted that hit in level 1, 2 and 3.
const COUNTS: [&str; 3] = ["walk_references_l1", "walk_references_l2", "walk_references_l3"];

/// Where a reference found its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    /// How it is counted.
    pub(crate) count: &'static str,
    /// Cycles.
    pub(crate) latency: u64,
}

impl OneCache {
    fn new(machine: &Machine, seed: u64, name: &str, cache: &Cache) -> Self {
        let sets = cache.size.bytes().get() / LINE / u64::from(cache.ways);
        let sockets = machine.topology.sockets;
        let instances = match cache.shared_by {
            SharedBy::Core => sockets * machine.topology.cores,
            SharedBy::Socket => sockets,
        };
        let instance = |number| {
            let seed = array_seed(seed, number, &format!("cache.{name}"));
            Array::new(sets, cache.ways, cache.replacement, seed)
        };
        Self {
            latency: cache.latency,
            shared_by: cache.shared_by,
            slices: cache.slices.into(),
            sets_of_a_slice: sets / u64::from(cache.slices),
            instances: (0..instances).map(instance).collect(),
        }
    }

    /// The number of the set that a line belongs to, counted through all slices.
    fn set_of(&self, line: u64) -> u64 {
        let hash = line.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let slice = if self.slices == 1 { 0 } else { (hash * self.slices) >> 32 };
        slice * self.sets_of_a_slice + line % self.sets_of_a_slice
    }
}

impl Lines {
    /// Empty caches.
    pub(crate) fn new(machine: &Machine, seed: u64) -> Self {
        let caches = machine.caches();
        assert!(caches.len() <= COUNTS.len(), "no machine has more than three levels of caches");
        let one = |(name, cache)| OneCache::new(machine, seed, name, cache);
        Self {
            cores_of_a_socket: convert::index32(machine.topology.cores),
            caches: caches.into_iter().map(one).collect(),
            memory_latency: machine.node_latency(machine.nodes()[0].1, 0).get(),
        }
    }

    /// One reference of `core` to the line of `addr`.
    pub(crate) fn refer(&mut self, core: usize, addr: Addr<Hpa>) -> Found {
        let line = addr.get() / LINE;
        let mut found = Found { count: "walk_references_memory", latency: self.memory_latency };
        let mut missed = Vec::new();
        for (cache, count) in self.caches.iter_mut().zip(COUNTS) {
            let set = cache.set_of(line);
            let instance = match cache.shared_by {
                SharedBy::Core => core,
                SharedBy::Socket => core / self.cores_of_a_socket,
            };
            let array = &mut cache.instances[instance];
            if array.look_up(set, line).is_some() {
                found = Found { count, latency: cache.latency };
                break;
            }
            missed.push((array, set));
        }
        for (array, set) in missed {
            array.insert(set, line, ());
        }
        found
    }
}

#[cfg(test)]
mod tests;
