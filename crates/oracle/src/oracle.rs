//! All CPUs of a machine.

use core::fmt;
use std::collections::BTreeMap;

use terrace_addr::{Access, Addr, Gpa, Hpa};
use terrace_machine::{Machine, Vendor, array_seed};

use crate::context::Context;
use crate::counts::Counts;
use crate::lines::Lines;
use crate::log::Log;
use crate::mmu::{Core, Cpu, Keeps, Mmu};
use crate::nested_tlb::NestedTlbs;
use crate::third_level::ThirdLevel;
use crate::tlb::Tlbs;
use crate::walk_cache::WalkCaches;
use crate::{DirectSegment, Fault, Invalidation, Tables, Tag, Translation};

/// The MMUs of a machine's cores, and the caches that their walks go through.
///
/// With k cores in all sockets, CPU `c` is thread ⌊c / k⌋ of core c mod k; core `i` belongs to socket `i` / (cores of a
/// socket).
pub struct Oracle {
    vendor: Vendor,
    cores: Vec<Core>,
    cpus: Vec<Cpu>,
    lines: Lines,
    keeps: Keeps,
    data_lines: bool,
    switch_level: Option<u32>,
    prefetch: Vec<u32>,
}

impl Oracle {
    /// A machine with everything empty. `seed` is the run's: each array that replaces at random draws from the
    /// stream that [`array_seed`] gives it. `nodes` are the parts of memory: the first address behind each, ascending,
    /// and the number of its node in [`Machine::nodes`]; what lies behind the last part belongs to its node.
    ///
    /// # Panics
    /// If the machine does not pass [`Machine::validate`], or without a part of memory.
    pub fn new(machine: &Machine, seed: u64, nodes: &[(Addr<Hpa>, usize)]) -> Self {
        let cores = machine.topology.sockets * machine.topology.cores;
        let scheme = machine.scheme.as_ref();
        let memory_end = nodes.last().expect("memory has a part").0;
        let core = |number| {
            let seed_of = |array: &str| array_seed(seed, number, array);
            Core {
                tlbs: Tlbs::new(&machine.tlb, |name| seed_of(&format!("tlb.{name}"))),
                third_level: scheme
                    .and_then(|scheme| scheme.third_level)
                    .map(|entries| ThirdLevel::new(entries, number, memory_end)),
                walk_caches: WalkCaches::new(&machine.walk_cache, |name| {
                    seed_of(&format!("walk_cache.{name}"))
                }),
                nested_tlbs: NestedTlbs::new(&machine.nested_tlb, |name| {
                    seed_of(&format!("nested_tlb.{name}"))
                }),
                nested_walk_caches: WalkCaches::new(&machine.nested_walk_cache, |name| {
                    seed_of(&format!("nested_walk_cache.{name}"))
                }),
            }
        };
        let lines = Lines::new(machine, seed, nodes);
        let cpu = |_| Cpu {
            counts: Counts::new(),
            nodes: vec![(0, 0); lines.nodes()],
            log: Log::default(),
            direct: None,
        };
        Self {
            vendor: machine.vendor,
            cores: (0..cores).map(core).collect(),
            cpus: (0..cores * machine.topology.threads).map(cpu).collect(),
            lines,
            keeps: Keeps { first: machine.paging.accessed_dirty, second: machine.paging.ept_accessed_dirty },
            data_lines: false,
            switch_level: scheme.and_then(|scheme| scheme.switch_level),
            prefetch: scheme.map_or_else(Vec::new, |scheme| scheme.prefetch.clone()),
        }
    }

    /// The number of CPUs.
    pub fn cpus(&self) -> usize {
        self.cpus.len()
    }

    /// Models data lines from now on, or no longer.
    pub fn set_data_lines(&mut self, on: bool) {
        self.data_lines = on;
    }

    /// Makes a CPU keep a page-modification log from now on, or no longer; it is empty.
    ///
    /// # Panics
    /// If there is no such CPU.
    pub fn keep_log(&mut self, cpu: usize, on: bool) {
        self.cpus[cpu].log.keep(on);
    }

    /// Empties the page-modification log of a CPU: what it held, oldest first.
    ///
    /// # Panics
    /// If there is no such CPU.
    pub fn take_log(&mut self, cpu: usize) -> Vec<Addr<Gpa>> {
        self.cpus[cpu].log.take()
    }

    /// Gives a CPU a direct segment, another one, or none. Nothing is removed.
    ///
    /// # Panics
    /// If there is no such CPU.
    pub fn set_direct_segment(&mut self, cpu: usize, segment: Option<DirectSegment>) {
        self.cpus[cpu].direct = segment;
    }

    /// One access by `cpu` in the context `tag`; the translation of its first byte.
    ///
    /// # Errors
    /// If a byte cannot be accessed. The access ends there; what came before stays.
    ///
    /// # Panics
    /// If there is no such CPU.
    pub fn access(
        &mut self,
        cpu: usize,
        tag: Tag,
        tables: &mut Tables<'_>,
        access: Access,
    ) -> Result<Translation, Fault> {
        let (thread, core_number) = self.place(cpu);
        let mut mmu = Mmu {
            core: &mut self.cores[core_number],
            core_number,
            cpu: &mut self.cpus[cpu],
            context: Context::new(self.vendor, thread, tag),
            keeps: self.keeps,
            lines: &mut self.lines,
            data_lines: self.data_lines,
            switch_level: self.switch_level,
            prefetch: &self.prefetch,
        };
        mmu.access(tables, access)
    }

    /// Executes an invalidation on `cpu` in the context `tag`.
    ///
    /// # Panics
    /// If there is no such CPU.
    pub fn invalidate(&mut self, cpu: usize, tag: Tag, invalidation: Invalidation) {
        let (thread, core) = self.place(cpu);
        let current = Context::new(self.vendor, thread, tag).own;
        if matches!(invalidation, Invalidation::Invlpgb { .. }) {
            for every in 0..self.cpus() {
                let (thread, core) = self.place(every);
                self.cores[core].invalidate(thread, current, invalidation);
            }
        } else {
            self.cores[core].invalidate(thread, current, invalidation);
        }
    }

    /// The counts of a CPU by their names; all are always there.
    ///
    /// # Panics
    /// If there is no such CPU.
    pub fn counts(&self, cpu: usize) -> BTreeMap<&'static str, u64> {
        self.cpus[cpu].counts.all()
    }

    /// For each memory node the references of a CPU that it served: table entries, and data lines.
    ///
    /// # Panics
    /// If there is no such CPU.
    pub fn node_references(&self, cpu: usize) -> Vec<(u64, u64)> {
        self.cpus[cpu].nodes.clone()
    }

    /// Which thread of which core a CPU is.
    fn place(&self, cpu: usize) -> (usize, usize) {
        (cpu / self.cores.len(), cpu % self.cores.len())
    }
}

impl fmt::Debug for Oracle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the MMUs of {} CPUs", self.cpus())
    }
}
