//! What lies below the first dimension (MODEL.md, "The walk" and the sections on guest-physical addresses).

use terrace_addr::{AccessKind, Addr, Bytes, Gpa, Hpa, PageSize, Space};
use terrace_table::{Ept, SimulatedMemory, Table};

use super::{Fault, Mmu};
use crate::nested_tlb::Placed;
use crate::rights::Rights;

/// How addresses that page tables hold become final ones.
pub(super) trait Below<S: Space> {
    /// Where the table entry at `addr` is.
    fn place_entry(&mut self, mmu: &mut Mmu<'_>, addr: Addr<S>) -> Result<Placed, Fault>;

    /// Where the data at `addr` is, in a leaf of the size `leaf`, for an access of `kind`.
    fn place_data(
        &mut self,
        mmu: &mut Mmu<'_>,
        addr: Addr<S>,
        leaf: PageSize,
        kind: AccessKind,
    ) -> Result<Placed, Fault>;

    /// Whether the entry at `offset` in the table at `table`, a final address, may be read.
    fn check_read(&self, _table: Addr<Hpa>, _offset: u64) -> Result<(), Fault> {
        Ok(())
    }
}

/// Nothing: addresses are final, and nothing limits a page's size or its use.
pub(super) struct Nothing;

impl Below<Hpa> for Nothing {
    fn place_entry(&mut self, _: &mut Mmu<'_>, addr: Addr<Hpa>) -> Result<Placed, Fault> {
        Ok(Placed { addr, size: PageSize::Size1G, rights: Rights::ALL })
    }

    fn place_data(
        &mut self,
        _: &mut Mmu<'_>,
        addr: Addr<Hpa>,
        _: PageSize,
        _: AccessKind,
    ) -> Result<Placed, Fault> {
        Ok(Placed { addr, size: PageSize::Size1G, rights: Rights::ALL })
    }
}

/// EPT.
pub(super) struct Host<'a>(pub(super) &'a mut Table<Gpa, Ept, SimulatedMemory<Hpa>>);

impl Below<Gpa> for Host<'_> {
    fn place_entry(&mut self, mmu: &mut Mmu<'_>, addr: Addr<Gpa>) -> Result<Placed, Fault> {
        let kind = if mmu.keeps.second { AccessKind::Store } else { AccessKind::Load };
        mmu.translate_nested(self.0, addr, kind)
    }

    fn place_data(
        &mut self,
        mmu: &mut Mmu<'_>,
        addr: Addr<Gpa>,
        _: PageSize,
        kind: AccessKind,
    ) -> Result<Placed, Fault> {
        mmu.translate_nested(self.0, addr, kind)
    }
}

/// A segment.
pub(super) struct Segment {
    pub(super) base: Addr<Hpa>,
    pub(super) size: Bytes,
}

impl Segment {
    /// Where `addr` is, if the page of `page` bytes around it lies inside.
    fn place(&self, addr: Addr<Gpa>, page: PageSize) -> Result<Placed, Fault> {
        let start = addr.align_down(page).get();
        let inside = page.bytes() <= self.size.get() && start <= self.size.get() - page.bytes();
        if !inside {
            return Err(Fault::Segment { addr });
        }
        let divides = |size: &PageSize| self.base.get().is_multiple_of(size.bytes());
        let size = PageSize::ALL.into_iter().rev().find(divides).expect("a base is a multiple of 4 KiB");
        Ok(Placed { addr: self.base.offset_by(addr.get()), size, rights: Rights::ALL })
    }
}

impl Below<Gpa> for Segment {
    fn place_entry(&mut self, _: &mut Mmu<'_>, addr: Addr<Gpa>) -> Result<Placed, Fault> {
        self.place(addr, PageSize::Size4K)
    }

    fn place_data(
        &mut self,
        _: &mut Mmu<'_>,
        addr: Addr<Gpa>,
        leaf: PageSize,
        _: AccessKind,
    ) -> Result<Placed, Fault> {
        self.place(addr, leaf)
    }

    fn check_read(&self, table: Addr<Hpa>, offset: u64) -> Result<(), Fault> {
        let (table, base, size) = (table.get(), self.base.get(), self.size.get());
        let page = PageSize::Size4K.bytes();
        if table >= base && page <= size && table - base <= size - page {
            return Ok(());
        }
        // Physical addresses have 52 bits.
        Err(Fault::Segment { addr: Addr::truncate((table + offset).wrapping_sub(base)) })
    }
}
