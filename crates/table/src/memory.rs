//! What a table lives in.

use core::fmt::Debug;

use terrace_addr::{Addr, Space};

use crate::{Entry, EntryIndex};

/// A memory that can hold table nodes.
///
/// A *node handle* is whatever the memory needs to find a node at once: a number in the simulator, the frame's
/// address where the table is real. A walk goes from handle to handle with [`child`](Self::child), so that no
/// map from addresses to nodes is needed on the way; the entry's address stays what the hardware would use.
pub trait TableMemory {
    /// The space in which nodes have their addresses: the lower space of the layer.
    type Space: Space;
    /// Finds a node.
    type Node: Copy + Eq + Debug;

    /// Reads an entry.
    fn read(&self, node: Self::Node, index: EntryIndex) -> Entry;

    /// Writes an entry.
    fn write(&mut self, node: Self::Node, index: EntryIndex, entry: Entry);

    /// Sets bits of a present entry, as a walker does.
    fn set_bits(&mut self, node: Self::Node, index: EntryIndex, bits: u64) {
        let entry = self.read(node, index);
        self.write(node, index, entry.with(bits));
    }

    /// The node that a non-leaf entry refers to.
    fn child(&self, node: Self::Node, index: EntryIndex) -> Self::Node;

    /// Reads an entry of a node of level 2 or above, and the node that it refers to if it refers to one.
    #[inline(always)]
    fn read_inner(&self, node: Self::Node, index: EntryIndex) -> (Entry, Self::Node) {
        (self.read(node, index), self.child(node, index))
    }

    /// Reads an entry of a node of level 1.
    #[inline(always)]
    fn read_last(&self, node: Self::Node, index: EntryIndex) -> Entry {
        self.read(node, index)
    }

    /// Takes the frame at `frame` into use as an empty node of `level`.
    fn attach(&mut self, frame: Addr<Self::Space>, level: u32) -> Self::Node;

    /// Records that the entry `index` of `parent` now refers to `child`; called after the entry is written.
    fn link(&mut self, parent: Self::Node, index: EntryIndex, child: Self::Node);

    /// Gives up a node that nothing refers to any more.
    fn detach(&mut self, node: Self::Node);

    /// Whether all entries of a node are empty.
    fn is_empty(&self, node: Self::Node) -> bool {
        EntryIndex::all().all(|index| self.read(node, index) == Entry::EMPTY)
    }

    /// Asks for the cache line of an entry.
    fn prefetch(&self, _node: Self::Node, _index: EntryIndex) {}
}

/// Where table pages come from, and go to.
pub trait FrameSource<L: Space> {
    /// A free 4 KiB frame, or none.
    fn take(&mut self) -> Option<Addr<L>>;

    /// Takes a frame back.
    fn give_back(&mut self, frame: Addr<L>);
}
