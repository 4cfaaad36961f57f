//! A guest on an extended page table.

use terrace_addr::{AccessKind, Gpa, Hpa, Hva, Span};
use terrace_kernel::Vm;
use terrace_mmu::Fault;
use terrace_policy::{Role, SpaceId};

use super::{End, Guest, LayerState, at, back_through, note_decisions};
use crate::run::bill::{Bill, Exit, Flush};

/// A guest on an extended page table.
#[derive(Debug)]
pub(crate) struct Extended {
    pub(crate) guest: Guest,
    pub(crate) vm: Vm<Gpa, Hpa>,
}

impl Extended {
    pub(super) fn serve(
        &mut self,
        host: &mut LayerState<Hva, Hpa>,
        space: SpaceId,
        fault: Fault,
        kind: AccessKind,
        bill: &mut Bill,
    ) -> Result<(), End> {
        let Self { guest, vm } = self;
        match fault {
            Fault::Page { addr, .. } => {
                at(Role::Guest, guest.kernel.fault(guest.policy.as_mut(), space, addr, kind))?;
            }
            Fault::Extended { addr, .. } => {
                bill.exit(Exit::EptViolation);
                let LayerState { kernel, policy, .. } = host;
                let served = vm.violation(kernel, policy.as_mut(), addr, kind);
                at(Role::Host, served)?.map_err(|_| End::Outside(addr.get()))?;
            }
            Fault::Segment { .. } | Fault::LogFull { .. } => {
                unreachable!("{fault} without a segment or a log")
            }
        }
        Ok(())
    }

    pub(super) fn settle(
        &mut self,
        host: &mut LayerState<Hva, Hpa>,
        number: usize,
        bill: &mut Bill,
    ) -> Result<(), End> {
        let Self { guest, vm } = self;
        let pending = guest.kernel.pending();
        bill.work(Role::Guest, pending);
        note_decisions(pending, bill);
        for &span in &pending.touched {
            back_through(vm, host, span, bill)?;
        }
        for stale in &pending.stale {
            bill.flushes.push(Flush::Space { vm: number, space: stale.space, span: stale.span });
        }
        pending.clear();
        self.settle_vm(number, bill);
        Ok(())
    }

    pub(super) fn host_changed(&mut self, number: usize, span: Span<Hva>, bill: &mut Bill) {
        self.vm.invalidate(span);
        self.settle_vm(number, bill);
    }

    fn settle_vm(&mut self, number: usize, bill: &mut Bill) {
        if self.vm.settle() {
            bill.flushes.push(Flush::Extended { vm: number });
        }
    }
}
