#![doc = include_str!("../MODEL.md")]
//!
//! # This crate
//! [`Mmu`] holds the structures of all cores of a machine; [`Stack`] the tables that they walk. [`Mmu::run`]
//! takes accesses in batches and is the path that is made fast. It is exact: whatever it prefetches changes no
//! count.
#![forbid(unsafe_code)]

mod array;
mod build;
mod cache;
mod context;
mod cores;
mod counters;
mod direct;
mod fault;
mod invalidate;
mod layout;
mod log;
mod segment;
mod sets;
mod stack;
mod translation;
mod watch;

pub use build::BuildError;
pub use context::Context;
pub use cores::{Absent, AsTheyAre, Mmu, Populate, Stopped};
pub use counters::{Counters, NodeReferences};
pub use direct::DirectSegment;
pub use fault::{Cause, Fault};
pub use invalidate::{
    Amd, Intel, Invalidated, Invalidation, InvalidationCounts, InvalidationKind, Invlpgb, Origin,
};
pub use layout::Layout;
pub use segment::{Segment, SegmentPair};
pub use stack::{Below, Extended, GuestTable, Identity, Stack, Tables};
pub use terrace_raw::{UnknownVectors, Vectors};
pub use translation::Translation;
pub use watch::{EntryRead, Step};
