//! Tree pseudo-LRU.

use terrace_addr::convert;

use super::TOUCHES;

/// One bit of a set's word for each node of a binary tree over its ways: node 1 is the root, the children of n are
/// 2n (first half, rounded up) and 2n + 1. A 1 points right. The bits of single ways stay 0.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    /// For the bits of the first seven nodes, where they lead: three steps down.
    first_steps: [u8; 1 << TABLED_NODES],
    /// Whether there are two more steps.
    deep: bool,
    /// The way for each end of a descent. A descent that reaches a single way early goes on to the left, so that all
    /// take the same number of steps and no branch depends on the bits.
    ends: [u8; TOUCHES],
}

/// The nodes of the first three steps.
const TABLED_NODES: u32 = 7;
const FIRST_STEPS: u32 = 3;
/// Enough for 32 ways.
const ALL_STEPS: u32 = 5;

impl Tree {
    pub(super) fn new(ways: usize, touches: &mut [(u64, u64); TOUCHES]) -> Self {
        let deep = ways > 1 << FIRST_STEPS;
        let steps = if deep { ALL_STEPS } else { FIRST_STEPS };
        let mut tree = Self {
            first_steps: core::array::from_fn(|bits| {
                let word = convert::count(bits) << 1;
                convert::low8((0..FIRST_STEPS).fold(1, |node, _| step(node, word)))
            }),
            deep,
            ends: [0; TOUCHES],
        };
        tree.lay_out(0, ways, 1, steps, touches);
        tree
    }

    /// Lays out the part of the tree below `node`, which is over `ways` ways from `first` on, with `steps` left to
    /// the end of a descent. A touch points all nodes on a way's path away from it.
    fn lay_out(
        &mut self,
        first: usize,
        ways: usize,
        node: usize,
        steps: u32,
        touches: &mut [(u64, u64); TOUCHES],
    ) {
        if ways == 1 {
            self.ends[(node << steps) % TOUCHES] = convert::low8(convert::count(first));
            return;
        }
        let left = ways.div_ceil(2);
        for (clears, _) in &mut touches[first..first + ways] {
            *clears |= 1 << node;
        }
        for (_, sets) in &mut touches[first..first + left] {
            *sets |= 1 << node;
        }
        self.lay_out(first, left, 2 * node, steps - 1, touches);
        self.lay_out(first + left, ways - left, 2 * node + 1, steps - 1, touches);
    }

    #[inline(always)]
    pub(super) fn victim(&self, word: u64) -> usize {
        let first = convert::index(word >> 1 & ((1 << TABLED_NODES) - 1));
        let mut node = u64::from(self.first_steps[first]);
        if self.deep {
            node = step(step(node, word), word);
        }
        usize::from(self.ends[convert::index(node) % TOUCHES])
    }
}

/// The node below `node` that the bits of `word` point to.
#[inline(always)]
const fn step(node: u64, word: u64) -> u64 {
    2 * node + (word >> node & 1)
}
