//! Keys in order, each with a value: a B-tree (Bayer and `McCreight`, "Organization and maintenance of large ordered
//! indices", Acta Informatica 1, 1972) whose inner nodes know the largest value below each child.
//!
//! A node is eight cache lines, and of a tree of all servers all levels but the last stay in the nearer caches. A tree
//! with a node for each key would miss them at every other level.

use terrace_addr::convert;
use terrace_raw::prefetch;

/// Entries of a node.
const FULL: usize = 32;
/// A node with fewer is joined with its neighbour, if both fit into one that is then not full.
const THIN: usize = 8;
const JOINED: usize = 24;
/// Keys of a cache line.
const LINE: usize = 8;
/// Behind the last entry of a node; no key.
const NONE: u64 = u64::MAX;

/// Keys below 2⁶⁴ − 1 in order, each with a value.
#[derive(Debug, Clone)]
pub(crate) struct OrderTree {
    nodes: Vec<Node>,
    /// The children of inner nodes, by the node's number.
    children: Vec<[u32; FULL]>,
    /// Nodes that are in no tree.
    free: Vec<u32>,
    root: u32,
    /// Levels above the leaves.
    height: u32,
    count: usize,
}

/// A leaf holds keys and their values. An inner node holds for each child a key that is not above any of its keys and
/// above all of the child before, and the largest value below it. Behind the last are [`NONE`] and 0.
#[derive(Debug, Clone)]
#[repr(align(64))]
struct Node {
    keys: [u64; FULL],
    values: [u64; FULL],
}

/// What is left below a node from which a key was taken.
struct Removed {
    value: u64,
    /// Whether the largest value is another one.
    lowers: bool,
}

impl Node {
    const EMPTY: Self = Self { keys: [NONE; FULL], values: [0; FULL] };

    fn len(&self) -> usize {
        self.below(NONE)
    }

    fn most(&self) -> u64 {
        self.values.iter().fold(0, |most, value| most.max(*value))
    }

    /// How many keys are below `key`.
    fn below(&self, key: u64) -> usize {
        self.keys.partition_point(|it| *it < key)
    }

    /// The child in whose range a key is.
    fn child(&self, key: u64) -> usize {
        self.below(key + 1).saturating_sub(1)
    }

    /// Parts with the upper half.
    fn split(&mut self) -> Self {
        let mut upper = Self::EMPTY;
        for place in FULL / 2..FULL {
            upper.keys[place - FULL / 2] = std::mem::replace(&mut self.keys[place], NONE);
            upper.values[place - FULL / 2] = std::mem::take(&mut self.values[place]);
        }
        upper
    }
}

/// Makes room at a place; what was last is lost.
fn open<T: Copy>(entries: &mut [T; FULL], place: usize, value: T) {
    entries.copy_within(place..FULL - 1, place + 1);
    entries[place] = value;
}

/// Takes away what is at a place; behind the last is `none`.
fn close<T: Copy>(entries: &mut [T; FULL], place: usize, none: T) {
    entries.copy_within(place + 1..FULL, place);
    entries[FULL - 1] = none;
}

impl OrderTree {
    pub(crate) fn new() -> Self {
        let (nodes, children) = (vec![Node::EMPTY], vec![[0; FULL]]);
        Self { nodes, children, free: Vec::new(), root: 0, height: 0, count: 0 }
    }

    /// How many keys there are.
    pub(crate) const fn len(&self) -> usize {
        self.count
    }

    /// The largest value; 0 where there is none.
    pub(crate) fn most(&self) -> u64 {
        self.node(self.root).most()
    }

    /// Adds a key that is not there.
    pub(crate) fn insert(&mut self, key: u64, value: u64) {
        self.count += 1;
        let Some(upper) = self.insert_below(self.root, self.height, key, value) else {
            return;
        };
        let lower = self.root;
        let mut root = Node::EMPTY;
        for (place, child) in [lower, upper].into_iter().enumerate() {
            let node = self.node(child);
            (root.keys[place], root.values[place]) = (node.keys[0], node.most());
        }
        self.root = self.new_node(root);
        self.children_mut(self.root)[..2].copy_from_slice(&[lower, upper]);
        self.height += 1;
    }

    /// Takes a key away; its value, if it was there.
    pub(crate) fn remove(&mut self, key: u64) -> Option<u64> {
        let removed = self.remove_below(self.root, self.height, key)?;
        self.count -= 1;
        while self.height > 0 && self.node(self.root).len() == 1 {
            self.free.push(self.root);
            self.root = self.child(self.root, 0);
            self.height -= 1;
        }
        Some(removed.value)
    }

    /// Gives a key that is there another value and name; its place among the keys stays the same.
    pub(crate) fn change(&mut self, key: u64, to: u64, value: u64) {
        self.change_below(self.root, self.height, key, to, value);
    }

    /// Asks for the leaf that this key is or would be in, without waiting.
    pub(crate) fn foresee(&self, key: u64) {
        let mut at = self.root;
        for _ in 0..self.height {
            at = self.child(at, self.node(at).child(key));
        }
        let node = self.node(at);
        node.keys.iter().chain(&node.values).step_by(LINE).for_each(prefetch);
    }

    /// The first key from `from` on whose value is at least `least`.
    pub(crate) fn first(&self, from: u64, least: u64) -> Option<(u64, u64)> {
        self.first_below(self.root, self.height, from, least)
    }

    /// The greatest key below `key`.
    pub(crate) fn before(&self, key: u64) -> Option<(u64, u64)> {
        self.before_below(self.root, self.height, key)
    }

    /// All keys in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        // The nodes on the way to the next key, from the root, each with the place that comes next there.
        let mut way = vec![(self.root, 0)];
        std::iter::from_fn(move || {
            loop {
                let (at, place) = way.last_mut()?;
                let (at, here, node) = (*at, *place, self.node(*at));
                if here == node.len() {
                    way.pop();
                    continue;
                }
                *place += 1;
                if convert::narrow(way.len()) > self.height {
                    return Some((node.keys[here], node.values[here]));
                }
                way.push((self.child(at, here), 0));
            }
        })
    }

    fn node(&self, at: u32) -> &Node {
        &self.nodes[convert::index32(at)]
    }

    fn node_mut(&mut self, at: u32) -> &mut Node {
        &mut self.nodes[convert::index32(at)]
    }

    fn child(&self, at: u32, place: usize) -> u32 {
        self.children[convert::index32(at)][place]
    }

    fn children_mut(&mut self, at: u32) -> &mut [u32; FULL] {
        &mut self.children[convert::index32(at)]
    }

    fn new_node(&mut self, node: Node) -> u32 {
        if let Some(at) = self.free.pop() {
            *self.node_mut(at) = node;
            return at;
        }
        self.nodes.push(node);
        self.children.push([0; FULL]);
        convert::narrow(self.nodes.len() - 1)
    }

    /// Adds a key below a node. If that had to part with its upper half: the node that has it.
    fn insert_below(&mut self, at: u32, height: u32, key: u64, value: u64) -> Option<u32> {
        if height == 0 {
            let place = self.node(at).below(key);
            return self.add(at, height, place, (key, value, 0));
        }
        let place = self.node(at).child(key);
        let child = self.child(at, place);
        let upper = self.insert_below(child, height - 1, key, value);
        let node = self.node_mut(at);
        // It may be below all of them.
        node.keys[place] = node.keys[place].min(key);
        let Some(upper) = upper else {
            node.values[place] = node.values[place].max(value);
            return None;
        };
        let (lower_most, upper_node) = (self.node(child).most(), self.node(upper));
        let entry = (upper_node.keys[0], upper_node.most(), upper);
        self.node_mut(at).values[place] = lower_most;
        self.add(at, height, place + 1, entry)
    }

    /// Adds an entry to a node, which parts with its upper half if it is full.
    fn add(
        &mut self,
        at: u32,
        height: u32,
        place: usize,
        (key, value, child): (u64, u64, u32),
    ) -> Option<u32> {
        let (mut into, mut place, mut parted) = (at, place, None);
        if self.node(at).keys[FULL - 1] != NONE {
            let upper = self.node_mut(at).split();
            let upper = self.new_node(upper);
            if height > 0 {
                let behind = self.children[convert::index32(at)];
                self.children_mut(upper)[..FULL / 2].copy_from_slice(&behind[FULL / 2..]);
            }
            if place > FULL / 2 {
                (into, place) = (upper, place - FULL / 2);
            }
            parted = Some(upper);
        }
        let node = self.node_mut(into);
        open(&mut node.keys, place, key);
        open(&mut node.values, place, value);
        if height > 0 {
            open(self.children_mut(into), place, child);
        }
        parted
    }

    fn remove_below(&mut self, at: u32, height: u32, key: u64) -> Option<Removed> {
        if height == 0 {
            let node = self.node_mut(at);
            let place = node.below(key);
            if place == FULL || node.keys[place] != key {
                return None;
            }
            let value = node.values[place];
            close(&mut node.keys, place, NONE);
            close(&mut node.values, place, 0);
            return Some(Removed { value, lowers: node.most() < value });
        }
        let place = self.node(at).child(key);
        let child = self.child(at, place);
        let mut removed = self.remove_below(child, height - 1, key)?;
        if removed.lowers {
            let most = self.node(child).most();
            let node = self.node_mut(at);
            node.values[place] = most;
            removed.lowers = node.most() < removed.value;
        }
        if self.node(child).keys[THIN - 1] == NONE {
            self.join(at, height, place);
        }
        Some(removed)
    }

    /// Joins a child that has few entries with the one before or behind it.
    fn join(&mut self, at: u32, height: u32, place: usize) {
        let node = self.node(at);
        let len = |place: usize| self.node(self.child(at, place)).len();
        let fits = |lower: usize| len(lower) + len(lower + 1) <= JOINED;
        let behind = (place + 1 < node.len() && fits(place)).then_some(place);
        let before = place.checked_sub(1).filter(|lower| fits(*lower));
        if let Some(lower) = before.or(behind) {
            let (into, from) = (self.child(at, lower), self.child(at, lower + 1));
            let (have, more) = (len(lower), len(lower + 1));
            let most = node.values[lower].max(node.values[lower + 1]);
            let upper = self.node(from).clone();
            let node = self.node_mut(into);
            node.keys[have..have + more].copy_from_slice(&upper.keys[..more]);
            node.values[have..have + more].copy_from_slice(&upper.values[..more]);
            if height > 1 {
                let below = self.children[convert::index32(from)];
                self.children_mut(into)[have..have + more].copy_from_slice(&below[..more]);
            }
            self.node_mut(at).values[lower] = most;
            self.drop_child(at, lower + 1);
        } else if len(place) == 0 {
            self.drop_child(at, place);
        }
    }

    fn drop_child(&mut self, at: u32, place: usize) {
        self.free.push(self.child(at, place));
        let node = self.node_mut(at);
        close(&mut node.keys, place, NONE);
        close(&mut node.values, place, 0);
        close(self.children_mut(at), place, 0);
    }

    /// The largest value below a node afterwards.
    fn change_below(&mut self, at: u32, height: u32, key: u64, to: u64, value: u64) -> u64 {
        if height == 0 {
            let node = self.node_mut(at);
            let place = node.below(key);
            (node.keys[place], node.values[place]) = (to, value);
            return node.most();
        }
        let place = self.node(at).child(key);
        let most = self.change_below(self.child(at, place), height - 1, key, to, value);
        let node = self.node_mut(at);
        node.keys[place] = node.keys[place].min(to);
        node.values[place] = most;
        node.most()
    }

    fn first_below(&self, at: u32, height: u32, from: u64, least: u64) -> Option<(u64, u64)> {
        let node = self.node(at);
        let enough = |place: &usize| node.values[*place] >= least && node.keys[*place] != NONE;
        if height == 0 {
            let place = (node.below(from)..FULL).find(enough)?;
            return Some((node.keys[place], node.values[place]));
        }
        // Only of the first of them may all that is enough be below `from`.
        let mut places = (node.child(from)..FULL).filter(enough);
        places.find_map(|place| self.first_below(self.child(at, place), height - 1, from, least))
    }

    fn before_below(&self, at: u32, height: u32, key: u64) -> Option<(u64, u64)> {
        let node = self.node(at);
        let below = node.below(key);
        if height == 0 {
            let place = below.checked_sub(1)?;
            return Some((node.keys[place], node.values[place]));
        }
        // Only of the last of them may no key be below `key`.
        (0..below).rev().find_map(|place| self.before_below(self.child(at, place), height - 1, key))
    }
}

#[cfg(test)]
mod tests;
