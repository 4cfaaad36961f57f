//! Making traces.

use std::collections::BTreeMap;

use terrace_addr::Nanos;

use super::{Change, Event, Shape, ShapeId, Trace, VmId};

/// Collects VMs, in any order, or events in the order of time.
#[derive(Debug, Default)]
pub struct TraceBuilder {
    shapes: BTreeMap<Shape, u32>,
    events: Vec<Event>,
    vms: u32,
    end: Nanos,
    classes: Vec<String>,
}

impl TraceBuilder {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What VMs take depends on the kind of the server, of which these are the names.
    pub fn classes(&mut self, classes: Vec<String>) {
        self.classes = classes;
    }

    /// The number of a size.
    pub fn shape(&mut self, shape: Shape) -> ShapeId {
        let next = terrace_addr::convert::narrow(self.shapes.len());
        ShapeId(*self.shapes.entry(shape).or_insert(next))
    }

    /// How many VMs there are so far.
    pub const fn vms(&self) -> u32 {
        self.vms
    }

    /// A VM from its arrival to its departure, or to the end of the trace; nothing if there are too many VMs.
    pub fn add(&mut self, shape: ShapeId, arrival: Nanos, departure: Option<Nanos>) -> Option<VmId> {
        let vm = self.arrive(shape, arrival)?;
        if let Some(departure) = departure {
            self.push(departure, vm, Change::Depart);
        }
        Some(vm)
    }

    /// A VM arrives; nothing if there are too many VMs.
    pub fn arrive(&mut self, shape: ShapeId, time: Nanos) -> Option<VmId> {
        let vm = VmId::new(self.vms);
        self.vms = self.vms.checked_add(1)?;
        self.push(time, vm, Change::Arrive(shape));
        Some(vm)
    }

    /// Something happens to a VM that has arrived.
    pub fn push(&mut self, time: Nanos, vm: VmId, change: Change) {
        self.end = self.end.max(time);
        self.events.push(Event { time, vm, change });
    }

    /// The trace lasts until then, or until its last event.
    pub fn until(&mut self, end: Nanos) {
        self.end = self.end.max(end);
    }

    /// The trace, with the events in the order of time; of those at the same time, what gives room comes first: departures,
    /// then changes of size, then arrivals, and of each the order in which they were added.
    pub fn sorted(mut self) -> Trace {
        self.events.sort_by_key(|event| (event.time, rank(event.change)));
        self.finish()
    }

    /// The trace, with the events in the order in which they were added, which is that of time.
    pub fn in_order(self) -> Trace {
        debug_assert!(
            self.events.is_sorted_by_key(|event| event.time),
            "events are added in the order of time"
        );
        self.finish()
    }

    fn finish(self) -> Trace {
        let mut shapes: Vec<(u32, Shape)> =
            self.shapes.into_iter().map(|(shape, number)| (number, shape)).collect();
        shapes.sort_unstable_by_key(|(number, _)| *number);
        Trace {
            shapes: shapes.into_iter().map(|(_, shape)| shape).collect(),
            events: self.events,
            vms: self.vms,
            end: self.end,
            classes: self.classes,
        }
    }
}

const fn rank(change: Change) -> u8 {
    match change {
        Change::Depart => 0,
        Change::Resize(_) => 1,
        Change::Arrive(_) => 2,
    }
}
