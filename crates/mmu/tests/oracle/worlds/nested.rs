//! Nested virtualization: a guest's table is walked, on EPT that software composes of two layers.

use terrace_addr::{Addr, Ghpa, Gpa, Gva, Hpa, PageSize, VirtualWidth};
use terrace_mmu::{Cause, Extended, Fault, Stack};
use terrace_oracle::{Tables, Tag};
use terrace_table::{Ept, Format, X86, compose};

use super::{
    GUEST_FRAMES, HOST_FRAMES, Mended, NESTED_FRAMES, World, by_hand, frees, guest_frames, guest_physical,
};
use crate::both::address;
use crate::case::Setting;
use crate::history::{Change, Layer, Mend, Place};
use crate::tables::{Copies, Software, levels};

pub(crate) struct Nested {
    ours: Stack<Extended>,
    guest: Copies<Gva, X86, Gpa>,
    composed: Copies<Gpa, Ept, Hpa>,
    upper: Software<Gpa, Ept, Ghpa>,
    lower: Software<Ghpa, Ept, Hpa>,
}

impl Nested {
    /// Fills in what the two layers make of `addr`.
    fn compose(&mut self, addr: Addr<Gpa>, mend: Mend) -> Mended {
        let [_, upper_page, lower_page] = mend.pages;
        let [_, upper_flags, lower_flags] = mend.flags;
        let Some(upper) = self.upper.leaf(addr, upper_page, HOST_FRAMES, upper_flags) else {
            return Mended::No;
        };
        let middle = upper.translate(addr);
        let Some(lower) = self.lower.leaf(middle, lower_page, NESTED_FRAMES, lower_flags) else {
            return Mended::No;
        };
        let leaf = compose(addr, upper, lower);
        Mended::reset_if(self.composed.map_leaf(&mut self.ours.below, addr, leaf))
    }
}

impl World for Nested {
    type Below = Extended;
    const NEVER_STALE: bool = true;

    fn new(setting: &Setting) -> Self {
        let format = Ept::new(levels(setting.machine.paging.ept_levels));
        let (first, guest) = Copies::new(X86::new(levels(setting.machine.paging.levels)));
        let (table, composed) = Copies::new(format);
        let (upper, lower) = (Software::new(format), Software::new(format));
        Self { ours: Stack { first, below: table }, guest, composed, upper, lower }
    }

    fn tag(pcid: u16, vpid: u16, root: u16) -> Tag {
        Tag { pcid, vpid, root }
    }

    fn width(&self) -> VirtualWidth {
        self.ours.first.format().levels().width()
    }

    fn tables(&mut self) -> (&mut Stack<Extended>, Tables<'_>) {
        let (guest, host) = (&mut self.guest.theirs, &mut self.composed.theirs);
        (&mut self.ours, Tables::TwoDimensional { guest, host })
    }

    fn mend(&mut self, fault: Fault, mend: Mend) -> Result<Mended, String> {
        let Stack { first, below: table } = &mut self.ours;
        match fault {
            Fault::Page { addr, cause: Cause::NotPresent } if first.covers(addr) => {
                let frames = guest_frames(mend);
                Ok(Mended::reset_if(self.guest.map(first, addr, mend.pages[0], frames, mend.flags[0])))
            }
            Fault::Extended { addr, cause: Cause::NotPresent, .. } => Ok(self.compose(addr, mend)),
            Fault::Page { addr, cause: Cause::Protection } if mend.allow => {
                self.guest.allow(first, addr)?;
                Ok(Mended::Yes)
            }
            Fault::Extended { addr, cause: Cause::Protection, .. } if mend.allow => {
                self.composed.allow(table, addr)?;
                Ok(Mended::Yes)
            }
            _ => Ok(Mended::No),
        }
    }

    fn change(&mut self, layer: Layer, at: Place, page: PageSize, change: Change) -> Result<Mended, String> {
        let stale = match layer {
            Layer::First => {
                let addr = address(at, self.width());
                return Ok(Mended::reset_if(self.guest.change(&mut self.ours.first, addr, page, change)?));
            }
            Layer::Second => self.upper.change(guest_physical(at, GUEST_FRAMES), page, change),
            Layer::Third => self.lower.change(guest_physical(at, HOST_FRAMES), page, change),
            // Nothing that is still mapped goes elsewhere.
            Layer::Composed => {
                let addr = guest_physical(at, GUEST_FRAMES);
                self.composed.change(&mut self.ours.below, addr, page, change)?;
                return Ok(Mended::reset_if(frees(change)));
            }
        };
        if stale {
            self.composed.clear(&mut self.ours.below);
        }
        Ok(Mended::reset_if(stale))
    }

    fn equal(&self) -> Result<(), String> {
        self.guest.equal(&self.ours.first)?;
        self.composed.equal(&self.ours.below)
    }

    fn check(&self, va: Addr<Gva>, direct: Option<u64>, addr: Addr<Hpa>) -> Result<(), String> {
        let physical = [direct.map(Addr::new), self.guest.theirs.lookup(va).map(|leaf| leaf.translate(va))];
        let below = |physical| self.lower.translate(self.upper.translate(physical)?);
        by_hand(va, physical.map(|physical| physical.and_then(below)), addr)
    }
}
