//! Measuring access coverage: accessed bits are cleared, and read a second later.

use alloc::vec::Vec;

use terrace_addr::{Nanos, PageSize, convert};
use terrace_policy::{AccessedOp, Budget, FlushScope, Layer, SpaceId, Values};

use super::counts::Counts;
use super::coverage::Coverage;
use crate::blocks::{self, BLOCK};

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Clear,
    Read,
}

/// Measures access coverage.
#[derive(Debug, Clone)]
pub(super) struct Sampler {
    period: Nanos,
    window: Nanos,
    newest_weight: f64,
    flush: FlushScope,
    phase: Phase,
    /// When the sample began.
    began: Nanos,
    /// The block that comes next.
    at: (SpaceId, u64),
    pub(super) wake: Nanos,
}

/// Where a phase begins.
const FIRST: (SpaceId, u64) = (SpaceId(0), 0);

/// When the budget is used up it goes on after so long. `assumed`: short against a window.
const REST: Nanos = Nanos::new(10_000_000);

impl Sampler {
    pub(super) fn new(values: &Values) -> Self {
        let flush = if values.word("flush") == "pages" { FlushScope::Pages } else { FlushScope::None };
        Self {
            period: values.time("sample_period"),
            window: values.time("sample_window"),
            newest_weight: values.share("newest_weight"),
            flush,
            phase: Phase::Clear,
            began: Nanos::ZERO,
            at: FIRST,
            wake: Nanos::ZERO,
        }
    }

    /// A phase, or a part of one, if it is time.
    pub(super) fn sample(
        &mut self,
        layer: &mut dyn Layer,
        budget: &mut Budget,
        coverage: &mut Coverage,
        counts: &mut Counts,
    ) {
        let now = layer.now();
        if now < self.wake {
            return;
        }
        if self.phase == Phase::Clear && self.at == FIRST {
            self.began = now;
        }
        while let Some((space, block)) = coverage.next(self.at) {
            self.at = (space, block + BLOCK);
            if !self.look(layer, budget, coverage, (space, block), counts) {
                self.wake = Nanos::new(now.get().saturating_add(REST.get()));
                return;
            }
        }
        self.at = FIRST;
        let wake = match self.phase {
            Phase::Clear => now.get().saturating_add(self.window.get()),
            Phase::Read => {
                counts.samples += 1;
                self.began.get().saturating_add(self.period.get()).max(now.get() + 1)
            }
        };
        self.phase = if self.phase == Phase::Clear { Phase::Read } else { Phase::Clear };
        self.wake = Nanos::new(wake);
    }

    /// Looks at a block; whether the budget allows another one.
    fn look(
        &self,
        layer: &mut dyn Layer,
        budget: &mut Budget,
        coverage: &mut Coverage,
        (space, block): (SpaceId, u64),
        counts: &mut Counts,
    ) -> bool {
        let mut used = Vec::new();
        let op = if self.phase == Phase::Clear { AccessedOp::ReadAndClear } else { AccessedOp::Read };
        let Ok(read) = layer.accessed(space, blocks::span(block), op, self.flush, &mut used) else {
            coverage.remove(space, block);
            return true;
        };
        if used.iter().any(|leaf| leaf.size() != PageSize::Size4K) {
            coverage.remove(space, block);
        } else if self.phase == Phase::Read {
            counts.sampled += 1;
            coverage.sampled(space, block, convert::count(used.len()), self.newest_weight);
        }
        budget.spend(read.cost)
    }
}
