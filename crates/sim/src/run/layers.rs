//! The layers of all virtual machines: who owns memory, without the programs that use it.

use terrace_addr::{PageSize, convert};
use terrace_policy::{Abilities, Role};

use super::bill::{Bill, Flush};
use super::happened::Happened;
use super::stage::{End, Ground, Stage};

/// The layers of all virtual machines. A copy goes on by itself: runs that begin with the same memory prepare it once.
#[derive(Debug, Clone)]
pub(crate) struct Layers {
    pub(crate) ground: Ground,
    /// Of each virtual machine.
    pub(crate) stages: Vec<Stage>,
    /// Decisions about pages since the last turn, by machine.
    pub(crate) happened: Vec<(usize, Happened)>,
}

impl Layers {
    /// Settles what the kernels of a machine and the host have left to be done, but for flushes.
    pub(crate) fn settle(&mut self, vm: usize, bill: &mut Bill) -> Result<(), End> {
        let Self { ground, stages, happened } = self;
        stages[vm].settle(ground, vm, bill)?;
        for (number, other) in stages.iter_mut().enumerate().filter(|&(number, _)| number != vm) {
            other.settle_host(ground, number, bill);
        }
        let Ground::Host(host) = ground else { return Ok(()) };
        let pending = host.kernel.pending();
        bill.work(Role::Host, pending);
        for placed in &pending.placed {
            let mut all = stages.iter().enumerate();
            let found = all.find_map(|(vm, stage)| Some((vm, stage.host_decision(placed)?)));
            happened.extend(found);
        }
        if pending.stale.is_empty() && pending.segmented.is_empty() {
            pending.clear();
            return Ok(());
        }
        let pending = std::mem::take(pending);
        for changed in &pending.segmented {
            let all = stages.iter_mut().enumerate();
            for (number, stage) in all.filter(|(_, stage)| stage.space() == Some(changed.space)) {
                let Stage::Extended(stage) = stage else { continue };
                stage.set_segments(changed.now);
                bill.flushes.push(Flush::Guest { vm: number });
                if host.kernel.records() {
                    happened.extend(Happened::of_segments(changed).into_iter().map(|it| (number, it)));
                }
            }
        }
        for stale in &pending.stale {
            for (number, stage) in stages.iter_mut().enumerate() {
                stage.host_changed(number, stale.space, stale.span, bill);
            }
        }
        Ok(())
    }

    /// A layer's memory was in use before the run: what is below has backed it. That took no time of the run.
    pub(crate) fn use_memory(&mut self, vm: usize, layer: Role, span: (u64, u64)) -> Result<(), End> {
        let mut bill = Bill::new(None);
        let before = self.happened.len();
        let size = PageSize::Size2M.bytes();
        let (first, end) = span;
        for start in (first..end).step_by(convert::index(size)) {
            let bytes = size.min(end - start);
            self.stages[vm].touch(layer, start, bytes);
            self.settle(vm, &mut bill)?;
            // Nothing is cached before the run.
            bill = Bill::new(None);
        }
        self.happened.truncate(before);
        Ok(())
    }

    /// A machine was made: where its host's system places memory at boot, it does so. That took no time of the run.
    pub(crate) fn place_memory(&mut self, vm: usize) -> Result<(), End> {
        let Ground::Host(host) = &mut self.ground else { return Ok(()) };
        if !host.policy.requires().contains(Abilities::SEGMENT) {
            return Ok(());
        }
        host.tell();
        let mut bill = Bill::new(None);
        self.settle(vm, &mut bill)?;
        // Nothing is cached before the run, and its CPUs are not there yet.
        Ok(())
    }
}
