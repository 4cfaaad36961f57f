//! What lies below the first dimension (MODEL.md, "The walk" and the sections on guest-physical addresses).

use terrace_addr::{AccessKind, Addr, Gpa, Hpa, PageSize, Space};
use terrace_table::{Ept, SimulatedMemory, Table};

use super::{Fault, Mmu};
use crate::Segment;
use crate::nested_tlb::Placed;
use crate::rights::Rights;

/// How addresses that page tables hold become final ones.
pub(super) trait Below<S: Space> {
    /// Where the entry at `addr` of a table of `level` is.
    fn place_entry(&mut self, mmu: &mut Mmu<'_>, addr: Addr<S>, level: u32) -> Result<Placed, Fault>;

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

    /// Where the page of `addr` is now, if it is somewhere, whatever it may be used for.
    fn find(&self, addr: Addr<S>) -> Option<Addr<Hpa>>;
}

/// Nothing: addresses are final, and nothing limits a page's size or its use.
pub(super) struct Nothing;

impl Below<Hpa> for Nothing {
    fn find(&self, addr: Addr<Hpa>) -> Option<Addr<Hpa>> {
        Some(addr)
    }

    fn place_entry(&mut self, _: &mut Mmu<'_>, addr: Addr<Hpa>, _: u32) -> Result<Placed, Fault> {
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

impl Host<'_> {
    /// Where `addr` is as EPT's entries say now, and what they allow, dirty bits apart.
    fn says(&self, addr: Addr<Gpa>) -> Option<Placed> {
        let leaf = self.0.lookup(addr)?;
        let entries = self.0.path(addr).map(|step| Rights::of_entry::<Ept>(step.entry));
        let rights = entries.fold(Rights::ALL, Rights::and);
        Some(Placed { addr: leaf.translate(addr), size: leaf.page.size(), rights })
    }
}

impl Below<Gpa> for Host<'_> {
    fn find(&self, addr: Addr<Gpa>) -> Option<Addr<Hpa>> {
        Some(self.says(addr)?.addr)
    }

    /// "A switch level": a composed table has already led there, if EPT lets it.
    fn place_entry(&mut self, mmu: &mut Mmu<'_>, addr: Addr<Gpa>, level: u32) -> Result<Placed, Fault> {
        let kind = if mmu.keeps.second { AccessKind::Store } else { AccessKind::Load };
        if mmu.switch_level.is_some_and(|switch_level| level >= switch_level)
            && let Some(placed) = self.says(addr)
            && placed.rights.allow(kind)
        {
            return Ok(placed);
        }
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

/// One segment or several, by where each begins in guest-physical memory.
pub(super) struct Segments(pub(super) Vec<Segment>);

impl Segments {
    /// Where `addr` is, if the page of `page` bytes around it lies inside the segment that it belongs to: the last one
    /// that begins at the address or below.
    fn place(&self, addr: Addr<Gpa>, page: PageSize) -> Result<Placed, Fault> {
        let begins = |segment: &&Segment| segment.start.get() <= addr.get();
        let violation = Fault::Segment { addr };
        let Some(&Segment { start, base, size }) = self.0.iter().rfind(begins) else { return Err(violation) };
        let page_start = addr.align_down(page).get();
        let inside = page_start >= start.get()
            && page.bytes() <= size.get()
            && page_start - start.get() <= size.get() - page.bytes();
        if !inside {
            return Err(violation);
        }
        let apart = u128::from(base.get()) + (1 << 64) - u128::from(start.get());
        let divides = |size: &PageSize| apart.is_multiple_of(u128::from(size.bytes()));
        let size = PageSize::ALL.into_iter().rev().find(divides).expect("both are multiples of 4 KiB");
        Ok(Placed { addr: base.offset_by(addr.get() - start.get()), size, rights: Rights::ALL })
    }
}

impl Below<Gpa> for Segments {
    fn find(&self, addr: Addr<Gpa>) -> Option<Addr<Hpa>> {
        Some(self.place(addr, PageSize::Size4K).ok()?.addr)
    }

    fn place_entry(&mut self, _: &mut Mmu<'_>, addr: Addr<Gpa>, _: u32) -> Result<Placed, Fault> {
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
        let table = table.get();
        let page = PageSize::Size4K.bytes();
        let holds = |segment: &Segment| {
            let (base, size) = (segment.base.get(), segment.size.get());
            table >= base && page <= size && table - base <= size - page
        };
        if self.0.iter().any(holds) {
            return Ok(());
        }
        // Physical addresses have 52 bits.
        let base = self.0[0].base.get();
        Err(Fault::Segment { addr: Addr::truncate((table + offset).wrapping_sub(base)) })
    }
}
