//! What one virtual CPU did in an interval.

use terrace_addr::{Bytes, Cycles};
use terrace_mmu::{Counters, Mmu, NodeReferences};

/// What one virtual CPU did in an interval, as far as it takes time.
///
/// Latencies are those of the machine file: what other virtual CPUs add to them is found by [`share`](super::share).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Interval {
    /// Accesses of the program that were completed.
    pub accesses: u64,
    /// First-level TLB misses that the second level held.
    pub stlb_hits: u64,
    /// Their latencies, added up.
    pub stlb_cycles: u64,
    /// Page walks, and lookups of a third level of the TLB that hit.
    pub walks: u64,
    /// The latencies of all table entries that they read, and of the third level, added up.
    pub walk_cycles: u64,
    /// Of these, the cycles that a lead covered, walk by walk, where a lead was
    /// [set](terrace_mmu::Mmu::set_walk_lead); otherwise 0.
    pub walk_cycles_within_lead: u64,
    /// Lines of data referred to; 0 where data lines are not modelled.
    pub data_references: u64,
    /// Their latencies, added up.
    pub data_cycles: u64,
    /// References that each memory node served, in the order of [`Machine::nodes`](terrace_machine::Machine::nodes).
    /// Nodes behind the last one were not used.
    pub nodes: Vec<NodeReferences>,
    /// What was copied, for each node: the bytes read from it and those written to it, in the same order. They take
    /// bandwidth; the time of the core that copies is part of `serial`.
    pub copied: Vec<Bytes>,
    /// Work during which the program stands still: faults, exits, flushes, interrupts, copies and clears.
    pub serial: Cycles,
}

impl Interval {
    /// What counts of a CPU say, without copies and serial work: an MMU does not know them.
    pub const fn from_counts(counters: &Counters, nodes: Vec<NodeReferences>) -> Self {
        Self {
            accesses: counters.references,
            stlb_hits: counters.stlb_hits,
            stlb_cycles: counters.stlb_cycles,
            walks: counters.walks + counters.third_level_hits,
            walk_cycles: counters.walk_cycles + counters.third_level_cycles,
            walk_cycles_within_lead: 0,
            data_references: counters.data_references,
            data_cycles: counters.data_cycles,
            nodes,
            copied: Vec::new(),
            serial: Cycles::ZERO,
        }
    }

    /// What a CPU has done so far, without copies and serial work.
    ///
    /// # Panics
    /// If there is no such CPU.
    pub fn so_far(mmu: &Mmu, cpu: usize) -> Self {
        let counted = Self::from_counts(&mmu.counters(cpu), mmu.node_references(cpu));
        Self { walk_cycles_within_lead: mmu.walk_cycles_within_lead(cpu).get(), ..counted }
    }

    /// Both together.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        let longer = |one: usize, two: usize| 0..one.max(two);
        let node = |place: usize| {
            let of = |interval: &Self| interval.nodes.get(place).copied().unwrap_or_default();
            let (one, two) = (of(self), of(other));
            NodeReferences { table: one.table + two.table, data: one.data + two.data }
        };
        let copied = |place: usize| {
            let of = |interval: &Self| interval.copied.get(place).copied().unwrap_or_default();
            of(self) + of(other)
        };
        Self {
            accesses: self.accesses + other.accesses,
            stlb_hits: self.stlb_hits + other.stlb_hits,
            stlb_cycles: self.stlb_cycles + other.stlb_cycles,
            walks: self.walks + other.walks,
            walk_cycles: self.walk_cycles + other.walk_cycles,
            walk_cycles_within_lead: self.walk_cycles_within_lead + other.walk_cycles_within_lead,
            data_references: self.data_references + other.data_references,
            data_cycles: self.data_cycles + other.data_cycles,
            nodes: longer(self.nodes.len(), other.nodes.len()).map(node).collect(),
            copied: longer(self.copied.len(), other.copied.len()).map(copied).collect(),
            serial: self.serial + other.serial,
        }
    }

    /// As if every access had been made so many times over. Copies and serial work are not accesses: they stay.
    #[must_use]
    pub fn times(&self, times: u64) -> Self {
        let nodes = self.nodes.iter();
        Self {
            accesses: self.accesses * times,
            stlb_hits: self.stlb_hits * times,
            stlb_cycles: self.stlb_cycles * times,
            walks: self.walks * times,
            walk_cycles: self.walk_cycles * times,
            walk_cycles_within_lead: self.walk_cycles_within_lead * times,
            data_references: self.data_references * times,
            data_cycles: self.data_cycles * times,
            nodes: nodes
                .map(|node| NodeReferences { table: node.table * times, data: node.data * times })
                .collect(),
            copied: self.copied.clone(),
            serial: self.serial,
        }
    }

    /// As if all of it had been done so many times over, copies and serial work with it.
    #[must_use]
    pub fn repeated(&self, times: u64) -> Self {
        Self {
            copied: self.copied.iter().map(|bytes| Bytes::new(bytes.get() * times)).collect(),
            serial: Cycles::new(self.serial.get() * times),
            ..self.times(times)
        }
    }

    /// What was done after `earlier`, if both were counted from the same start.
    ///
    /// # Panics
    /// If `earlier` counted more of anything.
    pub fn since(&self, earlier: &Self) -> Self {
        let less = |later: u64, earlier: u64| later.checked_sub(earlier).expect("counts only rise");
        let node = |place: usize| {
            let before = earlier.nodes.get(place).copied().unwrap_or_default();
            let now = self.nodes.get(place).copied().unwrap_or_default();
            NodeReferences { table: less(now.table, before.table), data: less(now.data, before.data) }
        };
        let copied = |place: usize| {
            let before = earlier.copied.get(place).map_or(0, |bytes| bytes.get());
            let now = self.copied.get(place).map_or(0, |bytes| bytes.get());
            Bytes::new(less(now, before))
        };
        Self {
            accesses: less(self.accesses, earlier.accesses),
            stlb_hits: less(self.stlb_hits, earlier.stlb_hits),
            stlb_cycles: less(self.stlb_cycles, earlier.stlb_cycles),
            walks: less(self.walks, earlier.walks),
            walk_cycles: less(self.walk_cycles, earlier.walk_cycles),
            walk_cycles_within_lead: less(self.walk_cycles_within_lead, earlier.walk_cycles_within_lead),
            data_references: less(self.data_references, earlier.data_references),
            data_cycles: less(self.data_cycles, earlier.data_cycles),
            nodes: (0..self.nodes.len().max(earlier.nodes.len())).map(node).collect(),
            copied: (0..self.copied.len().max(earlier.copied.len())).map(copied).collect(),
            serial: Cycles::new(less(self.serial.get(), earlier.serial.get())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_the_difference_of_what_was_counted() {
        let counters = Counters {
            references: 10,
            accesses: 12,
            stlb_hits: 3,
            stlb_cycles: 21,
            walks: 2,
            walk_cycles: 90,
            data_references: 11,
            data_cycles: 400,
            ..Counters::default()
        };
        let first = Interval::from_counts(&counters, vec![NodeReferences { table: 1, data: 5 }]);
        assert_eq!((first.accesses, first.stlb_hits, first.stlb_cycles), (10, 3, 21));
        assert_eq!((first.walks, first.walk_cycles), (2, 90));
        assert_eq!((first.data_references, first.data_cycles), (11, 400));
        let second = Interval {
            accesses: 15,
            walk_cycles: 100,
            nodes: vec![NodeReferences { table: 4, data: 5 }, NodeReferences { table: 0, data: 7 }],
            copied: vec![Bytes::ZERO, Bytes::new(4096)],
            serial: Cycles::new(1000),
            ..first.clone()
        };
        let expected = Interval {
            accesses: 5,
            walk_cycles: 10,
            nodes: vec![NodeReferences { table: 3, data: 0 }, NodeReferences { table: 0, data: 7 }],
            copied: vec![Bytes::ZERO, Bytes::new(4096)],
            serial: Cycles::new(1000),
            ..Interval::default()
        };
        assert_eq!(second.since(&first), expected);
        assert_eq!(second.since(&Interval::default()), second);
    }
}
