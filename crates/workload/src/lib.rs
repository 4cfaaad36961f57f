//! Synthetic programs: the regions that they map and the accesses that they make.
//!
//! ```
//! use terrace_addr::Addr;
//! use terrace_workload::{Arguments, Bases, Progress, RegionId, Steps, entry};
//! let arguments = Arguments::new(1, 42).with("bytes", "64 MiB").with("operations", 1000_u64);
//! let mut program = entry("gups")?.build(&arguments)?;
//! let mut bases = Bases::new(program.regions().len());
//! bases.set(RegionId::new(0), Addr::new(0x7f00_0000_0000));
//! let mut steps = Steps::new();
//! while program.next(0, &bases, &mut steps) == Progress::More {}
//! // A store to each page, then a thousand updates: a load and a store each.
//! assert_eq!(steps.accesses().len(), 16_384 + 2 * 1000);
//! # Ok::<(), terrace_workload::WorkloadError>(())
//! ```
//!
//! Rules that all programs keep:
//! - What a thread does is a function of the arguments and the bases: nothing else, and no other thread, moves it.
//! - Every access lies in a region that is mapped when it is made.
//! - First touches come in the phase [`Initialise`](Phase::Initialise), but where a program is about allocation.
//! - Every number that stands for something real has a [`Source`], or is assumed and says why.
#![forbid(unsafe_code)]

mod error;
mod plan;
mod profiles;
mod program;
mod programs;
mod random;
mod region;
mod registry;
mod replay;
mod service;
mod steps;

pub use error::WorkloadError;
pub use profiles::{Figure, Part, Pattern};
pub use program::{Bases, Facts, Program, Progress};
pub use region::{Advice, Content, Mapping, RegionId, RegionSpec};
pub use registry::{
    Arguments, Entry, MOST_THREADS, Parameter, Preset, Range, Source, Unit, Value, entry, registry,
};
pub use replay::{Replay, Reported};
pub use service::{Arrivals, Load, Service};
pub use steps::{Mark, MarkKind, Phase, Steps};
