//! Layers on top of each other, as software keeps them.
//!
//! A chain is built anew for each page that is to be mapped, out of the tables and owners that it borrows:
//! `guest.over(host.over(End))`. The top maps a page, and asks what is below it to back the frame and every
//! table page that it took; so what is mapped is mapped all the way down to memory, always.

use terrace_addr::{Addr, Page, PageSize, Space};
use terrace_table::{Format, FrameSource, Leaf, LeafFlags, SimulatedMemory, Table, TableError, compose};

use super::MapError;
use super::frames::Frames;
use super::owner::Owner;

/// A table and what owns it, on top of whatever translates its lower space.
pub(super) trait Chain {
    /// What the table translates.
    type Upper: Space;
    /// The space below all layers.
    type Bottom: Space;

    /// Maps the page that holds `addr` if nothing does, and everything below it. The page is that of this
    /// layer.
    ///
    /// # Errors
    /// If memory is full, or a table refuses.
    fn ensure(&mut self, addr: Addr<Self::Upper>) -> Result<Page<Self::Upper>, MapError>;

    /// The leaf from here to the bottom that holds `addr`, mapped now if it was not.
    ///
    /// # Errors
    /// As [`ensure`](Self::ensure).
    fn leaf(&mut self, addr: Addr<Self::Upper>) -> Result<ChainLeaf<Self>, MapError>;

    /// A table page at the bottom, for a table that is composed of this chain.
    ///
    /// # Errors
    /// If none is left.
    fn take_table(&mut self) -> Result<Addr<Self::Bottom>, MapError>;
}

/// A leaf from the top of a chain to its bottom.
pub(super) type ChainLeaf<C> = Leaf<<C as Chain>::Upper, <C as Chain>::Bottom>;

/// What a layer's lower space is: memory, or the upper space of another chain.
pub(super) trait Lower<L: Space> {
    /// The space below all layers.
    type Bottom: Space;

    /// Backs so much from `start` on.
    ///
    /// # Errors
    /// If memory is full, or a table refuses.
    fn back(&mut self, start: Addr<L>, size: PageSize) -> Result<(), MapError>;

    /// The leaf from here to the bottom that holds `addr`.
    ///
    /// # Errors
    /// As [`back`](Self::back).
    fn leaf(&mut self, addr: Addr<L>) -> Result<Leaf<L, Self::Bottom>, MapError>;

    /// A table page at the bottom; `frames` are those of this space, should it be the bottom itself.
    ///
    /// # Errors
    /// If none is left.
    fn take_table(&mut self, frames: &mut Frames<L>) -> Result<Addr<Self::Bottom>, MapError>;
}

/// Nothing is below: the lower space of the last layer is memory, or one block of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct End;

impl<L: Space> Lower<L> for End {
    type Bottom = L;

    fn back(&mut self, _: Addr<L>, _: PageSize) -> Result<(), MapError> {
        Ok(())
    }

    fn leaf(&mut self, addr: Addr<L>) -> Result<Leaf<L, L>, MapError> {
        let page = Page::containing(addr, PageSize::Size1G);
        Ok(Leaf { page, frame: page.start(), flags: LeafFlags::PERMISSIONS })
    }

    fn take_table(&mut self, frames: &mut Frames<L>) -> Result<Addr<L>, MapError> {
        Ok(frames.take_table()?)
    }
}

impl<C: Chain> Lower<C::Upper> for C {
    type Bottom = C::Bottom;

    fn back(&mut self, start: Addr<C::Upper>, size: PageSize) -> Result<(), MapError> {
        let end = start.offset_by(size.bytes());
        let mut at = start;
        while at < end {
            at = self.ensure(at)?.next().start();
        }
        Ok(())
    }

    fn leaf(&mut self, addr: Addr<C::Upper>) -> Result<ChainLeaf<C>, MapError> {
        Chain::leaf(self, addr)
    }

    fn take_table(&mut self, _: &mut Frames<C::Upper>) -> Result<Addr<C::Bottom>, MapError> {
        Chain::take_table(self)
    }
}

/// One layer: its table and owner, and what lies below.
pub(super) struct Layer<'a, U, F, L: Space, B> {
    pub(super) table: &'a mut Table<U, F, SimulatedMemory<L>>,
    pub(super) owner: &'a mut Owner<L>,
    pub(super) below: B,
}

impl<U: Space, F: Format, L: Space, B: Lower<L>> Layer<'_, U, F, L, B> {
    /// This layer's own leaf that holds `addr`, mapped and backed now if it was not.
    fn own_leaf(&mut self, addr: Addr<U>) -> Result<Leaf<U, L>, MapError> {
        if let Some(leaf) = self.table.lookup(addr) {
            return Ok(leaf);
        }
        let (page, frame) = self.owner.choose(addr)?;
        let mut tables = Recorded::new(&mut self.owner.frames);
        let leaf = Leaf { page, frame, flags: POPULATED };
        map(self.table, leaf, &mut tables).map_err(|error| tables.explain(error))?;
        let taken = tables.taken;
        back_all(&mut self.below, &taken)?;
        self.below.back(frame, page.size())?;
        Ok(leaf)
    }
}

impl<U: Space, F: Format, L: Space, B: Lower<L>> Chain for Layer<'_, U, F, L, B> {
    type Upper = U;
    type Bottom = B::Bottom;

    fn ensure(&mut self, addr: Addr<U>) -> Result<Page<U>, MapError> {
        Ok(self.own_leaf(addr)?.page)
    }

    fn leaf(&mut self, addr: Addr<U>) -> Result<Leaf<U, B::Bottom>, MapError> {
        let own = self.own_leaf(addr)?;
        let below = self.below.leaf(own.translate(addr))?;
        Ok(compose(addr, own, below))
    }

    fn take_table(&mut self) -> Result<Addr<B::Bottom>, MapError> {
        self.below.take_table(&mut self.owner.frames)
    }
}

/// A table with its owner, where the mapper keeps both.
pub(super) struct Owned<U, F, L: Space> {
    pub(super) table: Table<U, F, SimulatedMemory<L>>,
    pub(super) owner: Owner<L>,
}

impl<U: Space, F: Format, L: Space> Owned<U, F, L> {
    /// An empty table, its root backed.
    ///
    /// # Errors
    /// If there is no memory for the root.
    pub(super) fn new(format: F, mut owner: Owner<L>, below: &mut impl Lower<L>) -> Result<Self, MapError> {
        let mut tables = Recorded::new(&mut owner.frames);
        let table =
            Table::new(format, SimulatedMemory::new(), &mut tables).map_err(|error| tables.explain(error))?;
        let taken = tables.taken;
        back_all(below, &taken)?;
        Ok(Self { table, owner })
    }

    /// As a layer on top of `below`.
    pub(super) const fn over<B: Lower<L>>(&mut self, below: B) -> Layer<'_, U, F, L, B> {
        self.owner.over(below, &mut self.table)
    }
}

/// What pages are that count as populated before the program ran.
pub(super) const POPULATED: LeafFlags =
    LeafFlags::everything().union(LeafFlags::ACCESSED).union(LeafFlags::DIRTY);

/// Maps a leaf.
pub(super) fn map<U: Space, F: Format, L: Space>(
    table: &mut Table<U, F, SimulatedMemory<L>>,
    leaf: Leaf<U, L>,
    frames: &mut impl FrameSource<L>,
) -> Result<(), TableError> {
    let effects = table.map(leaf.page, leaf.frame, leaf.flags, frames)?;
    debug_assert!(effects.stale_spans().is_empty(), "replay only adds to tables");
    Ok(())
}

/// Backs table pages.
fn back_all<L: Space>(below: &mut impl Lower<L>, tables: &[Addr<L>]) -> Result<(), MapError> {
    tables.iter().try_for_each(|&table| below.back(table, PageSize::Size4K))
}

/// Hands out table pages, and remembers them: what lies below must back them.
struct Recorded<'a, L> {
    frames: &'a mut Frames<L>,
    taken: Vec<Addr<L>>,
}

impl<'a, L: Space> Recorded<'a, L> {
    const fn new(frames: &'a mut Frames<L>) -> Self {
        Self { frames, taken: Vec::new() }
    }

    /// The table's error, in terms of the memory that is full.
    fn explain(&self, error: TableError) -> MapError {
        match error {
            TableError::NoFrame => MapError::Full(self.frames.tables_full()),
            error => MapError::Table(error),
        }
    }
}

impl<L: Space> FrameSource<L> for Recorded<'_, L> {
    fn take(&mut self) -> Option<Addr<L>> {
        let frame = self.frames.take()?;
        self.taken.push(frame);
        Some(frame)
    }

    fn give_back(&mut self, frame: Addr<L>) {
        self.frames.give_back(frame);
    }
}
