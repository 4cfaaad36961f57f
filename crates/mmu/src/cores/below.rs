//! What lies below the first dimension, as the walker uses it.

use terrace_addr::{AccessKind, Addr, Gpa, Hpa, PageSize, Space};
use terrace_raw::vector::Vector;

use super::nested::NestedStructures;
use super::references::References;
use crate::log::Log;
use crate::segment::Blocks;
use crate::translation::{Allows, Packed};
use crate::watch::{Step, Watch};
use crate::{Fault, Identity};

/// What the second dimension has to work with during one walk.
pub struct Nested<'a, 'b, 'h, V, W> {
    pub(super) structures: &'a mut NestedStructures,
    pub(super) references: &'a mut References<'b, 'h, V, W>,
    /// The tag of guest-physical entries.
    pub(super) guest: u16,
    pub(super) log: &'a mut Option<Log>,
}

/// The final place of an address.
#[derive(Debug, Clone, Copy)]
pub struct Found {
    /// Its 4 KiB frame in memory, and what that allows.
    pub(super) packed: Packed,
    /// The size of the page there.
    pub(super) size: PageSize,
}

/// The walker's side of [`Below`](crate::Below).
pub trait Translate<L: Space> {
    /// What reading a table of the first dimension counts as.
    fn table_access(nested: &NestedStructures) -> AccessKind;

    /// Translates the address of an entry or of data to its 4 KiB frame. `page` is the size of the page around it in
    /// the first dimension; 4K for an entry.
    fn translate<V: Vector, W: Watch>(
        &mut self,
        nested: &mut Nested<'_, '_, '_, V, W>,
        addr: Addr<L>,
        kind: AccessKind,
        page: PageSize,
    ) -> Result<Found, Fault>;

    /// Where the table of `level` at `addr` is, if a composed entry leads to it.
    #[inline(always)]
    fn composed(&self, _: &NestedStructures, _: u32, _: Addr<L>) -> Option<Found> {
        None
    }

    /// Where the page of the table at `addr` is in memory, whatever may be done there.
    fn known(&self, addr: Addr<L>) -> Option<Addr<Hpa>>;

    /// Checks that an entry of the first dimension may be read from its place in memory.
    #[inline(always)]
    fn check(&self, _: Addr<Hpa>) -> Result<(), Fault> {
        Ok(())
    }

    /// The fault of setting bits of an entry at `addr` where stores are not allowed.
    fn table_violation(addr: Addr<L>) -> Fault;
}

impl Translate<Hpa> for Identity {
    #[inline(always)]
    fn table_access(_: &NestedStructures) -> AccessKind {
        AccessKind::Load
    }

    #[inline(always)]
    fn translate<V: Vector, W: Watch>(
        &mut self,
        _: &mut Nested<'_, '_, '_, V, W>,
        addr: Addr<Hpa>,
        _: AccessKind,
        _: PageSize,
    ) -> Result<Found, Fault> {
        let packed = Packed::new(addr.align_down(PageSize::Size4K), Allows::EVERYTHING);
        Ok(Found { packed, size: PageSize::Size1G })
    }

    #[inline(always)]
    fn known(&self, addr: Addr<Hpa>) -> Option<Addr<Hpa>> {
        Some(addr)
    }

    fn table_violation(_: Addr<Hpa>) -> Fault {
        unreachable!("memory allows everything")
    }
}

impl<S: Blocks> Translate<Gpa> for S {
    #[inline(always)]
    fn table_access(_: &NestedStructures) -> AccessKind {
        AccessKind::Load
    }

    #[inline(always)]
    fn translate<V: Vector, W: Watch>(
        &mut self,
        nested: &mut Nested<'_, '_, '_, V, W>,
        addr: Addr<Gpa>,
        _: AccessKind,
        page: PageSize,
    ) -> Result<Found, Fault> {
        let (found, size) = self.place_page(addr, page).ok_or(Fault::Segment { addr })?;
        if W::WATCHES {
            nested.references.watch.note(Step::Segment { addr, found });
        }
        let packed = Packed::new(found.align_down(PageSize::Size4K), Allows::EVERYTHING);
        Ok(Found { packed, size })
    }

    #[inline(always)]
    fn check(&self, at: Addr<Hpa>) -> Result<(), Fault> {
        if self.holds_table(at.align_down(PageSize::Size4K)) {
            Ok(())
        } else {
            Err(Fault::Segment { addr: Addr::truncate(at.get().wrapping_sub(self.first_base().get())) })
        }
    }

    #[inline(always)]
    fn known(&self, addr: Addr<Gpa>) -> Option<Addr<Hpa>> {
        Some(self.place_page(addr, PageSize::Size4K)?.0)
    }

    fn table_violation(_: Addr<Gpa>) -> Fault {
        unreachable!("a segment allows everything")
    }
}
