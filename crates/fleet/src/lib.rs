//! Virtual machines on the servers of a data centre, with contiguous memory as a resource.
//!
//! A VM whose host memory is one block needs no second dimension of page tables. Whether it gets one is decided here: by
//! which server it is placed on, which free extent of that server it takes, and whether somebody puts it together later.
//! [`simulate`] runs a [`Trace`] of arrivals, changes of size and departures on a [`FleetSpec`], and counts.
//!
//! ```
//! use terrace_fleet::synthetic::Synthetic;
//! use terrace_fleet::{FleetSpec, ServerPolicy, Setup, THESIS_CORES, THESIS_MEMORY, Unwatched, simulate};
//!
//! let trace = Synthetic { vms: 20_000, ..Synthetic::default() }.trace()?;
//! let servers = FleetSpec::alike(400, THESIS_CORES, THESIS_MEMORY);
//! let place = |policy| simulate(&trace, &Setup::new(servers.clone(), policy), &mut Unwatched);
//! let (stack, contiguity) = (place(ServerPolicy::Stack)?.tally, place(ServerPolicy::Contiguity)?.tally);
//! assert!(contiguity.one_block >= stack.one_block);
//! assert_eq!(contiguity.failed, 0);
//! # Ok::<(), terrace_fleet::FleetError>(())
//! ```
//!
//! | part | what it is |
//! | --- | --- |
//! | [`Extents`] | a server's free memory, to the byte: first, best or worst fit, each O(log extents) |
//! | [`ServerPolicy`] | which server: a list of questions to indices over all servers, each O(log servers) |
//! | [`Repair`] | VMs in several blocks are put into one, within a budget of copied bytes |
//! | [`read`] | Azure V1 and V2, Azure packing 2020, Bitbrains, Terrace's own CSV |
//! | [`synthetic`] | a seeded trace with the published mix of sizes, for those who have none of these |
//! | [`WalkCosts`] | cycles of a walk with EPT and in segment mode, which [`Measured`] takes from a result of the engine: gives cycles saved |
//! | [`result`] | `result.json`, `series.parquet`, and the registry of metrics |
//! | [`reproduce`] | the thesis's figures for Azure's trace, simulated beside what was published |
//!
//! Rules that all of it keeps:
//! - The same trace and set-up give the same outcome on any machine: nothing that decides depends on the order of a hash map
//!   or on a platform's mathematics.
//! - No byte and no core is lost or doubled; the tests hold every event against a scan over all servers and all bytes.
//! - A row of a trace that cannot be is an error that says where, or is left out and counted.
//! - A server that was used stays on. Servers that are off are switched on in their order, those of different kinds evenly.
#![forbid(unsafe_code)]

mod cost;
mod error;
mod place;
pub mod read;
pub mod reproduce;
pub mod result;
mod server;
mod sim;
mod spec;
pub mod synthetic;
mod trace;
mod tree;
mod units;

pub use cost::{CostsFrom, FleetCycles, KindCosts, Measured, Selection, WalkCosts};
pub use error::{FleetError, RowPlace, RowProblem};
pub use place::ServerPolicy;
pub use server::{Blocks, Extent, ExtentPolicy, Extents};
pub use sim::{HOUR, Means, Next, Outcome, Repair, Sample, Setup, Tally, Unwatched, Watch, simulate};
pub use spec::{ClassUsed, Demand, FleetSpec, ServerClass, THESIS_CORES, THESIS_MEMORY, THESIS_SERVERS};
pub use trace::{Change, Event, Shape, ShapeId, Trace, TraceBuilder, VmId};
pub use units::{Cores, NoCores};
