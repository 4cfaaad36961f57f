//! Table nodes in the simulator's own memory.

use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;

use terrace_addr::{Addr, Space, convert};
use terrace_raw::{Arena, Zeroable, prefetch};

use crate::{Entry, EntryIndex, TableMemory};

/// A node in [`SimulatedMemory`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Node(u32);

/// Nodes of level 2 and above carry this bit.
const INNER: u32 = 1 << 31;

impl Node {
    /// A number that finds the node again with [`from_bits`](Self::from_bits); for compact storage.
    #[inline(always)]
    pub const fn to_bits(self) -> u32 {
        self.0
    }

    /// The node with these bits.
    #[inline(always)]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.0 & INNER == 0 { "leaf node " } else { "node " }, self.0 & !INNER)
    }
}

/// The entries of a node of level 1.
type Entries = [u64; EntryIndex::COUNT];
/// Those of a node of level 2 or above: beside each entry the node that it refers to, in the same line of the cache.
/// One node in 512 has them, so they cost nothing that shows, and a walk needs no map from addresses to nodes.
type Inner = [(u64, u32); EntryIndex::COUNT];

/// Memory for the nodes of one or more tables: 8 bytes an entry, on huge pages.
#[derive(Clone)]
pub struct SimulatedMemory<S> {
    leaves: Pool<Entries>,
    inner: Pool<Inner>,
    space: PhantomData<S>,
}

/// Nodes of one kind, with how many entries of each are in use.
struct Pool<T> {
    nodes: Arena<T>,
    used: Vec<u16>,
    free: Vec<u32>,
}

impl<T: Zeroable> Clone for Pool<T> {
    fn clone(&self) -> Self {
        Self { nodes: self.nodes.clone(), used: self.used.clone(), free: self.free.clone() }
    }
}

impl<T: Zeroable> Pool<T> {
    const fn new() -> Self {
        Self { nodes: Arena::new(), used: Vec::new(), free: Vec::new() }
    }

    fn take(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.used.push(0);
            self.nodes.push_zeroed()
        })
    }

    /// Keeps count of the entries in use when one changes from `old` to `new`.
    #[inline(always)]
    fn count(&mut self, number: u32, old: u64, new: u64) {
        let used = &mut self.used[convert::index32(number)];
        *used = *used + u16::from(new != 0) - u16::from(old != 0);
    }
}

impl<S: Space> SimulatedMemory<S> {
    /// No nodes.
    pub const fn new() -> Self {
        Self { leaves: Pool::new(), inner: Pool::new(), space: PhantomData }
    }

    /// The number of nodes in use.
    pub fn nodes(&self) -> usize {
        let (leaves, inner) = (&self.leaves, &self.inner);
        leaves.nodes.len() - leaves.free.len() + inner.nodes.len() - inner.free.len()
    }
}

impl<S: Space> Default for SimulatedMemory<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Space> fmt::Debug for SimulatedMemory<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} table nodes in {}", self.nodes(), S::NAME)
    }
}

impl<S: Space> TableMemory for SimulatedMemory<S> {
    type Space = S;
    type Node = Node;

    #[inline(always)]
    fn read(&self, node: Node, index: EntryIndex) -> Entry {
        if node.0 & INNER == 0 {
            Entry(self.leaves.nodes[node.0][index.get()])
        } else {
            Entry(self.inner.nodes[node.0 & !INNER][index.get()].0)
        }
    }

    #[inline(always)]
    fn write(&mut self, node: Node, index: EntryIndex, entry: Entry) {
        let number = node.0 & !INNER;
        if node.0 & INNER == 0 {
            let place = &mut self.leaves.nodes[number][index.get()];
            let old = core::mem::replace(place, entry.0);
            self.leaves.count(number, old, entry.0);
        } else {
            let place = &mut self.inner.nodes[number][index.get()].0;
            let old = core::mem::replace(place, entry.0);
            self.inner.count(number, old, entry.0);
        }
    }

    #[inline(always)]
    fn set_bits(&mut self, node: Node, index: EntryIndex, bits: u64) {
        if node.0 & INNER == 0 {
            self.leaves.nodes[node.0][index.get()] |= bits;
        } else {
            self.inner.nodes[node.0 & !INNER][index.get()].0 |= bits;
        }
    }

    #[inline(always)]
    fn child(&self, node: Node, index: EntryIndex) -> Node {
        debug_assert!(node.0 & INNER != 0, "a node of level 1 refers to no node");
        Node(self.inner.nodes[node.0 & !INNER][index.get()].1)
    }

    #[inline(always)]
    fn read_inner(&self, node: Node, index: EntryIndex) -> (Entry, Node) {
        debug_assert!(node.0 & INNER != 0, "a node of level 1");
        let (entry, child) = self.inner.nodes[node.0 & !INNER][index.get()];
        (Entry(entry), Node(child))
    }

    #[inline(always)]
    fn read_last(&self, node: Node, index: EntryIndex) -> Entry {
        debug_assert!(node.0 & INNER == 0, "a node of a level above 1");
        Entry(self.leaves.nodes[node.0][index.get()])
    }

    fn attach(&mut self, _frame: Addr<S>, level: u32) -> Node {
        if level == 1 { Node(self.leaves.take()) } else { Node(self.inner.take() | INNER) }
    }

    fn link(&mut self, parent: Node, index: EntryIndex, child: Node) {
        self.inner.nodes[parent.0 & !INNER][index.get()].1 = child.0;
    }

    fn detach(&mut self, node: Node) {
        let number = node.0 & !INNER;
        if node.0 & INNER == 0 {
            self.leaves.nodes[number].fill(0);
            self.leaves.used[convert::index32(number)] = 0;
            self.leaves.free.push(number);
        } else {
            self.inner.nodes[number].fill((0, 0));
            self.inner.used[convert::index32(number)] = 0;
            self.inner.free.push(number);
        }
    }

    fn is_empty(&self, node: Node) -> bool {
        let number = convert::index32(node.0 & !INNER);
        if node.0 & INNER == 0 { self.leaves.used[number] == 0 } else { self.inner.used[number] == 0 }
    }

    #[inline(always)]
    fn prefetch(&self, node: Node, index: EntryIndex) {
        if node.0 & INNER == 0 {
            prefetch(&self.leaves.nodes[node.0][index.get()]);
        } else {
            prefetch(&self.inner.nodes[node.0 & !INNER][index.get()]);
        }
    }
}
