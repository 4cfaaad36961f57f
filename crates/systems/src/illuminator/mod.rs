//! Illuminator (Panwar et al., "Making Huge Pages Actually Useful", ASPLOS 2018).
//!
//! The rule: the kernel knows which pageblocks hold unmovable memory beside movable memory. Unmovable memory that finds
//! no room in pageblocks of its own goes to such hybrid ones before it breaks a block that could have been a huge page,
//! and compaction, which could not free them, passes them over. Who gets huge pages is Linux's to decide.
//!
//! What differs: in the paper unmovable memory goes to hybrid pageblocks first. Here its own pageblocks, which are no
//! huge pages either, come before them, as Linux asks the lists of a mobility before those of others.
//!
//! Left open by the paper, as far as it is public: where movable memory goes. Linux has hybrid pageblocks among those
//! for movable memory; here it takes the smallest block that is large enough of both, of hybrid ones first.

use alloc::boxed::Box;
use alloc::vec::Vec;

use terrace_policy::{
    Abilities, Budget, Count, Event, Fault, Layer, MapRequest, NextWake, Placement, Policy, System,
    VirtualPlacement,
};

use crate::over_linux;

/// Illuminator.
pub(crate) const SYSTEM: System = System {
    name: "illuminator",
    summary: "Illuminator: unmovable memory keeps to pageblocks that hold some, and compaction passes these, over Linux",
    source: "Panwar et al., ASPLOS 2018, where unmovable memory goes to hybrid pageblocks first; here to its own, then these",
    parameters: &over_linux::parameters::<{ over_linux::count(&[]) }>(&[]),
    build: |role, values| Ok(Box::new(Illuminator { linux: over_linux::policy(role, values)? })),
};

#[derive(Debug, Clone)]
struct Illuminator {
    linux: Box<dyn Policy>,
}

impl Policy for Illuminator {
    fn requires(&self) -> Abilities {
        self.linux.requires() | Abilities::HYBRID_BLOCKS
    }

    fn on_map(&mut self, layer: &mut dyn Layer, request: &MapRequest) -> VirtualPlacement {
        self.linux.on_map(layer, request)
    }

    fn on_fault(&mut self, layer: &mut dyn Layer, fault: &Fault) -> Placement {
        self.linux.on_fault(layer, fault)
    }

    fn on_events(&mut self, layer: &mut dyn Layer, events: &[Event]) {
        self.linux.on_events(layer, events);
    }

    fn counts(&self, out: &mut Vec<Count>) {
        self.linux.counts(out);
    }

    fn tick(&mut self, layer: &mut dyn Layer, budget: &mut Budget) -> NextWake {
        self.linux.tick(layer, budget)
    }
}
