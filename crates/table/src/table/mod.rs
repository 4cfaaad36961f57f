//! A table: its root, and what can be asked of it.

use core::fmt;
use core::marker::PhantomData;

use terrace_addr::{Addr, Page, PageSize, Space, Validity};

use crate::{Entry, EntryIndex, Format, FrameSource, Leaf, TableError, TableMemory};

mod change;
mod divide;
mod iterate;
mod used;

pub use iterate::Leaves;

/// A radix page table from the upper space `U` to the space of its memory `M`, in the format `F`.
///
/// A node in the tree always has a handle in the memory and an address in the lower space; both are reached
/// from the parent's entry. Level 1 is the last; the root is at level 4 or 5.
#[derive(Clone)]
pub struct Table<U, F, M: TableMemory> {
    format: F,
    memory: M,
    root: Addr<M::Space>,
    root_node: M::Node,
    recent: Recent<M::Node>,
    upper: PhantomData<U>,
}

/// The node of level 1 that a page was mapped in last: whoever looks for a page there, or for its neighbours, need not
/// begin at the root.
#[derive(Debug, Clone, Copy)]
struct Recent<N> {
    /// The 2 MiB of the upper space that it maps, by number; [`NOTHING`] if it has been given back.
    region: u64,
    node: N,
}

/// No region has this number.
const NOTHING: u64 = u64::MAX;

/// The 2 MiB that hold an address.
#[inline(always)]
const fn region_of<U: Space>(addr: Addr<U>) -> u64 {
    addr.get() >> PageSize::Size2M.shift()
}

/// One entry on the way from the root to a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step<L: Space, N> {
    /// The level of the entry.
    pub level: u32,
    /// The node that holds it.
    pub node: N,
    /// Its number in the node.
    pub index: EntryIndex,
    /// Its address: what a walk reads.
    pub address: Addr<L>,
    /// Its content.
    pub entry: Entry,
}

/// A step in the table whose memory is `M`.
type StepIn<M> = Step<<M as TableMemory>::Space, <M as TableMemory>::Node>;
/// A leaf of the table whose memory is `M`.
type LeafIn<U, M> = Leaf<U, <M as TableMemory>::Space>;

/// The place of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Location<L: Space, N> {
    /// The entry's level.
    pub level: u32,
    /// The node that holds it.
    pub node: N,
    /// Its number in the node.
    pub index: EntryIndex,
    /// The node's address.
    pub node_address: Addr<L>,
}

impl<L: Space, N> Location<L, N> {
    /// The entry's address.
    #[inline]
    pub const fn address(&self) -> Addr<L> {
        self.node_address.within(self.index.byte_offset())
    }
}

impl<U: Space, F: Format, M: TableMemory> Table<U, F, M> {
    /// An empty table, whose root takes a frame from `frames`.
    ///
    /// # Errors
    /// If there is no frame.
    pub fn new(
        format: F,
        mut memory: M,
        frames: &mut impl FrameSource<M::Space>,
    ) -> Result<Self, TableError> {
        let root = frames.take().ok_or(TableError::NoFrame)?;
        let root_node = memory.attach(root, format.levels().count());
        let recent = Recent { region: NOTHING, node: root_node };
        Ok(Self { format, memory, root, root_node, recent, upper: PhantomData })
    }

    /// The format.
    #[inline(always)]
    pub const fn format(&self) -> F {
        self.format
    }

    /// The memory that holds the nodes.
    #[inline(always)]
    pub const fn memory(&self) -> &M {
        &self.memory
    }

    /// The memory, for who writes entries past the table.
    #[inline(always)]
    pub const fn memory_mut(&mut self) -> &mut M {
        self.recent.region = NOTHING;
        &mut self.memory
    }

    /// Sets accessed and dirty bits of a present entry, as a walker does.
    #[inline(always)]
    pub fn set_bits(&mut self, node: M::Node, index: EntryIndex, bits: u64) {
        self.memory.set_bits(node, index, bits);
    }

    /// The node of level 1 for an address, if it is the one that was mapped in last.
    #[inline(always)]
    fn recent(&self, addr: Addr<U>) -> Option<M::Node> {
        (self.recent.region == region_of(addr)).then_some(self.recent.node)
    }

    /// Gives up a node that nothing refers to any more.
    fn detach(&mut self, node: M::Node) {
        self.recent.region = NOTHING;
        self.memory.detach(node);
    }

    /// The address of the root: what CR3 or the EPT pointer holds.
    #[inline(always)]
    pub const fn root(&self) -> Addr<M::Space> {
        self.root
    }

    /// The root.
    #[inline(always)]
    pub const fn root_node(&self) -> M::Node {
        self.root_node
    }

    /// Reads an entry of a node of `level`, and the node that it refers to if it refers to one.
    #[inline(always)]
    pub fn read(&self, node: M::Node, level: u32, index: EntryIndex) -> (Entry, M::Node) {
        if level == 1 {
            (self.memory.read_last(node, index), node)
        } else {
            self.memory.read_inner(node, index)
        }
    }

    /// The number of levels.
    #[inline(always)]
    pub fn level_count(&self) -> u32 {
        self.format.levels().count()
    }

    /// Whether the table's levels translate `addr`: canonical at their width if virtual, below it if physical.
    pub fn covers(&self, addr: Addr<U>) -> bool {
        match U::VALIDITY {
            Validity::Canonical(_) => addr.is_canonical(self.format.levels().width()),
            Validity::Below(_) => addr.get() >> self.upper_bits() == 0,
        }
    }

    /// How many bits the addresses that the table translates have: those of its levels, or of the upper space
    /// where it is narrower (physical addresses below 5 levels).
    fn upper_bits(&self) -> u32 {
        let width = self.format.levels().width().bits();
        match U::VALIDITY {
            Validity::Canonical(_) => width,
            Validity::Below(bits) => bits.min(width),
        }
    }

    /// The leaf that maps `addr`.
    pub fn lookup(&self, addr: Addr<U>) -> Option<LeafIn<U, M>> {
        self.probe(addr).ok()
    }

    /// The leaf that maps `addr`, or else the level of the absent entry that a walk for it ends at: above the root's
    /// if the table does not [cover](Self::covers) it.
    ///
    /// # Errors
    /// That level, if no leaf maps it.
    #[inline]
    pub fn probe(&self, addr: Addr<U>) -> Result<LeafIn<U, M>, u32> {
        if let Some(node) = self.recent(addr) {
            let entry = self.memory.read_last(node, EntryIndex::of(addr, 1));
            let leaf = F::is_present(entry).then(|| leaf_of::<U, F, _>(addr, 1, entry)).flatten();
            return leaf.ok_or(1);
        }
        let (mut node, mut level) = (self.root_node, self.level_count());
        if !self.covers(addr) {
            return Err(level + 1);
        }
        loop {
            let (entry, child) = self.read(node, level, EntryIndex::of(addr, level));
            if !F::is_present(entry) {
                return Err(level);
            }
            if F::is_leaf(entry, level) {
                return leaf_of::<U, F, _>(addr, level, entry).ok_or(level);
            }
            (node, level) = (child, level - 1);
        }
    }

    /// Whether a leaf maps `addr`.
    #[inline]
    pub fn maps(&self, addr: Addr<U>) -> bool {
        if let Some(node) = self.recent(addr) {
            return F::is_present(self.memory.read_last(node, EntryIndex::of(addr, 1)));
        }
        if !self.covers(addr) {
            return false;
        }
        let (mut node, mut level) = (self.root_node, self.level_count());
        loop {
            let index = EntryIndex::of(addr, level);
            let entry = self.memory.read(node, index);
            if !F::is_present(entry) {
                return false;
            }
            if F::is_leaf(entry, level) {
                return true;
            }
            node = self.memory.child(node, index);
            level -= 1;
        }
    }

    /// Where the entry is that a walk for `addr` ends at: at level 1 without reading it, so that it can be asked
    /// for before it is needed. None if an entry above is absent.
    ///
    /// `addr` must be one that the table [covers](Self::covers); for another the answer is that for some other
    /// address.
    #[inline]
    pub fn locate(&self, addr: Addr<U>) -> Option<Location<M::Space, M::Node>> {
        let (mut node, mut level, mut node_address) = (self.root_node, self.level_count(), self.root);
        loop {
            let index = EntryIndex::of(addr, level);
            let here = Location { level, node, index, node_address };
            if level == 1 {
                return Some(here);
            }
            let entry = self.memory.read(node, index);
            if !F::is_present(entry) {
                return None;
            }
            if F::is_leaf(entry, level) {
                return Some(here);
            }
            node_address = F::node_address(entry);
            node = self.memory.child(node, index);
            level -= 1;
        }
    }

    /// The node of level 2 that a walk for `addr` comes to, if it comes so far.
    ///
    /// `addr` must be one that the table [covers](Self::covers); for another the answer is that for some other
    /// address.
    pub fn directory(&self, addr: Addr<U>) -> Option<M::Node> {
        let (mut node, mut level) = (self.root_node, self.level_count());
        while level > 2 {
            let index = EntryIndex::of(addr, level);
            let entry = self.memory.read(node, index);
            if !F::is_present(entry) || F::is_leaf(entry, level) {
                return None;
            }
            node = self.memory.child(node, index);
            level -= 1;
        }
        Some(node)
    }

    /// As [`locate`](Self::locate), from a [directory](Self::directory) of the address on.
    #[inline(always)]
    pub fn locate_in(&self, directory: M::Node, addr: Addr<U>) -> Option<Location<M::Space, M::Node>> {
        let index = EntryIndex::of(addr, 2);
        let (entry, node) = self.memory.read_inner(directory, index);
        if !F::is_present(entry) || F::is_leaf(entry, 2) {
            // A large page's entry has just been read: there is nothing left to ask for.
            return None;
        }
        Some(Location {
            level: 1,
            node,
            index: EntryIndex::of(addr, 1),
            node_address: F::node_address(entry),
        })
    }

    /// The entries that a walk for `addr` reads, root first; it ends at a leaf or at an entry that is not
    /// present.
    pub fn path(&self, addr: Addr<U>) -> Path<'_, U, F, M> {
        let next =
            if self.covers(addr) { Some((self.level_count(), self.root_node, self.root)) } else { None };
        Path { table: self, addr, next }
    }
}

/// The leaf that an entry of `level` for `addr` is, if leaves may be there.
#[inline]
fn leaf_of<U: Space, F: Format, L: Space>(addr: Addr<U>, level: u32, entry: Entry) -> Option<Leaf<U, L>> {
    let size = PageSize::of_level(level)?;
    Some(Leaf {
        page: Page::containing(addr, size),
        frame: F::frame_address(entry, size),
        flags: F::leaf_flags(entry),
    })
}

/// The entries that a walk reads, root first. Made by [`Table::path`].
pub struct Path<'a, U, F, M: TableMemory> {
    table: &'a Table<U, F, M>,
    addr: Addr<U>,
    next: Option<(u32, M::Node, Addr<M::Space>)>,
}

impl<U: Space, F: Format, M: TableMemory> Iterator for Path<'_, U, F, M> {
    type Item = StepIn<M>;

    fn next(&mut self) -> Option<Self::Item> {
        let (level, node, node_address) = self.next.take()?;
        let index = EntryIndex::of(self.addr, level);
        let entry = self.table.memory.read(node, index);
        if F::is_present(entry) && !F::is_leaf(entry, level) {
            self.next = Some((level - 1, self.table.memory.child(node, index), F::node_address(entry)));
        }
        let address = node_address.offset_by(index.byte_offset());
        Some(Step { level, node, index, address, entry })
    }
}

impl<U, F: Format, M: TableMemory> fmt::Debug for Table<U, F, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} table of {} levels at {:?}", F::NAME, self.format.levels().count(), self.root)
    }
}
