//! A guest whose page tables are shadowed: the processor walks composed tables.

use std::collections::BTreeMap;

use terrace_addr::{AccessKind, Gpa, Hpa, Hva, Span};
use terrace_kernel::{Shadow, Stale, Synchronised, Vm};
use terrace_mmu::Fault;
use terrace_policy::{Role, SpaceId};
use terrace_table::{Levels, X86};

use super::{End, Guest, LayerState, ShadowTable, at, bill_trap, note_decisions, page_of};
use crate::run::bill::{Bill, Exit, Flush};

/// So many pages are invalidated one by one; more, by a MOV to CR3 (`tlb_single_page_flush_ceiling` in
/// arch/x86/mm/tlb.c).
pub(crate) const FLUSH_CEILING: u64 = 33;

/// A guest whose page tables are shadowed.
#[derive(Debug, Clone)]
pub(crate) struct Shadowed {
    pub(crate) guest: Guest,
    /// Its memory; the extended page table is not walked.
    pub(crate) vm: Vm<Gpa, Hpa>,
    pub(crate) shadows: BTreeMap<SpaceId, ShadowTable>,
    pub(crate) levels: Levels,
}

impl Shadowed {
    pub(super) fn begin_space(&mut self, host: &mut LayerState<Hva, Hpa>, space: SpaceId) -> Result<(), End> {
        let shadow = at(Role::Host, Shadow::new(&mut host.kernel, X86::new(self.levels)))?;
        self.shadows.insert(space, shadow);
        Ok(())
    }

    /// Every page fault comes to the hypervisor, which composes what it can and gives the guest the rest.
    pub(super) fn serve(
        &mut self,
        host: &mut LayerState<Hva, Hpa>,
        space: SpaceId,
        fault: Fault,
        kind: AccessKind,
        bill: &mut Bill,
    ) -> Result<(), End> {
        let addr = page_of(fault);
        bill.exit(Exit::PageFault);
        let Self { guest, vm, shadows, .. } = self;
        let (Some(shadow), Some(place)) = (shadows.get_mut(&space), guest.kernel.space_mut(space)) else {
            return Err(End::Program(addr));
        };
        let LayerState { kernel, policy, .. } = host;
        let served = shadow.violation(kernel, policy.as_mut(), &mut place.table, vm, addr, kind);
        match at(Role::Host, served)? {
            Synchronised::Mapped(_) => Ok(()),
            Synchronised::Outside => Err(End::Outside(addr.get())),
            Synchronised::Reflect => {
                at(Role::Guest, guest.kernel.fault(guest.policy.as_mut(), space, addr, kind))?;
                Ok(())
            }
        }
    }

    pub(super) fn settle(
        &mut self,
        host: &mut LayerState<Hva, Hpa>,
        number: usize,
        bill: &mut Bill,
    ) -> Result<(), End> {
        let Self { guest, vm, shadows, .. } = self;
        let pending = std::mem::take(guest.kernel.pending());
        bill.work(Role::Guest, &pending);
        note_decisions(&pending, bill);
        for &span in &pending.touched {
            back(vm, host, span, bill)?;
        }
        for written in &pending.written {
            if let Some(shadow) = shadows.get_mut(&written.space) {
                bill_trap(shadow.written(written.addr, written.level), bill);
            }
        }
        for stale in &pending.stale {
            let Some(shadow) = shadows.get_mut(&stale.space) else { continue };
            let Some(place) = guest.kernel.space(stale.space) else {
                shadow.clear(&mut host.kernel);
                continue;
            };
            if stale.pages() > FLUSH_CEILING {
                bill.exit(Exit::CrAccess);
                shadow.synchronise(&host.kernel, &place.table, vm);
            } else {
                for addr in stale.addresses() {
                    bill.exit(Exit::Invlpg);
                    shadow.synchronise_address(&host.kernel, &place.table, vm, addr);
                }
            }
            bill.flushes.push(Flush::Space { vm: number, stale: *stale });
        }
        self.settle_shadows(number, bill);
        Ok(())
    }

    pub(super) fn host_changed(&mut self, number: usize, span: Span<Hva>, bill: &mut Bill) {
        if let Some(span) = self.vm.guest_span(span) {
            for shadow in self.shadows.values_mut() {
                shadow.lower_changed(span);
            }
        }
        self.settle_shadows(number, bill);
    }

    pub(super) fn settle_shadows(&mut self, number: usize, bill: &mut Bill) {
        self.vm.settle();
        for (&space, shadow) in &mut self.shadows {
            for span in shadow.take_stale() {
                bill.flushes.push(Flush::Space { vm: number, stale: Stale::entry(space, span) });
            }
        }
    }

    /// A CPU loads another table: what may be stale is compared.
    pub(crate) fn load(
        &mut self,
        host: &mut LayerState<Hva, Hpa>,
        number: usize,
        space: SpaceId,
        bill: &mut Bill,
    ) {
        bill.exit(Exit::CrAccess);
        if let (Some(shadow), Some(place)) = (self.shadows.get_mut(&space), self.guest.kernel.space(space)) {
            shadow.synchronise(&host.kernel, &place.table, &self.vm);
        }
        self.settle_shadows(number, bill);
    }
}

/// Backs what the guest's kernel touched itself: its own page faults come to the hypervisor, too.
fn back(
    vm: &mut Vm<Gpa, Hpa>,
    host: &mut LayerState<Hva, Hpa>,
    span: Span<Gpa>,
    bill: &mut Bill,
) -> Result<(), End> {
    let end = span.start.get() + span.bytes;
    let mut next = span.start.get();
    while next < end {
        let addr = terrace_addr::Addr::<Gpa>::truncate(next);
        let page = if let Some(backed) = vm.backing(&host.kernel, addr) {
            backed.page
        } else {
            bill.exit(Exit::PageFault);
            let LayerState { kernel, policy, .. } = host;
            let backed = vm.back(kernel, policy.as_mut(), addr, AccessKind::Store);
            at(Role::Host, backed)?.map_err(|_| End::Outside(next))?.page
        };
        next = page.start().get() + page.size().bytes();
    }
    Ok(())
}
