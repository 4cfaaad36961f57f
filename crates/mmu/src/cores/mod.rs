//! The MMUs of a machine's cores.

use terrace_addr::{Addr, Cycles, Hpa, convert};
use terrace_machine::{Machine, SharedBy};

use crate::cache::{Caches, Hierarchy};
use crate::context::{Contexts, Tags};
use crate::counters::Tally;
use crate::{BuildError, Context, Counters};

mod access;
mod drop;
mod nested;
mod tlb;
mod walk;
mod walk_cache;

pub use access::{BeforeWalk, Ready, Stopped};
pub use nested::Translate;

use nested::NestedStructures;
use tlb::Tlb;
use walk_cache::WalkCaches;

/// The structures of all cores of a machine, with what cores share.
#[derive(Debug)]
pub struct Mmu {
    cores: Vec<Core>,
    /// The caches that the cores of each socket share.
    sockets: Vec<Caches>,
    cores_per_socket: usize,
    memory: Cycles,
}

/// The structures of one core.
#[derive(Debug)]
struct Core {
    first_level: Tlb,
    second_level: Tlb,
    walk_caches: WalkCaches,
    nested: NestedStructures,
    /// Whether walks keep accessed and dirty bits in page tables.
    accessed_dirty: bool,
    caches: Caches,
    contexts: Contexts,
    context: Context,
    tags: Tags,
    tally: Tally,
}

impl Mmu {
    /// The MMUs of a machine whose memory ends at `memory_end`, empty. `seed` decides what is random in them.
    ///
    /// # Errors
    /// If the machine is not valid, or a cache cannot hold lines of so much memory.
    pub fn new(machine: &Machine, seed: u64, memory_end: Addr<Hpa>) -> Result<Self, BuildError> {
        machine.validate()?;
        let topology = &machine.topology;
        let cores = (0..topology.sockets * topology.cores)
            .map(|number| Core::new(machine, number, seed, memory_end))
            .collect::<Result<_, _>>()?;
        let sockets = (0..topology.sockets)
            .map(|socket| Caches::new(machine, SharedBy::Socket, socket, seed, memory_end))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            cores,
            sockets,
            cores_per_socket: convert::index32(topology.cores),
            memory: machine.memory_latency(),
        })
    }

    /// The number of cores.
    pub const fn cores(&self) -> usize {
        self.cores.len()
    }

    /// Makes a core use the translations of `context` from now on. Nothing is invalidated.
    ///
    /// # Panics
    /// If there is no such core.
    pub fn set_context(&mut self, core: usize, context: Context) {
        let core = &mut self.cores[core];
        core.tags = core.contexts.tags(context);
        core.context = context;
    }

    /// What a core has counted.
    ///
    /// # Panics
    /// If there is no such core.
    pub fn counters(&self, core: usize) -> Counters {
        let levels = self.cores[core].caches.len() + self.sockets[core / self.cores_per_socket].len();
        self.cores[core].tally.counters(levels)
    }

    /// A core and the caches that it sees beyond its own.
    fn split(&mut self, core: usize) -> (&mut Core, &mut Caches, Cycles) {
        (&mut self.cores[core], &mut self.sockets[core / self.cores_per_socket], self.memory)
    }
}

impl Core {
    fn new(machine: &Machine, number: u32, seed: u64, memory_end: Addr<Hpa>) -> Result<Self, BuildError> {
        let mut contexts = Contexts::default();
        let context = Context::default();
        let tags = contexts.tags(context);
        Ok(Self {
            first_level: Tlb::new(machine, 1, number, seed)?,
            second_level: Tlb::new(machine, 2, number, seed)?,
            walk_caches: WalkCaches::new("walk_cache", &machine.walk_cache, number, seed)?,
            nested: NestedStructures::new(machine, number, seed)?,
            accessed_dirty: machine.paging.accessed_dirty,
            caches: Caches::new(machine, SharedBy::Core, number, seed, memory_end)?,
            contexts,
            context,
            tags,
            tally: Tally::default(),
        })
    }
}

/// What references of a walk go through, and where they are counted.
pub struct References<'a> {
    hierarchy: Hierarchy<'a>,
    tally: &'a mut Tally,
}

impl References<'_> {
    /// One table entry is read.
    #[inline(always)]
    fn read(&mut self, addr: Addr<Hpa>) {
        let served = self.hierarchy.access(addr);
        self.tally.served[served.level] += 1;
        self.tally.walk_cycles += served.latency.get();
    }
}
