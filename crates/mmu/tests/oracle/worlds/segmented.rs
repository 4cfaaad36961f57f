//! A guest in a segment, whose base and size change behind the guest's back.

use terrace_addr::{Addr, Bytes, Gpa, Gva, Hpa, PageSize, VirtualWidth};
use terrace_mmu::{Cause, Fault, Segment, Stack};
use terrace_oracle::{Tables, Tag};
use terrace_table::{Format, X86};

use super::{Mended, World, frees};
use crate::both::address;
use crate::case::Setting;
use crate::history::{Change, Layer, Mend, Place};
use crate::tables::{Copies, levels};

pub(crate) struct Segmented {
    ours: Stack<Segment>,
    copies: Copies<Gva, X86, Gpa>,
}

impl World for Segmented {
    type Below = Segment;

    fn new(setting: &Setting) -> Self {
        let (first, copies) = Copies::new(X86::new(levels(setting.machine.paging.levels)));
        let (base, size) = setting.segment;
        Self { ours: Stack { first, below: Segment { base, size } }, copies }
    }

    fn tag(pcid: u16, vpid: u16, _: u16) -> Tag {
        Tag { pcid, vpid, root: 0 }
    }

    fn width(&self) -> VirtualWidth {
        self.ours.first.format().levels().width()
    }

    fn tables(&mut self) -> (&mut Stack<Segment>, Tables<'_>) {
        let Segment { base, size } = self.ours.below;
        (&mut self.ours, Tables::Segment { guest: &mut self.copies.theirs, base, size })
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
        let base = base.unwrap_or(self.ours.below.base);
        self.ours.below = Segment { base, size };
    }
}
