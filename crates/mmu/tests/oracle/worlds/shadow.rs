//! Shadow paging: the guest's table and the host's are software's, walks go through one that is composed of them.

use terrace_addr::{Addr, Gpa, Gva, Hpa, PageSize, VirtualWidth};
use terrace_mmu::{Cause, Fault, Identity, Stack};
use terrace_oracle::{Tables, Tag};
use terrace_table::{Ept, Format, X86, compose};

use super::{GUEST_FRAMES, HOST_FRAMES, Mended, World, by_hand, frees, guest_frames, guest_physical};
use crate::both::address;
use crate::case::Setting;
use crate::history::{Change, Layer, Mend, Place};
use crate::tables::{Copies, Software, levels};

pub(crate) struct Shadow {
    guest: Software<Gva, X86, Gpa>,
    host: Software<Gpa, Ept, Hpa>,
    ours: Stack<Identity>,
    composed: Copies<Gva, X86, Hpa>,
}

impl World for Shadow {
    type Below = Identity;
    const NEVER_STALE: bool = true;

    fn new(setting: &Setting) -> Self {
        let format = X86::new(levels(setting.machine.paging.levels));
        let host = Software::new(Ept::new(levels(setting.machine.paging.ept_levels)));
        let (first, composed) = Copies::new(format);
        Self { guest: Software::new(format), host, ours: Stack { first, below: Identity }, composed }
    }

    fn tag(pcid: u16, vpid: u16, _: u16) -> Tag {
        Tag { pcid, vpid, root: 0 }
    }

    fn width(&self) -> VirtualWidth {
        self.ours.first.format().levels().width()
    }

    fn tables(&mut self) -> (&mut Stack<Identity>, Tables<'_>) {
        (&mut self.ours, Tables::Native(&mut self.composed.theirs))
    }

    fn mend(&mut self, fault: Fault, mend: Mend) -> Result<Mended, String> {
        let first = &mut self.ours.first;
        match fault {
            Fault::Page { addr, cause: Cause::NotPresent } => {
                let Some(upper) = self.guest.leaf(addr, mend.pages[0], guest_frames(mend), mend.flags[0])
                else {
                    return Ok(Mended::No);
                };
                let middle = upper.translate(addr);
                let Some(lower) = self.host.leaf(middle, mend.pages[1], HOST_FRAMES, mend.flags[1]) else {
                    return Ok(Mended::No);
                };
                Ok(Mended::reset_if(self.composed.map_leaf(first, addr, compose(addr, upper, lower))))
            }
            Fault::Page { addr, cause: Cause::Protection } if mend.allow => {
                self.composed.allow(first, addr)?;
                Ok(Mended::Yes)
            }
            _ => Ok(Mended::No),
        }
    }

    fn change(&mut self, layer: Layer, at: Place, page: PageSize, change: Change) -> Result<Mended, String> {
        let addr = address(at, self.width());
        let stale = match layer {
            Layer::First => self.guest.change(addr, page, change),
            Layer::Second => self.host.change(guest_physical(at, GUEST_FRAMES), page, change),
            // Nothing that is still mapped goes elsewhere.
            Layer::Third | Layer::Composed => {
                self.composed.change(&mut self.ours.first, addr, page, change)?;
                return Ok(Mended::reset_if(frees(change)));
            }
        };
        if stale {
            self.composed.clear(&mut self.ours.first);
        }
        Ok(Mended::reset_if(stale))
    }

    fn equal(&self) -> Result<(), String> {
        self.composed.equal(&self.ours.first)
    }

    fn check(&self, va: Addr<Gva>, direct: Option<u64>, addr: Addr<Hpa>) -> Result<(), String> {
        let by_tables = self.guest.translate(va).and_then(|middle| self.host.translate(middle));
        by_hand(va, [direct.map(Addr::new), by_tables], addr)
    }
}
