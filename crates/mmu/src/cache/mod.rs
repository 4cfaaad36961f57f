//! Caches for lines of memory: table lines, and data lines beside them where they are modelled.

use terrace_addr::{AccessKind, Addr, Cycles, Hpa};
use terrace_machine::{Machine, SharedBy, array_seed};
use terrace_raw::Work;
use terrace_raw::vector::Vector;

use crate::BuildError;
use crate::layout::Memory;
use crate::sets::Policy;

mod lines;

use lines::LineSets;

/// Lines are 64 bytes.
pub(crate) const LINE_SHIFT: u32 = 6;

/// The most levels of caches. A reference that none of them served has this place.
pub(crate) const MEMORY: u32 = 3;

/// Where a reference was served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Served {
    /// The place of the cache level, nearest first; [`MEMORY`] for memory.
    pub(crate) level: u32,
    /// The node, if memory served it.
    pub(crate) node: u32,
    /// The time from the start of the reference to its data.
    pub(crate) latency: Cycles,
}

/// The caches of one level of sharing: those of a core, or those of a socket; nearest first.
#[derive(Debug, Clone)]
pub(crate) struct Caches {
    caches: Vec<Cache>,
    /// Whether the sets of any are worth asking for.
    any_far: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Cache {
    lines: LineSets,
    latency: Cycles,
    /// 0 for the first level.
    level: u32,
    /// The kinds of access that it serves.
    serves: [bool; 3],
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
        let mut caches = Vec::new();
        for (name, cache) in machine.caches() {
            if cache.shared_by == shared_by {
                let path = format!("cache.{name}");
                let policy = Policy { replacement: cache.replacement, seed: array_seed(seed, owner, &path) };
                caches.push(Cache {
                    lines: LineSets::new(&path, cache, policy, memory_end)?,
                    latency: Cycles::new(cache.latency),
                    level: cache.level - 1,
                    serves: AccessKind::ALL.map(|kind| cache.serves(kind)),
                });
            }
        }
        let any_far = caches.iter().any(|cache| cache.lines.is_far());
        Ok(Self { caches, any_far })
    }
}

impl Cache {
    #[inline(always)]
    const fn served(&self) -> Served {
        Served { level: self.level, node: 0, latency: self.latency }
    }
}

/// The caches that one core sees, nearest first, and the memory behind them.
pub(crate) struct Hierarchy<'a> {
    own: &'a mut [Cache],
    shared: &'a mut [Cache],
    own_far: bool,
    shared_far: bool,
    memory: &'a Memory,
}

impl<'a> Hierarchy<'a> {
    /// A core's own caches, and those that it shares.
    #[inline(always)]
    pub(crate) fn new(own: &'a mut Caches, shared: &'a mut Caches, memory: &'a Memory) -> Self {
        let (own_far, shared_far) = (own.any_far, shared.any_far);
        Self { own: &mut own.caches, shared: &mut shared.caches, own_far, shared_far, memory }
    }

    /// One reference to the line of `addr`: nearest level first, and every level that misses takes it in.
    #[inline(always)]
    pub(crate) fn access<V: Vector>(&mut self, vector: V, addr: Addr<Hpa>, kind: AccessKind) -> Served {
        vector.apart(Reference { hierarchy: self, addr, kind })
    }

    /// Asks for the tags that a reference to `addr` will look at.
    #[inline(always)]
    pub(crate) fn prefetch(&self, addr: Addr<Hpa>) {
        let line = addr.get() >> LINE_SHIFT;
        if self.own_far {
            self.own.iter().for_each(|cache| cache.lines.prefetch(line));
        }
        if self.shared_far {
            self.shared.iter().for_each(|cache| cache.lines.prefetch(line));
        }
    }
}

struct Reference<'h, 'a> {
    hierarchy: &'h mut Hierarchy<'a>,
    addr: Addr<Hpa>,
    kind: AccessKind,
}

impl Work for Reference<'_, '_> {
    type Output = Served;

    #[inline(always)]
    fn run<V: Vector>(self, vector: V) -> Served {
        let Self { hierarchy, addr, kind } = self;
        let line = addr.get() >> LINE_SHIFT;
        for cache in hierarchy.own.iter_mut() {
            if cache.serves[kind.index()] && cache.lines.access(vector, line) {
                return cache.served();
            }
        }
        for cache in hierarchy.shared.iter_mut() {
            if cache.serves[kind.index()] && cache.lines.access(vector, line) {
                return cache.served();
            }
        }
        let (node, latency) = hierarchy.memory.serve(addr);
        Served { level: MEMORY, node, latency }
    }
}
