//! Invalidations on several CPUs.

use std::collections::BTreeSet;

use terrace_addr::Cycles;
use terrace_machine::Costs;
use terrace_mmu::{Amd, Invalidation, Mmu, Origin};

use super::{Order, OrderError, Place, flush_cycles};

/// What was charged to a virtual CPU for invalidations, by cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charge {
    /// The virtual CPU.
    pub vcpu: usize,
    /// Sending interrupts.
    pub send: Cycles,
    /// Being interrupted.
    pub interrupt: Cycles,
    /// Executing the invalidations.
    pub flush: Cycles,
    /// Waiting until the slowest target is done.
    pub wait: Cycles,
    /// Entries that were removed: counted, not charged.
    pub removed: u64,
}

impl Charge {
    /// Nothing.
    pub(super) const fn new(vcpu: usize) -> Self {
        let none = Cycles::ZERO;
        Self { vcpu, send: none, interrupt: none, flush: none, wait: none, removed: 0 }
    }

    /// All of it: so far its clock was advanced.
    pub fn total(&self) -> Cycles {
        self.send + self.interrupt + self.flush + self.wait
    }

    /// Executes an invalidation on a CPU and adds its cost. On a machine without costs it is only counted.
    pub(super) fn execute(
        &mut self,
        mmu: &mut Mmu,
        cpu: usize,
        origin: Origin,
        invalidation: Invalidation,
        costs: Option<&Costs>,
    ) {
        let done = mmu.invalidate(cpu, origin, invalidation);
        self.removed += done.removed;
        self.flush += flush_cycles(costs, done.kind).unwrap_or(Cycles::ZERO);
    }
}

/// That a shoot-down was done, and who paid what.
#[must_use = "what was charged belongs in an account"]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShootDown {
    /// Who asked for it.
    pub initiator: Charge,
    /// The others that were interrupted, by id.
    pub targets: Vec<Charge>,
    /// Those that do not run, by id: they invalidate before their next access, and pay then.
    pub deferred: Vec<usize>,
}

impl Order {
    /// Invalidates on the CPUs of `targets`, which may include the initiator; their order and repetitions mean nothing.
    ///
    /// It takes effect at once, at the initiator's point in the order, and ends the initiator's turn. Each CPU executes
    /// the invalidation in the context that it is in. With the initiator's clock at *t*:
    /// - It sends an interrupt to each other target that runs, by id: the *i*-th arrives at t + i × send. Then, if it is
    ///   a target itself, it flushes. (Linux does both in this order: `smp_call_function_many_cond` in kernel/smp.c.
    ///   One interrupt for each target is `assumed`; those of a cluster can be sent at once.)
    /// - A target pays the interrupt and the flush: its clock advances by them. It is done that long after the interrupt
    ///   has arrived, or after its clock if that is ahead: what it has done so far in its own time came before.
    /// - The initiator waits for the slowest: its clock becomes the maximum of its own end (all sent, and flushed) and
    ///   those of the targets.
    /// - A target that does not run defers the flush until [`run`](Self::run) executes it, and is not waited for: its
    ///   entries cannot be used before (Linux: lazy TLB mode in arch/x86/mm/tlb.c; KVM: requests that are handled before
    ///   the next entry, Documentation/virt/kvm/vcpu-requests.rst). What is pending already is not added again.
    ///
    /// INVLPGB acts on every CPU by itself: the initiator executes it, then TLBSYNC, which waits until it is done
    /// everywhere (AMD APM vol. 3). Nobody is interrupted and nothing deferred, so `targets` mean nothing. The cost of
    /// TLBSYNC stands for the wait too (`assumed`).
    ///
    /// # Errors
    /// If the initiator does not run. Nothing has changed then.
    ///
    /// # Panics
    /// If the machine's vendor does not have the instruction.
    pub fn shoot_down(
        &mut self,
        mmu: &mut Mmu,
        initiator: usize,
        targets: &[usize],
        invalidation: Invalidation,
    ) -> Result<ShootDown, OrderError> {
        self.shoot_down_all(mmu, initiator, targets, &[invalidation])
    }

    /// The same for several invalidations at once: a target is interrupted once, and executes all of them.
    ///
    /// # Errors
    /// If the initiator does not run. Nothing has changed then.
    ///
    /// # Panics
    /// If the machine's vendor does not have one of the instructions.
    pub fn shoot_down_all(
        &mut self,
        mmu: &mut Mmu,
        initiator: usize,
        targets: &[usize],
        invalidations: &[Invalidation],
    ) -> Result<ShootDown, OrderError> {
        let Some(cpu) = self.cpu(initiator) else {
            return Err(OrderError::NotRunning { vcpu: initiator });
        };
        self.turn = None;
        let mut own = Charge::new(initiator);
        let mut done = ShootDown { initiator: own, targets: Vec::new(), deferred: Vec::new() };
        if invalidations.iter().all(|invalidation| invalidation.is_broadcast()) {
            for &step in invalidations.iter().chain(&[Invalidation::Amd(Amd::Tlbsync)]) {
                own.execute(mmu, cpu, Origin::Local, step, self.costs.as_ref());
            }
            self.vcpus[initiator].clock += own.total();
            done.initiator = own;
            return Ok(done);
        }
        let (send, interrupt) = self.costs.as_ref().map_or((0, 0), |costs| (costs.send, costs.interrupt));
        let start = self.clock(initiator);
        let mut slowest = start;
        let targets: BTreeSet<usize> = targets.iter().copied().collect();
        for &target in targets.iter().filter(|&&target| target != initiator) {
            let state = &mut self.vcpus[target];
            match &mut state.place {
                Place::On { cpu } => {
                    own.send += Cycles::new(send);
                    let mut charge = Charge::new(target);
                    charge.interrupt = Cycles::new(interrupt);
                    for &invalidation in invalidations {
                        charge.execute(mmu, *cpu, Origin::Remote, invalidation, self.costs.as_ref());
                    }
                    let arrival = start + own.send;
                    slowest = slowest.max(state.clock.max(arrival) + charge.total());
                    state.clock += charge.total();
                    done.targets.push(charge);
                }
                Place::Off { pending, .. } => {
                    for &invalidation in invalidations {
                        if !pending.contains(&invalidation) {
                            pending.push(invalidation);
                        }
                    }
                    done.deferred.push(target);
                }
            }
        }
        if targets.contains(&initiator) {
            for &invalidation in invalidations {
                own.execute(mmu, cpu, Origin::Local, invalidation, self.costs.as_ref());
            }
        }
        let end = start + own.total();
        own.wait = slowest.max(end) - end;
        self.vcpus[initiator].clock = end + own.wait;
        done.initiator = own;
        Ok(done)
    }
}
