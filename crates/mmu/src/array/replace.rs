//! Which way of a full set gives up its entry.

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use terrace_addr::convert;
use terrace_machine::Replacement;
use terrace_raw::{Buffer, prefetch};

/// A replacement policy, and the seed of its random stream.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Policy {
    pub(crate) replacement: Replacement,
    pub(crate) seed: u64,
}

/// The replacement state of all sets of a structure.
#[derive(Debug, Clone)]
pub(crate) enum Replace {
    /// LRU of up to 16 ways.
    Order(Order),
    /// LRU of more ways.
    Stamps(Stamps),
    /// Tree pseudo-LRU.
    Tree(Tree),
    /// Random.
    Random { random: Xoshiro256PlusPlus, ways: u64 },
}

impl Replace {
    pub(crate) fn new(sets: usize, ways: usize, policy: Policy) -> Self {
        match policy.replacement {
            Replacement::Lru if ways <= 16 => Self::Order(Order::new(sets, ways)),
            Replacement::Lru => Self::Stamps(Stamps::new(sets, ways)),
            Replacement::TreePlru => Self::Tree(Tree::new(sets, ways)),
            Replacement::Random => Self::Random {
                random: Xoshiro256PlusPlus::seed_from_u64(policy.seed),
                ways: convert::count(ways),
            },
        }
    }

    /// The way that was touched last, where that is known at once and touching it again would change nothing.
    #[inline(always)]
    pub(crate) fn most_recent(&self, set: usize) -> Option<usize> {
        match self {
            Self::Order(order) => Some(convert::index(order.orders[set] & 15)),
            _ => None,
        }
    }

    /// Notes a hit or fill.
    #[inline(always)]
    pub(crate) fn touch(&mut self, set: usize, way: usize) {
        match self {
            Self::Order(order) => order.touch(set, way),
            Self::Stamps(stamps) => stamps.touch(set, way),
            Self::Tree(tree) => tree.touch(set, way),
            Self::Random { .. } => {}
        }
    }

    /// The way that a full set gives up.
    #[inline(always)]
    pub(crate) fn victim(&mut self, set: usize) -> usize {
        match self {
            Self::Order(order) => order.victim(set),
            Self::Stamps(stamps) => stamps.victim(set),
            Self::Tree(tree) => tree.victim(set),
            Self::Random { random, ways } => convert::index(((random.next_u64() >> 32) * *ways) >> 32),
        }
    }

    /// Asks for the state of a set.
    #[inline(always)]
    pub(crate) fn prefetch(&self, set: usize) {
        match self {
            Self::Order(order) => prefetch(&order.orders[set]),
            Self::Tree(tree) => prefetch(&tree.bits[set]),
            Self::Stamps(_) | Self::Random { .. } => {}
        }
    }
}

/// The ways of a set as the nibbles of one word, most recent in the lowest: a permutation of 0 to 15, of which
/// the ways that do not exist keep the upper places for ever.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    orders: Buffer<u64>,
    last: u32,
}

/// 1 in every nibble.
const ONES: u64 = 0x1111_1111_1111_1111;

impl Order {
    fn new(sets: usize, ways: usize) -> Self {
        let mut orders = Buffer::zeroed(sets);
        orders.fill(0xfedc_ba98_7654_3210);
        Self { orders, last: 4 * (convert::narrow(ways) - 1) }
    }

    #[inline(always)]
    fn touch(&mut self, set: usize, way: usize) {
        let order = self.orders[set];
        let way = convert::count(way);
        // The nibble of `way` is the lowest one that is zero after this; borrows spoil only higher ones.
        let differences = order ^ (way * ONES);
        let place = (differences.wrapping_sub(ONES) & !differences & ONES << 3).trailing_zeros() - 3;
        let below = (1_u64 << place) - 1;
        let moved = below << 4 | 15;
        self.orders[set] = order & !moved | (order & below) << 4 | way;
    }

    #[inline(always)]
    fn victim(&self, set: usize) -> usize {
        convert::index(self.orders[set] >> self.last & 15)
    }
}

/// When each way was touched last.
#[derive(Debug, Clone)]
pub(crate) struct Stamps {
    touched: Buffer<u64>,
    ways: usize,
    now: u64,
}

impl Stamps {
    fn new(sets: usize, ways: usize) -> Self {
        Self { touched: Buffer::zeroed(sets * ways), ways, now: 0 }
    }

    #[inline(always)]
    fn touch(&mut self, set: usize, way: usize) {
        self.now += 1;
        self.touched[set * self.ways + way] = self.now;
    }

    fn victim(&self, set: usize) -> usize {
        let stamps = &self.touched[set * self.ways..(set + 1) * self.ways];
        let oldest = stamps.iter().zip(0..).min_by_key(|&(stamp, _): &(_, usize)| stamp);
        oldest.map_or(0, |(_, way)| way)
    }
}

/// One bit for each node of a binary tree over the ways: node 1 is the root, the children of n are 2n (first
/// half, rounded up) and 2n + 1. A 1 points right.
#[derive(Debug, Clone)]
pub(crate) struct Tree {
    bits: Buffer<u64>,
    /// For each way, the nodes on its path, and those of them that must point right to point away from it.
    paths: Vec<(u64, u64)>,
    /// For each node and each value of its bit, the node that follows. A single way is followed by itself, so that
    /// every descent takes the same number of steps and no branch depends on the bits.
    follows: [[u8; 2]; NODES],
    /// For each node that is a single way, the way.
    ways: [u8; NODES],
    depth: u32,
}

/// Nodes of a tree over the most ways, the single ways among them.
const NODES: usize = 64;

impl Tree {
    fn new(sets: usize, ways: usize) -> Self {
        let mut tree = Self {
            bits: Buffer::zeroed(sets),
            paths: vec![(0, 0); ways],
            follows: [[0; 2]; NODES],
            ways: [0; NODES],
            depth: ways.next_power_of_two().trailing_zeros(),
        };
        tree.lay_out(0, ways, 1);
        tree
    }

    /// Lays out the part of the tree below `node`, which is over `ways` ways from `first` on.
    fn lay_out(&mut self, first: usize, ways: usize, node: u8) {
        let place = usize::from(node);
        if ways == 1 {
            self.follows[place] = [node; 2];
            self.ways[place] = convert::low8(convert::count(first));
            return;
        }
        let left = ways.div_ceil(2);
        self.follows[place] = [2 * node, 2 * node + 1];
        for path in &mut self.paths[first..first + ways] {
            path.0 |= 1 << node;
        }
        for path in &mut self.paths[first..first + left] {
            path.1 |= 1 << node;
        }
        self.lay_out(first, left, 2 * node);
        self.lay_out(first + left, ways - left, 2 * node + 1);
    }

    #[inline(always)]
    fn touch(&mut self, set: usize, way: usize) {
        let (path, away) = self.paths[way];
        self.bits[set] = self.bits[set] & !path | away;
    }

    #[inline(always)]
    fn victim(&self, set: usize) -> usize {
        let bits = self.bits[set];
        let mut node = 1_u8;
        for _ in 0..self.depth {
            let right = convert::index(bits >> node & 1);
            node = self.follows[usize::from(node) % NODES][right];
        }
        usize::from(self.ways[usize::from(node) % NODES])
    }
}
