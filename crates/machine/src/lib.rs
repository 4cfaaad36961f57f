//! Machine files: the structures, latencies and topology of a processor, as pure data.
//!
//! A machine is a TOML file in which every table says where its numbers come from, or that they are `assumed`.
//! The built-in ones ([`builtin`]) are files like any user's. Nothing here simulates: `terrace-mmu` builds its
//! structures from a [`Machine`].
//!
//! Without the default feature `files` the crate is `no_std` and holds the types only.
#![cfg_attr(not(any(feature = "files", test)), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

mod cost;
#[cfg(feature = "files")]
mod file;
mod machine;
mod memory;
pub mod quantity;
mod replacement;
mod scheme;
mod seed;
mod shape;
mod source;
mod structure;
mod validate;
mod vendor;

pub use cost::{CoreTiming, Costs, ExitCosts, FlushCosts};
#[cfg(feature = "files")]
pub use file::{
    BUILTIN, Builtin, Fault, Found, MachineError, Origin, Override, Place, builtin, files, find, load, parse,
};
pub use machine::{Clock, Machine, Paging, Topology};
pub use memory::{MemoryNode, PerSocket};
pub use replacement::Replacement;
pub use scheme::Schemes;
pub use seed::array_seed;
pub use shape::{Shape, ShapeError};
pub use source::Source;
pub use structure::{Cache, NestedTlbArray, PageSizeName, Serves, SharedBy, TlbArray, WalkCache};
pub use validate::Problem;
pub use vendor::Vendor;
