//! One mode's machine and tables.

use terrace_addr::Access;
use terrace_machine::Machine;
use terrace_mmu::{Below, Context, Counters, Extended, Fault, Identity, Mmu, Populate, Stack, Stopped};
use terrace_table::Levels;

use super::{Failure, ReplayError};
use crate::Mode;
use crate::mapping::{MapError, Mapper, Rule};

/// One mode's machine and tables, whatever the mode.
pub(super) trait World: Send {
    /// Runs accesses of a thread. An error comes with the place of the access that met it, and is made of the
    /// access's place in the stream.
    fn run(&mut self, thread: usize, accesses: &[Access]) -> Result<(), (usize, Failure)>;

    /// The counts of all cores together.
    fn counters(&self) -> Counters;
}

/// Builds the world of a mode.
pub(super) fn build(mode: Mode, machine: &Machine, rule: &Rule) -> Result<Box<dyn World>, ReplayError> {
    let levels = |count| Levels::from_count(count).unwrap_or(Levels::Five);
    let guest_levels = levels(machine.paging.levels);
    match mode {
        Mode::Native => {
            let (stack, mapper) = Mapper::<Identity>::native(rule, guest_levels)?;
            let mmu = Mmu::new(machine, rule.seed, mapper.memory_end())?;
            Ok(Box::new(Walked { mmu, stack, mapper, context: Context::default() }))
        }
        Mode::TwoDimensional => {
            let ept_levels = levels(machine.paging.ept_levels);
            let (stack, mapper) = Mapper::<Extended>::two_dimensional(rule, guest_levels, ept_levels)?;
            let mmu = Mmu::new(machine, rule.seed, mapper.memory_end())?;
            let context = Context { pcid: 0, vpid: 1, root: 1 };
            Ok(Box::new(Walked { mmu, stack, mapper, context }))
        }
    }
}

/// A machine whose walks go through `B`.
struct Walked<B: Below> {
    mmu: Mmu,
    stack: Stack<B>,
    mapper: Mapper<B>,
    /// Of the one process that every core runs.
    context: Context,
}

impl<B: Below> World for Walked<B>
where
    Mapper<B>: Populate<B, Error = MapError> + Send,
    Stack<B>: Send,
{
    fn run(&mut self, thread: usize, accesses: &[Access]) -> Result<(), (usize, Failure)> {
        let core = thread % self.mmu.cores();
        self.mmu.set_context(core, self.context);
        self.mmu.run(core, &mut self.stack, accesses, &mut self.mapper).map_err(|stopped| match stopped {
            Stopped::Populate { at, error } => (at, Failure::Map(error)),
            Stopped::Fault { at, fault: Fault::Page { addr, .. } } if !self.stack.first.covers(addr) => {
                (at, Failure::NotCanonical { addr, levels: self.stack.first.level_count() })
            }
            Stopped::Fault { at, fault } => (at, Failure::Fault(fault)),
        })
    }

    fn counters(&self) -> Counters {
        let mut sum = Counters::default();
        for core in 0..self.mmu.cores() {
            sum.add(&self.mmu.counters(core));
        }
        sum
    }
}
