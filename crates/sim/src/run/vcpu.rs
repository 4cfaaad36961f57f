//! A virtual CPU: which threads it runs, and what it has done.

use terrace_addr::{Bytes, Cycles, convert};
use terrace_mmu::Counters;

use super::bill::{Bill, CAUSES, EXITS, OCCASIONS};
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
    /// Background work of kernels, if it runs no program.
    pub(crate) background: Background,
    pub(crate) done: Done,
}

/// Background work that a virtual CPU without a thread is busy with.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Background {
    /// When it is done, by the clock of the virtual CPU.
    until: Cycles,
    /// What of it is still to be copied.
    copied: Bytes,
}

impl Background {
    /// More work, behind what there is.
    pub(crate) fn begins(&mut self, clock: Cycles, takes: Cycles, copied: Bytes) {
        self.until = self.until.max(clock) + takes;
        self.copied += copied;
    }

    pub(crate) fn is_busy(&self, clock: Cycles) -> bool {
        clock < self.until
    }

    /// What was copied between two times: work goes on evenly until it is done.
    pub(crate) fn copied_in(&mut self, began: Cycles, ends: Cycles) -> Bytes {
        let (left, passed) = (self.until.get().saturating_sub(began.get()), (ends - began).get());
        let part = if left <= passed { 1.0 } else { convert::ratio(passed, left) };
        let copied = Bytes::new(convert::floor(convert::ratio(self.copied.get(), 1) * part));
        self.copied = Bytes::new(self.copied.get() - copied.get());
        copied
    }
}

/// What was done since the start.
#[derive(Debug, Clone, Default)]
pub(crate) struct Done {
    pub(crate) counters: Counters,
    /// By cause, fractions of cycles included.
    pub(crate) cycles: [f64; CAUSES],
    pub(crate) additive: f64,
    /// What software cost, by what it worked for.
    pub(crate) occasions: [u64; OCCASIONS],
    pub(crate) exits: [u64; EXITS],
    pub(crate) exit_cycles: [u64; EXITS],
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
        for (sum, more) in self.counts().zip(other.clone().counts()) {
            *sum += *more;
        }
    }

    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let mut since = self.clone();
        since.counters = self.counters.since(&earlier.counters);
        for (left, before) in since.cycles.iter_mut().zip(earlier.cycles) {
            *left -= before;
        }
        since.additive -= earlier.additive;
        for (left, before) in since.counts().zip(earlier.clone().counts()) {
            *left -= *before;
        }
        since
    }

    /// All that is whole numbers, but for the counters.
    fn counts(&mut self) -> impl Iterator<Item = &mut u64> {
        let Self { occasions, exits, exit_cycles, flushes, interrupts, .. } = self;
        let of_exits = exits.iter_mut().chain(exit_cycles);
        occasions.iter_mut().chain(of_exits).chain(flushes).chain([interrupts])
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
            background: Background::default(),
            done: Done::default(),
        }
    }

    /// Whole cycles of a time; what is left is kept for the next one.
    pub(crate) fn whole(&mut self, cycles: f64) -> Cycles {
        let exact = self.fraction + cycles;
        let whole = convert::floor(exact);
        self.fraction = exact - convert::ratio(whole, 1);
        Cycles::new(whole)
    }
}
