//! A synthetic trace: the default input, because the published traces are large and may be absent.
//!
//! Every number is a parameter with its source or the word `assumed`. Nothing here knows what a simulation should find.

mod lifetimes;
mod sizes;
mod stream;

use serde::{Deserialize, Serialize};
use terrace_addr::{Bytes, Nanos};

use crate::FleetError;
use crate::spec::Demand;
use crate::trace::{Shape, ShapeId, Trace, TraceBuilder};
use lifetimes::Lives;
pub use lifetimes::{LIFETIMES, Lifetime};
pub use sizes::{SIZES, Size};
use stream::Stream;

const SECOND: u64 = 1_000_000_000;
const DAY: u64 = 86_400;

/// Times in Azure's traces are multiples of this: 300 s (Azure Public Dataset, V1 and V2).
const STEP: u64 = 300;

/// What a synthetic trace is like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Synthetic {
    /// How many VMs. The default is Azure V1's number, 2,013,767.
    pub vms: u32,
    /// How long it lasts, in days. Azure V1: 30.
    pub days: u32,
    /// The share of the VMs that run when it begins. If a fleet's load is steady, this is the mean lifetime within the
    /// trace over its length: 104,371,713 VM-hours / 2,013,767 VMs / 720 hours (Azure V1).
    pub running_share: f64,
    /// The amplitude of the daily cycle of arrivals, as a share of their mean. Assumed: SOSP'17 shows a cycle and
    /// gives no number.
    pub daily_amplitude: f64,
    /// The mean number of VMs that arrive together, as parts of a deployment. Assumed: the dataset has 56 VMs for each
    /// deployment (2,013,767 / 35,941), which come in several batches.
    pub mean_batch: f64,
    /// The bytes of what the table of sizes calls a GB: 2^30, as clouds sell memory.
    pub gigabyte_bytes: u64,
    /// Decides everything random.
    pub seed: u64,
}

impl Default for Synthetic {
    fn default() -> Self {
        Self {
            vms: 2_013_767,
            days: 30,
            running_share: 0.072,
            daily_amplitude: 0.4,
            mean_batch: 4.0,
            gigabyte_bytes: 1 << 30,
            seed: 0,
        }
    }
}

impl Synthetic {
    /// The trace.
    ///
    /// # Errors
    /// If a parameter is outside of what it may be.
    pub fn trace(&self) -> Result<Trace, FleetError> {
        self.check()?;
        let mut builder = TraceBuilder::new();
        let shapes: Vec<ShapeId> = SIZES.iter().map(|size| builder.shape(self.shape(*size))).collect();
        let lives = Lives::new();
        let end = u64::from(self.days) * DAY;
        builder.until(Nanos::new(end * SECOND));
        let mut stream = Stream::new(self.seed, "fleet.synthetic");
        let running = terrace_addr::convert::floor(self.running_share * f64::from(self.vms));
        for _ in 0..running {
            let shape = shapes[stream.pick(&SIZES.map(|size| size.share))];
            add(&mut builder, shape, 0, lives.rest(&mut stream), end);
        }
        while builder.vms() < self.vms {
            let time = self.arrival(&mut stream, end);
            let shape = shapes[stream.pick(&SIZES.map(|size| size.share))];
            // What arrives together is of one kind: one size, and lifetimes of one order.
            let kind = lifetimes::kind(&mut stream);
            for _ in 0..self.batch(&mut stream).min(self.vms - builder.vms()) {
                add(&mut builder, shape, time, lifetimes::lifetime(kind, &mut stream), end);
            }
        }
        Ok(builder.sorted())
    }

    fn shape(&self, size: Size) -> Shape {
        let memory = self.gigabyte_bytes / 4 * size.quarter_gigabytes;
        Shape::Same(Demand { cores: size.cores, memory })
    }

    /// When a batch arrives: the more likely the nearer to the middle of a day.
    fn arrival(&self, stream: &mut Stream, end: u64) -> u64 {
        loop {
            let time = stream.below(end / STEP) * STEP;
            let of_day = terrace_addr::convert::ratio(time % DAY, DAY);
            let likely = 1.0 - self.daily_amplitude * libm::cos(core::f64::consts::TAU * of_day);
            if stream.unit() * (1.0 + self.daily_amplitude) < likely {
                return time;
            }
        }
    }

    /// How many VMs arrive together: geometric.
    fn batch(&self, stream: &mut Stream) -> u32 {
        let further = 1.0 - 1.0 / self.mean_batch;
        let mut count = 1;
        while count < MOST_BATCH && stream.unit() < further {
            count += 1;
        }
        count
    }

    /// Its memory unit, in bytes.
    pub const fn gigabyte(&self) -> Bytes {
        Bytes::new(self.gigabyte_bytes)
    }

    fn check(&self) -> Result<(), FleetError> {
        let wrong = |what, found: String, expected| Err(FleetError::Synthetic { what, found, expected });
        if self.vms == 0 || self.vms > MOST_VMS {
            return wrong("vms", self.vms.to_string(), "from 1 to 1000000000");
        }
        if self.days == 0 || self.days > 3650 {
            return wrong("days", self.days.to_string(), "from 1 to 3650");
        }
        for (what, share) in
            [("running_share", self.running_share), ("daily_amplitude", self.daily_amplitude)]
        {
            if !(0.0..=1.0).contains(&share) {
                return wrong(what, share.to_string(), "a share from 0 to 1");
            }
        }
        if !(1.0..=1000.0).contains(&self.mean_batch) {
            return wrong("mean_batch", self.mean_batch.to_string(), "from 1 to 1000");
        }
        if !(4..=1 << 34).contains(&self.gigabyte_bytes) {
            return wrong("gigabyte_bytes", self.gigabyte_bytes.to_string(), "from 4 to 2^34");
        }
        Ok(())
    }
}

/// Adds a VM that lives for so many seconds, in whole steps.
fn add(builder: &mut TraceBuilder, shape: ShapeId, arrival: u64, seconds: u64, end: u64) {
    let departure = arrival + seconds.div_ceil(STEP).max(1) * STEP;
    // Whatever lives longer than the trace has no end in it.
    let departure = (departure < end).then(|| Nanos::new(departure * SECOND));
    // `vms` bounds how many there are.
    let _ = builder.add(shape, Nanos::new(arrival * SECOND), departure);
}

/// Events of so many VMs are some tens of gigabytes.
const MOST_VMS: u32 = 1_000_000_000;
/// A batch ends there, whatever is drawn.
const MOST_BATCH: u32 = 100_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Change;

    fn small() -> Synthetic {
        Synthetic { vms: 100_000, ..Synthetic::default() }
    }

    #[test]
    fn it_has_the_published_means() {
        let trace = small().trace().unwrap();
        let mut arrivals = vec![None; 100_000];
        let (mut hours, mut core_hours, mut at_start, mut short) = (0.0, 0.0, 0_u32, 0_u32);
        let mut live = |vm: usize, from: Nanos, cores: f64, to: Nanos| {
            let lived = terrace_addr::convert::ratio(to.get() - from.get(), 3600 * SECOND);
            assert!(vm < 100_000);
            hours += lived;
            core_hours += lived * cores;
            u32::from(lived < 24.0)
        };
        for event in trace.events() {
            match event.change {
                Change::Arrive(shape) => {
                    let cores = trace.shapes()[shape.index()].demand(0).unwrap().cores.as_f64();
                    arrivals[event.vm.index()] = Some((event.time, cores));
                    at_start += u32::from(event.time == Nanos::ZERO);
                }
                Change::Depart => {
                    let (from, cores) = arrivals[event.vm.index()].take().unwrap();
                    short += live(event.vm.index(), from, cores, event.time);
                }
                Change::Resize(_) => unreachable!(),
            }
        }
        for (vm, arrived) in arrivals.into_iter().enumerate() {
            if let Some((from, cores)) = arrived {
                live(vm, from, cores, trace.end());
            }
        }
        // Azure V1: 104,371,713 VM-hours and 237,815,104 core-hours of 2,013,767 VMs.
        let mean = hours / 100_000.0;
        assert!((45.0..58.0).contains(&mean), "{mean}");
        let cores = core_hours / hours;
        assert!((2.1..2.6).contains(&cores), "{cores}");
        assert!((7200..7400).contains(&at_start), "{at_start}");
        assert!(short > 85_000, "{short}");
    }

    #[test]
    fn it_is_decided_by_its_seed() {
        let events = |seed| Synthetic { vms: 2000, seed, ..Synthetic::default() }.trace().unwrap().events;
        assert_eq!(events(1), events(1));
        assert_ne!(events(1), events(2));
        assert!(events(1).is_sorted_by_key(|event| event.time));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for wrong in [
            Synthetic { vms: 0, ..small() },
            Synthetic { days: 0, ..small() },
            Synthetic { running_share: f64::NAN, ..small() },
            Synthetic { daily_amplitude: 1.5, ..small() },
            Synthetic { mean_batch: 0.0, ..small() },
            Synthetic { gigabyte_bytes: 0, ..small() },
        ] {
            assert!(wrong.trace().unwrap_err().to_string().contains("expected"));
        }
    }
}
