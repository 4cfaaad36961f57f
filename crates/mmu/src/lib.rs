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
mod fault;
mod invalidate;
mod stack;
mod translation;

pub use build::BuildError;
pub use context::Context;
pub use cores::{Absent, AsTheyAre, Mmu, Populate, Stopped};
pub use counters::Counters;
pub use fault::{Cause, Fault};
pub use invalidate::{Invalidated, Invalidation};
pub use stack::{Below, Extended, GuestTable, HostTable, Identity, Stack};
pub use translation::Translation;

/// What the sealed side of [`Below`] is made of.
#[doc(hidden)]
pub mod sealed {
    pub use crate::cores::{Foresee, Found, Nested, NestedStructures, References, Translate};
}
