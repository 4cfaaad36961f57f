//! Contiguous virtual machines ((No)Compromis: Teabe et al., VEE 2021; Yuhala's thesis, 2018): a machine whose memory is
//! one block of the host's needs no second dimension, because its addresses are relocated by a base and checked against
//! a limit.
//!
//! The rule: a machine is translated by segments only while its own pages fill them; the layer checks that, and holds
//! them. Whatever changes a machine's memory either keeps that true, at the end of a segment, or ends the segment first
//! and leaves the machine to its extended page table, beside the others. The papers give no algorithm for anything but
//! the placement at boot; what is chosen here is in the project's DESIGN.
//!
//! - *At boot* a machine's whole memory is backed by a free run, if there is one.
//! - *Repair*: while a machine without a block is idle, a run for all of it is put aside and its pages are moved there, a
//!   block of 2M at a time; then its segments are set.
//! - *Growth* takes the memory behind the block; if that is in use all of it moves to a longer run, or it goes back to
//!   its extended page table.
//! - *Ballooning* takes the end of the block. If the guest can only give up other pages the segment ends first.
//!
//! Machines without a block, and the guests of all, are Linux's.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use terrace_addr::{Bytes, Nanos, Span, Upper};
use terrace_policy::{
    Abilities, Action, Balloon, Budget, Count, Event, Extent, Fault, Layer, MapRequest, NestedUse, NextWake,
    Placement, Policy, Role, Segments, SpaceId, System, Values, VirtualPlacement,
};

mod counts;
mod machine;
mod mover;
mod parameters;
mod plan;

use crate::over_linux::{self, sooner};
use counts::Counts;
use machine::{Hole, Machine};
use parameters::PARAMETERS;
use plan::{Came, Fit, Plan};

/// Contiguous virtual machines.
pub(crate) const SYSTEM: System = System {
    name: "contiguous",
    summary: "virtual machines in one block of memory, translated by base and limit; the others on EPT beside them",
    source: "Teabe et al., (No)Compromis, VEE 2021; Yuhala, MEng thesis, 2018",
    parameters: PARAMETERS,
    build: |role, values| {
        let linux = over_linux::policy(role, values)?;
        // Guests are not modified, and know nothing of it.
        Ok(if role == Role::Host { Box::new(Contiguous::new(linux, values)) } else { linux })
    },
};

/// When machines without a block are repaired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repair {
    Idle,
    Always,
    Off,
}

/// What becomes of a machine that grows where nothing is free behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Growth {
    Move,
    Paged,
}

#[derive(Debug, Clone)]
struct Contiguous {
    linux: Box<dyn Policy>,
    boot: bool,
    fit: Fit,
    hole: Hole,
    repair: Repair,
    idle: f64,
    period: Nanos,
    growth: Growth,
    balloon: Balloon,
    wake: Nanos,
    machines: BTreeMap<SpaceId, Machine>,
    counts: Counts,
}

impl Contiguous {
    fn new(linux: Box<dyn Policy>, values: &Values) -> Self {
        Self {
            linux,
            boot: values.word("boot") == "on",
            fit: if values.word("fit") == "best" { Fit::Best } else { Fit::First },
            hole: if values.word("hole") == "wasted" { Hole::Wasted } else { Hole::TwoSegments },
            repair: match values.word("repair") {
                "always" => Repair::Always,
                "off" => Repair::Off,
                _ => Repair::Idle,
            },
            idle: values.share("idle"),
            period: values.time("repair_period"),
            growth: if values.word("growth") == "paged" { Growth::Paged } else { Growth::Move },
            balloon: match values.word("balloon") {
                "tail-only" => Balloon::Tail,
                "anywhere" => Balloon::Anywhere,
                _ => Balloon::TailOrAnywhere,
            },
            wake: Nanos::ZERO,
            machines: BTreeMap::new(),
            counts: Counts::default(),
        }
    }

    /// A space was made: if it holds a machine, that gets its block.
    fn begins(&mut self, layer: &mut dyn Layer, space: SpaceId) {
        let Some(mut machine) = Machine::find(layer, space) else { return };
        // A machine whose tables are composed has an extended page table or none, and no segment.
        if !Self::set(layer, &mut machine, None, "it begins") {
            return;
        }
        if self.boot {
            let pieces = machine.pieces(self.hole);
            let plan = Plan::new(layer, space, &pieces, self.fit);
            let came = plan.map(|plan| self.finish(layer, &mut machine, plan, "a block at boot"));
            if came == Some(true) {
                self.counts.at_boot += 1;
            } else {
                self.counts.scattered += 1;
            }
        }
        self.machines.insert(space, machine);
    }

    /// Moves everything at once, while the machine waits; whether its segments are set.
    fn finish(
        &mut self,
        layer: &mut dyn Layer,
        machine: &mut Machine,
        mut plan: Plan,
        reason: &'static str,
    ) -> bool {
        match plan.work(layer, machine.space, None, reason, &mut self.counts) {
            Came::Done(segments) => {
                machine.segments = Some(segments);
                true
            }
            Came::Spent | Came::Blocked(_) => {
                plan.release(layer);
                false
            }
        }
    }

    /// Sets a machine's segments; whether the layer did.
    fn set(
        layer: &mut dyn Layer,
        machine: &mut Machine,
        segments: Option<Segments>,
        reason: &'static str,
    ) -> bool {
        let set = layer.apply(&Action::Segment { space: machine.space, segments, reason }).is_ok();
        if set {
            machine.segments = segments;
        }
        set
    }

    /// Back to the extended page table: that is always possible.
    fn page(&mut self, layer: &mut dyn Layer, machine: &mut Machine, reason: &'static str) {
        if machine.segments.is_some() && Self::set(layer, machine, None, reason) {
            self.counts.paged += 1;
        }
    }

    /// A machine without a block: goes on with its plan, or makes one.
    fn repair(&mut self, layer: &mut dyn Layer, machine: &mut Machine, budget: &mut Budget) {
        let idle = machine.is_idle(layer, self.idle);
        let wanted = machine.segments.is_none() && machine.given_inside == 0;
        let may = match self.repair {
            Repair::Idle => idle,
            Repair::Always => true,
            Repair::Off => false,
        };
        if !wanted || !may || budget.left().get() == 0 {
            return;
        }
        if machine.plan.is_none() {
            let pieces = machine.pieces(self.hole);
            machine.plan = Plan::new(layer, machine.space, &pieces, self.fit);
            match machine.plan {
                Some(_) => self.counts.repairs_begun += 1,
                None => self.counts.no_run += 1,
            }
        }
        let Some(plan) = &mut machine.plan else { return };
        let reason = "its pages were moved together";
        match plan.work(layer, machine.space, Some(budget), reason, &mut self.counts) {
            Came::Spent => {}
            Came::Done(segments) => {
                machine.segments = Some(segments);
                machine.plan = None;
                self.counts.repaired += 1;
            }
            Came::Blocked(_) => self.give_plan_up(layer, machine),
        }
    }

    fn give_plan_up(&mut self, layer: &mut dyn Layer, machine: &mut Machine) {
        if let Some(mut plan) = machine.plan.take() {
            plan.release(layer);
            self.counts.repairs_given_up += 1;
        }
    }

    /// A machine in a block has more memory: the block grows, moves, or ends.
    fn grow(&mut self, layer: &mut dyn Layer, machine: &mut Machine) {
        let pieces = machine.pieces(self.hole);
        // Where the block is all that is missing may be free behind it.
        let Some(plan) = Plan::new(layer, machine.space, &pieces, self.fit) else {
            self.page(layer, machine, "it grew, and no free run holds all of it");
            return;
        };
        let stays = machine.segments.is_some_and(|now| plan.extends(&now));
        if stays {
            if self.finish(layer, machine, plan, "it grew into the memory behind it") {
                self.counts.grown_in_place += 1;
                return;
            }
        } else if self.growth == Growth::Move {
            self.page(layer, machine, "it grew, and moves to a longer run");
            if self.finish(layer, machine, plan, "it was moved to a longer run") {
                self.counts.grown_by_moving += 1;
                return;
            }
        } else {
            let mut plan = plan;
            plan.release(layer);
        }
        self.page(layer, machine, "it grew, and the memory behind it is in use");
    }
}

impl Policy for Contiguous {
    fn requires(&self) -> Abilities {
        let moves = Abilities::MIGRATE | Abilities::COLLAPSE | Abilities::SPLIT;
        let sees =
            Abilities::SEE_LEAVES | Abilities::SEE_FREE | Abilities::COUNTERS | Abilities::CHOOSE_FRAME;
        self.linux.requires() | Abilities::SEGMENT | Abilities::RESERVE | moves | sees
    }

    fn on_map(&mut self, layer: &mut dyn Layer, request: &MapRequest) -> VirtualPlacement {
        self.linux.on_map(layer, request)
    }

    fn on_fault(&mut self, layer: &mut dyn Layer, fault: &Fault) -> Placement {
        self.linux.on_fault(layer, fault)
    }

    fn on_freed(&mut self, layer: &mut dyn Layer, space: SpaceId, freed: Extent) {
        self.linux.on_freed(layer, space, freed);
    }

    fn on_nested_use(&mut self, layer: &mut dyn Layer, used: &NestedUse) {
        self.linux.on_nested_use(layer, used);
    }

    fn on_balloon(&mut self, _: &mut dyn Layer, _: SpaceId, _: Bytes) -> Balloon {
        self.balloon
    }

    fn on_given_up(&mut self, layer: &mut dyn Layer, space: SpaceId, spans: &[Span<Upper>]) {
        let Some(mut machine) = self.machines.remove(&space) else { return };
        self.give_plan_up(layer, &mut machine);
        let at_end = machine.gives_up(spans);
        if let Some(before) = machine.segments {
            let shrunk = shorter(before, &machine.pieces(self.hole));
            let reason = "the guest gave up its end";
            if at_end && shrunk.is_some() && Self::set(layer, &mut machine, shrunk, reason) {
                self.counts.shrunk += 1;
            } else {
                self.page(layer, &mut machine, "the guest gave up memory inside it");
            }
        }
        self.machines.insert(space, machine);
    }

    fn on_grown(&mut self, layer: &mut dyn Layer, space: SpaceId, spans: &[Span<Upper>]) {
        let Some(mut machine) = self.machines.remove(&space) else { return };
        self.give_plan_up(layer, &mut machine);
        machine.grows(layer, spans);
        if machine.segments.is_some() {
            self.grow(layer, &mut machine);
        }
        self.machines.insert(space, machine);
    }

    fn on_events(&mut self, layer: &mut dyn Layer, events: &[Event]) {
        for event in events {
            match event {
                Event::SpaceBegins(space) => self.begins(layer, *space),
                Event::SpaceEnds(space) => {
                    if let Some(mut machine) = self.machines.remove(space) {
                        self.give_plan_up(layer, &mut machine);
                    }
                }
                Event::Pressure(_) => {
                    for (_, mut machine) in core::mem::take(&mut self.machines) {
                        self.give_plan_up(layer, &mut machine);
                        self.machines.insert(machine.space, machine);
                    }
                }
                Event::ReservationEnded(_)
                | Event::Message(_)
                | Event::Joined { .. }
                | Event::Parted { .. } => {}
            }
        }
        self.linux.on_events(layer, events);
    }

    fn counts(&self, out: &mut Vec<Count>) {
        let wasted = |machine: &Machine| {
            let held = self.hole == Hole::Wasted && machine.segments.is_some();
            if held { machine.hole() } else { 0 }
        };
        let wasted_bytes = self.machines.values().map(wasted).sum();
        Counts { wasted_bytes, ..self.counts }.list(out);
        self.linux.counts(out);
    }

    fn tick(&mut self, layer: &mut dyn Layer, budget: &mut Budget) -> NextWake {
        let linux = self.linux.tick(layer, budget);
        let now = layer.now();
        if now >= self.wake {
            let mut unfinished = false;
            for (space, mut machine) in core::mem::take(&mut self.machines) {
                self.repair(layer, &mut machine, budget);
                unfinished |= machine.plan.is_some();
                self.machines.insert(space, machine);
            }
            let rest = if unfinished { self.period.get().min(SHORTEST_REST) } else { self.period.get() };
            self.wake = Nanos::new(now.get().saturating_add(rest));
        }
        sooner(linux, NextWake::At(self.wake))
    }
}

/// A repair that used up its budget goes on after 10 ms. `assumed`: long enough to see whether the machine is still idle.
const SHORTEST_REST: u64 = 10_000_000;

/// Segments that end where the machine's memory does now.
fn shorter(before: Segments, pieces: &[machine::Piece]) -> Option<Segments> {
    let mut segments = before.iter().zip(pieces).map(|(segment, piece)| piece.at(segment.base));
    Some(Segments { low: segments.next()?, high: segments.next() })
}
