//! What L1 writes into its tables, and what it invalidates: each write is reported as the hardware would trap it.

use terrace_addr::PageSize;
use terrace_kernel::Trap;
use terrace_table::LeafFlags;

use crate::guest::{Guest, Written};
use crate::history::PAGES;
use crate::machine::Machine;
use crate::world::{BLOCK, number};

impl Machine {
    /// L1 wrote an entry of a level for a page of a guest: it traps or not, and what the host hears it tells its
    /// policy.
    fn report(&mut self, guest: usize, page: u64, level: u32, joined: Option<u64>) {
        self.policy.work_for(guest);
        let block = page / BLOCK;
        let Self { guests, host, l1, policy, .. } = self;
        let table = &mut guests[guest];
        let trap = table.shadow.written(table.places.at(page), level);
        if let Some(frame) = joined
            && level == 1
        {
            assert_ne!(trap, Trap::None, "a write under the joined block {block} was not seen");
            let span = table.places.page(page, PageSize::Size2M).into();
            let left: Vec<_> = table.shadow.table.leaves(span).collect();
            let stays = left.iter().all(|leaf| {
                let place = table.places.number(leaf.page.start());
                leaf.page.size() == PageSize::Size4K
                    && place != page
                    && number(leaf.frame) == frame + place % BLOCK
            });
            assert!(
                stays && left.len() == 511,
                "what a write of page {page:#x} left of a joined block: {left:?}"
            );
        }
        if trap == Trap::Emulated {
            table.shadow.heard(host, policy, &table.ept12, l1, table.places.at(page), level);
        }
        self.settle();
    }

    /// The first frame of a joined block.
    fn joined(&self, guest: usize, page: u64) -> Option<u64> {
        self.guests[guest].joined(page / BLOCK).map(|leaf| number(leaf.frame))
    }

    /// L1 writes the entry of a page of a guest; where it is a part of a large leaf, it splits that first.
    pub(crate) fn write(&mut self, guest: usize, page: u64, entry: Option<Written>) {
        let is_large =
            |table: &Guest| table.upper(page).is_some_and(|leaf| leaf.page.size() != PageSize::Size4K);
        if is_large(&self.guests[guest]) {
            self.split(guest, page / BLOCK);
        }
        let joined = self.joined(guest, page);
        if let Some(level) = self.guests[guest].write(page, entry) {
            self.report(guest, page, level, joined);
        }
    }

    /// L1 changes the flags of the leaves that hold so many pages of a guest.
    pub(crate) fn rewrite_all(
        &mut self,
        guest: usize,
        from: u64,
        count: u64,
        change: impl Fn(LeafFlags) -> LeafFlags,
    ) {
        let mut next = from;
        while next < (from + count).min(PAGES) {
            let size = self.rewrite(guest, next, &change).unwrap_or(PageSize::Size4K);
            next = (next / size.base_pages() + 1) * size.base_pages();
        }
    }

    /// L1 changes the flags of the leaf that holds a page of a guest: the size of that, if there is one.
    fn rewrite(
        &mut self,
        guest: usize,
        page: u64,
        change: impl Fn(LeafFlags) -> LeafFlags,
    ) -> Option<PageSize> {
        let leaf = self.guests[guest].upper(page)?;
        let (joined, size) = (self.joined(guest, page), leaf.page.size());
        self.guests[guest].rewrite(leaf, change(leaf.flags));
        self.report(guest, page, size.level(), joined);
        Some(size)
    }

    /// L1 makes base pages of a large leaf of a guest.
    pub(crate) fn split(&mut self, guest: usize, block: u64) {
        if self.guests[guest].split(block) {
            self.report(guest, block * BLOCK, 2, None);
        }
    }

    /// L1 makes one leaf of base pages of a guest.
    pub(crate) fn merge(&mut self, guest: usize, block: u64) {
        if self.guests[guest].merge(block) {
            self.seen.merged += 1;
            self.report(guest, block * BLOCK, 2, None);
        }
    }

    /// L1 puts something else where a block of a guest is, or nothing, by one write.
    pub(crate) fn replace_block(
        &mut self,
        guest: usize,
        block: u64,
        with: impl FnOnce(&mut Guest) -> Option<u32>,
    ) {
        let table = &mut self.guests[guest];
        let level = table.empty(block).max(with(table));
        if let Some(level) = level {
            self.report(guest, block * BLOCK, level, None);
        }
    }

    /// L1 invalidates all that is translated for a guest.
    pub(crate) fn invalidate(&mut self, guest: usize) {
        let Self { guests, host, l1, .. } = self;
        let table = &mut guests[guest];
        table.shadow.synchronise(host, &table.ept12, l1);
        table.meant.invalidate();
        self.settle();
    }

    /// L1 invalidates a page of a guest.
    pub(crate) fn invalidate_page(&mut self, guest: usize, page: u64) {
        let Self { guests, host, l1, .. } = self;
        let table = &mut guests[guest];
        table.shadow.synchronise_address(host, &table.ept12, l1, table.places.at(page));
        table.meant.invalidate_page(page);
        self.settle();
    }
}
