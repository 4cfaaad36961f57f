//! Tables twice: one for the engine, one for the oracle, changed alike.

use terrace_addr::{Addr, Page, PageSize, Space};
use terrace_table::{
    Format, FrameSource, Leaf, LeafFlags, Levels, SimulatedMemory, Table, TableError, TableMemory,
};

use crate::both::same;
use crate::history::Change;

/// Pages from here on are mapped to frames of their own, which nothing else uses.
pub(crate) const FIRST_STORES: u64 = 1 << 41;

/// Hands out table pages: those that came back first.
struct Frames {
    next: u64,
    back: Vec<u64>,
}

impl<L: Space> FrameSource<L> for Frames {
    fn take(&mut self) -> Option<Addr<L>> {
        let frame = self.back.pop().unwrap_or_else(|| {
            self.next += 0x1000;
            self.next
        });
        Some(Addr::new(frame))
    }
    fn give_back(&mut self, frame: Addr<L>) {
        self.back.push(frame.get());
    }
}

/// A table in the simulator's memory.
pub(crate) type Simulated<U, F, L> = Table<U, F, SimulatedMemory<L>>;

pub(crate) fn levels(count: u32) -> Levels {
    Levels::from_count(count).unwrap()
}

/// Where the page of `size` around `addr` is mapped to: few frames, so that pages share lines and tables.
fn frame_for<L: Space>(addr: u64, size: PageSize, base: u64) -> Addr<L> {
    let number = addr >> size.shift();
    if addr >> 41 == 1 {
        Addr::new((6 << 30) + (number % 1024) * 4096)
    } else {
        Addr::new(base + (number % 4) * size.bytes())
    }
}

/// The oracle's copy of a table, and where the nodes of both come from.
pub(crate) struct Copies<U: Space, F, L: Space> {
    pub(crate) theirs: Simulated<U, F, L>,
    our_frames: Frames,
    their_frames: Frames,
}

impl<U: Space, F: Format, L: Space> Copies<U, F, L> {
    /// The engine's copy of an empty table, and the rest.
    pub(crate) fn new(format: F) -> (Simulated<U, F, L>, Self) {
        let frames = || Frames { next: 1 << 20, back: Vec::new() };
        let (mut our_frames, mut their_frames) = (frames(), frames());
        let ours = Table::new(format, SimulatedMemory::new(), &mut our_frames).unwrap();
        let theirs = Table::new(format, SimulatedMemory::new(), &mut their_frames).unwrap();
        (ours, Self { theirs, our_frames, their_frames })
    }

    /// Maps the page of `size` around `addr`, or a smaller one where something is in the way; whether tables were freed.
    pub(crate) fn map(
        &mut self,
        ours: &mut Simulated<U, F, L>,
        addr: Addr<U>,
        size: PageSize,
        base: u64,
        flags: LeafFlags,
    ) -> bool {
        let copies = [(ours, &mut self.our_frames), (&mut self.theirs, &mut self.their_frames)];
        copies.map(|(table, frames)| map(table, frames, addr, size, base, flags)).contains(&true)
    }

    /// Maps a leaf, or the part of it around `addr` that something in the way leaves free; whether tables were freed.
    pub(crate) fn map_leaf(
        &mut self,
        ours: &mut Simulated<U, F, L>,
        addr: Addr<U>,
        leaf: Leaf<U, L>,
    ) -> bool {
        let copies = [(ours, &mut self.our_frames), (&mut self.theirs, &mut self.their_frames)];
        copies.map(|(table, frames)| map_leaf(table, frames, addr, leaf)).contains(&true)
    }

    /// Changes a page; whether anything that was mapped may be elsewhere now.
    pub(crate) fn change(
        &mut self,
        ours: &mut Simulated<U, F, L>,
        addr: Addr<U>,
        size: PageSize,
        change: Change,
    ) -> Result<bool, String> {
        let page = Page::containing(addr, size);
        let ours = changed(ours, &mut self.our_frames, page, change);
        let theirs = changed(&mut self.theirs, &mut self.their_frames, page, change);
        same("change", &ours, &theirs)?;
        Ok(ours == Ok(true))
    }

    /// Unmaps everything.
    pub(crate) fn clear(&mut self, ours: &mut Simulated<U, F, L>) {
        for table in [ours, &mut self.theirs] {
            let pages: Vec<_> = table.all_leaves().map(|leaf| leaf.page).collect();
            for page in pages {
                let _all_are_reset = table.unmap(page).unwrap();
            }
        }
    }

    /// Allows everything in the leaf of `addr`.
    pub(crate) fn allow(&mut self, ours: &mut Simulated<U, F, L>, addr: Addr<U>) -> Result<bool, String> {
        let Some(leaf) = self.theirs.lookup(addr) else { return Ok(false) };
        let everything = LeafFlags::everything() | leaf.flags & LeafFlags::GLOBAL;
        self.change(ours, addr, leaf.page.size(), Change::Protect(everything))
    }

    /// Leaves, and the accessed bits of the entries above them.
    pub(crate) fn equal(&self, ours: &Simulated<U, F, L>) -> Result<(), String> {
        for (ours, theirs) in ours.all_leaves().zip(self.theirs.all_leaves()) {
            same("leaf", &ours, &theirs)?;
        }
        for leaf in self.theirs.all_leaves() {
            let start = leaf.page.start();
            let path = |table: &Simulated<U, F, L>| table.path(start).collect::<Vec<_>>();
            same("path", &path(ours), &path(&self.theirs))?;
        }
        same("leaves", &ours.all_leaves().count(), &self.theirs.all_leaves().count())
    }
}

/// A table that no walk goes through: software composes it with others.
pub(crate) struct Software<U: Space, F, L: Space> {
    pub(crate) table: Simulated<U, F, L>,
    frames: Frames,
}

impl<U: Space, F: Format, L: Space> Software<U, F, L> {
    pub(crate) fn new(format: F) -> Self {
        let mut frames = Frames { next: 1 << 20, back: Vec::new() };
        Self { table: Table::new(format, SimulatedMemory::new(), &mut frames).unwrap(), frames }
    }

    /// The leaf for `addr`, which is mapped if it is absent; `None` if the table does not cover it.
    pub(crate) fn leaf(
        &mut self,
        addr: Addr<U>,
        size: PageSize,
        base: u64,
        flags: LeafFlags,
    ) -> Option<Leaf<U, L>> {
        if self.table.covers(addr) && self.table.lookup(addr).is_none() {
            map(&mut self.table, &mut self.frames, addr, size, base, flags);
        }
        self.table.lookup(addr)
    }

    /// Whether anything that was mapped may be elsewhere now.
    pub(crate) fn change(&mut self, addr: Addr<U>, size: PageSize, change: Change) -> bool {
        changed(&mut self.table, &mut self.frames, Page::containing(addr, size), change) == Ok(true)
    }

    /// Where `addr` is.
    pub(crate) fn translate(&self, addr: Addr<U>) -> Option<Addr<L>> {
        Some(self.table.lookup(addr)?.translate(addr))
    }
}

fn map<U: Space, F: Format, L: Space>(
    table: &mut Simulated<U, F, L>,
    frames: &mut Frames,
    addr: Addr<U>,
    size: PageSize,
    base: u64,
    flags: LeafFlags,
) -> bool {
    let mut size = Some(size);
    while let Some(tried) = size {
        let page = Page::containing(addr, tried);
        match table.map(page, frame_for(page.start().get(), tried, base), flags, frames) {
            Ok(effects) => return !effects.stale_spans().is_empty(),
            Err(_) => size = tried.smaller(),
        }
    }
    false
}

fn map_leaf<U: Space, F: Format, L: Space>(
    table: &mut Simulated<U, F, L>,
    frames: &mut Frames,
    addr: Addr<U>,
    leaf: Leaf<U, L>,
) -> bool {
    let mut size = Some(leaf.page.size());
    while let Some(tried) = size {
        let frame = leaf.translate(addr).align_down(tried);
        match table.map(Page::containing(addr, tried), frame, leaf.flags, frames) {
            Ok(effects) => return !effects.stale_spans().is_empty(),
            Err(_) => size = tried.smaller(),
        }
    }
    false
}

/// Whether translations became stale, or why nothing changed.
fn changed<U: Space, F: Format, M: TableMemory>(
    table: &mut Table<U, F, M>,
    frames: &mut Frames,
    page: Page<U>,
    change: Change,
) -> Result<bool, TableError>
where
    Frames: FrameSource<M::Space>,
{
    let effects = match change {
        Change::Unmap => table.unmap(page).map(|(_, effects)| effects),
        Change::Protect(flags) => table.protect(page, flags),
        Change::ClearUsed(which) => table.clear_used(page, which).map(|(_, effects)| effects),
        Change::Split => table.split(page, frames),
        Change::Merge => table.merge(page, frames),
        Change::Prune => Ok(table.prune(page.start(), frames)),
    }?;
    Ok(!effects.stale_spans().is_empty())
}
