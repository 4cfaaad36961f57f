//! The graph: Kronecker edges (R-MAT), stored as lists of neighbours.

use terrace_addr::convert;

use crate::random::{Permutation, Stream, mix};

/// An undirected graph without loops and repeated edges: for each vertex its neighbours in rising order.
#[derive(Debug)]
pub(super) struct Graph {
    /// Where the neighbours of each vertex begin, and at last where all end.
    offsets: Vec<u32>,
    neighbours: Vec<u32>,
}

/// The probabilities of the quarters of the adjacency matrix in 2³²nds, summed up: 0.57, 0.19, 0.19 (and 0.05), as
/// Graph500 has them (specification 2.0, "Kronecker generator").
const TO_A: u32 = 2_448_131_359;
const TO_B: u32 = 3_264_175_145;
const TO_C: u32 = 4_080_218_931;

impl Graph {
    /// 2^`scale` vertices and `factor` times as many edges drawn, which become fewer as repeated ones fall away. Numbers
    /// of vertices are scattered, as Graph500 asks for.
    pub(super) fn kronecker(scale: u64, factor: u64, seed: u64) -> Self {
        let vertices = 1_u64 << scale;
        let scatter = Permutation::new(vertices, mix(seed));
        // Drawn twice from the same stream, to count and to place: a list of edges would take more memory than the graph.
        let edges = || {
            let mut stream = Stream::new(seed, "kronecker", 0);
            let ends = core::iter::repeat_with(move || draw(scale, &mut stream));
            let drawn = ends.take(convert::index(vertices * factor));
            drawn.map(move |(from, to)| (convert::low32(scatter.of(from)), convert::low32(scatter.of(to))))
        };
        let mut begins = vec![0_u32; convert::index(vertices) + 1];
        for (from, to) in edges().filter(|(from, to)| from != to) {
            begins[convert::index32(from) + 1] += 1;
            begins[convert::index32(to) + 1] += 1;
        }
        for vertex in 1..begins.len() {
            begins[vertex] += begins[vertex - 1];
        }
        let mut next = begins.clone();
        let mut neighbours = vec![0; convert::index32(begins[begins.len() - 1])];
        for (from, to) in edges().filter(|(from, to)| from != to) {
            for (from, to) in [(from, to), (to, from)] {
                let place = &mut next[convert::index32(from)];
                neighbours[convert::index32(*place)] = to;
                *place += 1;
            }
        }
        Self::without_repeats(begins, neighbours)
    }

    /// Sorts the neighbours of each vertex and drops repeated ones, in place.
    fn without_repeats(mut offsets: Vec<u32>, mut neighbours: Vec<u32>) -> Self {
        let mut kept = 0;
        let mut begin = 0;
        for offset in &mut offsets[1..] {
            let end = convert::index32(*offset);
            neighbours[begin..end].sort_unstable();
            let first = kept;
            for place in begin..end {
                if kept == first || neighbours[kept - 1] != neighbours[place] {
                    neighbours[kept] = neighbours[place];
                    kept += 1;
                }
            }
            *offset = convert::narrow(kept);
            begin = end;
        }
        neighbours.truncate(kept);
        neighbours.shrink_to_fit();
        Self { offsets, neighbours }
    }

    /// The number of vertices.
    pub(super) fn vertices(&self) -> u64 {
        convert::count(self.offsets.len() - 1)
    }

    /// The entries of all lists of neighbours: two for each edge.
    pub(super) fn entries(&self) -> u64 {
        convert::count(self.neighbours.len())
    }

    /// Where the neighbours of `vertex` begin and end.
    pub(super) fn bounds(&self, vertex: u32) -> (u32, u32) {
        let vertex = convert::index32(vertex);
        (self.offsets[vertex], self.offsets[vertex + 1])
    }

    /// The neighbour at this place of all lists.
    pub(super) fn neighbour(&self, place: u32) -> u32 {
        self.neighbours[convert::index32(place)]
    }

    /// The neighbours of `vertex`.
    pub(super) fn of(&self, vertex: u32) -> &[u32] {
        let (begin, end) = self.bounds(vertex);
        &self.neighbours[convert::index32(begin)..convert::index32(end)]
    }
}

/// The ends of an edge: for each bit of a vertex a quarter of what is left of the matrix.
fn draw(scale: u64, stream: &mut Stream) -> (u64, u64) {
    let (mut from, mut to) = (0, 0);
    let mut bits = 0;
    for level in 0..scale {
        // 64 random bits serve two levels.
        bits = if level % 2 == 0 { stream.bits() } else { bits >> 32 };
        let draw = convert::low32(bits);
        from = from << 1 | u64::from(draw >= TO_B);
        to = to << 1 | u64::from((TO_A..TO_B).contains(&draw) || draw >= TO_C);
    }
    (from, to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_go_both_ways_once_and_never_home() {
        let graph = Graph::kronecker(10, 16, 1);
        assert_eq!(graph.vertices(), 1024);
        assert!(graph.entries() > 1024 * 16 && graph.entries() <= 1024 * 32);
        for vertex in 0..1024 {
            let neighbours = graph.of(vertex);
            assert!(neighbours.is_sorted_by(|a, b| a < b));
            assert!(neighbours.iter().all(|&other| other != vertex && graph.of(other).contains(&vertex)));
        }
    }

    #[test]
    fn quarters_are_drawn_as_stated() {
        let mut stream = Stream::new(3, "quarters", 0);
        let mut quarters = [0_u32; 4];
        for _ in 0..100_000 {
            let (from, to) = draw(1, &mut stream);
            quarters[convert::index(2 * from + to)] += 1;
        }
        for (quarter, expected) in quarters.into_iter().zip([57_000, 19_000, 19_000, 5000]) {
            // Four standard deviations of the largest: 626.
            assert!(quarter.abs_diff(expected) < 626, "{quarters:?}");
        }
    }
}
