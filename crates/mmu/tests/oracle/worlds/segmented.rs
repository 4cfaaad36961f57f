//! A guest in a segment, or in two, whose bases and sizes change behind the guest's back.

use terrace_addr::{Addr, Bytes, Gpa, Gva, Hpa, PageSize, VirtualWidth};
use terrace_mmu::{Below, Cause, Fault, Segment, SegmentPair, Stack};
use terrace_oracle::{Segment as Plain, Tables, Tag};
use terrace_table::{Format, X86};

use super::{Mended, World, frees};
use crate::both::address;
use crate::case::Setting;
use crate::history::{Change, Layer, Mend, Place};
use crate::tables::{Copies, levels};

/// Segments of the engine that are made of one that is drawn, and the same for the oracle.
pub(crate) trait Blocks: Below<Space = Gpa> + Copy {
    fn of(drawn: Segment) -> Self;
    fn plain(&self) -> Vec<Plain>;
}

impl Blocks for Segment {
    fn of(drawn: Segment) -> Self {
        drawn
    }

    fn plain(&self) -> Vec<Plain> {
        vec![Plain { start: Addr::ZERO, base: self.base, size: self.size }]
    }
}

impl Blocks for SegmentPair {
    /// The second one begins in the middle of the guest's tables, behind them, or at a multiple of a page size; it is
    /// behind or below the first in memory, next to it or not. A hole is between them where the first is smaller.
    fn of(drawn: Segment) -> Self {
        let pages = (drawn.base.get() ^ drawn.size.get()) >> 12;
        let splits = [0x10_3000, 0x20_0000, 0x40_0000, 1 << 30, 0x20_1000];
        let split = splits[terrace_addr::convert::index(pages % 5)];
        let low = Segment { base: drawn.base, size: Bytes::new(drawn.size.get().min(split)) };
        let bases = [drawn.base.get() + split, drawn.base.get() + (40 << 30) + 0x1000, 48 << 30];
        let base = bases[terrace_addr::convert::index(pages % 3)];
        let sizes = [drawn.size.get() - low.size.get(), 0x20_0000, 0x1fff];
        let size = sizes[terrace_addr::convert::index(pages / 8 % 3)];
        let high = Segment { base: Addr::new(base), size: Bytes::new(size) };
        Self { low, split: Addr::new(split), high }
    }

    fn plain(&self) -> Vec<Plain> {
        let Self { low, split, high } = *self;
        let high = Plain { start: split, base: high.base, size: high.size };
        vec![Plain { start: Addr::ZERO, base: low.base, size: low.size }, high]
    }
}

pub(crate) struct Segmented<B: Blocks> {
    ours: Stack<B>,
    copies: Copies<Gva, X86, Gpa>,
    drawn: Segment,
}

impl<B: Blocks> World for Segmented<B> {
    type Below = B;

    fn new(setting: &Setting) -> Self {
        let (first, copies) = Copies::new(X86::new(levels(setting.machine.paging.levels)));
        let (base, size) = setting.segment;
        let drawn = Segment { base, size };
        Self { ours: Stack { first, below: B::of(drawn) }, copies, drawn }
    }

    fn tag(pcid: u16, vpid: u16, _: u16) -> Tag {
        Tag { pcid, vpid, root: 0 }
    }

    fn width(&self) -> VirtualWidth {
        self.ours.first.format().levels().width()
    }

    fn tables(&mut self) -> (&mut Stack<B>, Tables<'_>) {
        let segments = self.ours.below.plain();
        (&mut self.ours, Tables::Segments { guest: &mut self.copies.theirs, segments })
    }

    fn mend(&mut self, fault: Fault, mend: Mend) -> Result<Mended, String> {
        let first = &mut self.ours.first;
        match fault {
            Fault::Page { addr, cause: Cause::NotPresent } if first.covers(addr) => {
                // The guest's memory begins at 0, so that small segments hold some of it.
                let base = if mend.far { 1 << 50 } else { 0 };
                Ok(Mended::reset_if(self.copies.map(first, addr, mend.pages[0], base, mend.flags[0])))
            }
            Fault::Page { addr, cause: Cause::Protection } if mend.allow => {
                self.copies.allow(first, addr)?;
                Ok(Mended::Yes)
            }
            _ => Ok(Mended::No),
        }
    }

    fn change(&mut self, _: Layer, at: Place, page: PageSize, change: Change) -> Result<Mended, String> {
        let addr = address(at, self.width());
        self.copies.change(&mut self.ours.first, addr, page, change)?;
        Ok(Mended::reset_if(frees(change)))
    }

    fn equal(&self) -> Result<(), String> {
        self.copies.equal(&self.ours.first)
    }

    fn set_segment(&mut self, base: Option<Addr<Hpa>>, size: Bytes) {
        self.drawn = Segment { base: base.unwrap_or(self.drawn.base), size };
        self.ours.below = B::of(self.drawn);
    }
}
