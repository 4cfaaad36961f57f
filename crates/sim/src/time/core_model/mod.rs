//! The time of one core.

use terrace_addr::{Cycles, convert};
use terrace_machine::Machine;

use super::{Interval, Program, number};

/// How a machine's core spends time: what of a stall it hides behind other work.
///
/// # The model
/// This is a model, `assumed` as a whole: processors do not say what they hide. With *M* the program's memory-level
/// parallelism, *P* the machine's page walkers and *W* its window (`[core]`), the time of an interval is the sum of
/// - **core**: accesses × core cycles of an access. A first-level hit's latency is part of it, since it is what the
///   workload's core cycles were measured with.
/// - **data**: (latencies of the data lines − lines × latency of a first-level hit) ÷ M. While one miss is waited for,
///   M are outstanding, so each costs the program 1/M of its latency (the definition of MLP: Chou, Fahs and Abraham,
///   ISCA 2004; the same division: Karkhanis and Smith, ISCA 2004).
/// - **translation**: exposed STLB hits and exposed walks, below.
/// - **serial** work: faults, exits, flushes, copies. A core runs nothing beside it.
///
/// *Walks.* Of M outstanding accesses each may need a walk, and min(P, M) are made at a time, so a walk takes the
/// program its cycles ÷ min(P, M). In front of that the out-of-order window hides H = W × (1 − 1/M) cycles of each:
/// of M accesses in flight M − 1 do not depend on the one that the core waits for, so they begin as early as the
/// window reaches, W cycles ahead of their use; one of M is the awaited one itself, and begins with no lead. A pointer
/// chase (M = 1) hides nothing. What is exposed of a walk is max(0, cycles ÷ min(P, M) − H).
///
/// *STLB hits.* The STLB is pipelined and no walker is busy, so only the window hides them: max(0, latency − H).
///
/// The maximum is taken of each walk by itself where the MMU was told the [lead](CoreModel::walk_lead) that walks have:
/// it adds up what the lead covers, walk by walk. Otherwise it is taken of the interval's mean walk. A mix of long and
/// short walks exposes at least as much as equal ones (the maximum is convex), so that is the lower figure where some
/// are wholly hidden and others not. What walks wait for loaded memory comes on top of single walks.
///
/// Then M = 1 gives the plain sum exactly; nothing is ever negative or more than the plain sum; and more walkers, a
/// larger window or more parallelism never make it longer. A machine without `[core]` hides nothing of a translation:
/// one walker and no window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CoreModel {
    walkers: f64,
    window: f64,
    /// The latency of a first-level hit.
    first_level: u64,
}

/// The cycles of an interval by what they were spent on.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Parts {
    /// The program's own instructions, first-level hits included.
    pub core: f64,
    /// Waiting for lines of data beyond the first level.
    pub data: f64,
    /// Waiting for translations: STLB hits and walks.
    pub translation: f64,
    /// Work during which the program stands still.
    pub serial: f64,
}

/// The time of an interval.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct CoreTime {
    /// As the [model](CoreModel) has it.
    pub modelled: Parts,
    /// As if nothing were hidden behind anything: the plain sum of the same latencies.
    pub additive: Parts,
}

impl Parts {
    /// All of them, in cycles.
    pub fn total(&self) -> f64 {
        self.core + self.data + self.translation + self.serial
    }
}

impl CoreModel {
    /// The core of a machine.
    ///
    /// Where first-level caches differ the least of their latencies counts as that of a hit; where there is none it
    /// is 0, and all of a data line's latency is stall.
    pub fn new(machine: &Machine) -> Self {
        let (walkers, window) = machine.core.as_ref().map_or((1, 0), |core| (core.walkers, core.window));
        let first = machine.cache.values().filter(|cache| cache.level == 1).map(|cache| cache.latency);
        Self { walkers: f64::from(walkers), window: number(window), first_level: first.min().unwrap_or(0) }
    }

    /// The time of an interval in which memory was otherwise idle: every latency is the machine file's.
    pub fn time(&self, program: Program, interval: &Interval) -> CoreTime {
        self.time_with(program, interval, |_| 0.0)
    }

    /// The time of an interval if each reference to a node also waits for `wait(node)` cycles. Nodes that served no
    /// reference may have an infinite wait.
    pub fn time_with(&self, program: Program, interval: &Interval, wait: impl Fn(usize) -> f64) -> CoreTime {
        let (exposed_stlb, exposed_walks) = self.translation_parts(program, interval, &wait);
        let (table_wait, data_wait) = waited(interval, wait);
        // The level that serves a line is never nearer than the first; a machine file may still say so.
        let hits = interval.data_references.saturating_mul(self.first_level);
        let data = number(interval.data_cycles.saturating_sub(hits)) + data_wait;
        let walks = number(interval.walk_cycles) + table_wait;
        let stlb = number(interval.stlb_cycles);

        let core = number(interval.accesses) * program.core_cycles();
        let serial = number(interval.serial.get());
        CoreTime {
            modelled: Parts {
                core,
                data: data / program.parallelism(),
                translation: exposed_stlb + exposed_walks,
                serial,
            },
            additive: Parts { core, data, translation: stlb + walks, serial },
        }
    }

    /// What of an STLB hit or a walk the window hides, in cycles, and how many walks are made at a time.
    fn hides(&self, program: Program) -> (f64, f64) {
        let parallelism = program.parallelism();
        (self.window * (1.0 - 1.0 / parallelism), self.walkers.min(parallelism))
    }

    /// The cycles of a walk that a program does not wait for: what [`Mmu::set_walk_lead`](terrace_mmu::Mmu::set_walk_lead)
    /// takes.
    pub fn walk_lead(&self, program: Program) -> Cycles {
        let (hidden, at_a_time) = self.hides(program);
        Cycles::new(convert::floor(hidden * at_a_time))
    }

    /// What of the time for translation is for STLB hits, and what for walks: both as the model has them.
    pub fn translation_parts(
        &self,
        program: Program,
        interval: &Interval,
        wait: impl Fn(usize) -> f64,
    ) -> (f64, f64) {
        let (hidden, at_a_time) = self.hides(program);
        let walks = number(interval.walk_cycles) + waited(interval, wait).0;
        let exposed_walks = match interval.walk_cycles_within_lead {
            0 => (walks / at_a_time - number(interval.walks) * hidden).max(0.0),
            covered => (walks - number(covered)).max(0.0) / at_a_time,
        };
        let exposed_stlb = (number(interval.stlb_cycles) - number(interval.stlb_hits) * hidden).max(0.0);
        (exposed_stlb, exposed_walks)
    }
}

/// How long references waited for memory nodes: those of walks, and those of data.
fn waited(interval: &Interval, wait: impl Fn(usize) -> f64) -> (f64, f64) {
    let (mut table, mut data) = (0.0, 0.0);
    for (node, references) in interval.nodes.iter().enumerate() {
        for (count, sum) in [(references.table, &mut table), (references.data, &mut data)] {
            if count != 0 {
                *sum += number(count) * wait(node);
            }
        }
    }
    (table, data)
}

#[cfg(test)]
mod tests;
