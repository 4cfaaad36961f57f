//! `compromis-azure`: the share of VMs in one block under three placements, as Yuhala's thesis (2018) found it for the first
//! 100,000, 300,000 and 500,000 VMs of Azure's trace of 2017 on 20,000 servers.
//!
//! The rule: what was published is never an input. The trace is the synthetic one, whose numbers come from the dataset's
//! own statistics; servers, slots and rules are those of the thesis's set-up. Where the thesis leaves its set-up open, each
//! reading is simulated, and the findings say which of them gives what was published.

mod finding;
mod published;

use serde::Serialize;
use terrace_addr::{Bytes, convert};

pub use finding::{Finding, Given};
pub use published::{PUBLISHED, Published, Share};

use crate::FleetError;
use crate::place::ServerPolicy;
use crate::sim::{Next, Setup, Watch, simulate};
use crate::spec::{FleetSpec, ServerClass, THESIS_SERVERS};
use crate::synthetic::Synthetic;
use crate::trace::Trace;
use crate::units::Cores;

/// The thesis's GB, and its slots of memory.
const GIGABYTE: u64 = 1_000_000_000;
const SLOT: Bytes = Bytes::new(100_000_000);

/// A reading of the thesis's set-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reading {
    /// The kinds of servers of the thesis's table; the first VMs of the trace, in the order of time.
    Table,
    /// The servers of the committed code, all with 24 cores and 192 GB; the same VMs.
    Code,
    /// The kinds of the table; a trace of 30 days that has so many VMs in all.
    WholeMonth,
    /// No reading of the thesis's, but a test of its rule: as `Table`, with servers for hardly more VMs than live at a time.
    Tight,
}

impl Reading {
    /// All of them; the first is the one whose numbers stand beside the published ones.
    pub const ALL: [Self; 4] = [Self::Table, Self::Code, Self::WholeMonth, Self::Tight];

    /// The name in tables and results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Code => "code",
            Self::WholeMonth => "whole-month",
            Self::Tight => "tight",
        }
    }

    /// What it is.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Table => {
                "the six kinds of servers of the thesis's table; the first VMs of the trace in the order of time"
            }
            Self::Code => "the servers of the committed code, 24 cores and 192 GB each; the same VMs",
            Self::WholeMonth => "the six kinds of servers; a trace of 30 days with so many VMs in all",
            Self::Tight => {
                "61 of a hundred of the table's servers; the first VMs of the trace in the order of time"
            }
        }
    }

    fn fleet(self, servers: u32) -> FleetSpec {
        // No policy is known to need so few: what there is room for has to be found.
        let servers = if self == Self::Tight { servers / 100 * 61 } else { servers };
        // Name, hundredths of the servers, cores, GB: the thesis's table, and what its code says of each kind.
        let kinds: &[(&str, u32, u32, u64)] = match self {
            Self::Code => &[("server", 100, 24, 192)],
            Self::Table | Self::WholeMonth | Self::Tight => &[
                ("gen3", 20, 16, 128),
                ("hpc", 20, 24, 128),
                ("gen4", 20, 24, 192),
                ("gen5", 20, 40, 256),
                ("gen6", 10, 48, 192),
                ("godzilla", 10, 32, 512),
            ],
        };
        let classes = kinds.iter().map(|&(name, hundredths, cores, gigabytes)| ServerClass {
            name: name.to_owned(),
            count: servers * hundredths / 100,
            cores: Cores::whole(cores),
            memory: Bytes::new(gigabytes * GIGABYTE),
        });
        FleetSpec { classes: classes.collect(), granule: SLOT }
    }
}

/// The placements: the thesis's three, and Terrace's own.
pub const POLICIES: [ServerPolicy; 4] =
    [ServerPolicy::Contiguity, ServerPolicy::Spread, ServerPolicy::Stack, ServerPolicy::Snug];

/// How much is simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// What was published.
    Full,
    /// A twentieth of the VMs and servers.
    Reduced,
}

impl Extent {
    const fn divisor(self) -> u32 {
        match self {
            Self::Full => 1,
            Self::Reduced => 20,
        }
    }
}

/// What one simulation found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Point {
    /// The reading of the set-up.
    pub reading: Reading,
    /// VMs, as published.
    pub vms: u32,
    /// The placement.
    pub policy: &'static str,
    /// Simulated: VMs in one block when they arrived, in percent of those that were placed.
    pub one_block_percent: f64,
    /// Simulated: servers that ever had a VM, in percent.
    pub servers_percent: f64,
    /// VMs for which no server had room.
    pub failed: u64,
    /// The most VMs that lived at the same time.
    pub peak_vms: u64,
    /// What was published for this placement, if it was.
    pub published: Option<Published>,
}

/// All that was simulated, and what it says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reproduced {
    /// The figure's name.
    pub figure: &'static str,
    /// The version of the model.
    pub model_version: u32,
    /// What decides everything random.
    pub seed: u64,
    /// Everything was divided by this.
    pub divisor: u32,
    /// The trace that the first two readings take VMs from.
    pub synthetic: Synthetic,
    /// The simulations that were made, in order.
    pub points: Vec<Point>,
    /// Whether those are all.
    pub complete: bool,
    /// What they say.
    pub findings: Vec<Finding>,
}

/// The simulations to make.
#[derive(Debug)]
pub struct Plan {
    extent: Extent,
    synthetic: Synthetic,
    jobs: Vec<(Reading, u32, ServerPolicy)>,
    /// The trace of each reading and number of VMs that differ.
    traces: Vec<(bool, u32, Trace)>,
}

impl Plan {
    /// All simulations of the figure.
    ///
    /// # Errors
    /// If the trace cannot be made.
    pub fn new(extent: Extent, seed: u64) -> Result<Self, FleetError> {
        let whole = Synthetic::default();
        let synthetic =
            Synthetic { vms: whole.vms / extent.divisor(), gigabyte_bytes: GIGABYTE, seed, ..whole };
        let all = synthetic.trace()?;
        let mut traces = Vec::new();
        for vms in published::VMS {
            let count = vms / extent.divisor();
            traces.push((false, vms, all.first_vms(count)));
            traces.push((true, vms, Synthetic { vms: count, ..synthetic.clone() }.trace()?));
        }
        let jobs = Reading::ALL.into_iter().flat_map(|reading| {
            let sizes = published::VMS.into_iter();
            sizes.flat_map(move |vms| POLICIES.into_iter().map(move |policy| (reading, vms, policy)))
        });
        Ok(Self { extent, synthetic, jobs: jobs.collect(), traces })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.jobs.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// The events of one of them; 0 if there is no such one.
    pub fn events(&self, number: usize) -> u64 {
        self.job(number).map_or(0, |(.., trace)| convert::count(trace.events().len()))
    }

    /// Makes one of them; nothing if it was stopped, or if there is no such one.
    ///
    /// # Errors
    /// If it cannot be simulated.
    pub fn simulate(&self, number: usize, watch: &mut dyn Watch) -> Result<Option<Point>, FleetError> {
        let Some((reading, vms, policy, trace)) = self.job(number) else {
            return Ok(None);
        };
        let setup = Setup::new(reading.fleet(THESIS_SERVERS / self.extent.divisor()), policy);
        let outcome = simulate(trace, &setup, watch)?;
        if !outcome.complete {
            return Ok(None);
        }
        let tally = &outcome.tally;
        let percent = |part, all: u64| 100.0 * convert::ratio(part, all.max(1));
        Ok(Some(Point {
            reading,
            vms,
            policy: policy.name(),
            one_block_percent: percent(tally.one_block, tally.placed()),
            servers_percent: percent(tally.servers_used, tally.servers),
            failed: tally.failed,
            peak_vms: tally.peak_vms,
            published: if reading == Reading::Tight { None } else { published::of(vms, policy) },
        }))
    }

    /// What the simulations that were made say.
    pub fn judge(&self, points: Vec<Point>) -> Reproduced {
        Reproduced {
            figure: "compromis-azure",
            model_version: terrace_result::MODEL_VERSION,
            seed: self.synthetic.seed,
            divisor: self.extent.divisor(),
            synthetic: self.synthetic.clone(),
            complete: points.len() == self.jobs.len(),
            findings: finding::findings(&points),
            points,
        }
    }

    fn job(&self, number: usize) -> Option<(Reading, u32, ServerPolicy, &Trace)> {
        let &(reading, vms, policy) = self.jobs.get(number)?;
        let whole = reading == Reading::WholeMonth;
        let (.., trace) = self.traces.iter().find(|(of, count, _)| (*of, *count) == (whole, vms))?;
        Some((reading, vms, policy, trace))
    }
}

/// Simulates all of the figure, one simulation after the other; as far as it came if it is stopped.
///
/// # Errors
/// If it cannot be simulated.
pub fn compromis_azure(extent: Extent, seed: u64, watch: &mut dyn Watch) -> Result<Reproduced, FleetError> {
    let plan = Plan::new(extent, seed)?;
    let mut points = Vec::new();
    for number in 0..plan.len() {
        match plan.simulate(number, watch)? {
            Some(point) => points.push(point),
            None => break,
        }
        if watch.advance(0) == Next::Stop {
            break;
        }
    }
    Ok(plan.judge(points))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Unwatched;

    #[test]
    fn the_published_order_is_given_by_the_tables_servers() {
        let reproduced = compromis_azure(Extent::Reduced, 0, &mut Unwatched).unwrap();
        assert!(reproduced.complete);
        assert_eq!(reproduced.points.len(), 48);
        let order = &reproduced.findings[0];
        assert_eq!(order.given, Given::Yes, "{order:?}");
        let roomy = |point: &&Point| point.reading != Reading::Tight;
        assert!(reproduced.points.iter().filter(roomy).all(|point| point.failed == 0));
        let published = reproduced.points.iter().filter(|point| point.published.is_some());
        assert_eq!(published.count(), 3 * 3 * 3);
        assert_eq!(reproduced, compromis_azure(Extent::Reduced, 0, &mut Unwatched).unwrap());
    }

    #[test]
    fn a_figure_that_is_stopped_has_what_was_made() {
        struct After(u32);
        impl Watch for After {
            fn advance(&mut self, events: u64) -> Next {
                // Between two simulations.
                self.0 -= u32::from(events == 0);
                if self.0 == 0 { Next::Stop } else { Next::Go }
            }
        }
        let reproduced = compromis_azure(Extent::Reduced, 0, &mut After(4)).unwrap();
        assert!(!reproduced.complete);
        assert!(!reproduced.points.is_empty() && reproduced.points.len() < 4, "{}", reproduced.points.len());
        assert!(reproduced.findings.iter().any(|finding| finding.given == Given::Unknown));
    }
}
