//! The MMUs of a machine's cores.

use terrace_addr::{Addr, Cycles, Hpa, convert};
use terrace_machine::{Machine, SharedBy};

use crate::cache::{Caches, Hierarchy};
use crate::context::{Contexts, Tags};
use crate::counters::Tally;
use crate::{Below, BuildError, Context, Counters, Stack};

mod access;
mod drop;
mod foresee;
mod nested;
mod populate;
mod tlb;
mod walk;
mod walk_cache;

pub use access::Stopped;
pub use foresee::Foresee;
pub use nested::{Found, Nested, NestedStructures, Translate};
pub use populate::{Absent, AsTheyAre, Populate};

use access::Running;
use tlb::Tlb;
use walk_cache::WalkCaches;

/// The structures of all cores of a machine, with what cores share.
#[derive(Debug)]
pub struct Mmu {
    machine: Machine,
    seed: u64,
    memory_end: Addr<Hpa>,
    /// Built when they are first used: most runs use few of a server's cores.
    cores: Vec<Option<Box<Core>>>,
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
        let mut cores: Vec<_> = (0..topology.sockets * topology.cores).map(|_| None).collect();
        // The first one meets whatever is wrong with any.
        cores[0] = Some(Box::new(Core::new(machine, 0, seed, memory_end)?));
        let sockets = (0..topology.sockets)
            .map(|socket| Caches::new(machine, SharedBy::Socket, socket, seed, memory_end))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            machine: machine.clone(),
            seed,
            memory_end,
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
        let core = self.core(core);
        core.tags = core.contexts.tags(context);
        core.context = context;
    }

    /// What a core has counted.
    ///
    /// # Panics
    /// If there is no such core.
    pub fn counters(&self, core: usize) -> Counters {
        let shared = &self.sockets[core / self.cores_per_socket];
        let core = self.cores[core].as_ref();
        core.map_or_else(Counters::default, |core| core.tally.counters(core.caches.len() + shared.len()))
    }

    /// A core, built now if it was never used.
    fn core(&mut self, core: usize) -> &mut Core {
        let Self { machine, seed, memory_end, cores, .. } = self;
        cores[core].get_or_insert_with(|| {
            let built = Core::new(machine, convert::narrow(core), *seed, *memory_end);
            Box::new(built.expect("the first core was built from the same machine"))
        })
    }

    /// A core at work on the tables of `stack`.
    fn running<'a, B: Below, P>(
        &'a mut self,
        core: usize,
        stack: &'a mut Stack<B>,
        populate: &'a mut P,
    ) -> Running<'a, B, P> {
        self.core(core);
        let Self { cores, sockets, cores_per_socket, memory, .. } = self;
        match &mut cores[core] {
            Some(own) => {
                let shared = &mut sockets[core / *cores_per_socket];
                Running { core: own, shared, memory: *memory, stack, populate }
            }
            None => unreachable!("built above"),
        }
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
