//! Runs of consecutive members of a set of numbers.

use alloc::vec;
use alloc::vec::Vec;

/// A set of numbers below a limit that finds runs of consecutive members by their length.
///
/// A binary tree over the numbers: each node knows the longest run of members below it, and those that begin and end
/// where it does. A change touches a node of each height, and a search passes a few of each.
#[derive(Clone)]
pub(crate) struct RunTree {
    /// The root is at 1, the children of node n at 2n and 2n + 1, the numbers from `leaves` on.
    nodes: Vec<Node>,
    leaves: usize,
}

/// Lengths of runs of members below a node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Node {
    /// Of that which begins with its first number.
    first: u32,
    /// Of that which ends with its last number.
    last: u32,
    /// Of the longest.
    longest: u32,
}

/// A node with its numbers.
#[derive(Debug, Clone, Copy)]
struct Place {
    node: usize,
    start: usize,
    length: usize,
}

impl RunTree {
    /// An empty set of numbers below `limit`.
    pub(crate) fn new(limit: usize) -> Self {
        let leaves = limit.next_power_of_two();
        Self { nodes: vec![Node::default(); 2 * leaves], leaves }
    }

    /// Puts a number into the set, or takes it out.
    pub(crate) fn set(&mut self, number: usize, member: bool) {
        let mut at = self.leaves + number;
        let one = u32::from(member);
        self.nodes[at] = Node { first: one, last: one, longest: one };
        let mut half = 1;
        while at > 1 {
            at /= 2;
            let (left, right) = (self.nodes[2 * at], self.nodes[2 * at + 1]);
            let joined = Node {
                first: if left.first == half { half + right.first } else { left.first },
                last: if right.last == half { half + left.last } else { right.last },
                longest: left.longest.max(right.longest).max(left.last + right.first),
            };
            if self.nodes[at] == joined {
                return;
            }
            self.nodes[at] = joined;
            half *= 2;
        }
    }

    /// The length of the longest run.
    pub(crate) fn longest(&self) -> u32 {
        self.nodes[1].longest
    }

    /// The first number that is `from` or above and with which `length` consecutive members begin; `length` is not 0.
    pub(crate) fn next(&self, from: usize, length: u32) -> Option<usize> {
        if self.longest() < length {
            return None;
        }
        // How many members end just before the place that is looked at, from `from` on.
        let mut before = 0;
        let mut left = vec![Place { node: 1, start: 0, length: self.leaves }];
        while let Some(place) = left.pop() {
            let node = self.nodes[place.node];
            if place.start + place.length <= from {
                continue;
            }
            let whole = place.start >= from;
            if whole && before + node.first >= length {
                return Some(place.start - index(before));
            }
            if place.length == 1 || whole && node.longest < length {
                let all = index(node.first) == place.length;
                before = if all { before + node.first } else { node.last };
                continue;
            }
            let half = place.length / 2;
            left.push(Place { node: 2 * place.node + 1, start: place.start + half, length: half });
            left.push(Place { node: 2 * place.node, start: place.start, length: half });
        }
        None
    }
}

/// A length as an index.
const fn index(length: u32) -> usize {
    terrace_addr::convert::index32(length)
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_finds_what_a_scan_of_every_number_finds(
            limit in 1_usize..300,
            changes in prop::collection::vec((any::<bool>(), 0_usize..300, 1_usize..90), 0..40),
            asked in prop::collection::vec((0_usize..310, 1_u32..80), 20),
        ) {
            let mut tree = RunTree::new(limit);
            let mut naive = vec![false; limit];
            for (member, start, length) in changes {
                let range = (start % limit)..(start % limit + length).min(limit);
                naive[range.clone()].fill(member);
                range.for_each(|number| tree.set(number, member));
            }
            let runs: Vec<usize> = naive.split(|&member| !member).map(<[bool]>::len).collect();
            prop_assert_eq!(index(tree.longest()), runs.into_iter().max().unwrap_or(0));
            for (from, length) in asked {
                let begins = |&at: &usize| {
                    let end = at + index(length);
                    end <= limit && naive[at..end].iter().all(|&member| member)
                };
                prop_assert_eq!(tree.next(from, length), (from..limit).find(begins), "from {} {}", from, length);
            }
        }
    }
}
