//! Replacement: which way a full set gives up (`terrace_machine::Replacement` defines the policies).

use std::collections::BTreeMap;

use rand_core::Rng;
use rand_xoshiro::Xoshiro256PlusPlus;
use terrace_addr::convert;
use terrace_machine::Replacement;

/// The replacement state of one set.
#[derive(Debug)]
pub(super) enum Order {
    /// All ways, the one whose last touch is longest ago first.
    Lru(Vec<usize>),
    /// The tree's root, and the bits of the nodes that have been touched.
    Tree(Node, BTreeMap<Node, Side>),
    /// `random` remembers nothing.
    Random,
}

/// A node of the tree: the ways below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Node {
    /// The first way.
    first: usize,
    /// How many ways there are.
    ways: usize,
}

/// Where a node's bit points; a node that is not in the map has never been touched and points left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

impl Node {
    /// The first ⌈n/2⌉ ways.
    fn left(self) -> Self {
        Self { first: self.first, ways: self.ways.div_ceil(2) }
    }

    /// The other ways.
    fn right(self) -> Self {
        let left = self.left().ways;
        Self { first: self.first + left, ways: self.ways - left }
    }

    /// Points every node on the path to `way` away from it.
    fn touch(self, way: usize, bits: &mut BTreeMap<Self, Side>) {
        if self.ways == 1 {
            return;
        }
        if way < self.right().first {
            bits.insert(self, Side::Right);
            self.left().touch(way, bits);
        } else {
            bits.insert(self, Side::Left);
            self.right().touch(way, bits);
        }
    }

    /// The way that the bits lead to.
    fn victim(self, bits: &BTreeMap<Self, Side>) -> usize {
        if self.ways == 1 {
            return self.first;
        }
        match bits.get(&self).unwrap_or(&Side::Left) {
            Side::Left => self.left().victim(bits),
            Side::Right => self.right().victim(bits),
        }
    }
}

impl Order {
    /// The state of a set of `ways` that nothing has touched.
    pub(super) fn new(replacement: Replacement, ways: usize) -> Self {
        match replacement {
            Replacement::Lru => Self::Lru((0..ways).collect()),
            Replacement::TreePlru => Self::Tree(Node { first: 0, ways }, BTreeMap::new()),
            Replacement::Random => Self::Random,
        }
    }

    /// The entry in `way` is used.
    pub(super) fn touch(&mut self, way: usize) {
        match self {
            Self::Lru(oldest_first) => {
                oldest_first.retain(|other| *other != way);
                oldest_first.push(way);
            }
            Self::Tree(root, bits) => root.touch(way, bits),
            Self::Random => {}
        }
    }

    /// The way that a full set of `ways` gives up.
    pub(super) fn victim(&self, ways: usize, stream: &mut Xoshiro256PlusPlus) -> usize {
        match self {
            Self::Lru(oldest_first) => oldest_first[0],
            Self::Tree(root, bits) => root.victim(bits),
            Self::Random => {
                let upper_half = stream.next_u64() >> 32;
                convert::index((upper_half * convert::count(ways)) >> 32)
            }
        }
    }
}
