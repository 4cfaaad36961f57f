//! Blocks that were cleared before anybody wants them.

use alloc::vec::Vec;

use terrace_addr::{Addr, Bytes, Lower, Nanos};
use terrace_policy::{Budget, Layer, SpaceId, Values};

use super::counts::Counts;
use crate::blocks::{BLOCK, PAGES, huge_page};

/// After it gave everything back it clears nothing for so long. `assumed`: programs that take memory do so for seconds.
const SHORT: Nanos = Nanos::new(10_000_000_000);

/// A second.
const SECOND: u64 = 1_000_000_000;

/// Blocks that were cleared and not used.
#[derive(Debug, Clone)]
pub(super) struct Pool {
    most: u64,
    /// Base pages in a second.
    rate: u64,
    sleep: Nanos,
    blocks: Vec<Addr<Lower>>,
    /// Where the search goes on.
    next: Addr<Lower>,
    /// Up to when time was used to clear.
    cleared_until: Nanos,
    pub(super) wake: Nanos,
}

impl Pool {
    /// None if it is switched off.
    pub(super) fn new(values: &Values) -> Option<Self> {
        (values.word("zero") == "on").then(|| Self {
            most: values.count("zero_blocks"),
            rate: values.count("zero_rate"),
            sleep: values.time("zero_sleep"),
            blocks: Vec::new(),
            next: Addr::ZERO,
            cleared_until: Nanos::ZERO,
            wake: Nanos::ZERO,
        })
    }

    /// Serves a fault from a block that is cleared; whether there was one.
    pub(super) fn serve(&mut self, layer: &mut dyn Layer, space: SpaceId, block: u64) -> bool {
        let Some(&at) = self.blocks.last() else { return false };
        let served = layer.map_cleared(space, huge_page(block), at).is_ok();
        if served {
            self.blocks.pop();
        }
        served
    }

    /// Clears as many blocks as the rate allows, if it is time.
    pub(super) fn fill(&mut self, layer: &mut dyn Layer, budget: &mut Budget, counts: &mut Counts) {
        let now = layer.now();
        if now < self.wake {
            return;
        }
        self.wake = Nanos::new(now.get().saturating_add(self.sleep.get()));
        // What was not used of the time before the last sleep is lost: it slept.
        let elapsed = now.get().saturating_sub(self.cleared_until.get()).min(self.sleep.get().max(SECOND));
        let allowed = u128::from(elapsed) * u128::from(self.rate) / u128::from(SECOND) / u128::from(PAGES);
        let allowed = u64::try_from(allowed).unwrap_or(u64::MAX);
        if allowed > 0 {
            self.cleared_until = now;
        }
        for _ in 0..allowed {
            let kept = terrace_addr::convert::count(self.blocks.len());
            // Half of the blocks are left for whatever else wants one.
            let free = layer.fragmentation().map_or(0, |found| found.value.huge_blocks);
            if kept >= self.most.min(free) {
                return;
            }
            let Ok(found) = layer.next_free(self.next, Bytes::new(BLOCK)) else { return };
            let left = budget.spend(found.cost);
            let Some(run) = found.value else { return };
            self.next = run.start.offset_by(BLOCK);
            let Ok(cleared) = layer.take_cleared(run.start) else { return };
            self.blocks.push(run.start);
            counts.zeroed += 1;
            if !budget.spend(cleared.cost) || !left {
                return;
            }
        }
    }

    /// Memory is short: everything is given back.
    pub(super) fn give_up(&mut self, layer: &mut dyn Layer, counts: &mut Counts) {
        for at in self.blocks.drain(..) {
            if layer.give_cleared(at).is_ok() {
                counts.zeroed_given_up += 1;
            }
        }
        self.wake = self.wake.max(Nanos::new(layer.now().get().saturating_add(SHORT.get())));
    }
}
