//! Breadth-first search and `PageRank` over a Kronecker graph that is really built.
//!
//! The graph lives in the generator's own memory; what is simulated is where a program with the layout of the GAP
//! benchmark suite would touch its own copy: offsets of 8 bytes, neighbours of 4, a property of 8 bytes for each vertex
//! and a queue of 4 bytes.
//!
//! Threads share the work as a parallel program would: each has an equal part of every level of a search, or of the
//! vertices of an iteration. Which thread discovers a vertex that two could discover at once is decided as if the level
//! were searched in order.

mod build;
mod rank;
mod search;

use std::sync::Arc;

use terrace_addr::Bytes;

use super::common::{
    ADVICE, CHOICE, CONTENT, INITIALISE, OPERATIONS, assumed, core_cycles, count, instructions, parallelism,
    touch, word,
};
use crate::plan::{Plan, facts};
use crate::registry::{Entry, Parameter, Settings, Source};
use crate::{Bases, Program, RegionId, RegionSpec, Steps, WorkloadError};
use build::Graph;

pub(crate) const ENTRY: Entry = Entry {
    name: "graph",
    summary: "breadth-first search or PageRank over a Kronecker graph (Graph500, GAP)",
    parameters: PARAMETERS,
    parts: &[],
    make,
};

pub(super) const PARAMETERS: &[Parameter] = &[
    count(
        "scale",
        20,
        4,
        MOST_SCALE,
        "the graph has 2 to this power vertices; the generator itself takes up to 132 bytes for each",
        CHOICE,
    ),
    count("edge_factor", 16, 1, 32, "edges for each vertex", Source::Stated("Graph500 and GAP: 16")),
    word("kernel", &["bfs", "pagerank"], "bfs", "what is computed, again and again", CHOICE),
    count("roots", 4, 1, 64, "vertices that searches begin at, in turn; Graph500 has 64", CHOICE),
    INITIALISE,
    ADVICE,
    CONTENT,
    OPERATIONS,
    core_cycles(3.0, assumed("an edge is a load, a load that depends on it, a branch", 1.5, 8.0)),
    parallelism(
        4.0,
        assumed("edges of a vertex are independent until a branch is foreseen wrongly", 2.0, 8.0),
    ),
    instructions(4.0, assumed("about 8 instructions an edge of two accesses", 2.0, 8.0)),
];

/// With twice 16 edges a vertex of 4 bytes each, 1 GiB of the generator's own memory.
const MOST_SCALE: u64 = 23;

/// The most edges that are drawn.
const MOST_EDGES: u64 = 16 << MOST_SCALE;

fn make(settings: &Settings) -> Result<Box<dyn Program>, WorkloadError> {
    let (scale, factor) = (settings.whole("scale"), settings.whole("edge_factor"));
    let most = MOST_EDGES >> scale;
    if factor > most {
        return Err(settings
            .conflict("edge_factor", format!("at most {most}, for the memory of the generator itself")));
    }
    let mut plan = Plan::new(settings);
    let graph = Arc::new(Graph::kronecker(scale, factor, plan.seed("graph edges")));
    let layout = Layout::new(&graph, settings, &mut plan);
    let threads = settings.threads();
    let bodies = if settings.word("kernel") == "pagerank" {
        plan.bodies("graph", |thread, _| rank::Ranks::new(Arc::clone(&graph), layout, thread, threads))
    } else {
        let searches =
            Arc::new(search::Searches::new(graph, settings.whole("roots"), plan.seed("graph roots")));
        plan.bodies("graph", |thread, _| search::Search::new(Arc::clone(&searches), layout, thread, threads))
    };
    Ok(plan.program(facts(settings, None), settings.whole(OPERATIONS.name), bodies))
}

/// The regions of the simulated program.
#[derive(Debug, Clone, Copy)]
struct Layout {
    offsets: RegionId,
    neighbours: RegionId,
    properties: RegionId,
    second: RegionId,
}

/// Bytes of an entry of each region.
const OFFSET: u64 = 8;
const NEIGHBOUR: u64 = 4;
const PROPERTY: u64 = 8;

impl Layout {
    fn new(graph: &Graph, settings: &Settings, plan: &mut Plan) -> Self {
        let touch = touch(settings);
        let mut region = |name, bytes| plan.region(RegionSpec::new(name, Bytes::new(bytes)), touch);
        let ranks = settings.word("kernel") == "pagerank";
        Self {
            offsets: region("offsets", (graph.vertices() + 1) * OFFSET),
            neighbours: region("neighbours", graph.entries().max(1) * NEIGHBOUR),
            properties: region(if ranks { "ranks" } else { "parents" }, graph.vertices() * PROPERTY),
            second: region(if ranks { "contributions" } else { "queue" }, graph.vertices() * PROPERTY),
        }
    }

    /// The loads of where a vertex's neighbours begin and end.
    fn bounds(self, vertex: u64, bases: &Bases, out: &mut Steps) {
        let begin = bases.of(self.offsets).offset_by(vertex * OFFSET);
        out.load(begin);
        out.load(begin.offset_by(OFFSET));
    }
}
