//! Keys in order, each with a value: a treap (Seidel and Aragon, "Randomized search trees", Algorithmica 16, 1996).

/// No node.
const NONE: u32 = u32::MAX;

/// The increment of `SplitMix64` (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// Keys in order, each with a value; every node holds the largest value of its subtree.
#[derive(Debug, Clone)]
pub(crate) struct OrderTree<K> {
    nodes: Vec<Node<K>>,
    root: u32,
    /// The first of the nodes that are free, chained by `left`.
    free: u32,
    /// Priorities come from a counter: equal sequences of operations give equal trees.
    drawn: u64,
    count: usize,
}

#[derive(Debug, Clone)]
struct Node<K> {
    key: K,
    value: u64,
    most: u64,
    left: u32,
    right: u32,
    priority: u32,
}

impl<K: Copy + Ord> OrderTree<K> {
    pub(crate) const fn new() -> Self {
        Self { nodes: Vec::new(), root: NONE, free: NONE, drawn: 0, count: 0 }
    }

    /// How many keys there are.
    pub(crate) const fn len(&self) -> usize {
        self.count
    }

    /// The largest value; 0 where there is none.
    pub(crate) fn most(&self) -> u64 {
        self.most_below(self.root)
    }

    /// Adds a key that is not there.
    pub(crate) fn insert(&mut self, key: K, value: u64) {
        let priority = self.draw();
        let node = Node { key, value, most: value, left: NONE, right: NONE, priority };
        let place = if self.free == NONE {
            self.nodes.push(node);
            terrace_addr::convert::narrow(self.nodes.len() - 1)
        } else {
            let place = self.free;
            self.free = self.node(place).left;
            *self.node_mut(place) = node;
            place
        };
        self.root = self.insert_below(self.root, place);
        self.count += 1;
    }

    /// Takes a key away; its value, if it was there.
    pub(crate) fn remove(&mut self, key: K) -> Option<u64> {
        let (root, removed) = self.remove_below(self.root, key);
        self.root = root;
        let place = removed?;
        self.count -= 1;
        let value = self.node(place).value;
        self.node_mut(place).left = self.free;
        self.free = place;
        Some(value)
    }

    /// Gives a key that is there another value and name; its place among the keys stays the same.
    pub(crate) fn change(&mut self, key: K, to: K, value: u64) {
        self.change_below(self.root, key, to, value);
    }

    /// The first key from `from` on whose value is at least `least`.
    pub(crate) fn first(&self, from: K, least: u64) -> Option<(K, u64)> {
        self.first_below(self.root, from, least)
    }

    /// The greatest key below `key`.
    pub(crate) fn before(&self, key: K) -> Option<(K, u64)> {
        let (mut at, mut best) = (self.root, None);
        while at != NONE {
            let node = self.node(at);
            if node.key < key {
                best = Some((node.key, node.value));
                at = node.right;
            } else {
                at = node.left;
            }
        }
        best
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: K) -> Option<u64> {
        let mut at = self.root;
        while at != NONE {
            let node = self.node(at);
            if node.key == key {
                return Some(node.value);
            }
            at = if node.key < key { node.right } else { node.left };
        }
        None
    }

    /// All keys in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (K, u64)> + '_ {
        let (mut at, mut above) = (self.root, Vec::new());
        std::iter::from_fn(move || {
            while at != NONE {
                above.push(at);
                at = self.node(at).left;
            }
            let node = self.node(above.pop()?);
            at = node.right;
            Some((node.key, node.value))
        })
    }

    fn draw(&mut self) -> u32 {
        self.drawn = self.drawn.wrapping_add(GOLDEN_GAMMA);
        let word = (self.drawn ^ (self.drawn >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        terrace_addr::convert::low32((word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 32)
    }

    fn node(&self, place: u32) -> &Node<K> {
        &self.nodes[terrace_addr::convert::index32(place)]
    }

    fn node_mut(&mut self, place: u32) -> &mut Node<K> {
        &mut self.nodes[terrace_addr::convert::index32(place)]
    }

    fn most_below(&self, place: u32) -> u64 {
        if place == NONE { 0 } else { self.node(place).most }
    }

    /// Makes a node's largest value right again; those of its children are.
    fn settle(&mut self, place: u32) {
        let (left, right, value) = {
            let node = self.node(place);
            (node.left, node.right, node.value)
        };
        let most = value.max(self.most_below(left)).max(self.most_below(right));
        self.node_mut(place).most = most;
    }

    fn insert_below(&mut self, at: u32, new: u32) -> u32 {
        if at == NONE {
            return new;
        }
        let key = self.node(new).key;
        if self.node(new).priority > self.node(at).priority {
            let (left, right) = self.split(at, key);
            self.node_mut(new).left = left;
            self.node_mut(new).right = right;
            self.settle(new);
            return new;
        }
        if key < self.node(at).key {
            let left = self.insert_below(self.node(at).left, new);
            self.node_mut(at).left = left;
        } else {
            let right = self.insert_below(self.node(at).right, new);
            self.node_mut(at).right = right;
        }
        self.settle(at);
        at
    }

    /// The trees of the keys below `key` and of the others.
    fn split(&mut self, at: u32, key: K) -> (u32, u32) {
        if at == NONE {
            return (NONE, NONE);
        }
        if self.node(at).key < key {
            let (left, right) = self.split(self.node(at).right, key);
            self.node_mut(at).right = left;
            self.settle(at);
            (at, right)
        } else {
            let (left, right) = self.split(self.node(at).left, key);
            self.node_mut(at).left = right;
            self.settle(at);
            (left, at)
        }
    }

    /// One tree of two, of which the first has the lower keys.
    fn merge(&mut self, left: u32, right: u32) -> u32 {
        if left == NONE {
            return right;
        }
        if right == NONE {
            return left;
        }
        if self.node(left).priority > self.node(right).priority {
            let below = self.merge(self.node(left).right, right);
            self.node_mut(left).right = below;
            self.settle(left);
            left
        } else {
            let below = self.merge(left, self.node(right).left);
            self.node_mut(right).left = below;
            self.settle(right);
            right
        }
    }

    fn remove_below(&mut self, at: u32, key: K) -> (u32, Option<u32>) {
        if at == NONE {
            return (NONE, None);
        }
        let (own, left, right) = {
            let node = self.node(at);
            (node.key, node.left, node.right)
        };
        if own == key {
            return (self.merge(left, right), Some(at));
        }
        let removed = if key < own {
            let (below, removed) = self.remove_below(left, key);
            self.node_mut(at).left = below;
            removed
        } else {
            let (below, removed) = self.remove_below(right, key);
            self.node_mut(at).right = below;
            removed
        };
        self.settle(at);
        (at, removed)
    }

    fn change_below(&mut self, at: u32, key: K, to: K, value: u64) {
        if at == NONE {
            return;
        }
        let (own, left, right) = {
            let node = self.node(at);
            (node.key, node.left, node.right)
        };
        if own == key {
            let node = self.node_mut(at);
            (node.key, node.value) = (to, value);
        } else {
            self.change_below(if key < own { left } else { right }, key, to, value);
        }
        self.settle(at);
    }

    fn first_below(&self, at: u32, from: K, least: u64) -> Option<(K, u64)> {
        if at == NONE || self.node(at).most < least {
            return None;
        }
        let node = self.node(at);
        if node.key < from {
            return self.first_below(node.right, from, least);
        }
        let found = self.first_below(node.left, from, least);
        if found.is_some() {
            return found;
        }
        if node.value >= least {
            return Some((node.key, node.value));
        }
        self.first_below(node.right, from, least)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::collections::btree_map::Entry;

    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        Insert(u8, u64),
        Remove(u8),
        Change(u8, u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (any::<u8>(), 0..20_u64).prop_map(|(key, value)| Step::Insert(key, value)),
            any::<u8>().prop_map(Step::Remove),
            (any::<u8>(), 0..20_u64).prop_map(|(key, value)| Step::Change(key, value)),
        ]
    }

    proptest! {
        /// The same as an ordered map that is searched from end to end.
        #[test]
        fn it_finds_what_a_scan_finds(steps in proptest::collection::vec(step(), 1..120), from: u8, least in 0..22_u64) {
            let (mut tree, mut naive) = (OrderTree::new(), BTreeMap::new());
            for step in steps {
                match step {
                    Step::Insert(key, value) => if let Entry::Vacant(vacant) = naive.entry(key) {
                        vacant.insert(value);
                        tree.insert(key, value);
                    },
                    Step::Remove(key) => prop_assert_eq!(tree.remove(key), naive.remove(&key)),
                    Step::Change(key, value) => if let Some(old) = naive.get_mut(&key) {
                        *old = value;
                        tree.change(key, key, value);
                    },
                }
                prop_assert_eq!(tree.len(), naive.len());
                prop_assert_eq!(tree.most(), naive.values().copied().max().unwrap_or(0));
                let first = naive.range(from..).find(|(_, value)| **value >= least).map(|(&key, &value)| (key, value));
                prop_assert_eq!(tree.first(from, least), first);
                let before = naive.range(..from).next_back().map(|(&key, &value)| (key, value));
                prop_assert_eq!(tree.before(from), before);
                prop_assert_eq!(tree.get(from), naive.get(&from).copied());
                prop_assert!(tree.iter().eq(naive.iter().map(|(&key, &value)| (key, value))));
            }
        }
    }

    /// Keys that come in order are the worst case of trees without balance.
    #[test]
    fn it_stays_shallow() {
        fn depth(tree: &OrderTree<u32>, at: u32) -> u32 {
            if at == NONE {
                return 0;
            }
            1 + depth(tree, tree.node(at).left).max(depth(tree, tree.node(at).right))
        }
        let mut tree = OrderTree::new();
        for key in 0..100_000 {
            tree.insert(key, 1);
        }
        // 17 levels hold so many; a treap of them has about 2.5 times as many (Seidel and Aragon, theorem 4.8).
        let depth = depth(&tree, tree.root);
        assert!(depth < 60, "{depth}");
    }
}
