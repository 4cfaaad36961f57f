//! The software part of contiguity-aware paging (Alverti et al., "Enhancing and Exploiting Contiguity for Fast Memory
//! Virtualization", ISCA 2020; `cslab-ntua/contiguity-isca2020`).
//!
//! The rule: a region's first fault chooses a run of free memory that holds all of the region, next fit, and with it an
//! offset between addresses and frames; later faults take exactly the frame that the offset names. Where that one is
//! taken, the rest of the region is placed anew. Everything else is Linux's, huge pages at faults and khugepaged too:
//! what they want goes to the offset's place, and where there is none, where Linux puts it.

use alloc::boxed::Box;
use alloc::vec::Vec;

use terrace_addr::{Addr, Bytes, Lower, Nanos, PageSize};
use terrace_policy::{
    Abilities, Budget, Count, Effort, Event, Extent, Fault, FrameUse, Layer, MapRequest, NextWake, Placement,
    Policy, System, Values, VirtualPlacement,
};

mod counts;
mod offsets;
mod parameters;

use crate::blocks::{BLOCK, block_of, end_of};
use crate::over_linux;
use counts::Counts;
use offsets::Offsets;
use parameters::PARAMETERS;

/// The software part of contiguity-aware paging.
pub(crate) const SYSTEM: System = System {
    name: "ca-paging",
    summary: "contiguity-aware paging: a region's pages go to one run of memory as they are touched, over Linux",
    source: "Alverti et al., ISCA 2020, the software part; its public code for Linux 4.19",
    parameters: PARAMETERS,
    build: |role, values| {
        let linux = over_linux::policy(role, values)?;
        Ok(Box::new(CaPaging::new(linux, values)))
    },
};

/// After no run of free memory was found, none is searched for so long. `assumed`: short against what a program takes
/// to free memory.
const STARVED: Nanos = Nanos::new(10_000_000);

/// For which faults the rest of a region is placed anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PlaceAgain {
    Always,
    Huge,
    Never,
}

#[derive(Debug, Clone)]
struct CaPaging {
    linux: Box<dyn Policy>,
    smallest: u64,
    cluster: u64,
    again: PlaceAgain,
    offsets: Offsets,
    /// Where the search goes on: next fit.
    next: Addr<Lower>,
    starved_until: Nanos,
    counts: Counts,
}

impl CaPaging {
    fn new(linux: Box<dyn Policy>, values: &Values) -> Self {
        Self {
            linux,
            smallest: values.bytes("smallest_region").get(),
            // Blocks of a region lie in blocks of memory, so that they can be huge.
            cluster: values.bytes("cluster").get() / BLOCK * BLOCK,
            again: match values.word("place_again") {
                "always" => PlaceAgain::Always,
                "huge" => PlaceAgain::Huge,
                _ => PlaceAgain::Never,
            },
            offsets: Offsets::new(values.count("offsets")),
            next: Addr::ZERO,
            starved_until: Nanos::ZERO,
            counts: Counts::default(),
        }
    }

    /// Chooses free memory for the blocks of a region from an address on: clusters that hold all of them, or else the
    /// most that follow each other; whether there are any.
    fn place(&mut self, layer: &mut dyn Layer, fault: &Fault, from: u64) -> bool {
        let now = layer.now();
        if now < self.starved_until {
            return false;
        }
        let clusters = |run: Extent| {
            let start = run.start.get().checked_next_multiple_of(self.cluster)?;
            let end = run.start.get().saturating_add(run.bytes.get()) / self.cluster * self.cluster;
            (start < end).then_some((start, end))
        };
        let wanted = end_of(&fault.region).saturating_sub(from).div_ceil(self.cluster) * self.cluster;
        // A run is found at a multiple of 2 MiB: with so much more it holds the clusters wherever they begin in it.
        let with_rest = Bytes::new(wanted + self.cluster - BLOCK);
        let found = layer.next_free(self.next, with_rest).ok().and_then(|found| clusters(found.value?));
        let found = found.or_else(|| clusters(layer.largest_free().ok()?.value?));
        let Some((start, end)) = found else {
            self.starved_until = Nanos::new(now.get().saturating_add(STARVED.get()));
            return false;
        };
        self.next = Addr::truncate(start.saturating_add(wanted).min(end));
        self.offsets.keep(fault.space, &fault.region, from, Addr::truncate(start));
        true
    }

    /// The place that the offset names for a fault, if it is free.
    fn exact(&self, layer: &mut dyn Layer, fault: &Fault, size: PageSize) -> Option<Addr<Lower>> {
        let at = fault.addr.align_down(size).get();
        let target = self.offsets.frame(fault.space, &fault.region, at)?;
        let free = match size {
            PageSize::Size4K => matches!(layer.frame(target).ok()?.value, FrameUse::Free),
            // The next free block is that one, if it is free.
            _ => {
                target.is_aligned(size)
                    && layer.next_free(target, size.size()).ok()?.value.is_some_and(|run| run.start == target)
            }
        };
        free.then_some(target)
    }

    /// A place for a fault that the offset names, chosen anew if need be.
    fn target(&mut self, layer: &mut dyn Layer, fault: &Fault, size: PageSize) -> Option<Addr<Lower>> {
        let at = fault.addr.get();
        if self.offsets.frame(fault.space, &fault.region, at).is_none() {
            if !self.place(layer, fault, block_of(fault.region.span.start.get())) {
                return None;
            }
            self.counts.placed += 1;
        }
        let exact = self.exact(layer, fault, size);
        if exact.is_some() {
            return exact;
        }
        self.counts.occupied += 1;
        let again = match self.again {
            PlaceAgain::Always => true,
            PlaceAgain::Huge => size != PageSize::Size4K,
            PlaceAgain::Never => false,
        };
        if !again || !self.place(layer, fault, block_of(at)) {
            return None;
        }
        self.counts.placed_again += 1;
        self.exact(layer, fault, size)
    }
}

impl Policy for CaPaging {
    fn requires(&self) -> Abilities {
        self.linux.requires() | Abilities::SEE_FREE | Abilities::CHOOSE_FRAME
    }

    fn on_map(&mut self, layer: &mut dyn Layer, request: &MapRequest) -> VirtualPlacement {
        self.linux.on_map(layer, request)
    }

    fn on_fault(&mut self, layer: &mut dyn Layer, fault: &Fault) -> Placement {
        let wish = self.linux.on_fault(layer, fault);
        if fault.region.span.bytes < self.smallest {
            self.counts.small += 1;
            return wish;
        }
        if let Placement::Huge(effort) = wish {
            if let Some(block) = self.target(layer, fault, PageSize::Size2M) {
                self.counts.exact_huge += 1;
                return Placement::HugeAt(block);
            }
            // A block elsewhere is still a huge page: only where Linux would find none either, a base page is served.
            let any = layer.next_free(Addr::ZERO, PageSize::Size2M.size()).ok().and_then(|found| found.value);
            if any.is_some() || effort != Effort::Light {
                self.counts.elsewhere += 1;
                return wish;
            }
        }
        if let Some(frame) = self.target(layer, fault, PageSize::Size4K) {
            self.counts.exact += 1;
            return Placement::Frame(frame);
        }
        self.counts.elsewhere += 1;
        wish
    }

    fn on_events(&mut self, layer: &mut dyn Layer, events: &[Event]) {
        for event in events {
            if let Event::SpaceEnds(space) = event {
                self.offsets.forget(*space);
            }
        }
        self.linux.on_events(layer, events);
    }

    fn counts(&self, out: &mut Vec<Count>) {
        self.counts.list(out);
        self.linux.counts(out);
    }

    fn tick(&mut self, layer: &mut dyn Layer, budget: &mut Budget) -> NextWake {
        self.linux.tick(layer, budget)
    }
}
