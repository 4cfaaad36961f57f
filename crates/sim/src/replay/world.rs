//! One mode's machine and tables.

use terrace_addr::{Access, Addr, Gva};
use terrace_machine::Machine;
use terrace_mmu::{Absent, Below, Context, Counters, Fault, Layout, Mmu, Populate, Stack, Stopped, Tables};
use terrace_table::Levels;

use super::{Failure, ReplayError, Settings};
use crate::Mode;
use crate::mapping::{
    MapError, Mapper, Nested, OneLayer, Rule, Shadow, ShadowOnExtended, ShadowOnShadow, TableLevels,
    TwoDimensional,
};
use crate::time::Interval;
use crate::walk::Explained;

/// One mode's machine and tables, whatever the mode.
pub(crate) trait World: Send {
    /// Runs accesses of a thread. An error comes with the place of the access that met it.
    fn run(&mut self, thread: usize, accesses: &[Access]) -> Result<(), (usize, Failure)>;

    /// The counts of all CPUs together.
    fn counters(&self) -> Counters;

    /// What each CPU that ran an access did, with its number.
    fn intervals(&self) -> Vec<(usize, Interval)>;

    /// Runs one access on CPU 0, and says every step of it. Its page has been touched.
    fn explain(&mut self, access: Access) -> Explained;
}

/// On bare metal.
const BARE_METAL: Context = Context { pcid: 0, vpid: 0, root: 0 };
/// In a virtual machine whose hardware walks one dimension only: shadow paging, or a segment.
const GUEST: Context = Context { pcid: 0, vpid: 1, root: 0 };
/// In a virtual machine on EPT.
const GUEST_ON_EPT: Context = Context { pcid: 0, vpid: 1, root: 1 };

/// Builds the world of a mode.
pub(crate) fn build(
    mode: Mode,
    machine: &Machine,
    rule: &Rule,
    settings: Settings,
) -> Result<Box<dyn World>, ReplayError> {
    let levels = |count| Levels::from_count(count).unwrap_or(Levels::Five);
    let levels =
        TableLevels { paging: levels(machine.paging.levels), extended: levels(machine.paging.ept_levels) };
    let machine = (machine, settings);
    match mode {
        Mode::Native => walked(machine, rule, BARE_METAL, OneLayer::native(rule, levels)?),
        Mode::TwoDimensional => walked(machine, rule, GUEST_ON_EPT, TwoDimensional::new(rule, levels)?),
        Mode::Shadow => walked(machine, rule, GUEST, Shadow::new(rule, levels)?),
        Mode::Nested => walked(machine, rule, GUEST_ON_EPT, Nested::new(rule, levels)?),
        Mode::Segment => walked(machine, rule, GUEST, OneLayer::segment(rule, levels)?),
        Mode::ShadowOnExtended => walked(machine, rule, GUEST_ON_EPT, ShadowOnExtended::new(rule, levels)?),
        Mode::ShadowOnShadow => walked(machine, rule, GUEST, ShadowOnShadow::new(rule, levels)?),
    }
}

/// The world of a machine that walks `stack`, which `mapper` fills in.
fn walked<B, M>(
    (machine, settings): (&Machine, Settings),
    rule: &Rule,
    context: Context,
    (stack, mapper): (Stack<B>, M),
) -> Result<Box<dyn World>, ReplayError>
where
    B: Below + Send + 'static,
    M: Mapper<B> + 'static,
{
    let mut mmu = Mmu::new(machine, rule.seed, &Layout::single(mapper.memory_end()))?;
    mmu.set_data_lines(settings.data_lines);
    if let Some(vectors) = settings.vectors {
        mmu.set_vectors(vectors);
    }
    for cpu in 0..mmu.cpus() {
        mmu.set_context(cpu, context);
    }
    Ok(Box::new(Walked { mmu, stack, mapper: AnyMapper(Box::new(mapper)) }))
}

/// A machine whose walks go through `B`.
struct Walked<B: Below> {
    mmu: Mmu,
    stack: Stack<B>,
    mapper: AnyMapper<B>,
}

/// A mapper of whatever mode. It is called when a page is first touched and never again, so that a call
/// through a table of functions costs nothing, and the path of all accesses is built for each way to walk,
/// not for each mode.
struct AnyMapper<B>(Box<dyn Mapper<B>>);

impl<B: Below> Populate<B> for AnyMapper<B> {
    type Error = MapError;

    #[cold]
    fn populate(&mut self, stack: &mut Tables<'_, B>, addr: Addr<Gva>) -> Result<Absent, MapError> {
        self.0.populate(stack, addr)
    }
}

impl<B: Below + Send> World for Walked<B> {
    fn run(&mut self, thread: usize, accesses: &[Access]) -> Result<(), (usize, Failure)> {
        let cpu = thread % self.mmu.cpus();
        self.mmu.run(cpu, &mut self.stack, accesses, &mut self.mapper).map_err(|stopped| match stopped {
            Stopped::Populate { at, error } => (at, Failure::Map(error)),
            Stopped::Fault { at, fault: Fault::Page { addr, .. } } if !self.stack.first.covers(addr) => {
                (at, Failure::NotCanonical { addr, levels: self.stack.first.level_count() })
            }
            Stopped::Fault { at, fault } => (at, Failure::Fault(fault)),
        })
    }

    fn counters(&self) -> Counters {
        let mut sum = Counters::default();
        for cpu in 0..self.mmu.cpus() {
            sum.add(&self.mmu.counters(cpu));
        }
        sum
    }

    fn explain(&mut self, access: Access) -> Explained {
        let entries =
            self.stack.first.path(access.addr).map(|step| (step.level, step.address.get())).collect();
        let (steps, result) = self.mmu.explain(0, &mut self.stack, access);
        Explained { steps, result, entries }
    }

    fn intervals(&self) -> Vec<(usize, Interval)> {
        let all = (0..self.mmu.cpus()).map(|cpu| (cpu, Interval::so_far(&self.mmu, cpu)));
        all.filter(|(_, interval)| interval.accesses > 0).collect()
    }
}
