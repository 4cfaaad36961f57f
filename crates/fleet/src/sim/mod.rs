//! A trace on a fleet: event by event, in simulated time.
//!
//! The rule: the same trace and set-up give the same outcome, on any machine. Each event asks an index for a server, never
//! all servers; what is looked at by itself (repair, samples) is bounded by the scattered VMs and by the intervals.

mod fleet;
mod places;
mod repair;
mod resize;
mod tally;

use terrace_addr::{Bytes, Nanos, convert};

use crate::FleetError;
use crate::place::ServerPolicy;
use crate::server::ExtentPolicy;
use crate::spec::FleetSpec;
use crate::trace::{Change, Trace};
pub(crate) use fleet::Fleet;
use repair::Repairer;
pub use tally::{Sample, Tally};

/// An hour.
pub const HOUR: Nanos = Nanos::new(3_600_000_000_000);

/// What a simulation is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setup {
    /// The servers.
    pub fleet: FleetSpec,
    /// Which server a VM gets.
    pub servers: ServerPolicy,
    /// Which of its free extents.
    pub extents: ExtentPolicy,
    /// Whether VMs in several blocks are put together.
    pub repair: Repair,
    /// How often a sample is taken and repair looks for work; not zero.
    pub interval: Nanos,
}

/// How VMs in several blocks are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repair {
    /// What may be done.
    pub means: Means,
    /// The most bytes that are copied in an hour. What an hour does not use is kept for up to a day.
    pub budget: Bytes,
}

/// What repair may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// Nothing.
    Nothing,
    /// Move the VM, and one other if that makes room, within their server.
    Local,
    /// That, or move the VM to another running server.
    Migrate,
}

impl Means {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Nothing, Self::Local, Self::Migrate];

    /// The name on the command line and in results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "none",
            Self::Local => "local",
            Self::Migrate => "migrate",
        }
    }
}

impl Repair {
    /// None.
    pub const NONE: Self = Self { means: Means::Nothing, budget: Bytes::ZERO };
}

impl Setup {
    /// The thesis's way inside a server, no repair, and a sample each hour.
    pub fn new(fleet: FleetSpec, servers: ServerPolicy) -> Self {
        Self { fleet, servers, extents: ExtentPolicy::FirstFit, repair: Repair::NONE, interval: HOUR }
    }
}

/// Whether to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Yes.
    Go,
    /// No: the outcome is that of the events until now.
    Stop,
}

/// Hears of a simulation while it goes on.
pub trait Watch {
    /// So many events are done.
    fn advance(&mut self, events: u64) -> Next;
}

/// Hears nothing.
#[derive(Debug, Clone, Copy)]
pub struct Unwatched;

impl Watch for Unwatched {
    fn advance(&mut self, _events: u64) -> Next {
        Next::Go
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// What was counted.
    pub tally: Tally,
    /// The state at the end of each interval.
    pub samples: Vec<Sample>,
    /// Until when.
    pub end: Nanos,
    /// Whether that is all of the trace.
    pub complete: bool,
}

/// Events between two looks at the watch: some milliseconds.
const STRIDE: usize = 1 << 14;

/// So many events before its own a VM's place is asked for from memory.
const FAR: usize = 32;
/// So many before, that place is there, and the VM's server is asked for.
const NEAR: usize = 16;
/// So many before, the server is there, and its places in the orders are asked for. Each of these only has to be some
/// hundreds of nanoseconds before the next.
const NEXT: usize = 5;

/// Runs a trace on a fleet.
///
/// # Errors
/// If the fleet cannot be, the trace's kinds of servers are not the fleet's, or no server holds one of its VMs.
pub fn simulate(trace: &Trace, setup: &Setup, watch: &mut dyn Watch) -> Result<Outcome, FleetError> {
    let mut simulation = Simulation::new(trace, setup)?;
    let mut complete = true;
    for (done, event) in trace.events.iter().enumerate() {
        if done % STRIDE == 0 && watch.advance(convert::count(done)) == Next::Stop {
            complete = false;
            break;
        }
        if let Some(later) = trace.events.get(done + FAR) {
            simulation.fleet.foresee_vm(later.vm);
        }
        if let Some(soon) = trace.events.get(done + NEAR) {
            simulation.fleet.foresee_server(soon.vm);
        }
        if let Some(next) = trace.events.get(done + NEXT) {
            simulation.fleet.foresee_room(next.vm);
        }
        simulation.pass(event.time);
        match event.change {
            Change::Arrive(shape) => simulation.arrive(event.vm, shape),
            Change::Resize(shape) => simulation.resize(event.vm, shape),
            Change::Depart => simulation.depart(event.vm),
        }
    }
    if complete {
        simulation.pass(trace.end);
        watch.advance(convert::count(trace.events.len()));
    }
    Ok(simulation.finish(complete))
}

/// A simulation under way.
struct Simulation<'a> {
    setup: &'a Setup,
    fleet: Fleet<'a>,
    repairer: Repairer,
    tally: Tally,
    samples: Vec<Sample>,
    now: Nanos,
    /// The end of the interval under way.
    next: Nanos,
}

impl<'a> Simulation<'a> {
    fn new(trace: &'a Trace, setup: &'a Setup) -> Result<Self, FleetError> {
        if setup.interval == Nanos::ZERO {
            return Err(FleetError::Fleet {
                found: "an interval of 0 ns".to_owned(),
                expected: "more than that",
            });
        }
        Ok(Self {
            setup,
            fleet: Fleet::new(trace, setup)?,
            repairer: Repairer::new(setup),
            tally: Tally::default(),
            samples: Vec::new(),
            now: Nanos::ZERO,
            next: setup.interval,
        })
    }

    /// Lets time pass; at the end of each interval repairs and takes a sample.
    fn pass(&mut self, until: Nanos) {
        while self.next <= until {
            self.wait(self.next);
            self.repairer.work(&mut self.fleet, &mut self.tally);
            self.samples.push(self.sample());
            self.next += self.setup.interval;
        }
        self.wait(until);
    }

    fn wait(&mut self, until: Nanos) {
        self.tally.wait(self.fleet.live(), until.get().saturating_sub(self.now.get()));
        self.now = self.now.max(until);
    }

    fn arrive(&mut self, vm: crate::trace::VmId, shape: crate::trace::ShapeId) {
        self.tally.arrivals += 1;
        match self.fleet.place(vm, shape) {
            None => self.tally.failed += 1,
            Some(1) => self.tally.one_block += 1,
            Some(blocks) => {
                let counter =
                    if blocks == 2 { &mut self.tally.two_blocks } else { &mut self.tally.more_blocks };
                *counter += 1;
                self.repairer.note(vm);
            }
        }
        self.tally.peak_vms = self.tally.peak_vms.max(self.fleet.live().vms);
        self.tally.peak_servers = self.tally.peak_servers.max(self.fleet.occupied());
    }

    fn depart(&mut self, vm: crate::trace::VmId) {
        if self.fleet.remove(vm) {
            self.tally.departures += 1;
        }
        self.repairer.forget(vm);
    }

    fn sample(&self) -> Sample {
        let live = self.fleet.live();
        Sample {
            end: self.now,
            vms: live.vms,
            contiguous_vms: live.contiguous_vms,
            servers_on: self.fleet.on(),
            servers_occupied: self.fleet.occupied(),
            free: self.fleet.free(),
            largest: self.fleet.largest(),
            mean_largest: convert::ratio(self.fleet.sum_of_largest(), self.fleet.on().max(1)),
            repaired: self.tally.repair_bytes,
        }
    }

    fn finish(mut self, complete: bool) -> Outcome {
        self.tally.servers_used = self.fleet.on();
        self.tally.servers = self.setup.fleet.servers();
        self.samples.push(self.sample());
        Outcome { tally: self.tally, samples: self.samples, end: self.now, complete }
    }
}

#[cfg(test)]
mod tests;
