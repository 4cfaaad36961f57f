//! One translation, step by step.

use terrace_addr::{Access, Addr, Cycles, Gpa, Gva, Hpa, PageSize};
use terrace_machine::Machine;
use terrace_mmu::{EntryRead, Fault, Step, Translation};

use crate::Mode;
use crate::mapping::Rule;
use crate::replay::{ReplayError, build};

/// A translation that was watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walk {
    /// What was done, in order.
    pub steps: Vec<WalkStep>,
    /// Where the access went, or why it did not.
    pub result: Result<Translation, Fault>,
}

/// One step, with what the hardware's own view of it does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalkStep {
    /// What was done.
    pub step: Step,
    /// Of an entry of the first table, its address in the space that the table's entries refer to. It is the one in
    /// memory where nothing lies below that table.
    pub entry: Option<u64>,
    /// The cycles of all steps up to this one.
    pub cycles: Cycles,
}

/// What a world says of an access.
#[derive(Debug)]
pub(crate) struct Explained {
    pub(crate) steps: Vec<Step>,
    pub(crate) result: Result<Translation, Fault>,
    /// The level and the address of each entry of the first table on the way, in the space that it refers to.
    pub(crate) entries: Vec<(u32, u64)>,
}

impl Walk {
    /// Maps the page of an access by `rule` and watches the access, on a machine without TLBs, paging-structure caches
    /// and caches, so that every entry is read, from memory. `warm` keeps all of them and runs the access once before.
    ///
    /// # Errors
    /// If the machine cannot be built, or the page cannot be mapped.
    pub fn new(
        machine: &Machine,
        mode: Mode,
        rule: &Rule,
        access: Access,
        warm: bool,
    ) -> Result<Self, ReplayError> {
        let machine = if warm { machine.clone() } else { bare(machine) };
        let mut world = build(mode, &machine, rule, crate::replay::Settings::default())?;
        world.run(0, &[access]).map_err(|(_, failure)| ReplayError::Reference { reference: 0, failure })?;
        let Explained { steps, result, entries } = world.explain(access);
        let mut cycles = Cycles::ZERO;
        let steps = steps.into_iter().map(|step| {
            let mut entry = None;
            if let Step::Entry { entry: EntryRead { level, latency, .. }, .. } = step {
                entry = entries.iter().find(|(other, _)| *other == level).map(|(_, address)| *address);
                cycles = Cycles::new(cycles.get() + latency.get());
            } else if let Step::NestedEntry { entry: EntryRead { latency, .. }, .. } = step {
                cycles = Cycles::new(cycles.get() + latency.get());
            }
            WalkStep { step, entry, cycles }
        });
        Ok(Self { steps: steps.collect(), result })
    }

    /// Table entries read.
    pub fn references(&self) -> usize {
        let read = |step: &&WalkStep| matches!(step.step, Step::Entry { .. } | Step::NestedEntry { .. });
        self.steps.iter().filter(read).count()
    }

    /// The latencies of the entries, added up.
    pub fn cycles(&self) -> Cycles {
        self.steps.last().map_or(Cycles::ZERO, |step| step.cycles)
    }
}

/// The machine without anything that remembers a translation or a line.
fn bare(machine: &Machine) -> Machine {
    let mut machine = machine.clone();
    machine.tlb.clear();
    machine.walk_cache.clear();
    machine.nested_tlb.clear();
    machine.nested_walk_cache.clear();
    machine.cache.clear();
    if let Some(scheme) = &mut machine.scheme {
        scheme.third_level = None;
    }
    machine
}

/// The name of a table's entries of a level, as Intel's manual has it.
pub const fn entry_name(level: u32) -> &'static str {
    match level {
        1 => "PTE",
        2 => "PDE",
        3 => "PDPTE",
        4 => "PML4E",
        _ => "PML5E",
    }
}

/// What the two tables of a walk are in a mode: the first, and what lies below it.
pub const fn tables_of(mode: Mode) -> (&'static str, &'static str) {
    match mode {
        Mode::Native => ("page table", "memory"),
        Mode::TwoDimensional => ("guest", "host EPT"),
        Mode::Shadow => ("shadow of guest, host", "memory"),
        Mode::Nested => ("guest", "EPT of hypervisor, host"),
        Mode::Segment => ("guest", "segment"),
        Mode::ShadowOnExtended => ("shadow of guest, hypervisor", "host EPT"),
        Mode::ShadowOnShadow => ("shadow of guest, hypervisor, host", "memory"),
    }
}

/// The address that a step is about, as it is written: `GVA 0x…` or `GPA 0x…`. What the hardware calls guest-physical
/// is the guest hypervisor's physical memory where that hypervisor composes the first table.
pub fn about(step: &Step, mode: Mode) -> Option<String> {
    let physical = if mode == Mode::ShadowOnExtended { "GHPA" } else { "GPA" };
    let upper = |addr: Addr<Gva>| format!("GVA {:#x}", addr.get());
    let lower = |addr: Addr<Gpa>| format!("{physical} {:#x}", addr.get());
    match *step {
        Step::Tlb { .. } | Step::WalkCaches { .. } => None,
        Step::Entry { addr, .. } => Some(upper(addr)),
        Step::NestedTlb { addr, .. }
        | Step::NestedWalkCaches { addr, .. }
        | Step::NestedEntry { addr, .. }
        | Step::Segment { addr, .. } => Some(lower(addr)),
    }
}

/// A final address and its page, as they are written.
pub fn place(addr: Addr<Hpa>, size: PageSize) -> String {
    format!("HPA {:#x} in a {} page", addr.get(), size.name())
}
