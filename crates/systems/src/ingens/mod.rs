//! Ingens (Kwon et al., "Coordinated and Efficient Huge Page Management with Ingens", OSDI 2016; `ut-osa/ingens` for
//! Linux 4.3).
//!
//! The rule: a fault maps a base page, always. A bit vector of each block says which of its pages are there; a thread
//! makes a huge page of a block in which nine of ten are, or of one that was touched at all while free memory is not
//! fragmented. Another thread reads and clears accessed bits, so that huge pages that lie idle count against who has
//! them when address spaces compete.
//!
//! What is left out: sharing of equal pages (KSM), which Ingens coordinates with huge pages so that only those are split
//! for it that lie idle; memory here has no content.

use alloc::boxed::Box;
use alloc::vec::Vec;

use terrace_addr::{Nanos, PageSize};
use terrace_policy::{
    Abilities, Budget, Count, Event, Fault, FlushScope, Layer, MapRequest, NextWake, Placement, Policy,
    SpaceId, System, Values, VirtualPlacement,
};

mod counts;
mod parameters;
mod promote;
mod queue;
mod scan;
mod utilization;

use crate::blocks::{PAGES, block_of, may_be_huge};
use counts::Counts;
use parameters::PARAMETERS;
use queue::Queue;
use scan::Scanner;
use utilization::Spaces;

/// Ingens.
pub(crate) const SYSTEM: System = System {
    name: "ingens",
    summary: "Ingens: base pages at faults, huge pages in the background where a block is well used",
    source: "Kwon et al., OSDI 2016; its public code for Linux 4.3; without its sharing of equal pages",
    parameters: PARAMETERS,
    build: |_, values| Ok(Box::new(Ingens::new(values))),
};

#[derive(Debug, Clone)]
struct Ingens {
    /// How many base pages must be there.
    threshold: u64,
    aggressive_below: f64,
    fair: bool,
    idle_tax: f64,
    batch: u64,
    promote_sleep: Nanos,
    alloc_sleep: Nanos,
    spaces: Spaces,
    queue: Queue,
    scanner: Scanner,
    promote_at: Nanos,
    counts: Counts,
}

impl Ingens {
    fn new(values: &Values) -> Self {
        let pages = terrace_addr::convert::ratio(PAGES, 1);
        let flush = if values.word("flush") == "pages" { FlushScope::Pages } else { FlushScope::None };
        Self {
            threshold: terrace_addr::convert::floor(values.share("utilization") * pages).max(1),
            aggressive_below: values.share("aggressive_below"),
            fair: values.word("fairness") == "on",
            idle_tax: values.share("idle_tax"),
            batch: values.count("promote_blocks"),
            promote_sleep: values.time("promote_sleep"),
            alloc_sleep: values.time("alloc_sleep"),
            spaces: Spaces::new(),
            queue: Queue::default(),
            scanner: Scanner::new(values.time("scan_sleep"), values.share("sample_hot"), flush),
            promote_at: Nanos::ZERO,
            counts: Counts::default(),
        }
    }

    /// How many of a block's pages must be there now.
    fn needed(&self, layer: &mut dyn Layer) -> u64 {
        let aggressive =
            layer.fragmentation().is_ok_and(|found| found.value.unusable < self.aggressive_below);
        if aggressive { 1 } else { self.threshold }
    }

    /// A block is to be promoted, if enough of it is there.
    fn consider(&mut self, space: SpaceId, block: u64, needed: u64) {
        let Some(watched) = self.spaces.get_mut(&space).and_then(|space| space.blocks.get_mut(&block)) else {
            return;
        };
        let used = watched.used();
        if watched.huge || watched.requested || used < needed {
            return;
        }
        watched.requested = true;
        if used >= self.threshold {
            self.counts.requested_used += 1;
        } else {
            self.counts.requested_early += 1;
        }
        self.queue.push(space, block);
    }
}

impl Policy for Ingens {
    fn requires(&self) -> Abilities {
        Abilities::SEE_LEAVES | Abilities::ACCESSED_BITS | Abilities::SEE_FREE | Abilities::COLLAPSE
    }

    /// Its mappings begin at a multiple of 2M, too.
    fn on_map(&mut self, _: &mut dyn Layer, request: &MapRequest) -> VirtualPlacement {
        if request.bytes >= PageSize::Size2M.size() {
            VirtualPlacement::Aligned
        } else {
            VirtualPlacement::Default
        }
    }

    fn on_fault(&mut self, layer: &mut dyn Layer, fault: &Fault) -> Placement {
        let at = fault.addr.get();
        if !may_be_huge(&fault.region, at) {
            return Placement::Default;
        }
        let block = block_of(at);
        let watched = self.spaces.entry(fault.space).or_default().blocks.entry(block).or_default();
        if fault.huge_fits {
            // Nothing of it is mapped, whatever was before.
            watched.clear();
        }
        watched.huge = false;
        let new = watched.set(at);
        let (used, waits) = (watched.used(), watched.requested);
        if new && !waits && (used == 1 || used >= self.threshold) {
            let needed = if used >= self.threshold { self.threshold } else { self.needed(layer) };
            self.consider(fault.space, block, needed);
        }
        Placement::Default
    }

    fn on_events(&mut self, _: &mut dyn Layer, events: &[Event]) {
        for event in events {
            if let Event::SpaceEnds(space) = event {
                self.spaces.remove(space);
                self.queue.forget(*space);
            }
        }
    }

    fn counts(&self, out: &mut Vec<Count>) {
        self.counts.list(out);
    }

    fn tick(&mut self, layer: &mut dyn Layer, budget: &mut Budget) -> NextWake {
        self.promote(layer, budget);
        self.scan(layer, budget);
        NextWake::At(self.promote_at.min(self.scanner.wake))
    }
}
