//! Breadth-first search, level by level from the root.
//!
//! Programs also clear all parents before a search, in one sweep; that sweep is left out.

use std::sync::{Arc, OnceLock};

use terrace_addr::{Access, AccessKind, convert};

use super::build::Graph;
use super::{Layout, NEIGHBOUR, PROPERTY};
use crate::plan::{Body, share};
use crate::random::Stream;
use crate::{Bases, Steps};

/// The searches from all roots: each is done once, by the thread that first comes to it, and read by all.
pub(super) struct Searches {
    graph: Arc<Graph>,
    roots: Vec<u32>,
    done: Vec<OnceLock<Order>>,
}

/// What a search found, in the order in which it was found.
#[derive(Debug)]
struct Order {
    vertices: Vec<u32>,
    /// For each of `vertices` the place in that list of the first vertex that was discovered from it or from a later one.
    children: Vec<u32>,
    /// Where each level begins in `vertices`, and where the last one ends.
    levels: Vec<u32>,
}

impl Order {
    fn new(graph: &Graph, root: u32) -> Self {
        let mut seen = vec![false; convert::index(graph.vertices())];
        seen[convert::index32(root)] = true;
        let mut order = Self { vertices: vec![root], children: Vec::new(), levels: vec![0] };
        let mut next = 0;
        while next < order.vertices.len() {
            let end = order.vertices.len();
            order.levels.push(convert::narrow(end));
            while next < end {
                order.children.push(convert::narrow(order.vertices.len()));
                for &other in graph.of(order.vertices[next]) {
                    if !core::mem::replace(&mut seen[convert::index32(other)], true) {
                        order.vertices.push(other);
                    }
                }
                next += 1;
            }
        }
        order
    }
}

impl Searches {
    pub(super) fn new(graph: Arc<Graph>, roots: u64, seed: u64) -> Self {
        let mut stream = Stream::new(seed, "roots", 0);
        let mut root = || {
            loop {
                let vertex = convert::low32(stream.below(graph.vertices()));
                // A graph of at least 16 vertices with an edge each has vertices with neighbours.
                if !graph.of(vertex).is_empty() || graph.entries() == 0 {
                    break vertex;
                }
            }
        };
        let roots: Vec<u32> = (0..roots).map(|_| root()).collect();
        let done = roots.iter().map(|_| OnceLock::new()).collect();
        Self { graph, roots, done }
    }

    fn order(&self, root: usize) -> &Order {
        self.done[root].get_or_init(|| Order::new(&self.graph, self.roots[root]))
    }
}

/// An operation is a vertex of a level.
pub(super) struct Search {
    searches: Arc<Searches>,
    layout: Layout,
    /// The thread's place among `threads` in this search: it changes from search to search, so that each thread comes to
    /// be the one that a level of a single vertex falls to.
    place: usize,
    threads: usize,
    root: usize,
    level: usize,
    /// The places in the order of the next vertex, and where this thread's part of the level ends.
    next: u32,
    end: u32,
    /// The vertex that is being searched.
    open: Option<Open>,
}

/// A vertex whose neighbours are being looked at.
#[derive(Debug, Clone, Copy)]
struct Open {
    /// The place of the next neighbour in all lists.
    edge: u32,
    /// The place in the order of the next vertex to be discovered.
    child: u32,
}

impl Search {
    pub(super) fn new(searches: Arc<Searches>, layout: Layout, thread: usize, threads: usize) -> Self {
        let mut search =
            Self { searches, layout, place: thread, threads, root: 0, level: 0, next: 0, end: 0, open: None };
        search.take_part();
        search
    }

    /// Takes the thread's part of the level.
    fn take_part(&mut self) {
        let order = self.searches.order(self.root);
        let (begin, end) = (order.levels[self.level], order.levels[self.level + 1]);
        let (first, last) = share(u64::from(end - begin), self.place, self.threads);
        (self.next, self.end) = (begin + convert::low32(first), begin + convert::low32(last));
    }

    /// Goes on to the next level, or to the next search.
    fn next_level(&mut self) {
        self.level += 1;
        if self.level + 1 == self.searches.order(self.root).levels.len() {
            self.level = 0;
            self.root = (self.root + 1) % self.searches.roots.len();
            self.place = (self.place + 1) % self.threads;
        }
        self.take_part();
    }

    /// Looks at neighbours. Whether the vertex is done with.
    fn look(&self, open: &mut Open, bases: &Bases, out: &mut Steps) -> bool {
        let Layout { neighbours, properties, second: queue, .. } = self.layout;
        let (graph, order) = (&self.searches.graph, self.searches.order(self.root));
        let (_, end) = graph.bounds(order.vertices[convert::index32(self.next)]);
        while open.edge < end {
            if out.room() < EDGE {
                return false;
            }
            let addr = bases.of(neighbours).offset_by(u64::from(open.edge) * NEIGHBOUR);
            out.push(Access { addr, size: 4, kind: AccessKind::Load });
            let other = graph.neighbour(open.edge);
            let parent = bases.of(properties).offset_by(u64::from(other) * PROPERTY);
            out.load(parent);
            if order.vertices.get(convert::index32(open.child)) == Some(&other) {
                out.store(parent);
                let addr = bases.of(queue).offset_by(u64::from(open.child) * NEIGHBOUR);
                out.push(Access { addr, size: 4, kind: AccessKind::Store });
                open.child += 1;
            }
            open.edge += 1;
        }
        true
    }
}

/// Accesses of an edge, at most.
const EDGE: usize = 4;

impl Body for Search {
    fn run(&mut self, most: u64, bases: &Bases, out: &mut Steps) -> u64 {
        let mut finished = 0;
        while finished < most {
            while self.next == self.end {
                self.next_level();
            }
            if out.room() < EDGE {
                break;
            }
            let mut open = self.open.take().unwrap_or_else(|| self.open(bases, out));
            if !self.look(&mut open, bases, out) {
                self.open = Some(open);
                break;
            }
            self.next += 1;
            finished += 1;
        }
        finished
    }
}

impl Search {
    /// Takes the next vertex from the queue and loads where its neighbours are.
    fn open(&self, bases: &Bases, out: &mut Steps) -> Open {
        let order = self.searches.order(self.root);
        let addr = bases.of(self.layout.second).offset_by(u64::from(self.next) * NEIGHBOUR);
        out.push(Access { addr, size: 4, kind: AccessKind::Load });
        let vertex = order.vertices[convert::index32(self.next)];
        if self.next == 0 {
            // The root is its own parent.
            out.store(bases.of(self.layout.properties).offset_by(u64::from(vertex) * PROPERTY));
        }
        self.layout.bounds(u64::from(vertex), bases, out);
        Open {
            edge: self.searches.graph.bounds(vertex).0,
            child: order.children[convert::index32(self.next)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RegionId;
    use crate::programs::run;
    use std::collections::BTreeSet;

    /// The vertices that can be reached, by a depth-first search.
    fn reachable(graph: &Graph, root: u32) -> BTreeSet<u32> {
        let (mut seen, mut stack) = (BTreeSet::from([root]), vec![root]);
        while let Some(vertex) = stack.pop() {
            stack.extend(graph.of(vertex).iter().filter(|&&other| seen.insert(other)));
        }
        seen
    }

    #[test]
    fn a_search_visits_exactly_what_can_be_reached() {
        for (seed, threads) in [(1, 1), (2, 3), (3, 64)] {
            let graph = Arc::new(Graph::kronecker(9, 2, seed));
            let searches = Arc::new(Searches::new(Arc::clone(&graph), 2, seed));
            let expected = reachable(&graph, searches.roots[0]);
            assert!(expected.len() > 100 && convert::count(expected.len()) < graph.vertices());
            let layout = Layout {
                offsets: RegionId::new(0),
                neighbours: RegionId::new(1),
                properties: RegionId::new(2),
                second: RegionId::new(3),
            };
            let mut bases = Bases::new(4);
            (0..4).for_each(|region| bases.set(RegionId::new(convert::narrow(region)), run::place(region)));
            let (mut stored, mut scanned, mut visits) = (Vec::new(), 0, 0);
            for thread in 0..threads {
                let mut search = Search::new(Arc::clone(&searches), layout, thread, threads);
                while search.root == 0 && search.place == thread {
                    let mut out = Steps::new();
                    visits += search.run(1, &bases, &mut out);
                    for access in out.accesses() {
                        let parent = access.addr.get().checked_sub(run::place(2).get());
                        match (access.kind, parent.filter(|_| access.size == 8)) {
                            (AccessKind::Store, Some(offset)) if offset < 1 << 42 => {
                                stored.push(convert::low32(offset / PROPERTY));
                            }
                            (AccessKind::Load, Some(offset)) if offset < 1 << 42 => scanned += 1,
                            _ => {}
                        }
                    }
                    // The next vertex may be of the next search.
                    while search.root == 0 && search.next == search.end {
                        search.next_level();
                    }
                }
            }
            // Each vertex that can be reached got its parent once, and each of its edges was looked at once.
            assert_eq!(stored.len(), expected.len());
            assert_eq!(stored.into_iter().collect::<BTreeSet<_>>(), expected);
            assert_eq!(visits, convert::count(expected.len()));
            assert_eq!(scanned, expected.iter().map(|&vertex| graph.of(vertex).len()).sum::<usize>());
        }
    }
}
