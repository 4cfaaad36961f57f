//! What happens in a fleet: VMs that arrive, change their size and leave, in the order of time.

mod builder;

use terrace_addr::{Nanos, convert};

pub use builder::TraceBuilder;

use crate::spec::Demand;

/// A VM of a trace, by its number from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VmId(u32);

impl VmId {
    pub(crate) const fn new(number: u32) -> Self {
        Self(number)
    }

    /// As an index.
    pub const fn index(self) -> usize {
        convert::index32(self.0)
    }
}

/// A size of VMs, by its number in [`Trace::shapes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShapeId(u32);

impl ShapeId {
    pub(crate) const fn new(number: u32) -> Self {
        Self(number)
    }

    pub(crate) const fn number(self) -> u32 {
        self.0
    }

    /// As an index.
    pub const fn index(self) -> usize {
        convert::index32(self.0)
    }
}

/// A size of VMs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    /// The same on every server.
    Same(Demand),
    /// For each kind of servers, in the order of [`Trace::classes`], what it takes there; nothing where it cannot run.
    ByClass(Box<[Option<Demand>]>),
}

impl Shape {
    /// What it takes of a server of this kind.
    pub fn demand(&self, class: usize) -> Option<Demand> {
        match self {
            Self::Same(demand) => Some(*demand),
            Self::ByClass(demands) => demands.get(class).copied().flatten(),
        }
    }
}

/// What happens to a VM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It arrives with this size.
    Arrive(ShapeId),
    /// It gets this size.
    Resize(ShapeId),
    /// It leaves.
    Depart,
}

/// One event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// When, since the trace began.
    pub time: Nanos,
    /// Whose.
    pub vm: VmId,
    /// What.
    pub change: Change,
}

/// A trace, in memory.
#[derive(Debug, Clone)]
pub struct Trace {
    pub(crate) shapes: Vec<Shape>,
    pub(crate) events: Vec<Event>,
    pub(crate) vms: u32,
    pub(crate) end: Nanos,
    pub(crate) classes: Vec<String>,
}

impl Trace {
    /// The sizes of its VMs.
    pub fn shapes(&self) -> &[Shape] {
        &self.shapes
    }

    /// The events, in the order of time.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// How many VMs there are.
    pub const fn vms(&self) -> u32 {
        self.vms
    }

    /// Its last moment: VMs that do not leave live until then.
    pub const fn end(&self) -> Nanos {
        self.end
    }

    /// The kinds of servers that it knows, if what a VM takes depends on them.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The trace of its first `vms` VMs, in the order in which they arrive.
    #[must_use]
    pub fn first_vms(&self, vms: u32) -> Self {
        let mut left = vms;
        let mut kept = vec![false; convert::index32(self.vms)];
        let events = self.events.iter().filter(|event| {
            let kept = &mut kept[event.vm.index()];
            if matches!(event.change, Change::Arrive(_)) && left > 0 {
                left -= 1;
                *kept = true;
            }
            *kept
        });
        let events: Vec<Event> = events.copied().collect();
        Self {
            shapes: self.shapes.clone(),
            events,
            vms: self.vms,
            end: self.end,
            classes: self.classes.clone(),
        }
    }
}
