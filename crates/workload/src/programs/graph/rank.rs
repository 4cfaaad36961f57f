//! `PageRank` by pulling: each vertex sums up what its neighbours contribute.

use std::sync::Arc;

use terrace_addr::{Access, AccessKind, convert};

use super::build::Graph;
use super::{Layout, NEIGHBOUR, PROPERTY};
use crate::plan::{Body, share};
use crate::{Bases, Steps};

/// An operation is a vertex.
pub(super) struct Ranks {
    graph: Arc<Graph>,
    layout: Layout,
    begin: u64,
    end: u64,
    next: u64,
    /// The place of the next neighbour of the vertex that is being summed up.
    edge: Option<u32>,
}

impl Ranks {
    pub(super) fn new(graph: Arc<Graph>, layout: Layout, thread: usize, threads: usize) -> Self {
        let (begin, end) = share(graph.vertices(), thread, threads);
        // With more threads than vertices the last ones do the last vertex.
        let begin = begin.min(graph.vertices() - 1);
        Self { graph, layout, begin, end: end.max(begin + 1), next: begin, edge: None }
    }
}

impl Body for Ranks {
    fn run(&mut self, most: u64, bases: &Bases, out: &mut Steps) -> u64 {
        let mut finished = 0;
        let (neighbours, contributions) = (bases.of(self.layout.neighbours), bases.of(self.layout.second));
        while finished < most && out.room() > 2 {
            let vertex = convert::low32(self.next);
            let (begin, end) = self.graph.bounds(vertex);
            let mut edge = self.edge.take().unwrap_or_else(|| {
                self.layout.bounds(self.next, bases, out);
                begin
            });
            while edge < end && out.room() > 2 {
                let addr = neighbours.offset_by(u64::from(edge) * NEIGHBOUR);
                out.push(Access { addr, size: 4, kind: AccessKind::Load });
                out.load(contributions.offset_by(u64::from(self.graph.neighbour(edge)) * PROPERTY));
                edge += 1;
            }
            if edge < end || out.room() == 0 {
                self.edge = Some(edge);
                break;
            }
            out.store(bases.of(self.layout.properties).offset_by(self.next * PROPERTY));
            self.next = if self.next + 1 == self.end { self.begin } else { self.next + 1 };
            finished += 1;
        }
        finished
    }
}

#[cfg(test)]
mod tests {
    use crate::RegionId;
    use crate::programs::run;
    use terrace_addr::AccessKind;

    #[test]
    fn an_iteration_reads_each_entry_once_in_order() {
        let arguments = run::arguments(1, 2).with("scale", 8_u64).with("kernel", "pagerank");
        let (steps, _) =
            run::all("graph", &arguments.with("operations", 256_u64).with("initialise", "nothing"));
        let place = |region: RegionId| run::place(region.index()).get();
        let entries: Vec<u64> =
            steps[0].accesses().iter().filter(|access| access.size == 4).map(|a| a.addr.get()).collect();
        assert!(entries.len() > 1000);
        assert!(
            entries
                .iter()
                .enumerate()
                .all(|(n, addr)| *addr == place(RegionId::new(1)) + 4 * terrace_addr::convert::count(n))
        );
        let stores = steps[0].accesses().iter().filter(|access| access.kind == AccessKind::Store).count();
        assert_eq!(stores, 256);
    }
}
