//! The seam between a layer and the policies that rule it.
//!
//! A [`Layer`] is one mapping from an upper to a lower space with the kernel that owns it: a guest's kernel, a guest
//! hypervisor, a host. A [`Policy`] is what a published system does at one layer; a [`System`] is the policies that it
//! places at the layers. The same policy runs wherever a layer has the [`Abilities`] that it requires: simulated, on
//! live Linux, on bare metal.
//!
//! # The rules
//! - Everything is synchronous. Whatever a policy reads or does costs something ([`Charged`]) or is refused
//!   ([`Refused`]).
//! - A policy is asked at faults, mappings, frees and ticks, and never for an access.
//! - Policies are owned by who drives the layer, never by the layer: so a layer can be handed to its policy.
//! - Addresses are those of the layer's [`Upper`](terrace_addr::Upper) and [`Lower`](terrace_addr::Lower) space: a
//!   policy is written for any layer.
//! - A policy can be copied with its layer: all that it knows is in itself, and nothing in statics or behind shared
//!   pointers.
//! - Parameters are [declared once](Parameter); the scenario schema, `--set`, help and documentation come from there.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod abilities;
mod action;
pub mod conformance;
mod direct;
mod event;
mod fault;
mod layer;
mod outcome;
mod parameter;
mod policy;
mod query;
mod segment;
mod system;

pub use abilities::Abilities;
pub use action::{Action, Applied, CollapseInto};
pub use direct::DirectSegment;
pub use event::{Event, Message};
pub use fault::{Effort, Fault, Heard, MapRequest, NestedUse, Placement, VirtualPlacement};
pub use layer::{Layer, Role};
pub use outcome::{Charged, Outcome, Refused};
pub use parameter::{Parameter, ParameterError, Range, Unit, Value, Values};
pub use policy::{Budget, Count, Duplicate, NextWake, Policy};
pub use query::{
    AccessedOp, Advice, Block, Counters, Cursor, Extent, FlushScope, Fragmentation, FrameUse, Leaf, Region,
    SpaceId,
};
pub use segment::{Balloon, Segment, Segments};
pub use system::{Build, System};
