//! Where the blocks of a guest lie in its memory.

use std::ops::Range;

use terrace_addr::{Addr, Gpa, Page, PageSize, Span, convert};

use crate::history::PAGES;
use crate::world::{BLOCK, base, number};

/// The first page of each block of a guest. Tests count a guest's pages from 0 on; where its blocks lie apart, pages
/// that follow each other there do not do so in its memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Places {
    blocks: [u64; 2],
}

impl Places {
    /// Behind each other from 0 on.
    pub(crate) const NEAR: Self = Self { blocks: [0, BLOCK] };
    /// 16 TiB apart: the numbers of their pages have the same low 32 bits.
    pub(crate) const FAR: Self = Self { blocks: [0, 1 << 32] };

    /// The address of a page.
    pub(crate) const fn at(self, page: u64) -> Addr<Gpa> {
        base(self.blocks[convert::index(page / BLOCK)] + page % BLOCK)
    }

    /// The page of this size around a page.
    pub(crate) const fn page(self, page: u64, size: PageSize) -> Page<Gpa> {
        Page::containing(self.at(page), size)
    }

    /// The block at an address, if there is one.
    pub(crate) fn block_at(self, addr: Addr<Gpa>) -> Option<u64> {
        let first = number(addr);
        (0..PAGES / BLOCK).find(|&block| first.wrapping_sub(self.blocks[convert::index(block)]) < BLOCK)
    }

    /// The page at an address.
    pub(crate) fn number(self, addr: Addr<Gpa>) -> u64 {
        self.block_at(addr).expect("all pages lie in a block") * BLOCK + number(addr) % BLOCK
    }

    /// The pages in a range of addresses.
    pub(crate) fn within(self, span: Span<Gpa>) -> impl Iterator<Item = Range<u64>> {
        let pages = number(span.start)..span.start.get().saturating_add(span.bytes).div_ceil(4096);
        (0..).zip(self.blocks).map(move |(block, first)| {
            let place = |at: u64| block * BLOCK + at.clamp(first, first + BLOCK) - first;
            place(pages.start)..place(pages.end)
        })
    }
}
