//! Caches for lines of memory: table lines, and data lines beside them where they are modelled.

use terrace_addr::{Addr, Hpa};
use terrace_machine::{Machine, SharedBy, array_seed};
use terrace_raw::vector::Vector;

use crate::BuildError;
use crate::counters::Tally;
use crate::sets::Policy;

mod line;
mod line_sets;
mod purpose;
mod servers;
mod settle;
mod waiting;

pub(crate) use purpose::{Purpose, WalkStep};
pub(crate) use servers::{Served, Server, Servers, Sums};
pub(crate) use waiting::Waiting;

use line::Kinds;
use line_sets::LineSets;
use settle::Settle;

/// Lines are 64 bytes.
pub(crate) const LINE_SHIFT: u32 = 6;

/// The most levels of caches. A reference that none of them served has this place.
pub(crate) const MEMORY: u32 = 3;

/// The caches of one level of sharing: those of a core, or those of a socket; nearest first.
#[derive(Debug, Clone)]
pub(crate) struct Caches {
    caches: Vec<Cache>,
}

#[derive(Debug, Clone)]
struct Cache {
    lines: LineSets,
    /// The kinds of access that it serves.
    serves: Kinds,
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
                let lines = LineSets::new(&path, cache, policy, memory_end)?;
                caches.push(Cache { lines, serves: Kinds::of(|kind| cache.serves(kind)) });
            }
        }
        Ok(Self { caches })
    }
}

/// The caches that one core sees, the memory behind them, and what is on its way there.
pub(crate) struct Hierarchy<'a> {
    own: &'a mut Caches,
    shared: &'a mut Caches,
    servers: &'a Servers,
    waiting: &'a mut Waiting,
}

impl<'a> Hierarchy<'a> {
    /// A core's own caches, and what it shares. Nothing waits.
    #[inline(always)]
    pub(crate) const fn new(
        own: &'a mut Caches,
        shared: &'a mut Caches,
        servers: &'a Servers,
        waiting: &'a mut Waiting,
    ) -> Self {
        Self { own, shared, servers, waiting }
    }

    /// What is on its way.
    #[inline(always)]
    pub(crate) const fn waiting(&mut self) -> &mut Waiting {
        self.waiting
    }

    /// Everything that waits goes, and is counted.
    pub(crate) fn settle<V: Vector>(&mut self, vector: V, tally: &mut Tally) {
        vector.apart(Settle { hierarchy: self, tally });
    }

    /// The same. What has served the last one.
    pub(crate) fn settle_last<V: Vector>(&mut self, vector: V, tally: &mut Tally) -> Server {
        let last = self.waiting.count();
        self.settle(vector, tally);
        self.servers.at(self.waiting.server_of(last.saturating_sub(1)))
    }
}
