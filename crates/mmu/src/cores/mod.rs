//! The MMUs of a machine's CPUs.

use terrace_addr::{Addr, Cycles, Gpa, convert};
use terrace_machine::{Machine, SharedBy};
use terrace_raw::Vectors;

use crate::cache::{Caches, Hierarchy, Servers, Waiting};
use crate::context::{Contexts, Tags};
use crate::counters::{NodeReferences, Tally};
use crate::log::Log;
use crate::{Below, BuildError, Context, Counters, DirectSegment, InvalidationCounts, Layout, Tables};

mod access;
mod below;
mod compiled;
mod foresee;
mod nested;
mod populate;
mod prefetch;
mod references;
mod remove;
mod third_level;
mod tlb;
mod walk;
mod walk_cache;

pub use access::Stopped;
pub(crate) use below::Translate;
pub(crate) use compiled::Compiled;
pub(crate) use foresee::Foresee;
pub use populate::{Absent, AsTheyAre, Populate};

use access::Running;
use foresee::FARTHEST;
use nested::NestedStructures;
use populate::Fill;
use prefetch::Prefetched;
use third_level::{ThirdLevel, memory_end};
use tlb::Tlb;
use walk_cache::WalkCaches;

/// The structures of all cores of a machine, with what cores share.
///
/// CPU *c* is thread ⌊c / k⌋ of core c mod k of the machine's k cores.
#[derive(Debug)]
pub struct Mmu {
    machine: Machine,
    seed: u64,
    layout: Layout,
    /// Built when they are first used: most runs use few of a server's cores.
    cores: Vec<Option<Box<Core>>>,
    threads: Vec<Thread>,
    sockets: Vec<Socket>,
    /// Nothing, between two runs of accesses.
    waiting: Waiting,
    data_lines: bool,
    vectors: Vectors,
    look_ahead: usize,
}

/// What the cores of a socket share.
#[derive(Debug)]
struct Socket {
    caches: Caches,
    servers: Servers,
}

/// One core: what its threads share.
#[derive(Debug)]
struct Core {
    structures: Structures,
    caches: Caches,
}

/// What translates, on one core.
#[derive(Debug)]
struct Structures {
    first_level: Tlb,
    second_level: Tlb,
    third_level: Option<Box<ThirdLevel>>,
    walk_caches: WalkCaches,
    nested: NestedStructures,
    /// The levels whose entries walks ask for before they come to them.
    prefetched: Prefetched,
    /// Whether walks keep accessed and dirty bits in page tables.
    accessed_dirty: bool,
    /// Whether data goes through the caches too.
    data_lines: bool,
    contexts: Contexts,
}

/// A hardware thread.
#[derive(Debug)]
struct Thread {
    context: Context,
    /// Of the context, once the core is built.
    tags: Tags,
    log: Option<Log>,
    direct: Option<DirectSegment>,
    tally: Tally,
    invalidations: InvalidationCounts,
}

impl Mmu {
    /// The MMUs of a machine with its memory laid out as `layout` says, empty. `seed` decides what is random in
    /// them. Data lines are not modelled until [`set_data_lines`](Self::set_data_lines).
    ///
    /// # Errors
    /// If the machine is not valid, does not have a node of the layout, or a cache cannot hold lines of so much
    /// memory.
    pub fn new(machine: &Machine, seed: u64, layout: &Layout) -> Result<Self, BuildError> {
        machine.validate()?;
        let nodes = machine.nodes().len();
        if layout.last_node() >= nodes {
            return Err(BuildError::Node { node: layout.last_node(), nodes });
        }
        let topology = &machine.topology;
        let cores = topology.sockets * topology.cores;
        let sockets = (0..topology.sockets)
            .map(|socket| {
                let caches =
                    Caches::new(machine, SharedBy::Socket, socket, seed, memory_end(machine, layout))?;
                Ok(Socket { caches, servers: Servers::new(machine, layout, socket) })
            })
            .collect::<Result<Vec<Socket>, BuildError>>()?;
        let threads = (0..cores * topology.threads)
            .map(|cpu| Thread::new(&sockets[convert::index32(cpu % cores / topology.cores)].servers));
        let mut mmu = Self {
            machine: machine.clone(),
            seed,
            layout: layout.clone(),
            cores: (0..cores).map(|_| None).collect(),
            threads: threads.collect(),
            sockets,
            waiting: Waiting::new(),
            data_lines: false,
            vectors: Vectors::best(),
            look_ahead: FARTHEST,
        };
        // The first one meets whatever is wrong with any.
        mmu.cores[0] = Some(Box::new(mmu.build(0)?));
        for cpu in (0..mmu.cpus()).step_by(mmu.cores.len()) {
            mmu.number_context(cpu);
        }
        Ok(mmu)
    }

    /// The number of CPUs: hardware threads of all cores.
    pub const fn cpus(&self) -> usize {
        self.threads.len()
    }

    /// Models data lines in the caches from now on, or no longer.
    pub fn set_data_lines(&mut self, on: bool) {
        self.data_lines = on;
        for core in self.cores.iter_mut().flatten() {
            core.structures.data_lines = on;
        }
    }

    /// Makes a CPU use the translations of `context` from now on. Nothing is invalidated.
    ///
    /// # Panics
    /// If there is no such CPU.
    pub fn set_context(&mut self, cpu: usize, context: Context) {
        self.threads[cpu].context = context;
        self.number_context(cpu);
    }

    /// The context that a CPU runs in.
    ///
    /// # Panics
    /// If there is no such CPU.
    pub fn context(&self, cpu: usize) -> Context {
        self.threads[cpu].context
    }

    /// Gives a CPU a direct segment from now on, in place of the one that it has, or none. Nothing is invalidated.
    ///
    /// # Panics
    /// If there is no such CPU.
    pub fn set_direct_segment(&mut self, cpu: usize, segment: Option<DirectSegment>) {
        self.threads[cpu].direct = segment;
    }

    /// Makes a CPU keep a page-modification log from now on, or no longer; what was logged is dropped.
    ///
    /// # Panics
    /// If there is no such CPU.
    pub fn keep_log(&mut self, cpu: usize, on: bool) {
        self.threads[cpu].log = on.then(Log::default);
    }

    /// Takes what a CPU has logged, oldest first.
    ///
    /// # Panics
    /// If there is no such CPU.
    pub fn take_log(&mut self, cpu: usize) -> Vec<Addr<Gpa>> {
        self.threads[cpu].log.as_mut().map_or_else(Vec::new, Log::take)
    }

    /// What a CPU has counted.
    ///
    /// # Panics
    /// If there is no such CPU.
    pub fn counters(&self, cpu: usize) -> Counters {
        self.threads[cpu].tally.counters(self.servers(cpu))
    }

    /// The references of a CPU that each memory node served.
    ///
    /// # Panics
    /// If there is no such CPU.
    pub fn node_references(&self, cpu: usize) -> Vec<NodeReferences> {
        self.threads[cpu].tally.by_node(self.servers(cpu))
    }

    /// Walks of a CPU begin so many cycles ahead of when they are waited for, from now on; 0 at first.
    ///
    /// # Panics
    /// If there is no such CPU.
    pub fn set_walk_lead(&mut self, cpu: usize, lead: Cycles) {
        self.threads[cpu].tally.set_lead(lead.get());
    }

    /// Of the walk cycles of a CPU, those of its third level with them, those that its walks' lead covered: the sum over all walks of the lesser of both.
    ///
    /// # Panics
    /// If there is no such CPU.
    pub fn walk_cycles_within_lead(&self, cpu: usize) -> Cycles {
        Cycles::new(self.threads[cpu].tally.within_lead())
    }

    /// The invalidations that a CPU has executed.
    ///
    /// # Panics
    /// If there is no such CPU.
    pub fn invalidations(&self, cpu: usize) -> &InvalidationCounts {
        &self.threads[cpu].invalidations
    }

    /// The core of a CPU.
    const fn core_of(&self, cpu: usize) -> usize {
        cpu % self.cores.len()
    }

    /// The thread of its core that a CPU is.
    fn thread_of(&self, cpu: usize) -> u16 {
        convert::low16(convert::count(cpu / self.cores.len()))
    }

    /// What serves the references of a CPU.
    fn servers(&self, cpu: usize) -> &Servers {
        &self.sockets[self.core_of(cpu) / convert::index32(self.machine.topology.cores)].servers
    }

    fn build(&self, core: usize) -> Result<Core, BuildError> {
        let mut built = Core::new(&self.machine, convert::narrow(core), self.seed, &self.layout)?;
        built.structures.data_lines = self.data_lines;
        Ok(built)
    }

    /// Builds a CPU's core if it was never used.
    #[inline]
    fn ready(&mut self, cpu: usize) {
        if self.cores[self.core_of(cpu)].is_none() {
            self.build_core(cpu);
        }
    }

    #[cold]
    fn build_core(&mut self, cpu: usize) {
        let core = self.core_of(cpu);
        let built = self.build(core).expect("the first core was built from the same machine");
        self.cores[core] = Some(Box::new(built));
        for cpu in (core..self.cpus()).step_by(self.cores.len()) {
            self.number_context(cpu);
        }
    }

    /// Gives a CPU the tags of its context, if its core is built; otherwise that is done when it is.
    fn number_context(&mut self, cpu: usize) {
        let (number, thread, vendor) = (self.core_of(cpu), self.thread_of(cpu), self.machine.vendor);
        let all_cores = self.cores.len();
        let Some(core) = &mut self.cores[number] else { return };
        let context = self.threads[cpu].context;
        let mut tags = core.structures.contexts.tags(vendor, thread, context);
        if tags.is_none() {
            let siblings = self.threads.iter().skip(number).step_by(all_cores);
            core.structures.forget_unused_contexts(siblings.map(|thread| thread.tags));
            tags = core.structures.contexts.tags(vendor, thread, context);
        }
        self.threads[cpu].tags = tags.expect("structures have fewer entries than there are tags");
    }

    /// A CPU at work on the tables of `stack`.
    #[inline(always)]
    fn running<'a, B: Below, V, W>(
        &'a mut self,
        vector: V,
        cpu: usize,
        stack: Tables<'a, B>,
        fill: &'a mut dyn Fill<B>,
        watch: &'a mut W,
    ) -> Running<'a, B, V, W> {
        self.ready(cpu);
        let core = self.core_of(cpu);
        let Socket { caches: shared, servers } =
            &mut self.sockets[core / convert::index32(self.machine.topology.cores)];
        let Some(core) = &mut self.cores[core] else { unreachable!("made ready above") };
        let Core { structures: core, caches } = &mut **core;
        let thread = &mut self.threads[cpu];
        Running {
            vector,
            core,
            thread,
            hierarchy: Hierarchy::new(caches, shared, servers, &mut self.waiting),
            stack,
            fill,
            watch,
        }
    }
}

impl Core {
    fn new(machine: &Machine, number: u32, seed: u64, layout: &Layout) -> Result<Self, BuildError> {
        let structures = Structures {
            first_level: Tlb::new(machine, 1, number, seed)?,
            second_level: Tlb::new(machine, 2, number, seed)?,
            third_level: ThirdLevel::new(machine, number, layout)?.map(Box::new),
            walk_caches: WalkCaches::new("walk_cache", &machine.walk_cache, number, seed)?,
            nested: NestedStructures::new(machine, number, seed)?,
            prefetched: Prefetched::of(machine.scheme.as_ref().map_or(&[], |scheme| &scheme.prefetch)),
            accessed_dirty: machine.paging.accessed_dirty,
            data_lines: false,
            contexts: Contexts::default(),
        };
        let end = memory_end(machine, layout);
        Ok(Self { structures, caches: Caches::new(machine, SharedBy::Core, number, seed, end)? })
    }
}

impl Thread {
    fn new(servers: &Servers) -> Self {
        Self {
            context: Context::default(),
            tags: Tags::default(),
            log: None,
            direct: None,
            tally: Tally::new(servers),
            invalidations: InvalidationCounts::default(),
        }
    }
}
