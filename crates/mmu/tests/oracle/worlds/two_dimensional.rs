//! A guest on EPT.

use terrace_addr::{Gpa, Gva, Hpa, PageSize, VirtualWidth};
use terrace_mmu::{Cause, Extended, Fault, Stack};
use terrace_oracle::{Tables, Tag};
use terrace_table::{Ept, Format, X86};

use super::{GUEST_FRAMES, HOST_FRAMES, Mended, World, frees, guest_frames, guest_physical};
use crate::both::address;
use crate::case::Setting;
use crate::history::{Change, Layer, Mend, Place};
use crate::tables::{Copies, levels};

pub(crate) struct TwoDimensional {
    ours: Stack<Extended>,
    guest: Copies<Gva, X86, Gpa>,
    host: Copies<Gpa, Ept, Hpa>,
}

impl World for TwoDimensional {
    type Below = Extended;

    fn new(setting: &Setting) -> Self {
        let (first, guest) = Copies::new(X86::new(levels(setting.machine.paging.levels)));
        let (table, host) = Copies::new(Ept::new(levels(setting.machine.paging.ept_levels)));
        Self { ours: Stack { first, below: table }, guest, host }
    }

    fn tag(pcid: u16, vpid: u16, root: u16) -> Tag {
        Tag { pcid, vpid, root }
    }

    fn width(&self) -> VirtualWidth {
        self.ours.first.format().levels().width()
    }

    fn tables(&mut self) -> (&mut Stack<Extended>, Tables<'_>) {
        let (guest, host) = (&mut self.guest.theirs, &mut self.host.theirs);
        (&mut self.ours, Tables::TwoDimensional { guest, host })
    }

    fn mend(&mut self, fault: Fault, mend: Mend) -> Result<Mended, String> {
        let Stack { first, below: table } = &mut self.ours;
        let [page, host_page, _] = mend.pages;
        let [flags, host_flags, _] = mend.flags;
        match fault {
            Fault::Page { addr, cause: Cause::NotPresent } if first.covers(addr) => {
                Ok(Mended::reset_if(self.guest.map(first, addr, page, guest_frames(mend), flags)))
            }
            Fault::Extended { addr, cause: Cause::NotPresent, .. } if table.covers(addr) => {
                Ok(Mended::reset_if(self.host.map(table, addr, host_page, HOST_FRAMES, host_flags)))
            }
            Fault::Page { addr, cause: Cause::Protection } if mend.allow => {
                self.guest.allow(first, addr)?;
                Ok(Mended::Yes)
            }
            Fault::Extended { addr, cause: Cause::Protection, .. } if mend.allow => {
                self.host.allow(table, addr)?;
                Ok(Mended::Yes)
            }
            _ => Ok(Mended::No),
        }
    }

    fn change(&mut self, layer: Layer, at: Place, page: PageSize, change: Change) -> Result<Mended, String> {
        if layer == Layer::First {
            let addr = address(at, self.width());
            self.guest.change(&mut self.ours.first, addr, page, change)?;
        } else {
            let addr = guest_physical(at, GUEST_FRAMES);
            self.host.change(&mut self.ours.below, addr, page, change)?;
        }
        Ok(Mended::reset_if(frees(change)))
    }

    fn equal(&self) -> Result<(), String> {
        self.guest.equal(&self.ours.first)?;
        self.host.equal(&self.ours.below)
    }
}
