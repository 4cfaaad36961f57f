//! The end of a chain above a table that the hardware walks.

use terrace_addr::{Addr, Ghpa, Gpa, Page, PageSize};
use terrace_table::{Leaf, LeafFlags};

use super::MapError;
use super::chain::{Chain, Lower};
use super::frames::Frames;

/// The guest hypervisor's memory where the hardware walks the host's table below it: the chain above ends
/// here, and the chain `host` backs what it uses.
///
/// The guest hypervisor (GHPA) then is what the hardware takes for the guest, so the hardware knows its
/// addresses as guest-physical ones. This type is the only place where one becomes the other.
pub(super) struct HardwareGuest<C> {
    pub(super) host: C,
}

/// An address of the guest hypervisor's memory as the hardware names it.
const fn as_guest_physical(addr: Addr<Ghpa>) -> Addr<Gpa> {
    addr.reinterpret()
}

impl<C: Chain<Upper = Gpa>> Lower<Ghpa> for HardwareGuest<C> {
    type Bottom = Gpa;

    fn back(&mut self, start: Addr<Ghpa>, size: PageSize) -> Result<(), MapError> {
        self.host.back(as_guest_physical(start), size)
    }

    fn leaf(&mut self, addr: Addr<Ghpa>) -> Result<Leaf<Ghpa, Gpa>, MapError> {
        let page = Page::containing(addr, PageSize::Size1G);
        Ok(Leaf { page, frame: as_guest_physical(page.start()), flags: LeafFlags::PERMISSIONS })
    }

    fn take_table(&mut self, frames: &mut Frames<Ghpa>) -> Result<Addr<Gpa>, MapError> {
        let table = frames.take_table()?;
        self.back(table, PageSize::Size4K)?;
        Ok(as_guest_physical(table))
    }
}
