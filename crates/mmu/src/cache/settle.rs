//! References go through the caches, and are counted.

use terrace_raw::Work;
use terrace_raw::vector::Vector;

use super::Hierarchy;
use super::purpose::{Purpose, WALK_STEPS};
use super::servers::{ServerNumber, Servers};
use super::waiting::{OnTheWay, Waiting};
use crate::counters::Tally;

/// When the entries that walks have asked for are there: by their step, in walk cycles as they are counted; 0 for
/// those that were not asked for.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ready([u64; WALK_STEPS]);

/// Steps of one dimension.
const LEVELS: usize = WALK_STEPS / 2;

impl Ready {
    /// The walk of a step's dimension begins to ask.
    fn forget(&mut self, step: usize) {
        self.0[step / LEVELS * LEVELS..][..LEVELS].fill(0);
    }
}

/// All references that wait go, in the order in which they were made: each to the nearest level first, and every level
/// that misses takes its line in.
pub(super) struct Settle<'s, 'h> {
    pub(super) hierarchy: &'s mut Hierarchy<'h>,
    pub(super) tally: &'s mut Tally,
}

impl Work for Settle<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self, vector: V) {
        let Self { hierarchy, tally } = self;
        look_up(hierarchy, vector);
        count(hierarchy, tally);
        if hierarchy.waiting.clear() {
            // Its walk has referred to nothing.
            tally.walk_begins();
        }
    }
}

/// Finds out what serves each.
#[inline(always)]
fn look_up<V: Vector>(hierarchy: &mut Hierarchy<'_>, vector: V) {
    let Hierarchy { own, shared, servers, waiting, .. } = hierarchy;
    let mut left = waiting.count();
    let mut caches = own.caches.iter_mut().chain(&mut shared.caches).peekable();
    let mut number = 0;
    while let Some(cache) = caches.next() {
        // What this one does not serve is there when it is needed.
        if let Some(behind) = caches.peek() {
            behind.lines.prefetch(waiting.first(left).lines);
        }
        left = cache.lines.access_all(vector, cache.serves, waiting.first(left), ServerNumber::new(number));
        number += 1;
    }
    let OnTheWay { lines, servers: found, .. } = waiting.first(left);
    for line in lines {
        found[line.place()] = servers.of_memory(line.address());
    }
}

/// Counts them, and what they cost.
#[inline(always)]
fn count(hierarchy: &mut Hierarchy<'_>, tally: &mut Tally) {
    let Hierarchy { servers, waiting, .. } = hierarchy;
    if waiting.any_unusual() {
        count_any(servers, waiting, tally);
        return;
    }
    let lead = tally.lead();
    let (mut all, mut within_lead, mut walk) = (0, 0, tally.walk_so_far());
    for (purpose, server) in waiting.served() {
        let row = server.row(purpose);
        tally.served.count(row);
        within_lead += if purpose.begins() { walk.min(lead) } else { 0 };
        let latency = servers.latency_of_entry(row);
        walk = latency + if purpose.begins() { 0 } else { walk };
        all += latency;
    }
    tally.walked(all, within_lead, walk);
}

/// The same where some are for entries that walks have asked for, or for the third level.
#[cold]
#[inline(never)]
fn count_any(servers: &Servers, waiting: &mut Waiting, tally: &mut Tally) {
    let mut ready = waiting.ready;
    for (purpose, server) in waiting.served() {
        let latency = servers.at(server).latency;
        if purpose.begins() {
            tally.walk_begins();
        }
        tally.served.count(server.row(purpose));
        match purpose.sort() {
            Purpose::ENTRY => {
                tally.walk_cycles += latency;
                if purpose.is_after_asking() {
                    tally.walk_cycles = tally.walk_cycles.max(ready.0[purpose.step() % WALK_STEPS]);
                }
            }
            Purpose::ASKED => {
                let step = purpose.step() % WALK_STEPS;
                if purpose.is_first_asked() {
                    ready.forget(step);
                }
                ready.0[step] = tally.walk_cycles + latency;
            }
            Purpose::THIRD_LEVEL => tally.third_level_cycles += latency,
            _ => {}
        }
    }
    waiting.ready = ready;
}
