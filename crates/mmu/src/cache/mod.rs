//! Caches for lines of memory: table lines today, data lines beside them where they are modelled.

use terrace_addr::{Addr, Cycles, Hpa};
use terrace_machine::{Machine, SharedBy, array_seed};

use crate::BuildError;
use crate::array::Policy;

mod lines;

use lines::Lines;

/// Lines are 64 bytes.
const LINE_SHIFT: u32 = 6;

/// Where a reference was served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Served {
    /// The place of the cache level, nearest first; the number of levels for memory.
    pub(crate) level: usize,
    /// The time from the start of the reference to its data.
    pub(crate) latency: Cycles,
}

/// The caches of one level of sharing: those of a core, or those of a socket.
#[derive(Debug, Clone)]
pub(crate) struct Caches {
    levels: Vec<(Lines, Cycles)>,
}

impl Caches {
    /// The caches of `machine` that `shared_by` says, for the core or socket with the number `owner`.
    pub(crate) fn new(
        machine: &Machine,
        shared_by: SharedBy,
        owner: u32,
        seed: u64,
        memory_end: Addr<Hpa>,
    ) -> Result<Self, BuildError> {
        let mut levels = Vec::new();
        for (name, cache) in machine.caches() {
            if cache.shared_by == shared_by {
                let path = format!("cache.{name}");
                let policy = Policy { replacement: cache.replacement, seed: array_seed(seed, owner, &path) };
                levels.push((Lines::new(&path, cache, policy, memory_end)?, Cycles::new(cache.latency)));
            }
        }
        Ok(Self { levels })
    }

    pub(crate) fn len(&self) -> usize {
        self.levels.len()
    }

    /// Looks for a line, nearest level first; every level that misses takes it in.
    #[inline(always)]
    fn access(&mut self, line: u64) -> Option<(usize, Cycles)> {
        for (level, (lines, latency)) in self.levels.iter_mut().enumerate() {
            if lines.access(line) {
                return Some((level, *latency));
            }
        }
        None
    }

    fn prefetch(&self, line: u64) {
        for (lines, _) in &self.levels {
            lines.prefetch(line);
        }
    }
}

/// The caches that one core sees, nearest first, and the memory behind them.
pub(crate) struct Hierarchy<'a> {
    pub(crate) own: &'a mut Caches,
    pub(crate) shared: &'a mut Caches,
    pub(crate) memory: Cycles,
}

impl Hierarchy<'_> {
    /// One reference to the line of `addr`.
    #[inline(always)]
    pub(crate) fn access(&mut self, addr: Addr<Hpa>) -> Served {
        let line = line(addr);
        if let Some((level, latency)) = self.own.access(line) {
            return Served { level, latency };
        }
        if let Some((level, latency)) = self.shared.access(line) {
            return Served { level: self.own.len() + level, latency };
        }
        Served { level: self.own.len() + self.shared.len(), latency: self.memory }
    }

    /// Asks for the tags that a reference to `addr` will look at.
    #[inline(always)]
    pub(crate) fn prefetch(&self, addr: Addr<Hpa>) {
        let line = line(addr);
        self.own.prefetch(line);
        self.shared.prefetch(line);
    }
}

/// The number of the 64-byte line that holds `addr`.
#[inline(always)]
const fn line(addr: Addr<Hpa>) -> u64 {
    addr.get() >> LINE_SHIFT
}
