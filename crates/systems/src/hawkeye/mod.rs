//! `HawkEye` (Panwar et al., "`HawkEye`: Efficient Fine-grained OS Support for Huge Pages", ASPLOS 2019;
//! `apanwariisc/HawkEye` for Linux 4.3).
//!
//! The rule: a fault takes a huge page, from blocks that were cleared beforehand; what became base pages all the same is
//! promoted in the background, the blocks first of which most base pages are used, as samples of accessed bits tell.
//!
//! What is left out: recovery of bloat. It finds base pages of huge pages that hold nothing but zeros, and frees them
//! when memory is short; a layer of this project does not show content, and pages of private memory are not given back
//! without their owner.

use alloc::boxed::Box;
use alloc::vec::Vec;

use terrace_addr::{Addr, Cycles, Nanos, PageSize};
use terrace_policy::{
    Abilities, Action, Block, Budget, CollapseInto, Count, Effort, Event, Fault, Layer, MapRequest, NextWake,
    Placement, Policy, Refused, SpaceId, System, Values, VirtualPlacement,
};

mod counts;
mod coverage;
mod overhead;
mod parameters;
mod pool;
mod sampler;

use crate::blocks::{PAGES, block_of, huge_page, may_be_huge};
use counts::Counts;
use coverage::Coverage;
use overhead::Overhead;
use parameters::PARAMETERS;
use pool::Pool;
use sampler::Sampler;

/// `HawkEye`.
pub(crate) const SYSTEM: System = System {
    name: "hawkeye",
    summary: "HawkEye: huge pages cleared beforehand, and promotion by how many base pages are used",
    source: "Panwar et al., ASPLOS 2019; its public code for Linux 4.3; without its recovery of bloat",
    parameters: PARAMETERS,
    build: |_, values| Ok(Box::new(HawkEye::new(values))),
};

/// A batch of promotions ends after so many that failed (`ohp_scan_mm`).
const FAILURES: u64 = 100;

#[derive(Debug, Clone)]
struct HawkEye {
    /// Where counters are to be asked: the variant PMU.
    overhead: Option<Overhead>,
    least_overhead: f64,
    batch: u64,
    promote_sleep: Nanos,
    alloc_sleep: Nanos,
    coverage: Coverage,
    sampler: Sampler,
    pool: Option<Pool>,
    promote_at: Nanos,
    counts: Counts,
}

/// What came of a promotion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Came {
    Promoted,
    NotThis,
    NoBlock,
}

impl HawkEye {
    fn new(values: &Values) -> Self {
        let overhead =
            (values.word("variant") == "pmu").then(|| Overhead::new(values.count("cycles_per_access")));
        Self {
            overhead,
            least_overhead: values.share("least_overhead"),
            batch: values.count("promote_blocks"),
            promote_sleep: values.time("promote_sleep"),
            alloc_sleep: values.time("alloc_sleep"),
            coverage: Coverage::default(),
            sampler: Sampler::new(values),
            pool: Pool::new(values),
            promote_at: Nanos::ZERO,
            counts: Counts::default(),
        }
    }

    /// A batch of promotions, if it is time.
    fn promote(&mut self, layer: &mut dyn Layer, budget: &mut Budget) {
        let now = layer.now();
        if now < self.promote_at {
            return;
        }
        let sleep = self.promote_batch(layer, budget);
        self.promote_at = Nanos::new(now.get().saturating_add(sleep.get()));
    }

    /// How long to sleep after it.
    fn promote_batch(&mut self, layer: &mut dyn Layer, budget: &mut Budget) -> Nanos {
        if let Some(overhead) = &mut self.overhead {
            let counted = layer.counters().map(|counted| counted.value).unwrap_or_default();
            if overhead.learn(counted) < self.least_overhead {
                self.counts.overhead_too_low += 1;
                return self.promote_sleep;
            }
        }
        let (mut promoted, mut failed) = (0, 0);
        while promoted < self.batch && failed < FAILURES && budget.left() > Cycles::ZERO {
            let next = match self.overhead {
                Some(_) => self.coverage.first_of_heaviest(),
                None => self.coverage.first_in_turn(),
            };
            let Some((space, block)) = next else { break };
            match self.promote_block(layer, budget, space, block) {
                Came::Promoted => promoted += 1,
                Came::NotThis => failed += 1,
                Came::NoBlock => {
                    self.coverage.put_back(space, block);
                    return self.alloc_sleep;
                }
            }
        }
        self.promote_sleep
    }

    fn promote_block(
        &mut self,
        layer: &mut dyn Layer,
        budget: &mut Budget,
        space: SpaceId,
        block: u64,
    ) -> Came {
        let seen = layer.block(space, Addr::truncate(block)).map(|seen| {
            budget.spend(seen.cost);
            seen.value
        });
        if !matches!(seen, Ok(Block::Base { .. })) {
            self.counts.dropped += 1;
            self.coverage.remove(space, block);
            return Came::NotThis;
        }
        match layer.apply(&Action::Collapse { space, page: huge_page(block), into: CollapseInto::Any }) {
            Ok(applied) => {
                budget.spend(applied.cost);
                self.counts.promoted += 1;
                self.coverage.remove(space, block);
                Came::Promoted
            }
            Err(Refused::NoMemory) => {
                self.counts.no_block += 1;
                Came::NoBlock
            }
            Err(_) => {
                self.counts.refused += 1;
                Came::NotThis
            }
        }
    }
}

impl Policy for HawkEye {
    fn requires(&self) -> Abilities {
        let sees = Abilities::SEE_LEAVES | Abilities::ACCESSED_BITS | Abilities::SEE_FREE;
        let counts = if self.overhead.is_some() { Abilities::COUNTERS } else { Abilities::empty() };
        let keeps = if self.pool.is_some() { Abilities::RESERVE } else { Abilities::empty() };
        sees | counts | keeps | Abilities::CHOOSE_SIZE | Abilities::COLLAPSE
    }

    /// As Linux places mappings, so that what is compared with it has the same addresses.
    fn on_map(&mut self, _: &mut dyn Layer, request: &MapRequest) -> VirtualPlacement {
        if request.bytes >= PageSize::Size2M.size() {
            VirtualPlacement::Aligned
        } else {
            VirtualPlacement::Default
        }
    }

    fn on_fault(&mut self, layer: &mut dyn Layer, fault: &Fault) -> Placement {
        let (space, block) = (fault.space, block_of(fault.addr.get()));
        if !may_be_huge(&fault.region, fault.addr.get()) {
            return Placement::Default;
        }
        if !fault.huge_fits {
            self.coverage.add(space, block);
            return Placement::Default;
        }
        if let Some(pool) = &mut self.pool
            && pool.serve(layer, space, block)
        {
            self.counts.zeroed_used += 1;
            self.counts.zeroed_pages_saved += PAGES;
            return Placement::Default;
        }
        self.counts.not_zeroed += 1;
        Placement::Huge(Effort::Light)
    }

    fn on_events(&mut self, layer: &mut dyn Layer, events: &[Event]) {
        for event in events {
            match event {
                Event::SpaceEnds(space) => self.coverage.forget(*space),
                Event::Pressure(_) => {
                    if let Some(pool) = &mut self.pool {
                        pool.give_up(layer, &mut self.counts);
                    }
                }
                _ => {}
            }
        }
    }

    fn counts(&self, out: &mut Vec<Count>) {
        self.counts.list(out);
    }

    fn tick(&mut self, layer: &mut dyn Layer, budget: &mut Budget) -> NextWake {
        self.sampler.sample(layer, budget, &mut self.coverage, &mut self.counts);
        self.promote(layer, budget);
        let mut wake = self.sampler.wake.min(self.promote_at);
        if let Some(pool) = &mut self.pool {
            pool.fill(layer, budget, &mut self.counts);
            wake = wake.min(pool.wake);
        }
        NextWake::At(wake)
    }
}
