//! A guest as L1 runs it: its EPT12, what that means, what the host composes of it, and what is cached of that.

use terrace_addr::{Addr, Ghpa, Gpa, Hpa, PageSize, convert};
use terrace_kernel::Shadow;
use terrace_table::{Ept, FrameSource, Leaf, LeafFlags, Levels, SimulatedMemory, Table};

use crate::cached::Cached;
use crate::history::{MEMORY, PAGES};
use crate::meaning::{Meaning, Meant};
use crate::places::Places;
use crate::world::{BLOCK, Host, base, number};

/// A page of L1's memory, and flags: what L1 writes into an entry.
pub(crate) type Written = (u64, LeafFlags);

/// Table pages of L1, from its memory; those that are given back are used again first.
#[derive(Debug)]
struct Pages {
    next: u64,
    free: Vec<Addr<Ghpa>>,
    taken: u32,
}

impl FrameSource<Ghpa> for Pages {
    fn take(&mut self) -> Option<Addr<Ghpa>> {
        self.taken += 1;
        self.free.pop().or_else(|| {
            self.next += 1;
            Some(base(self.next - 1))
        })
    }

    fn give_back(&mut self, frame: Addr<Ghpa>) {
        self.free.push(frame);
    }
}

#[derive(Debug)]
pub(crate) struct Guest {
    pub(crate) places: Places,
    pub(crate) ept12: Table<Gpa, Ept, SimulatedMemory<Ghpa>>,
    pages: Pages,
    pub(crate) meant: Meant,
    /// By page of L1's memory: whether L1 ever gave it to this guest.
    given: Vec<bool>,
    pub(crate) shadow: Shadow<Gpa, Ghpa, Ept, Hpa>,
    pub(crate) cached: Cached,
}

impl Guest {
    /// A guest without memory, with its blocks there, whose table pages come from this page of L1's memory on.
    pub(crate) fn new(host: &mut Host, places: Places, tables: u64) -> Self {
        let mut pages = Pages { next: tables, free: Vec::new(), taken: 0 };
        let format = Ept::new(Levels::Four);
        let ept12 = Table::new(format, SimulatedMemory::new(), &mut pages).unwrap();
        let shadow = Shadow::new(host, format).unwrap();
        let given = vec![false; convert::index(MEMORY)];
        Self { places, ept12, pages, meant: Meant::new(PAGES), given, shadow, cached: Cached::new(PAGES) }
    }

    /// The leaf of EPT12 that holds a page.
    pub(crate) fn upper(&self, page: u64) -> Option<Leaf<Gpa, Ghpa>> {
        self.ept12.lookup(self.places.at(page))
    }

    /// The leaf of EPT02 that holds a page.
    pub(crate) fn composed(&self, page: u64) -> Option<Leaf<Gpa, Hpa>> {
        self.shadow.table.lookup(self.places.at(page))
    }

    /// The leaf of EPT02 of a block, if it is one of 2M over base pages of L1.
    pub(crate) fn joined(&self, block: u64) -> Option<Leaf<Gpa, Hpa>> {
        let is_small = |leaf: Leaf<Gpa, Ghpa>| leaf.page.size() == PageSize::Size4K;
        let upper_is_large = self.upper(block * BLOCK).is_some_and(|leaf| !is_small(leaf));
        self.composed(block * BLOCK).filter(|leaf| leaf.page.size() == PageSize::Size2M && !upper_is_large)
    }

    /// What is in EPT12 of these pages is what L1 means from now on.
    pub(crate) fn now_means(&mut self, from: u64, count: u64) {
        for page in from..from + count {
            let meaning = self.upper(page).map(|leaf| Meaning {
                middle: number(leaf.translate(self.places.at(page))),
                flags: leaf.flags,
                size: leaf.page.size(),
            });
            self.meant.set(page, meaning);
            if let Some(given) =
                meaning.and_then(|meaning| self.given.get_mut(convert::index(meaning.middle)))
            {
                *given = true;
            }
        }
    }

    /// Whether L1 ever gave a page of its memory to this guest.
    pub(crate) fn was_given(&self, middle: u64) -> bool {
        self.given[convert::index(middle)]
    }

    /// L1 writes the entry of a page of 4K, in a table that leads nowhere else: the level of the entry that it wrote in
    /// a table that was there before. None if nothing was there, and nothing is to be.
    pub(crate) fn write(&mut self, at: u64, entry: Option<Written>) -> Option<u32> {
        let page = self.places.page(at, PageSize::Size4K);
        let taken = self.pages.taken;
        match (entry, self.upper(at)) {
            (None, None) => return None,
            (None, Some(_)) => drop(self.ept12.unmap(page).unwrap()),
            (Some((middle, flags)), Some(_)) => drop(self.ept12.replace(page, base(middle), flags).unwrap()),
            (Some((middle, flags)), None) => {
                drop(self.ept12.map(page, base(middle), flags, &mut self.pages).unwrap());
            }
        }
        self.now_means(at, 1);
        Some(1 + self.pages.taken - taken)
    }

    /// L1 writes a leaf again, with other flags.
    pub(crate) fn rewrite(&mut self, leaf: Leaf<Gpa, Ghpa>, flags: LeafFlags) {
        drop(self.ept12.replace(leaf.page, leaf.frame, flags).unwrap());
        self.now_means(self.places.number(leaf.page.start()), leaf.page.size().base_pages());
    }

    /// L1 clears all that maps a block, without a word: who does so has to tell of the one entry that led to it. The
    /// level of that, if there was any.
    pub(crate) fn empty(&mut self, block: u64) -> Option<u32> {
        let at = self.places.page(block * BLOCK, PageSize::Size2M);
        let leaves: Vec<_> = self.ept12.leaves(at.into()).map(|leaf| leaf.page).collect();
        for &page in &leaves {
            drop(self.ept12.unmap(page).unwrap());
        }
        let effects = self.ept12.prune(at.start(), &mut self.pages);
        let level_of = |bytes: u64| (bytes.trailing_zeros() - 12) / 9 + 1;
        let pruned = effects.stale_spans().last().map(|span| level_of(span.bytes));
        self.now_means(block * BLOCK, BLOCK);
        pruned.or_else(|| leaves.first().map(|page| page.size().level()))
    }

    /// L1 maps a block by base pages, each page by what `entry` says, without a word; nothing is there. The level of
    /// the one entry that leads to all of it.
    pub(crate) fn build(&mut self, block: u64, entry: impl Fn(u64) -> Written) -> u32 {
        let taken = self.pages.taken;
        for place in 0..BLOCK {
            let page = self.places.page(block * BLOCK + place, PageSize::Size4K);
            let (middle, flags) = entry(place);
            drop(self.ept12.map(page, base(middle), flags, &mut self.pages).unwrap());
        }
        self.now_means(block * BLOCK, BLOCK);
        1 + self.pages.taken - taken
    }

    /// L1 maps a block by one leaf; nothing is there. The level of the entry that it wrote.
    pub(crate) fn build_large(&mut self, block: u64, (middle, flags): Written) -> u32 {
        let taken = self.pages.taken;
        let page = self.places.page(block * BLOCK, PageSize::Size2M);
        drop(self.ept12.map(page, base(middle), flags, &mut self.pages).unwrap());
        self.now_means(block * BLOCK, BLOCK);
        2 + self.pages.taken - taken
    }

    /// L1 makes one leaf of base pages, if they lie as they have to.
    pub(crate) fn merge(&mut self, block: u64) -> bool {
        let page = self.places.page(block * BLOCK, PageSize::Size2M);
        let merged = self.ept12.merge(page, &mut self.pages).is_ok();
        self.now_means(block * BLOCK, BLOCK);
        merged
    }

    /// L1 makes base pages of one leaf, if it is one.
    pub(crate) fn split(&mut self, block: u64) -> bool {
        let page = self.places.page(block * BLOCK, PageSize::Size2M);
        let split = self.ept12.split(page, &mut self.pages).is_ok();
        self.now_means(block * BLOCK, BLOCK);
        split
    }

    /// The host served a violation: the leaf that holds a page was used.
    pub(crate) fn was_used(&mut self, page: u64, used: LeafFlags) {
        let Some(meaning) = self.meant.now(page) else { return };
        let parts = meaning.size.base_pages();
        for part in page / parts * parts..(page / parts + 1) * parts {
            let now = self.meant.now(part);
            self.meant.set(part, now.map(|now| Meaning { flags: now.flags | used, ..now }));
        }
    }
}
