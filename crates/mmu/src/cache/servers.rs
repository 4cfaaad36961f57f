//! What serves references: caches, and memory's nodes behind them.

use terrace_addr::{Addr, Hpa, convert};
use terrace_machine::{Cache, Machine, SharedBy};

use super::{MEMORY, Purpose};
use crate::Layout;
use crate::counters::NodeReferences;

/// What serves the references of a socket's cores: caches, nearest first, then memory's nodes.
#[derive(Debug, Clone)]
pub(crate) struct Servers {
    all: Vec<Server>,
    /// For each row of [`Served`], the latency if it is one of entries that walks read, otherwise 0.
    latencies_of_entries: Vec<u64>,
    first_node: ServerNumber,
    layout: Layout,
}

/// Something that serves references.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Server {
    /// The place of the cache level, nearest first; [`MEMORY`] for memory.
    pub(crate) level: u32,
    /// The node, if it is memory.
    node: usize,
    /// The time from the start of a reference to its data, in cycles.
    pub(crate) latency: u64,
}

/// The place of a server among those of its socket.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ServerNumber(u16);

impl ServerNumber {
    pub(super) const fn new(number: u16) -> Self {
        Self(number)
    }

    /// The row for references that it served.
    #[inline(always)]
    pub(super) const fn row(self, purpose: Purpose) -> usize {
        convert::index16(self.0) * Purpose::SORTS + purpose.sort().index()
    }
}

/// How many references each server has served: a row for each, and in it for each sort of purpose.
#[derive(Debug, Clone, Default)]
pub(crate) struct Served(Vec<u64>);

/// What all servers together have served.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sums {
    /// Entries that walks read, by the level that served them, the last one memory.
    pub(crate) entries: [u64; 4],
    /// Lines of data, likewise.
    pub(crate) data: [u64; 4],
    /// The latencies of data.
    pub(crate) data_cycles: u64,
    /// Entries that walks asked for.
    pub(crate) asked: u64,
    /// Lines of the third level.
    pub(crate) third_level: u64,
}

impl Served {
    #[inline(always)]
    pub(super) fn count(&mut self, row: usize) {
        self.0[row] += 1;
    }
}

impl Servers {
    pub(crate) fn new(machine: &Machine, layout: &Layout, socket: u32) -> Self {
        let caches = machine.caches();
        let by = |shared_by| caches.iter().filter(move |(_, cache)| cache.shared_by == shared_by);
        let of_cache = |cache: &Cache| Server { level: cache.level - 1, node: 0, latency: cache.latency };
        let caches = by(SharedBy::Core).chain(by(SharedBy::Socket)).map(|(_, cache)| of_cache(cache));
        let mut all: Vec<_> = caches.collect();
        let first_node = ServerNumber(convert::low16(convert::count(all.len())));
        all.extend(machine.nodes().into_iter().enumerate().map(|(node, (_, described))| {
            let latency = machine.node_latency(described, socket).get();
            Server { level: MEMORY, node, latency }
        }));
        let mut latencies_of_entries = vec![0; all.len() * Purpose::SORTS];
        for (number, server) in (0..).map(ServerNumber).zip(&all) {
            latencies_of_entries[number.row(Purpose::ENTRY)] = server.latency;
        }
        Self { all, latencies_of_entries, first_node, layout: layout.clone() }
    }

    /// Nothing served.
    pub(crate) fn nothing(&self) -> Served {
        Served(vec![0; self.latencies_of_entries.len()])
    }

    #[inline(always)]
    pub(crate) fn at(&self, number: ServerNumber) -> Server {
        self.all[convert::index16(number.0)]
    }

    /// The latency that references of this row add to walks.
    #[inline(always)]
    pub(super) fn latency_of_entry(&self, row: usize) -> u64 {
        self.latencies_of_entries[row]
    }

    /// The number of the node that holds `addr`.
    #[inline(always)]
    pub(super) fn of_memory(&self, addr: Addr<Hpa>) -> ServerNumber {
        let ServerNumber(first) = self.first_node;
        ServerNumber(first + convert::low16(convert::count(self.layout.node(addr))))
    }

    /// Each server with how many references it has served, by their sort.
    fn rows<'a>(
        &'a self,
        served: &'a Served,
    ) -> impl Iterator<Item = (&'a Server, &'a [u64; Purpose::SORTS])> {
        let (rows, _) = served.0.as_chunks();
        self.all.iter().zip(rows)
    }

    /// All that was served.
    pub(crate) fn sums(&self, served: &Served) -> Sums {
        let mut sums = Sums::default();
        for (server, &[entries, data, asked, third_level]) in self.rows(served) {
            let level = convert::index32(server.level & MEMORY);
            sums.entries[level] += entries;
            sums.data[level] += data;
            sums.data_cycles += data * server.latency;
            sums.asked += asked;
            sums.third_level += third_level;
        }
        sums
    }

    /// The references that each memory node served.
    pub(crate) fn by_node(&self, served: &Served) -> Vec<NodeReferences> {
        let mut nodes = vec![NodeReferences::default(); self.all.len() - convert::index16(self.first_node.0)];
        for (server, &[entries, data, asked, third_level]) in self.rows(served) {
            if server.level == MEMORY {
                nodes[server.node] = NodeReferences { table: entries + asked + third_level, data };
            }
        }
        nodes
    }
}
