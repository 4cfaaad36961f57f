//! Which pages and frames stand behind the addresses of a trace.
//!
//! A trace holds virtual addresses and nothing else. A replay maps a page when the trace first touches it, by
//! a stated [`Rule`]: the page size of each layer ([`PageRule`]), and where frames lie ([`Placement`]). The
//! pages count as populated before the program ran: entries are accessed and dirty, and no fault is counted.
//!
//! # Layers
//! Each layer ([`LayerName`]) has an owner, which decides its page sizes and hands out its frames, and a
//! table. What a page is mapped to is backed by the layers below at once, table pages too. Which tables the
//! hardware walks is the [`Mode`](crate::Mode): it may walk a layer's own table, or one that software
//! composes of several layers' tables ([`compose`](terrace_table::compose)). A composed page is as large as
//! the smallest leaf that it is composed of; its table pages are the memory of the space that it leads to.
//!
//! # Memory
//! A lower space is laid out in four parts, its *memory*: table pages, 4K frames, 2M frames, 1G frames.
//! Frames of each size are handed out in the order of first touch, contiguously or in the order of a seeded
//! permutation of the part.
//! - The guest's parts have the length that the rule says. Table pages use the first 256th of theirs: kernels
//!   keep them together too.
//! - A guest hypervisor's have the length that backing its guest can need, so that its memory is as dense as
//!   that of a guest without one.
//! - The host's have the next power of two that can back everything above it.
//! - A segment is one block of the host's memory that holds all of the guest's.

mod chain;
mod composed;
mod error;
mod file;
mod frames;
mod hardware_guest;
mod layer;
mod line;
mod mappers;
mod owner;
mod pages;
mod placement;
mod ranges;
mod rule;

pub use error::MapError;
pub use file::{MappingError, MappingFile};
pub use frames::MemoryFull;
pub use layer::LayerName;
pub use pages::PageRules;
pub use placement::Placement;
pub use rule::{InvalidRule, PageRule, Rule};

pub(crate) use mappers::{
    Mapper, Nested, OneLayer, Shadow, ShadowOnExtended, ShadowOnShadow, TableLevels, TwoDimensional,
};
