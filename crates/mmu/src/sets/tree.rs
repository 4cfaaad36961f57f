//! Tree pseudo-LRU.

use terrace_addr::convert;

use super::MOST_TABLED;

/// One bit of a set's word for each node of a binary tree over its ways: node 1 is the root, the children of n are
/// 2n (first half, rounded up) and 2n + 1. A 1 points right. The bits of single ways stay 0.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    depth: u32,
    /// The way for each end of a descent. A descent that reaches a single way early goes on to the left, so that all
    /// take the same number of steps and no branch depends on the bits.
    ends: [u8; MOST_TABLED],
}

impl Tree {
    pub(super) fn new(ways: usize, touches: &mut [(u64, u64); MOST_TABLED]) -> Self {
        let mut tree = Self { depth: ways.next_power_of_two().trailing_zeros(), ends: [0; MOST_TABLED] };
        tree.lay_out(0, ways, 1, tree.depth, touches);
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
        touches: &mut [(u64, u64); MOST_TABLED],
    ) {
        if ways == 1 {
            self.ends[(node << steps) % MOST_TABLED] = convert::low8(convert::count(first));
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
        let mut node = 1;
        let mut steps = self.depth;
        while steps > 0 {
            node = 2 * node + (word >> node & 1);
            steps -= 1;
        }
        usize::from(self.ends[convert::index(node) % MOST_TABLED])
    }
}
