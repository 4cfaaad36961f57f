//! Mapping, unmapping and changing pages.

use terrace_addr::{Addr, Effects, Page, Space};

use super::{LeafIn, Recent, Table, leaf_of, region_of};
use crate::{Entry, EntryIndex, Format, FrameSource, LeafFlags, TableError, TableMemory};

/// Where a leaf is.
pub(super) struct Place<N> {
    pub(super) node: N,
    pub(super) index: EntryIndex,
    pub(super) entry: Entry,
}

/// A leaf, and where it is.
type Found<U, M> = (LeafIn<U, M>, Place<<M as TableMemory>::Node>);

impl<U: Space, F: Format, M: TableMemory> Table<U, F, M> {
    /// Maps `page` to the frame at `frame`.
    ///
    /// Nodes that are missing on the way take frames from `frames`. Nodes without a leaf where a larger page
    /// goes are given back; paging-structure caches may still hold them, and the effects say so. Otherwise there are no
    /// effects: an absent entry is cached nowhere.
    ///
    /// # Errors
    /// If the page or the frame does not fit, something is mapped there, or no frame is left for a node. Nodes
    /// made before frames ran out stay, empty.
    pub fn map(
        &mut self,
        page: Page<U>,
        frame: Addr<M::Space>,
        flags: LeafFlags,
        frames: &mut impl FrameSource<M::Space>,
    ) -> Result<Effects<U>, TableError> {
        self.check(page)?;
        if !frame.is_aligned(page.size()) {
            return Err(TableError::Misaligned { frame: frame.get(), size: page.size() });
        }
        let (node, index) = self.descend(page, frames)?;
        let old = self.memory.read(node, index);
        let effects = self.clear_way(page, node, index, old, frames)?;
        self.memory.write(node, index, F::leaf_entry(frame, page.size(), flags));
        Ok(effects)
    }

    /// Makes room for a leaf where `old` is: an empty node below is given back, anything else is in the way.
    fn clear_way(
        &mut self,
        page: Page<U>,
        node: M::Node,
        index: EntryIndex,
        old: Entry,
        frames: &mut impl FrameSource<M::Space>,
    ) -> Result<Effects<U>, TableError> {
        let level = page.size().level();
        if !F::is_present(old) {
            return Ok(Effects::none());
        }
        let mapped = TableError::Mapped { addr: page.start().get(), level };
        if F::is_leaf(old, level) {
            return Err(mapped);
        }
        let child = self.memory.child(node, index);
        if self.holds_leaf(child, level - 1) {
            return Err(mapped);
        }
        self.free(child, level - 1, F::node_address(old), frames);
        Ok(Effects::stale(page))
    }

    /// Whether there is a leaf in or below a node of `level`.
    fn holds_leaf(&self, node: M::Node, level: u32) -> bool {
        if self.memory.is_empty(node) {
            return false;
        }
        EntryIndex::all().any(|index| {
            let entry = self.memory.read(node, index);
            F::is_present(entry)
                && (F::is_leaf(entry, level) || self.holds_leaf(self.memory.child(node, index), level - 1))
        })
    }

    /// Gives back a node of `level` and all below it. Nothing refers to it any more, and it holds no leaf.
    fn free(
        &mut self,
        node: M::Node,
        level: u32,
        address: Addr<M::Space>,
        frames: &mut impl FrameSource<M::Space>,
    ) {
        for index in EntryIndex::all() {
            let entry = self.memory.read(node, index);
            if F::is_present(entry) && !F::is_leaf(entry, level) {
                self.free(self.memory.child(node, index), level - 1, F::node_address(entry), frames);
            }
        }
        self.detach(node);
        frames.give_back(address);
    }

    /// Unmaps the leaf of exactly this page. Nodes that become empty stay ([`prune`](Self::prune) gives them
    /// back).
    ///
    /// # Errors
    /// If no leaf of that size is there.
    pub fn unmap(&mut self, page: Page<U>) -> Result<(LeafIn<U, M>, Effects<U>), TableError> {
        let (leaf, place) = self.leaf(page)?;
        self.memory.write(place.node, place.index, Entry::EMPTY);
        Ok((leaf, Effects::stale(page)))
    }

    /// Changes the permissions of a leaf to those of `flags`; accessed and dirty bits stay.
    ///
    /// # Errors
    /// If no leaf of that size is there.
    pub fn protect(&mut self, page: Page<U>, flags: LeafFlags) -> Result<Effects<U>, TableError> {
        let (leaf, _) = self.leaf(page)?;
        self.replace(
            page,
            leaf.frame,
            (flags & LeafFlags::PERMISSIONS) | (leaf.flags - LeafFlags::PERMISSIONS),
        )
    }

    /// Puts another frame and other flags, accessed and dirty bits among them, behind a leaf.
    ///
    /// # Errors
    /// If no leaf of that size is there, or the frame is not aligned to it.
    pub fn replace(
        &mut self,
        page: Page<U>,
        frame: Addr<M::Space>,
        flags: LeafFlags,
    ) -> Result<Effects<U>, TableError> {
        if !frame.is_aligned(page.size()) {
            return Err(TableError::Misaligned { frame: frame.get(), size: page.size() });
        }
        let (_, place) = self.leaf(page)?;
        self.memory.write(place.node, place.index, F::leaf_entry(frame, page.size(), flags));
        Ok(Effects::stale(page))
    }

    /// Gives back the nodes on the path to `addr` that hold nothing, the root excepted.
    pub fn prune(&mut self, addr: Addr<U>, frames: &mut impl FrameSource<M::Space>) -> Effects<U> {
        let mut effects = Effects::none();
        loop {
            let mut parent = None;
            let mut emptied = None;
            for step in self.path(addr) {
                if self.memory.is_empty(step.node) {
                    emptied = parent;
                    break;
                }
                parent = Some(step);
            }
            let Some(step) = emptied else { return effects };
            let child = self.memory.child(step.node, step.index);
            self.memory.write(step.node, step.index, Entry::EMPTY);
            self.detach(child);
            frames.give_back(F::node_address(step.entry));
            effects.merge(Effects::stale(super::iterate::span_of_entry(addr, step.level)));
        }
    }

    pub(super) fn check(&self, page: Page<U>) -> Result<(), TableError> {
        if self.covers(page.start()) {
            Ok(())
        } else {
            Err(TableError::OutOfRange { addr: page.start().get(), levels: self.level_count() })
        }
    }

    /// The leaf of exactly this page, and its place.
    pub(super) fn leaf(&self, page: Page<U>) -> Result<Found<U, M>, TableError> {
        self.check(page)?;
        let (addr, target) = (page.start(), page.size().level());
        let absent = TableError::NoSuchLeaf { addr: addr.get(), size: page.size() };
        let (mut node, mut level) = match self.recent(addr) {
            Some(node) => (node, 1),
            None => (self.root_node, self.level_count()),
        };
        while level > target {
            let (entry, child) = self.memory.read_inner(node, EntryIndex::of(addr, level));
            if !F::is_present(entry) || F::is_leaf(entry, level) {
                return Err(absent);
            }
            (node, level) = (child, level - 1);
        }
        let index = EntryIndex::of(addr, level);
        let entry = self.memory.read(node, index);
        if level < target || !F::is_present(entry) || !F::is_leaf(entry, level) {
            return Err(absent);
        }
        let leaf = leaf_of::<U, F, _>(addr, level, entry).ok_or(absent)?;
        Ok((leaf, Place { node, index, entry }))
    }

    /// The place of the entry for `page`, with the nodes above it made where they are missing.
    fn descend(
        &mut self,
        page: Page<U>,
        frames: &mut impl FrameSource<M::Space>,
    ) -> Result<(M::Node, EntryIndex), TableError> {
        let target = page.size().level();
        if target == 1
            && let Some(node) = self.recent(page.start())
        {
            return Ok((node, EntryIndex::of(page.start(), 1)));
        }
        let mut node = self.root_node;
        let mut level = self.level_count();
        loop {
            let index = EntryIndex::of(page.start(), level);
            if level == target {
                if level == 1 {
                    self.recent = Recent { region: region_of(page.start()), node };
                }
                return Ok((node, index));
            }
            let entry = self.memory.read(node, index);
            node = if !F::is_present(entry) {
                self.add_node(node, index, level - 1, frames)?
            } else if F::is_leaf(entry, level) {
                return Err(TableError::Mapped { addr: page.start().get(), level });
            } else {
                self.memory.child(node, index)
            };
            level -= 1;
        }
    }

    /// Adds an empty node of `level` below an entry that refers to nothing.
    fn add_node(
        &mut self,
        parent: M::Node,
        index: EntryIndex,
        level: u32,
        frames: &mut impl FrameSource<M::Space>,
    ) -> Result<M::Node, TableError> {
        let frame = frames.take().ok_or(TableError::NoFrame)?;
        let child = self.memory.attach(frame, level);
        self.memory.write(parent, index, F::node_entry(frame));
        self.memory.link(parent, index, child);
        Ok(child)
    }
}
