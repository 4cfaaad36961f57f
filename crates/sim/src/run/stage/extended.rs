//! A guest on an extended page table, or in segments while its host's system has it there.

use terrace_addr::{AccessKind, Addr, Gpa, Hpa, Hva, PageSize, Span};
use terrace_kernel::Vm;
use terrace_mmu::{Fault, Segment, SegmentPair};
use terrace_policy::{Role, Segments, SpaceId};

use super::{End, Guest, LayerState, at, back_through, note_decisions};
use crate::run::bill::{Bill, Exit, Flush};

/// A guest on an extended page table.
#[derive(Debug, Clone)]
pub(crate) struct Extended {
    pub(crate) guest: Guest,
    pub(crate) vm: Vm<Gpa, Hpa>,
    /// What its addresses are relocated by; the extended page table is kept meanwhile, and not walked.
    pub(crate) segments: Option<SegmentPair>,
    /// Entries of the guest's tables of higher levels than this are composed: the host hears of every write to one.
    pub(crate) switch_level: Option<u32>,
}

/// A policy's segments in the hardware's terms.
fn registers(segments: Segments) -> SegmentPair {
    let load =
        |segment: terrace_policy::Segment| Segment { base: segment.base.reinterpret(), size: segment.bytes };
    match segments.high {
        None => SegmentPair::one(load(segments.low)),
        Some(high) => {
            SegmentPair { low: load(segments.low), split: Addr::truncate(high.guest), high: load(high) }
        }
    }
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
        let Self { guest, vm, .. } = self;
        match fault {
            Fault::Page { addr, .. } => {
                at(Role::Guest, guest.kernel.fault(guest.policy.as_mut(), space, addr, kind))?;
            }
            // The program's access, or the walk's own to a table of the guest.
            Fault::Extended { addr, kind, .. } => {
                bill.exit(Exit::EptViolation);
                let LayerState { kernel, policy, .. } = host;
                let served = vm.violation(kernel, policy.as_mut(), addr, kind);
                at(Role::Host, served)?.map_err(|_| End::Outside(addr.get()))?;
            }
            Fault::Segment { addr } => {
                bill.exit(Exit::SegmentViolation);
                // All of its memory is in the segments: nothing is there that could be backed.
                return Err(End::Outside(addr.get()));
            }
            Fault::LogFull { .. } => unreachable!("{fault} without a log"),
        }
        Ok(())
    }

    pub(super) fn settle(
        &mut self,
        host: &mut LayerState<Hva, Hpa>,
        number: usize,
        bill: &mut Bill,
    ) -> Result<(), End> {
        let Self { guest, vm, segments, switch_level } = self;
        let pending = guest.kernel.pending();
        bill.work(Role::Guest, pending);
        note_decisions(pending, bill);
        for &span in &pending.touched {
            match segments {
                None => back_through(vm, host, span, bill)?,
                Some(segments) => check(segments, span, bill)?,
            }
        }
        if let (None, Some(level)) = (&segments, *switch_level) {
            pending
                .written
                .iter()
                .filter(|written| written.level > level)
                .for_each(|_| bill.exit(Exit::WriteProtect));
        }
        for stale in &pending.stale {
            bill.flushes.push(Flush::Space { vm: number, stale: *stale });
        }
        pending.clear();
        self.settle_vm(number, bill);
        Ok(())
    }

    pub(super) fn host_changed(&mut self, number: usize, span: Span<Hva>, bill: &mut Bill) {
        self.vm.invalidate(span);
        self.settle_vm(number, bill);
    }

    /// Its addresses are translated by these segments from now on, or by its extended page table.
    pub(crate) fn set_segments(&mut self, segments: Option<Segments>) {
        self.segments = segments.map(registers);
    }

    pub(super) fn settle_vm(&mut self, number: usize, bill: &mut Bill) {
        if self.vm.settle() {
            bill.flushes.push(Flush::Extended { vm: number });
        }
    }
}

/// What a guest's kernel touches itself lies in its segments, as whatever it touches does.
fn check(segments: &SegmentPair, span: Span<Gpa>, bill: &mut Bill) -> Result<(), End> {
    let pages = span.bytes.div_ceil(PageSize::Size4K.bytes());
    let mut pages = (0..pages).map(|page| span.start.offset_by(page * PageSize::Size4K.bytes()));
    match pages.find(|&page| segments.place(page, PageSize::Size4K).is_none()) {
        None => Ok(()),
        Some(outside) => {
            bill.exit(Exit::SegmentViolation);
            Err(End::Outside(outside.get()))
        }
    }
}
