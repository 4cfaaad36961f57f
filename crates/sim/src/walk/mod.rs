//! One translation, step by step.
//!
//! A [`Walk`] maps the page around an address as a replay would, lets the machine translate one access, and keeps what
//! the hardware did, in order: each structure that it looked up, each entry that it read, and each relocation. A
//! machine that remembers nothing shows a walk in full, so TLBs, paging-structure caches and caches are left out
//! unless an access before this one is to fill them.
//!
//! A step is about one address: the program's, or one of the space below the first table, which holds an entry of that
//! table or, last, the data itself. Composed tables belong to all the layers that they are composed of.

mod any_addr;
mod follow;
mod names;
mod step;

#[cfg(test)]
mod tests;

use terrace_addr::{Access, AccessKind, Addr, Cycles, Gva, Hpa};
use terrace_machine::Machine;
use terrace_mmu::{Fault, Step, Translation};

use crate::Mode;
use crate::mapping::Rule;
use crate::replay::{Failure, ReplayError, Settings, build};

pub use any_addr::AnyAddr;
pub use names::{entry_name, table_name};
pub use step::{Action, Found, Held, Hit, Read, ServedBy, Structure, WalkStep};

use follow::follow;

/// A translation that was watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walk {
    /// What was done, in order. Structures that the machine does not have are not looked up.
    pub steps: Vec<WalkStep>,
    /// Where the access went.
    pub translation: Translation,
    /// Table entries read.
    pub references: u64,
    /// What all steps took.
    pub cycles: Cycles,
}

/// What a world says of an access.
#[derive(Debug)]
pub(crate) struct Explained {
    /// What was done.
    pub(crate) steps: Vec<Step>,
    /// Where the access went.
    pub(crate) result: Result<Translation, Fault>,
    /// The level and the address of each entry of the first table on the way, in the space that it refers to.
    pub(crate) entries: Vec<(u32, u64)>,
    /// The first address behind everything that may be mapped.
    pub(crate) memory_end: Addr<Hpa>,
}

impl Walk {
    /// Maps the page of `addr` by `rule` and watches an access of one byte there. Without `after` the machine has no
    /// TLBs, paging-structure caches and caches, so that every entry is read, from memory. With it the machine has
    /// them all, and this address is accessed first, in the same way.
    ///
    /// # Errors
    /// If the machine cannot be built; as reference 0, if an address cannot be translated or its page mapped.
    pub fn new(
        machine: &Machine,
        mode: Mode,
        rule: &Rule,
        (addr, kind): (Addr<Gva>, AccessKind),
        after: Option<Addr<Gva>>,
    ) -> Result<Self, ReplayError> {
        let machine = if after.is_some() { machine.clone() } else { bare(machine) };
        let failed = |failure| ReplayError::Reference { reference: 0, failure };
        let mut world = build(mode, &machine, rule, Settings::default())?;
        if let Some(addr) = after {
            world.run(0, &[Access { addr, size: 1, kind }]).map_err(|(_, failure)| failed(failure))?;
        }
        let before = world.counters();
        let explained = world.explain(Access { addr, size: 1, kind }).map_err(failed)?;
        let counters = world.counters();
        let translation = explained.result.map_err(|fault| failed(Failure::Fault(fault)))?;
        Ok(Self {
            steps: follow(&machine, mode, (addr, kind), &explained),
            translation,
            references: counters.walk_references - before.walk_references,
            cycles: Cycles::new(counters.cycles - before.cycles),
        })
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
    machine
}
