//! A policy.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt::Debug;

use terrace_addr::{Bytes, Cycles, Nanos, Span, Upper};

use crate::{
    Abilities, Balloon, Event, Extent, Fault, Layer, MapRequest, NestedUse, Placement, SpaceId,
    VirtualPlacement,
};

/// What a published system does at one layer.
///
/// It can be copied, with what it knows, as its layer can: runs that begin with the same memory prepare it once.
/// `#[derive(Clone)]` is all that it takes.
pub trait Policy: Debug + Send + Duplicate {
    /// What it needs of its layer.
    fn requires(&self) -> Abilities;

    /// Where a new region goes.
    fn on_map(&mut self, _layer: &mut dyn Layer, _request: &MapRequest) -> VirtualPlacement {
        VirtualPlacement::Default
    }

    /// What serves a fault.
    fn on_fault(&mut self, _layer: &mut dyn Layer, _fault: &Fault) -> Placement {
        Placement::Default
    }

    /// A block of 2M that a space gave up is free: now it can be put aside.
    fn on_freed(&mut self, _layer: &mut dyn Layer, _space: SpaceId, _freed: Extent) {}

    /// A page is used for a nested guest, and may be moved to where it serves better.
    fn on_nested_use(&mut self, _layer: &mut dyn Layer, _used: &NestedUse) {}

    /// A virtual machine is asked to give so much memory back: how.
    fn on_balloon(&mut self, _layer: &mut dyn Layer, _space: SpaceId, _bytes: Bytes) -> Balloon {
        Balloon::Anywhere
    }

    /// A virtual machine's guest has given up these ranges. When this returns the layer frees them, except where a
    /// segment holds them.
    fn on_given_up(&mut self, _layer: &mut dyn Layer, _space: SpaceId, _spans: &[Span<Upper>]) {}

    /// A virtual machine's guest may use these ranges from now on: new memory at its end, or some that it had given up.
    fn on_grown(&mut self, _layer: &mut dyn Layer, _space: SpaceId, _spans: &[Span<Upper>]) {}

    /// What happened, in order.
    fn on_events(&mut self, _layer: &mut dyn Layer, _events: &[Event]) {}

    /// What it counted, for results: always the same counts in the same order.
    fn counts(&self, _out: &mut Vec<Count>) {}

    /// Background work: until the budget is used up, or there is nothing to do. When it wants to be called again.
    fn tick(&mut self, _layer: &mut dyn Layer, _budget: &mut Budget) -> NextWake {
        NextWake::Never
    }
}

/// What can be copied though its type is not known: every policy that is [`Clone`].
pub trait Duplicate {
    /// A copy, with all that it knows.
    fn duplicate(&self) -> Box<dyn Policy>;
}

impl<P: Policy + Clone + 'static> Duplicate for P {
    fn duplicate(&self) -> Box<dyn Policy> {
        Box::new(self.clone())
    }
}

impl Clone for Box<dyn Policy> {
    fn clone(&self) -> Self {
        (**self).duplicate()
    }
}

/// Something that a policy counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// Its name in results, in words with underscores.
    pub name: &'static str,
    /// How often.
    pub value: u64,
    /// What was counted.
    pub meaning: &'static str,
}

/// When a policy wants to work again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextWake {
    /// Not by itself.
    Never,
    /// At this time.
    At(Nanos),
}

/// How much work a tick may do. Who drives the layer adds what each action costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    left: Cycles,
}

impl Budget {
    /// So much work.
    pub const fn new(cycles: Cycles) -> Self {
        Self { left: cycles }
    }

    /// Takes work from it; whether anything is left.
    pub fn spend(&mut self, cycles: Cycles) -> bool {
        self.left = Cycles::new(self.left.get().saturating_sub(cycles.get()));
        self.left > Cycles::ZERO
    }

    /// What is left.
    pub const fn left(&self) -> Cycles {
        self.left
    }
}
