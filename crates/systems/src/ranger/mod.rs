//! Translation Ranger (Yan et al., "Translation Ranger: Operating System Support for Contiguity-Aware TLBs", ISCA
//! 2019; `ysarch-lab/translation_ranger_isca_2019`).
//!
//! The rule: each region has an anchor, an address and the frame where it is to be; a daemon moves every page of the
//! region to where the anchor has it, and exchanges it with what it finds there. What cannot be moved out of the way
//! ends the anchor's range, and the rest of the region gets another one. Faults are Linux's, and so is khugepaged.

use alloc::boxed::Box;
use alloc::vec::Vec;

use terrace_policy::{
    Abilities, Budget, Count, Event, Fault, Layer, MapRequest, NextWake, Placement, Policy, System,
    VirtualPlacement,
};

mod anchors;
mod counts;
mod daemon;
mod mover;
mod parameters;
mod round;

use crate::over_linux::{self, sooner};
use daemon::Daemon;
use parameters::PARAMETERS;

/// Translation Ranger.
pub(crate) const SYSTEM: System = System {
    name: "ranger",
    summary: "Translation Ranger: a daemon moves a region's pages together, over Linux",
    source: "Yan et al., ISCA 2019; its public code for Linux 4.16",
    parameters: PARAMETERS,
    build: |role, values| {
        Ok(Box::new(Ranger { linux: over_linux::policy(role, values)?, daemon: Daemon::new(values) }))
    },
};

#[derive(Debug, Clone)]
struct Ranger {
    linux: Box<dyn Policy>,
    daemon: Daemon,
}

impl Policy for Ranger {
    fn requires(&self) -> Abilities {
        let moves = Abilities::MIGRATE | Abilities::EXCHANGE | Abilities::COLLAPSE;
        self.linux.requires() | Abilities::SEE_LEAVES | Abilities::SEE_FREE | Abilities::CHANGES | moves
    }

    fn on_map(&mut self, layer: &mut dyn Layer, request: &MapRequest) -> VirtualPlacement {
        self.linux.on_map(layer, request)
    }

    fn on_fault(&mut self, layer: &mut dyn Layer, fault: &Fault) -> Placement {
        self.linux.on_fault(layer, fault)
    }

    fn on_events(&mut self, layer: &mut dyn Layer, events: &[Event]) {
        for event in events {
            if let Event::SpaceEnds(space) = event {
                self.daemon.forget(*space);
            }
        }
        self.linux.on_events(layer, events);
    }

    fn counts(&self, out: &mut Vec<Count>) {
        self.daemon.counts.list(out);
        self.linux.counts(out);
    }

    fn tick(&mut self, layer: &mut dyn Layer, budget: &mut Budget) -> NextWake {
        let linux = self.linux.tick(layer, budget);
        sooner(linux, self.daemon.wake(layer, budget))
    }
}
