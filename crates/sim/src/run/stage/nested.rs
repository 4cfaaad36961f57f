//! A guest on a guest hypervisor: EPT-on-EPT. The processor walks the guest's table and EPT02, which the host composes
//! of the guest hypervisor's EPT12 and its own mapping.

use terrace_addr::{AccessKind, Addr, Ghpa, Gpa, Hpa, Hva, Page, PageSize, Span};
use terrace_kernel::{Join, Synchronised, Trap, Vm};
use terrace_mmu::Fault;
use terrace_policy::{Abilities, Event, Role, SpaceId};

use super::{End, Guest, LayerState, NestedTable, at, back_through, bill_trap, note_decisions};
use crate::run::bill::{Bill, Exit, Flush};
use crate::run::happened::Happened;

/// A guest on a guest hypervisor.
#[derive(Debug, Clone)]
pub(crate) struct Nested {
    /// L2's kernel.
    pub(crate) guest: Guest,
    /// L1's.
    pub(crate) hypervisor: LayerState<Hva, Ghpa>,
    /// L2 at L1, with EPT12.
    pub(crate) inner: Vm<Gpa, Ghpa>,
    /// L1 at L0, with EPT01, through which L1's own accesses go.
    pub(crate) outer: Vm<Ghpa, Hpa>,
    /// EPT02.
    pub(crate) shadow: NestedTable,
}

/// A violation is served after so many rounds: L0 finds nothing in EPT12, L1 maps it, L0 composes. A round more where
/// the leaf in EPT12 has to become dirty.
const ROUNDS: u32 = 4;

impl Nested {
    pub(super) fn serve(
        &mut self,
        host: &mut LayerState<Hva, Hpa>,
        space: SpaceId,
        fault: Fault,
        kind: AccessKind,
        bill: &mut Bill,
    ) -> Result<(), End> {
        match fault {
            // L2's page faults are its own: neither L0 nor L1 intercepts them.
            Fault::Page { addr, .. } => {
                let guest = &mut self.guest;
                at(Role::Guest, guest.kernel.fault(guest.policy.as_mut(), space, addr, kind))?;
                Ok(())
            }
            // The program's access, or the walk's own to a table of the guest.
            Fault::Extended { addr, kind, .. } => self.violation(host, addr, kind, bill),
            Fault::Segment { .. } | Fault::LogFull { .. } => {
                unreachable!("{fault} without a segment or a log")
            }
        }
    }

    /// A violation of EPT02.
    fn violation(
        &mut self,
        host: &mut LayerState<Hva, Hpa>,
        addr: Addr<Gpa>,
        kind: AccessKind,
        bill: &mut Bill,
    ) -> Result<(), End> {
        for _ in 0..ROUNDS {
            bill.exit(Exit::EptViolation);
            let Self { inner, outer, shadow, hypervisor, .. } = self;
            let LayerState { kernel, policy, .. } = host;
            let composed = shadow.violation(kernel, policy.as_mut(), &mut inner.ept, outer, addr, kind);
            match at(Role::Host, composed)? {
                Synchronised::Mapped(_) => return Ok(()),
                Synchronised::Outside => return Err(End::Outside(addr.get())),
                Synchronised::Reflect => {
                    bill.exit(Exit::Nested);
                    let LayerState { kernel, policy, .. } = hypervisor;
                    let served = inner.violation(kernel, policy.as_mut(), addr, kind);
                    at(Role::Hypervisor, served)?.map_err(|_| End::Outside(addr.get()))?;
                    self.settle_hypervisor(host, bill)?;
                }
            }
        }
        Err(End::Outside(addr.get()))
    }

    pub(super) fn settle(
        &mut self,
        host: &mut LayerState<Hva, Hpa>,
        number: usize,
        bill: &mut Bill,
    ) -> Result<(), End> {
        let pending = std::mem::take(self.guest.kernel.pending());
        bill.work(Role::Guest, &pending);
        note_decisions(&pending, bill);
        for span in &pending.touched {
            let end = span.start.get() + span.bytes;
            let mut next = span.start.get();
            while next < end {
                let addr = Addr::<Gpa>::truncate(next);
                let mut leaf = self.shadow.table.lookup(addr);
                if leaf.is_none() {
                    self.violation(host, addr, AccessKind::Store, bill)?;
                    leaf = self.shadow.table.lookup(addr);
                }
                next = leaf.map_or(next + 4096, |leaf| leaf.page.start().get() + leaf.page.size().bytes());
            }
        }
        for stale in &pending.stale {
            bill.flushes.push(Flush::Space { vm: number, stale: *stale });
        }
        self.settle_hypervisor(host, bill)?;
        self.settle_host(host, number, bill);
        Ok(())
    }

    /// What the host has left to be done here: the pages that its policy asks to join, after what it moved, and what
    /// is joined no longer.
    pub(super) fn settle_host(&mut self, host: &mut LayerState<Hva, Hpa>, number: usize, bill: &mut Bill) {
        if !host.kernel.pending().stale.is_empty() && host.policy.requires().contains(Abilities::NESTED) {
            self.follow_host(host);
        }
        let Self { inner, outer, shadow, .. } = self;
        let space = outer.space();
        for page in shadow.take_parted() {
            host.kernel.tell(Event::Parted { space, nested: page.start().get() });
        }
        let own = |join: &mut Join| join.space == space;
        let asked: Vec<_> = host.kernel.pending().joins.extract_if(.., own).map(|join| join.nested).collect();
        for nested in asked {
            let start = Addr::<Gpa>::try_new(nested).ok();
            let page = start.and_then(|start| Page::from_start(start, PageSize::Size2M));
            let kernel = &mut host.kernel;
            let joined = page.is_some_and(|page| shadow.join(kernel, &inner.ept, outer, page).is_ok());
            kernel.tell(Event::Joined { space, nested, joined });
        }
        self.settle_shadow(number, bill);
    }

    /// What the host moved for its policy leaves EPT01 and EPT02. It looks before it removes: what it has composed since
    /// it moved the page stays, which saves the nested guest a second exit.
    fn follow_host(&mut self, host: &mut LayerState<Hva, Hpa>) {
        let Self { inner, outer, shadow, .. } = self;
        let pending = host.kernel.pending();
        let own: Vec<_> = pending
            .stale
            .extract_if(.., |stale| stale.space == outer.space())
            .map(|stale| stale.span)
            .collect();
        for span in own {
            outer.invalidate(span);
            if let Some(span) = outer.guest_span(span) {
                shadow.follow_lower(&host.kernel, &inner.ept, outer, span);
            }
        }
        outer.settle();
    }

    /// What L1 has left to be done: its memory is backed through EPT01, what changed in its process leaves EPT12, its
    /// writes to EPT12 trap, and where it took something away it executes INVEPT.
    fn settle_hypervisor(&mut self, host: &mut LayerState<Hva, Hpa>, bill: &mut Bill) -> Result<(), End> {
        let Self { hypervisor, inner, outer, shadow, .. } = self;
        let mut stale = Vec::new();
        let pending = hypervisor.kernel.pending();
        stale.extend(
            pending.stale.iter().filter(|stale| stale.space == inner.space()).map(|stale| stale.span),
        );
        for span in stale {
            inner.invalidate(span);
        }
        let pending = hypervisor.kernel.pending();
        bill.work(Role::Hypervisor, pending);
        for placed in &pending.placed {
            let span = Span { start: placed.upper, bytes: placed.size.bytes() };
            let mut happened = Happened::new(Role::Hypervisor, placed);
            happened.gpa = inner.guest_span(span).map(|span| span.start);
            happened.ghpa = Some(placed.lower);
            bill.happened.push(happened);
        }
        for &span in &pending.touched {
            back_through(outer, host, span, bill)?;
        }
        pending.clear();
        for (addr, level) in inner.take_written() {
            let trap = shadow.written(addr, level);
            bill_trap(trap, bill);
            if trap == Trap::Emulated {
                let LayerState { kernel, policy, .. } = host;
                shadow.heard(kernel, policy.as_mut(), &inner.ept, outer, addr, level);
            }
        }
        if !inner.take_stale().is_empty() {
            bill.exit(Exit::Invept);
            shadow.synchronise(&host.kernel, &inner.ept, outer);
        }
        outer.settle();
        Ok(())
    }

    pub(super) fn host_changed(&mut self, number: usize, span: Span<Hva>, bill: &mut Bill) {
        self.outer.invalidate(span);
        if let Some(span) = self.outer.guest_span(span) {
            self.shadow.lower_changed(span);
        }
        self.outer.settle();
        self.settle_shadow(number, bill);
    }

    fn settle_shadow(&mut self, number: usize, bill: &mut Bill) {
        if !self.shadow.take_stale().is_empty() {
            bill.flushes.push(Flush::Extended { vm: number });
        }
    }
}

#[cfg(test)]
mod tests;
