//! An address space: areas, and the table that maps them.

use std::collections::BTreeMap;

use terrace_addr::{Addr, Bytes, Page, PageSize, Space};
use terrace_table::{Leaf, SimulatedMemory, Table, X86};

use crate::kernel::Behind;
use terrace_policy::DirectSegment;

use crate::{Area, Mapped};

/// An address space: areas, and the table that maps them.
#[derive(Debug, Clone)]
pub struct AddressSpace<U: Space, L: Space> {
    /// Its table. Walkers set accessed and dirty bits in it; nothing else may change it but the kernel.
    pub table: Table<U, X86, SimulatedMemory<L>>,
    /// By their first address.
    pub(crate) areas: BTreeMap<u64, Area<U>>,
    pub(crate) mapped: Mapped,
    /// Where it holds a virtual machine that is translated by segments: they, and the addresses behind them.
    pub(crate) behind: Option<Behind>,
    /// Whether it may hold one.
    pub(crate) may_be_behind: bool,
    /// The part that registers translate in place of the table.
    pub(crate) direct: Option<DirectSegment>,
    /// Where the next area ends that is put below the last one.
    pub(crate) next_end: u64,
    /// Below which all areas lie.
    areas_end: u64,
}

/// What a block of 2M holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    Nothing,
    Huge,
    Base,
}

impl<U: Space, L: Space> AddressSpace<U, L> {
    pub(crate) fn new(table: Table<U, X86, SimulatedMemory<L>>, areas_end: u64) -> Self {
        Self {
            table,
            areas: BTreeMap::new(),
            mapped: Mapped::default(),
            behind: None,
            may_be_behind: false,
            direct: None,
            next_end: areas_end,
            areas_end,
        }
    }

    /// Below which all areas lie.
    pub(crate) const fn areas_end(&self) -> u64 {
        self.areas_end
    }

    /// The area that holds an address.
    pub fn area(&self, addr: Addr<U>) -> Option<&Area<U>> {
        let (_, area) = self.areas.range(..=addr.get()).next_back()?;
        area.contains(addr).then_some(area)
    }

    /// The areas, by address.
    pub fn areas(&self) -> impl Iterator<Item = &Area<U>> {
        self.areas.values()
    }

    /// Leaves by size.
    pub const fn mapped(&self) -> Mapped {
        self.mapped
    }

    /// The leaf that maps an address.
    pub fn leaf(&self, addr: Addr<U>) -> Option<Leaf<U, L>> {
        self.table.lookup(addr)
    }

    /// Whether an area can be put there.
    pub(crate) fn is_free(&self, start: u64, bytes: u64) -> bool {
        let Some(end) = start.checked_add(bytes) else { return false };
        self.areas.range(..end).next_back().is_none_or(|(_, area)| area.end() <= start)
    }

    /// Whether a part of a page is in a segment: it stays where it is.
    pub(crate) fn is_pinned(&self, page: Page<U>) -> bool {
        let (start, bytes) = (page.start().get(), page.size().bytes());
        self.behind.as_ref().is_some_and(|behind| behind.overlaps(start, bytes))
            || self.is_direct(start, bytes)
    }

    /// Whether a part of a range is in its direct segment.
    pub(crate) fn is_direct(&self, start: u64, bytes: u64) -> bool {
        self.direct.is_some_and(|segment| {
            let first = segment.start.get();
            start < first + segment.bytes.get() && first < start.saturating_add(bytes)
        })
    }

    /// What the 2M block around an address holds.
    pub(crate) fn held(&self, addr: Addr<U>) -> Held {
        match self.table.probe(addr) {
            Ok(leaf) if leaf.page.size() == PageSize::Size4K => Held::Base,
            Ok(_) => Held::Huge,
            Err(1) => Held::Base,
            Err(_) => Held::Nothing,
        }
    }

    /// The base pages of a 2M block that are present, in order.
    pub(crate) fn base_pages(&self, block: Page<U>) -> impl Iterator<Item = Leaf<U, L>> {
        self.table.leaves(block.into())
    }

    /// What areas hold in all.
    pub fn size(&self) -> Bytes {
        self.areas.values().map(|area| area.bytes).sum()
    }
}
