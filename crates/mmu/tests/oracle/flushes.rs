//! Invalidations, in the terms of the engine and of the oracle.

use terrace_addr::{Addr, Gva, PageSize, VirtualWidth};
use terrace_machine::Vendor;
use terrace_mmu::{Amd, Intel, Invalidation, Invlpgb};
use terrace_oracle::Invalidation as Plain;

use crate::draw::Draw;
use crate::history::{Place, Places};

/// What an invalidation is made of, for either vendor.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flush {
    /// Which kind, of 15 of Intel or of 13 of AMD, and a reset.
    number: u64,
    at: Place,
    pcid: u16,
    vpid: u16,
    root: u16,
    tce: bool,
    broadcast: Broadcast,
}

/// What INVLPGB adds.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "the instruction has as many flags")]
struct Broadcast {
    addresses: Option<(PageSize, u32)>,
    pcid: bool,
    asid: bool,
    globals: bool,
    final_only: bool,
    nested: bool,
}

impl Flush {
    pub(crate) fn draw(draw: &mut Draw, places: &Places) -> Self {
        // Some tags that no entry has.
        let [pcid, vpid, root] = [(); 3].map(|()| draw.pick(&[0, 1, 1, 2, 9]));
        let count = match draw.below(50) {
            0 => 1 << 16,
            1..5 => 512 + draw.below(600),
            _ => 1 + draw.below(4),
        };
        let count = u32::try_from(count).unwrap();
        let apart = draw.pick(&[PageSize::Size4K, PageSize::Size2M]);
        let broadcast = Broadcast {
            addresses: draw.percent(60).then_some((apart, count)),
            pcid: draw.percent(50),
            asid: draw.percent(50),
            globals: draw.percent(50),
            final_only: draw.percent(30),
            nested: draw.percent(50),
        };
        let number = draw.below(17);
        Self { number, at: places.draw(draw), pcid, vpid, root, tce: draw.percent(50), broadcast }
    }

    /// For the engine and for the oracle, with addresses for a table of `width`.
    pub(crate) fn of(self, vendor: Vendor, width: VirtualWidth) -> (Invalidation, Plain) {
        let addr = Addr::truncate(self.at.at);
        let addr = if self.at.canonical { addr.canonical(width) } else { addr };
        match vendor {
            _ if self.number == 16 => (Invalidation::Everything, Plain::Everything),
            Vendor::Intel => {
                let (engine, plain) = self.intel(addr);
                (Invalidation::Intel(engine), plain)
            }
            Vendor::Amd => {
                let (engine, plain) = self.amd(addr);
                (Invalidation::Amd(engine), plain)
            }
        }
    }

    fn intel(self, addr: Addr<Gva>) -> (Intel, Plain) {
        let Self { pcid, vpid, root, .. } = self;
        match self.number {
            0 => (Intel::Invlpg(addr), Plain::Invlpg { addr }),
            1 => (Intel::InvpcidAddress { pcid, addr }, Plain::InvpcidAddress { pcid, addr }),
            2 => (Intel::InvpcidContext { pcid }, Plain::InvpcidContext { pcid }),
            3 => (Intel::InvpcidAll, Plain::InvpcidAll),
            4 => (Intel::InvpcidAllButGlobal, Plain::InvpcidAllButGlobal),
            5 => (Intel::MovCr3 { pcid, keep: false }, Plain::MovCr3 { pcid }),
            6 => (Intel::MovCr3 { pcid, keep: true }, Plain::MovCr3Keep),
            7 => (Intel::MovCr4, Plain::MovCr4),
            8 => (Intel::InvvpidAddress { vpid, addr }, Plain::InvvpidAddress { vpid, addr }),
            9 => (Intel::InvvpidContext { vpid }, Plain::InvvpidContext { vpid }),
            10 => (Intel::InvvpidAll, Plain::InvvpidAll),
            11 => (Intel::InvvpidContextButGlobal { vpid }, Plain::InvvpidContextButGlobal { vpid }),
            12 | 15 => (Intel::InveptContext { root }, Plain::InveptContext { root }),
            13 => (Intel::InveptAll, Plain::InveptAll),
            _ => (Intel::VmTransition, Plain::VmTransition),
        }
    }

    fn amd(self, addr: Addr<Gva>) -> (Amd, Plain) {
        let Self { pcid, vpid: asid, tce, .. } = self;
        match self.number {
            0 => (Amd::Invlpg { addr, tce }, Plain::AmdInvlpg { addr, tce }),
            1 => (Amd::InvpcidAddress { pcid, addr, tce }, Plain::AmdInvpcidAddress { pcid, addr, tce }),
            2 => (Amd::InvpcidContext { pcid }, Plain::InvpcidContext { pcid }),
            3 => (Amd::InvpcidAll, Plain::InvpcidAll),
            4 => (Amd::InvpcidAllButGlobal, Plain::InvpcidAllButGlobal),
            5 => (Amd::MovCr3 { pcid, keep: false }, Plain::MovCr3 { pcid }),
            6 => (Amd::MovCr3 { pcid, keep: true }, Plain::MovCr3Keep),
            7 => (Amd::MovCr4, Plain::MovCr4),
            8 => (Amd::Invlpga { asid, addr, tce }, Plain::Invlpga { asid, addr, tce }),
            9 => (Amd::Tlbsync, Plain::Tlbsync),
            10 => (Amd::FlushAll, Plain::FlushAll),
            11 => (Amd::FlushAsid { asid }, Plain::FlushAsid { asid }),
            12 => (Amd::FlushAsidButGlobal { asid }, Plain::FlushAsidButGlobal { asid }),
            // Several times: it has many forms.
            _ => self.invlpgb(addr),
        }
    }

    fn invlpgb(self, addr: Addr<Gva>) -> (Amd, Plain) {
        let Broadcast { addresses, globals, final_only, nested, .. } = self.broadcast;
        let addresses = addresses.map(|(apart, count)| (addr, apart, count));
        let pcid = self.broadcast.pcid.then_some(self.pcid);
        let asid = self.broadcast.asid.then_some(self.vpid);
        let tce = self.tce;
        let engine = Invlpgb { addresses, pcid, asid, globals, final_only, nested, tce };
        (Amd::Invlpgb(engine), Plain::Invlpgb { addresses, pcid, asid, globals, final_only, nested, tce })
    }
}
