//! A virtual CPU: which threads it runs, and what it has done.

use terrace_addr::Cycles;
use terrace_mmu::Counters;

use super::bill::{Bill, CAUSES, Exit};
use crate::time::Interval;

/// A virtual CPU.
pub(crate) struct Vcpu {
    /// Its machine.
    pub(crate) vm: usize,
    /// The CPU that it is pinned to.
    pub(crate) cpu: usize,
    /// The threads that it runs in turn: process of the machine, and thread of that.
    pub(crate) threads: Vec<(usize, usize)>,
    /// Which of them ran last.
    pub(crate) current: usize,
    /// What its CPU had done when it was accounted for last.
    pub(crate) before: Interval,
    pub(crate) counted: Counters,
    pub(crate) bill: Bill,
    /// What is left of a cycle.
    pub(crate) fraction: f64,
    /// What it did in this epoch, for the load of the memory nodes.
    pub(crate) epoch: Interval,
    /// Its clock when that began.
    pub(crate) epoch_began: Cycles,
    pub(crate) done: Done,
}

/// What was done since the start.
#[derive(Debug, Clone, Default)]
pub(crate) struct Done {
    pub(crate) counters: Counters,
    /// By cause, fractions of cycles included.
    pub(crate) cycles: [f64; CAUSES],
    pub(crate) additive: f64,
    pub(crate) exits: [u64; Exit::ALL.len()],
    /// Invalidations of one address, of an address space, of a whole guest or CPU.
    pub(crate) flushes: [u64; 3],
    pub(crate) interrupts: u64,
}

impl Done {
    pub(crate) fn add(&mut self, other: &Self) {
        self.counters.add(&other.counters);
        for (sum, more) in self.cycles.iter_mut().zip(other.cycles) {
            *sum += more;
        }
        self.additive += other.additive;
        for (sum, more) in self.exits.iter_mut().zip(other.exits) {
            *sum += more;
        }
        for (sum, more) in self.flushes.iter_mut().zip(other.flushes) {
            *sum += more;
        }
        self.interrupts += other.interrupts;
    }

    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let mut since = self.clone();
        since.counters = self.counters.since(&earlier.counters);
        for (left, before) in since.cycles.iter_mut().zip(earlier.cycles) {
            *left -= before;
        }
        since.additive -= earlier.additive;
        for (left, before) in since.exits.iter_mut().zip(earlier.exits) {
            *left -= before;
        }
        for (left, before) in since.flushes.iter_mut().zip(earlier.flushes) {
            *left -= before;
        }
        since.interrupts -= earlier.interrupts;
        since
    }
}

impl Vcpu {
    pub(crate) fn new(vm: usize, cpu: usize, bill: Bill) -> Self {
        Self {
            vm,
            cpu,
            threads: Vec::new(),
            current: 0,
            before: Interval::default(),
            counted: Counters::default(),
            bill,
            fraction: 0.0,
            epoch: Interval::default(),
            epoch_began: Cycles::ZERO,
            done: Done::default(),
        }
    }

    /// Whole cycles of a time; what is left is kept for the next one.
    pub(crate) fn whole(&mut self, cycles: f64) -> Cycles {
        let exact = self.fraction + cycles;
        let whole = terrace_addr::convert::floor(exact);
        self.fraction = exact - terrace_addr::convert::ratio(whole, 1);
        Cycles::new(whole)
    }
}
