//! Accessed and dirty bits, as software reads and clears them.

use terrace_addr::{Effects, Page, Space};

use super::Table;
use crate::{Format, LeafFlags, TableError, TableMemory};

impl<U: Space, F: Format, M: TableMemory> Table<U, F, M> {
    /// Clears the bits of `which` (accessed, dirty or both) of a leaf, and returns those that were set.
    ///
    /// A translation that is cached keeps a cleared bit from being set again until it is dropped: the effects
    /// name the page if a bit was cleared. Whether to drop it is the caller's choice, as it is a kernel's.
    ///
    /// # Errors
    /// If no leaf of that size is there.
    pub fn clear_used(
        &mut self,
        page: Page<U>,
        which: LeafFlags,
    ) -> Result<(LeafFlags, Effects<U>), TableError> {
        let (leaf, place) = self.leaf(page)?;
        let found = leaf.flags & (which - LeafFlags::PERMISSIONS);
        let mut bits = 0;
        if found.contains(LeafFlags::ACCESSED) {
            bits |= F::ACCESSED;
        }
        if found.contains(LeafFlags::DIRTY) {
            bits |= F::DIRTY;
        }
        if bits == 0 {
            return Ok((found, Effects::none()));
        }
        self.memory.write(place.node, place.index, place.entry.without(bits));
        Ok((found, Effects::stale(page)))
    }
}
