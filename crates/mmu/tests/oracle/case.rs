//! One case: a machine, a world on it, and a history.

use terrace_addr::{Addr, Hpa, convert};
use terrace_machine::Machine;

use crate::draw::Draw;
use crate::history::{self, Operation};
use crate::machines;
use crate::pair::{Sums, Tallies};
use crate::worlds::{self, Kind};

#[derive(Debug, Clone)]
pub(crate) struct Case {
    machine: Machine,
    /// The first address behind each part of memory, and its node.
    layout: Vec<(Addr<Hpa>, usize)>,
    world: Kind,
    seed: u64,
    history: Vec<Operation>,
}

impl Case {
    pub(crate) fn new(number: u64) -> Self {
        let mut draw = Draw::new(number);
        let mut machine = machines::draw(&mut draw);
        let layout = machines::layout(&mut draw, machine.memory.len());
        let world = draw.pick(&[
            Kind::Native,
            Kind::TwoDimensional,
            Kind::TwoDimensional,
            Kind::TwoDimensional,
            Kind::Segment,
            Kind::Segment,
            Kind::Shadow,
            Kind::Nested,
        ]);
        let mut history = Vec::new();
        if world.has_ept() && draw.percent(6) {
            // A log holds 512 addresses: only one that is almost full will fill up.
            machine.paging.ept_accessed_dirty = true;
            history.extend(history::fill_log(&mut draw));
        }
        let cpus = convert::index32(machines::cpus(&machine));
        for _ in 0..20 + draw.below(100) {
            history.push(Operation::draw(&mut draw, machine.vendor, world, cpus));
        }
        Self { machine, layout, world, seed: number, history }
    }

    /// Runs the case on both; what was counted in all, or what differed.
    pub(crate) fn run(&self) -> Result<Sums, String> {
        let mut tallies = Tallies::new();
        let mut world = worlds::new(self.world, &self.machine, &self.layout, self.seed);
        for (at, operation) in self.history.iter().enumerate() {
            world
                .apply(operation, &mut tallies)
                .map_err(|difference| format!("operation {at}: {difference}"))?;
        }
        world.compare().map(|counts| Sums { counts, tallies })
    }

    /// The same case with only those operations, and of runs those accesses, that are needed for it to fail.
    pub(crate) fn smallest(mut self) -> Self {
        let mut at = 0;
        while at < self.history.len() {
            let removed = self.history.remove(at);
            if self.run().is_err() {
                continue;
            }
            self.history.insert(at, removed);
            for smaller in (0..self.history[at].parts()).rev() {
                let whole = self.history[at].clone();
                self.history[at] = whole.without(smaller);
                if self.run().is_ok() {
                    self.history[at] = whole;
                }
            }
            at += 1;
        }
        self
    }
}
