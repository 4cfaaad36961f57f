//! Splitting a large leaf, and merging small ones.

use terrace_addr::{Addr, Effects, Page, Space};

use super::{StepIn, Table};
use crate::{EntryIndex, Format, FrameSource, LeafFlags, TableError, TableMemory};

impl<U: Space, F: Format, M: TableMemory> Table<U, F, M> {
    /// Replaces a leaf of 2M or 1G by a node of 512 leaves of the next smaller size, for the same frame, with
    /// the same permissions and the same accessed and dirty bits each.
    ///
    /// # Errors
    /// If no leaf of that size is there, it cannot be split, or no frame is left for the node.
    pub fn split(
        &mut self,
        page: Page<U>,
        frames: &mut impl FrameSource<M::Space>,
    ) -> Result<Effects<U>, TableError> {
        let size = page.size();
        let small = size.smaller().ok_or(TableError::Indivisible { size })?;
        let (leaf, place) = self.leaf(page)?;
        let frame = frames.take().ok_or(TableError::NoFrame)?;
        let child = self.memory.attach(frame, small.level());
        let mut part = leaf.frame;
        for index in EntryIndex::all() {
            self.memory.write(child, index, F::leaf_entry(part, small, leaf.flags));
            part = part.offset_by(small.bytes());
        }
        self.memory.write(place.node, place.index, F::node_entry(frame));
        self.memory.link(place.node, place.index, child);
        Ok(Effects::stale(page))
    }

    /// Replaces a node of 512 leaves by one leaf, in place: the leaves must be for consecutive parts of one
    /// aligned frame, with equal permissions. The new leaf is accessed or dirty if any of them was.
    ///
    /// # Errors
    /// If the leaves are not like that; the first that differs is named.
    pub fn merge(
        &mut self,
        page: Page<U>,
        frames: &mut impl FrameSource<M::Space>,
    ) -> Result<Effects<U>, TableError> {
        let size = page.size();
        let small = size.smaller().ok_or(TableError::Indivisible { size })?;
        let step = self.step_above_node(page)?;
        let child = self.memory.child(step.node, step.index);
        let not_uniform =
            |index: EntryIndex| TableError::NotUniform { addr: page.start().get(), entry: index.number() };

        let first = self.memory.read(child, EntryIndex::truncate(0));
        let frame: Addr<M::Space> = F::frame_address(first, small);
        let mut flags = F::leaf_flags(first);
        let mut expected = frame;
        for index in EntryIndex::all() {
            let part = self.memory.read(child, index);
            let fits = F::is_present(part)
                && F::is_leaf(part, small.level())
                && F::frame_address::<M::Space>(part, small) == expected
                && F::leaf_flags(part) & LeafFlags::PERMISSIONS == flags & LeafFlags::PERMISSIONS;
            if !fits || (index.number() == 0 && !frame.is_aligned(size)) {
                return Err(not_uniform(index));
            }
            flags |= F::leaf_flags(part);
            expected = expected.offset_by(small.bytes());
        }
        self.memory.write(step.node, step.index, F::leaf_entry(frame, size, flags));
        self.detach(child);
        frames.give_back(F::node_address(step.entry));
        Ok(Effects::stale(page))
    }

    /// The entry for `page`, if it refers to a node of smaller pages.
    fn step_above_node(&self, page: Page<U>) -> Result<StepIn<M>, TableError> {
        self.check(page)?;
        let level = page.size().level();
        self.path(page.start())
            .find(|step| step.level == level)
            .filter(|step| F::is_present(step.entry) && !F::is_leaf(step.entry, level))
            .ok_or(TableError::NoSuchLeaf { addr: page.start().get(), size: page.size() })
    }
}
