//! Flushes: which CPUs forget what.

use terrace_addr::{Addr, Gva, convert};
use terrace_kernel::Stale;
use terrace_machine::Vendor;
use terrace_mmu::{Amd, Context, Intel, Invalidation};
use terrace_policy::SpaceId;

use super::bill::{Cause, Exit, Flush};
use super::simulation::Simulation;
use super::stage::{FLUSH_CEILING, Stage};

/// The process-context identifier of an address space; 0 is nobody's.
pub(super) fn pcid(space: SpaceId) -> u16 {
    convert::low16(u64::from(space.0 + 1) & 0xfff)
}

/// The number of a machine's EPT root, and what its virtual CPUs are tagged with.
pub(super) fn tag(vm: usize) -> u16 {
    convert::low16(convert::count(vm + 1))
}

/// Everything that is asked of one group of CPUs.
struct Request {
    targets: Vec<usize>,
    invalidations: Vec<Invalidation>,
    /// Whether one address, an address space, or all of a guest.
    kind: usize,
    /// Whether who is interrupted leaves its guest.
    leaves: bool,
}

impl Simulation {
    /// Executes the flushes on a virtual CPU's bill.
    pub(super) fn flush(&mut self, vcpu: usize) {
        let flushes = std::mem::take(&mut self.vcpus[vcpu].bill.flushes);
        let occasion = self.vcpus[vcpu].bill.occasion;
        for flush in &flushes {
            if let Flush::Guest { vm } = *flush {
                self.load_root(vm);
            }
        }
        for request in self.requests(&flushes) {
            let asked =
                self.order.shoot_down_all(&mut self.mmu, vcpu, &request.targets, &request.invalidations);
            let Ok(asked) = asked else { continue };
            self.vcpus[vcpu].done.interrupts += convert::count(asked.targets.len());
            let initiator = asked.initiator;
            for charge in asked.targets.iter().chain([&initiator]) {
                let done = &mut self.vcpus[charge.vcpu].done;
                let waits = charge.send + charge.interrupt + charge.wait;
                done.cycles[Cause::Interrupt.index()] += convert::ratio(waits.get(), 1);
                done.cycles[Cause::Flush.index()] += convert::ratio(charge.flush.get(), 1);
                done.additive += convert::ratio((waits + charge.flush).get(), 1);
                done.occasions[occasion.index()] += (waits + charge.flush).get();
                if charge.flush.get() > 0 {
                    done.flushes[request.kind] += convert::count(request.invalidations.len());
                }
            }
            if request.leaves {
                for charge in &asked.targets {
                    self.vcpus[charge.vcpu].bill.exit_for(occasion, Exit::ExternalInterrupt);
                }
            }
        }
    }

    /// Flushes put together: those of one address space, and one for each extended page table.
    fn requests(&self, flushes: &[Flush]) -> Vec<Request> {
        let mut requests = Vec::new();
        let mut spaces: Vec<(usize, SpaceId, Vec<Stale<Gva>>)> = Vec::new();
        let mut tables: Vec<usize> = Vec::new();
        let mut guests: Vec<usize> = Vec::new();
        for flush in flushes {
            match *flush {
                Flush::Space { vm, stale } => {
                    match spaces.iter_mut().find(|(other, at, _)| (*other, *at) == (vm, stale.space)) {
                        Some((_, _, all)) => all.push(stale),
                        None => spaces.push((vm, stale.space, vec![stale])),
                    }
                }
                Flush::Extended { vm } if !tables.contains(&vm) => tables.push(vm),
                Flush::Guest { vm } if !guests.contains(&vm) => guests.push(vm),
                Flush::Extended { .. } | Flush::Guest { .. } => {}
            }
        }
        for (vm, space, all) in spaces {
            let pages = all.iter().fold(0, |sum: u64, stale| sum.saturating_add(stale.pages()));
            let invalidations = if pages > FLUSH_CEILING {
                vec![self.whole_space(vm, space)]
            } else {
                all.iter().flat_map(Stale::addresses).map(|at| self.address(vm, space, at)).collect()
            };
            let targets = self.runners(vm, space);
            let kind = usize::from(pages > FLUSH_CEILING);
            requests.push(Request { targets, invalidations, kind, leaves: false });
        }
        for vm in tables {
            let invalidations = vec![self.whole_table(vm)];
            let targets = self.vms[vm].vcpus.clone();
            requests.push(Request { targets, invalidations, kind: 2, leaves: true });
        }
        for vm in guests {
            let invalidations = vec![self.whole_guest(vm)];
            let targets = self.vms[vm].vcpus.clone();
            // All of them leave their guest: the registers are loaded when they enter it again.
            requests.push(Request { targets, invalidations, kind: 2, leaves: true });
        }
        requests
    }

    /// A machine's CPUs walk the extended page table from now on, or none if it has segments.
    pub(super) fn load_root(&mut self, vm: usize) {
        let root = self.layers.stages[vm].root(vm);
        for &vcpu in &self.vms[vm].vcpus {
            let Some(cpu) = self.order.cpu(vcpu) else { continue };
            let context = self.mmu.context(cpu);
            self.mmu.set_context(cpu, Context { root, ..context });
        }
    }

    /// The virtual CPUs that run threads of an address space.
    fn runners(&self, vm: usize, space: SpaceId) -> Vec<usize> {
        let runs = |&vcpu: &usize| {
            let mut threads = self.vcpus[vcpu].threads.iter();
            threads.any(|&(process, _)| self.vms[vm].processes[process].space == space)
        };
        self.vms[vm].vcpus.iter().copied().filter(runs).collect()
    }

    fn address(&self, vm: usize, space: SpaceId, addr: Addr<Gva>) -> Invalidation {
        let pcid = pcid(space);
        match self.machine.vendor {
            // The hypervisor does it where the guest's INVLPG comes to it.
            Vendor::Intel if matches!(self.layers.stages[vm], Stage::Shadow(_)) => {
                Invalidation::Intel(Intel::InvvpidAddress { vpid: tag(vm), addr })
            }
            // On the CPUs that run the space now INVLPG would do the same; it costs less.
            Vendor::Intel => Invalidation::Intel(Intel::InvpcidAddress { pcid, addr }),
            Vendor::Amd => Invalidation::Amd(Amd::InvpcidAddress { pcid, addr, tce: false }),
        }
    }

    fn whole_space(&self, vm: usize, space: SpaceId) -> Invalidation {
        let pcid = pcid(space);
        match self.machine.vendor {
            Vendor::Intel if matches!(self.layers.stages[vm], Stage::Shadow(_)) => {
                Invalidation::Intel(Intel::InvvpidContext { vpid: tag(vm) })
            }
            Vendor::Intel => Invalidation::Intel(Intel::InvpcidContext { pcid }),
            Vendor::Amd => Invalidation::Amd(Amd::InvpcidContext { pcid }),
        }
    }

    fn whole_guest(&self, vm: usize) -> Invalidation {
        match self.machine.vendor {
            Vendor::Intel => Invalidation::Intel(Intel::InvvpidContext { vpid: tag(vm) }),
            Vendor::Amd => Invalidation::Amd(Amd::FlushAsid { asid: tag(vm) }),
        }
    }

    fn whole_table(&self, vm: usize) -> Invalidation {
        match self.machine.vendor {
            Vendor::Intel => Invalidation::Intel(Intel::InveptContext { root: tag(vm) }),
            Vendor::Amd => Invalidation::Amd(Amd::FlushAsid { asid: tag(vm) }),
        }
    }
}
