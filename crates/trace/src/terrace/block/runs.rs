//! Runs: units that are only ever executed one after the other, in this order.

use terrace_addr::convert;

use super::units::Units;
use crate::terrace::layout::MOST_STEPS;

/// The runs of a block, and how they follow on each other.
#[derive(Debug, Default)]
pub(super) struct Runs {
    /// The units of all runs.
    pub(super) units: Vec<u32>,
    /// Where the units of each run end.
    pub(super) ends: Vec<usize>,
    /// The runs in the order in which they are executed.
    pub(super) executions: Vec<u32>,
    /// For each stretch, where its executions end.
    pub(super) stretches: Vec<usize>,
}

/// What stands before or after a unit wherever it is executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Neighbour {
    Unknown,
    Always(u32),
    Varies,
}

impl Neighbour {
    fn is_also(&mut self, unit: u32) {
        *self = match *self {
            Self::Unknown => Self::Always(unit),
            Self::Always(known) if known == unit => return,
            _ => Self::Varies,
        };
    }
}

impl Runs {
    /// Joins units to runs. `stretches` has where each stretch ends in `sequence`; a run lies within a stretch.
    pub(super) fn new(units: &Units, sequence: &[u32], stretches: &[usize]) -> Self {
        let mut before = vec![Neighbour::Unknown; units.len()];
        let mut after = before.clone();
        let mut start = 0;
        for &end in stretches {
            let stretch = &sequence[start..end];
            for pair in stretch.windows(2) {
                after[convert::index32(pair[0])].is_also(pair[1]);
                before[convert::index32(pair[1])].is_also(pair[0]);
            }
            if let (Some(&first), Some(&last)) = (stretch.first(), stretch.last()) {
                before[convert::index32(first)] = Neighbour::Varies;
                after[convert::index32(last)] = Neighbour::Varies;
            }
            start = end;
        }
        let mut runs = Self::default();
        let mut begins = vec![None; units.len()];
        // A unit begins a run unless the unit before it is always the same, and always followed by it.
        for unit in 0..convert::narrow(units.len()) {
            let joined = match before[convert::index32(unit)] {
                Neighbour::Always(before) => after[convert::index32(before)] == Neighbour::Always(unit),
                _ => false,
            };
            if !joined {
                runs.gather(unit, units, &before, &after, &mut begins);
            }
        }
        let mut start = 0;
        for &end in stretches {
            runs.executions
                .extend(sequence[start..end].iter().filter_map(|&unit| begins[convert::index32(unit)]));
            runs.stretches.push(runs.executions.len());
            start = end;
        }
        runs
    }

    /// Adds the run that begins with `unit`; and those that go on where it has become too long.
    fn gather(
        &mut self,
        mut unit: u32,
        units: &Units,
        before: &[Neighbour],
        after: &[Neighbour],
        begins: &mut [Option<u32>],
    ) {
        begins[convert::index32(unit)] = Some(convert::narrow(self.ends.len()));
        let mut steps = 0;
        loop {
            self.units.push(unit);
            steps += units.steps(unit).len();
            let Neighbour::Always(next) = after[convert::index32(unit)] else { break };
            if before[convert::index32(next)] != Neighbour::Always(unit) {
                break;
            }
            if steps + units.steps(next).len() > MOST_STEPS {
                self.ends.push(self.units.len());
                begins[convert::index32(next)] = Some(convert::narrow(self.ends.len()));
                steps = 0;
            }
            unit = next;
        }
        self.ends.push(self.units.len());
    }
}
