//! Bare metal.

use terrace_addr::{Gva, Hpa, PageSize, VirtualWidth};
use terrace_mmu::{Cause, Fault, Identity, Stack};
use terrace_oracle::{Tables, Tag};
use terrace_table::{Format, X86};

use super::{GUEST_FRAMES, Mended, World, frees};
use crate::both::address;
use crate::case::Setting;
use crate::history::{Change, Layer, Mend, Place};
use crate::tables::{Copies, levels};

pub(crate) struct Native {
    ours: Stack<Identity>,
    copies: Copies<Gva, X86, Hpa>,
}

impl World for Native {
    type Below = Identity;

    fn new(setting: &Setting) -> Self {
        let (first, copies) = Copies::new(X86::new(levels(setting.machine.paging.levels)));
        Self { ours: Stack { first, below: Identity }, copies }
    }

    fn tag(pcid: u16, _: u16, _: u16) -> Tag {
        Tag { pcid, vpid: 0, root: 0 }
    }

    fn width(&self) -> VirtualWidth {
        self.ours.first.format().levels().width()
    }

    fn tables(&mut self) -> (&mut Stack<Identity>, Tables<'_>) {
        (&mut self.ours, Tables::Native(&mut self.copies.theirs))
    }

    fn mend(&mut self, fault: Fault, mend: Mend) -> Result<Mended, String> {
        let first = &mut self.ours.first;
        match fault {
            Fault::Page { addr, cause: Cause::NotPresent } if first.covers(addr) => {
                Ok(Mended::reset_if(self.copies.map(first, addr, mend.pages[0], GUEST_FRAMES, mend.flags[0])))
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
}
