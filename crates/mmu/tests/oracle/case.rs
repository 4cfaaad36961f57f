//! One case: a machine, and a history on it.

use std::collections::BTreeMap;

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use terrace_addr::convert;
use terrace_machine::Machine;

use crate::history::Operation;
use crate::machines;
use crate::worlds::{Native, Virtual, World};

/// Draws numbers.
pub(crate) struct Draw(Xoshiro256PlusPlus);

impl Draw {
    /// One of 0 to `below` − 1.
    pub(crate) fn below(&mut self, below: u64) -> u64 {
        self.0.next_u64() % below
    }

    /// True `of` times in a hundred.
    pub(crate) fn percent(&mut self, of: u64) -> bool {
        self.below(100) < of
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[convert::index(self.below(convert::count(from.len())))]
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Case {
    machine: Machine,
    virtualized: bool,
    seed: u64,
    history: Vec<Operation>,
}

impl Case {
    pub(crate) fn new(number: u64) -> Self {
        let mut draw = Draw(Xoshiro256PlusPlus::seed_from_u64(number));
        let machine = machines::draw(&mut draw);
        let virtualized = draw.percent(60);
        let length = 20 + draw.below(100);
        let history = (0..length).map(|_| Operation::draw(&mut draw)).collect();
        Self { machine, virtualized, seed: number, history }
    }

    /// Runs the case on both; the counts of both cores together, or what differed.
    pub(crate) fn run(&self) -> Result<BTreeMap<&'static str, u64>, String> {
        if self.virtualized { self.run_on::<Virtual>() } else { self.run_on::<Native>() }
    }

    fn run_on<W: World>(&self) -> Result<BTreeMap<&'static str, u64>, String> {
        let mut world = W::new(&self.machine, self.seed);
        for (at, operation) in self.history.iter().enumerate() {
            world.apply(operation).map_err(|difference| format!("operation {at}: {difference}"))?;
        }
        world.compare()
    }

    /// The same case with only those operations that are needed for it to fail.
    pub(crate) fn smallest(mut self) -> Self {
        let mut at = 0;
        while at < self.history.len() {
            let removed = self.history.remove(at);
            if self.run().is_ok() {
                self.history.insert(at, removed);
                at += 1;
            }
        }
        self
    }
}
