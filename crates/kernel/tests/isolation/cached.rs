//! The worst TLB that there can be: it has every translation that was ever there, until it is told to drop it. That L1
//! invalidates drops nothing by itself: the host reports what has to go.

use std::ops::Range;

use terrace_addr::{PageSize, Space, convert};
use terrace_table::{Leaf, LeafFlags};

use crate::world::{BLOCK, number};

/// A translation, of a page of some size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Translation {
    /// The first base page.
    pub(crate) page: u64,
    /// The first base frame.
    pub(crate) frame: u64,
    pub(crate) size: PageSize,
    pub(crate) permissions: LeafFlags,
}

impl Translation {
    /// What a leaf says whose first page is this.
    pub(crate) fn of<U: Space, L: Space>(page: u64, leaf: &Leaf<U, L>) -> Self {
        Self {
            page,
            frame: number(leaf.frame),
            size: leaf.page.size(),
            permissions: leaf.flags & LeafFlags::PERMISSIONS,
        }
    }

    /// The frame behind a page that it covers.
    pub(crate) const fn frame_of(&self, page: u64) -> u64 {
        self.frame + (page - self.page)
    }

    /// Each base page with its frame.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (u64, u64)> {
        (0..self.size.base_pages()).map(|part| (self.page + part, self.frame + part))
    }
}

/// What is cached of translations.
#[derive(Debug)]
pub(crate) struct Cached {
    /// By page, those of 4K.
    small: Vec<Vec<Translation>>,
    /// By block, those of 2M.
    large: Vec<Vec<Translation>>,
}

impl Cached {
    /// Nothing, of so many pages: whole blocks.
    pub(crate) fn new(pages: u64) -> Self {
        let lists = |count: u64| vec![Vec::new(); convert::index(count)];
        Self { small: lists(pages), large: lists(pages / BLOCK) }
    }

    /// A walk, or the guess of one, finds a leaf.
    pub(crate) fn add(&mut self, translation: Translation) {
        let list = match translation.size {
            PageSize::Size4K => &mut self.small[convert::index(translation.page)],
            PageSize::Size2M => &mut self.large[convert::index(translation.page / BLOCK)],
            PageSize::Size1G => unreachable!("there is not so much memory"),
        };
        if !list.contains(&translation) {
            list.push(translation);
        }
    }

    /// All goes that translates any of these pages.
    pub(crate) fn flush(&mut self, pages: Range<u64>) {
        let known = convert::count(self.small.len());
        let pages = pages.start.min(known)..pages.end.min(known);
        for block in pages.start / BLOCK..pages.end.div_ceil(BLOCK) {
            self.large[convert::index(block)].clear();
        }
        for list in &mut self.small[convert::index(pages.start)..convert::index(pages.end)] {
            list.clear();
        }
    }

    /// All that it has.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Translation> {
        self.small.iter().chain(&self.large).flatten()
    }

    /// What it has for a page, with a permission.
    pub(crate) fn of(&self, page: u64, needed: LeafFlags) -> impl Iterator<Item = &Translation> {
        let small = &self.small[convert::index(page)];
        let large = &self.large[convert::index(page / BLOCK)];
        small.iter().chain(large).filter(move |translation| translation.permissions.contains(needed))
    }
}
