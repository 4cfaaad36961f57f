//! All cores of a machine.

use core::fmt;
use std::collections::BTreeMap;

use terrace_addr::{Access, Addr, Gva};
use terrace_machine::{Machine, array_seed};

use crate::counts::Counts;
use crate::lines::Lines;
use crate::mmu::{Core, Keeps, Mmu};
use crate::nested_tlb::NestedTlbs;
use crate::tlb::Tlbs;
use crate::walk_cache::WalkCaches;
use crate::{Fault, Tables, Tag, Translation};

/// The MMUs of a machine's cores, one hardware thread each, and the caches that their walks go through.
///
/// Core `c` belongs to socket `c` / (cores of a socket).
pub struct Oracle {
    cores: Vec<Core>,
    lines: Lines,
    keeps: Keeps,
}

impl Oracle {
    /// A machine with everything empty. `seed` is the run's: each array that replaces at random draws from the
    /// stream that [`array_seed`] gives it.
    ///
    /// # Panics
    /// If the machine does not pass [`Machine::validate`], or has more than three levels of caches.
    pub fn new(machine: &Machine, seed: u64) -> Self {
        let cores = machine.topology.sockets * machine.topology.cores;
        let core = |number| {
            let seed_of = |array: &str| array_seed(seed, number, array);
            Core {
                tlbs: Tlbs::new(&machine.tlb, |name| seed_of(&format!("tlb.{name}"))),
                walk_caches: WalkCaches::new(&machine.walk_cache, |name| {
                    seed_of(&format!("walk_cache.{name}"))
                }),
                nested_tlbs: NestedTlbs::new(&machine.nested_tlb, |name| {
                    seed_of(&format!("nested_tlb.{name}"))
                }),
                nested_walk_caches: WalkCaches::new(&machine.nested_walk_cache, |name| {
                    seed_of(&format!("nested_walk_cache.{name}"))
                }),
                counts: Counts::new(),
            }
        };
        Self {
            cores: (0..cores).map(core).collect(),
            lines: Lines::new(machine, seed),
            keeps: Keeps { first: machine.paging.accessed_dirty, second: machine.paging.ept_accessed_dirty },
        }
    }

    /// One access by `core` in the context `tag`; the translation of its first byte.
    ///
    /// # Errors
    /// If a byte cannot be accessed. The access ends there; what came before stays.
    ///
    /// # Panics
    /// If there is no such core.
    pub fn access(
        &mut self,
        core: usize,
        tag: Tag,
        tables: &mut Tables<'_>,
        access: Access,
    ) -> Result<Translation, Fault> {
        let core_number = core;
        let core = &mut self.cores[core_number];
        core.counts.one("references");
        Mmu { core, core_number, tag, keeps: self.keeps, lines: &mut self.lines }.access(tables, access)
    }

    /// INVLPG: removes the translations of `addr`, all sizes, in the context and global, and all
    /// paging-structure-cache entries of the context.
    ///
    /// # Panics
    /// If there is no such core.
    pub fn invalidate_page(&mut self, core: usize, tag: Tag, addr: Addr<Gva>) {
        self.cores[core].invalidate_page(tag, addr);
    }

    /// MOV to CR3 without the no-flush bit: removes the non-global translations and the paging-structure-cache
    /// entries of the context.
    ///
    /// # Panics
    /// If there is no such core.
    pub fn invalidate_space(&mut self, core: usize, tag: Tag) {
        self.cores[core].invalidate_space(tag);
    }

    /// INVEPT, single-context: removes everything tagged with the EPT root.
    ///
    /// # Panics
    /// If there is no such core.
    pub fn invalidate_root(&mut self, core: usize, root: u16) {
        self.cores[core].invalidate_root(root);
    }

    /// Removes everything but lines from a core.
    ///
    /// # Panics
    /// If there is no such core.
    pub fn invalidate_all(&mut self, core: usize) {
        self.cores[core].invalidate_all();
    }

    /// The counts of a core by their names; all are always there.
    ///
    /// # Panics
    /// If there is no such core.
    pub fn counts(&self, core: usize) -> BTreeMap<&'static str, u64> {
        self.cores[core].counts.all()
    }
}

impl fmt::Debug for Oracle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the MMUs of {} cores", self.cores.len())
    }
}
