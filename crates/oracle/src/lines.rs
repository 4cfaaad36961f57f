//! Caches for lines of memory, and memory (MODEL.md, "References and cycles").

use terrace_addr::{AccessKind, Addr, Hpa, convert};
use terrace_machine::{Cache, Machine, SharedBy, array_seed};

use crate::array::Array;

/// Bytes of a line.
pub(crate) const LINE: u64 = 64;

/// The line caches of the whole machine, and its memory.
pub(crate) struct Lines {
    cores_of_a_socket: usize,
    /// Nearest first.
    caches: Vec<OneCache>,
    /// The first address behind each part of memory, ascending, and the node that the part belongs to.
    parts: Vec<(Addr<Hpa>, usize)>,
    /// Of each node from each socket.
    latencies: Vec<Vec<u64>>,
}

/// All instances of one cache.
struct OneCache {
    description: Cache,
    sets_of_a_slice: u64,
    /// One for each core or each socket. The sets of slice 0 come first, then those of slice 1, and so on.
    instances: Vec<Array<u64, ()>>,
}

/// What served a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Server {
    /// A cache of this level.
    Level(u32),
    /// The memory node of this number.
    Node(usize),
}

/// Where a reference found its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    /// What served it.
    pub(crate) by: Server,
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
            description: cache.clone(),
            sets_of_a_slice: sets / u64::from(cache.slices),
            instances: (0..instances).map(instance).collect(),
        }
    }

    /// The number of the set that a line belongs to, counted through all slices.
    fn set_of(&self, line: u64) -> u64 {
        let slices = u64::from(self.description.slices);
        let hash = line.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let slice = if slices == 1 { 0 } else { (hash * slices) >> 32 };
        slice * self.sets_of_a_slice + line % self.sets_of_a_slice
    }
}

impl Lines {
    /// Empty caches, and memory whose parts end before the addresses of `parts` and belong to the nodes beside them;
    /// what lies behind the last belongs to its node.
    pub(crate) fn new(machine: &Machine, seed: u64, parts: &[(Addr<Hpa>, usize)]) -> Self {
        let one = |(name, cache)| OneCache::new(machine, seed, name, cache);
        let from_each_socket = |node| {
            let sockets = 0..machine.topology.sockets;
            sockets.map(|socket| machine.node_latency(node, socket).get()).collect()
        };
        Self {
            cores_of_a_socket: convert::index32(machine.topology.cores),
            caches: machine.caches().into_iter().map(one).collect(),
            parts: parts.to_vec(),
            latencies: machine.nodes().into_iter().map(|(_, node)| from_each_socket(node)).collect(),
        }
    }

    /// The number of memory nodes.
    pub(crate) fn nodes(&self) -> usize {
        self.latencies.len()
    }

    fn node_of(&self, addr: Addr<Hpa>) -> usize {
        let inside = self.parts.iter().find(|(behind, _)| addr < *behind);
        inside.or(self.parts.last()).expect("memory has a part").1
    }

    /// One reference of `core`, of `kind`, to the line of `addr`.
    pub(crate) fn refer(&mut self, core: usize, kind: AccessKind, addr: Addr<Hpa>) -> Found {
        let line = addr.get() / LINE;
        let socket = core / self.cores_of_a_socket;
        let node = self.node_of(addr);
        let mut found = Found { by: Server::Node(node), latency: self.latencies[node][socket] };
        let mut missed = Vec::new();
        for cache in self.caches.iter_mut().filter(|cache| cache.description.serves(kind)) {
            let set = cache.set_of(line);
            let instance = match cache.description.shared_by {
                SharedBy::Core => core,
                SharedBy::Socket => socket,
            };
            let array = &mut cache.instances[instance];
            if array.look_up(set, line).is_some() {
                found =
                    Found { by: Server::Level(cache.description.level), latency: cache.description.latency };
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
