//! The only `unsafe` code of the simulator, behind a safe API.
//!
//! - [`Buffer`]: a zeroed, cache-line-aligned slice, on huge pages where it is large;
//! - [`Arena`]: values that are added one by one and never move, in chunks on huge pages;
//! - [`prefer_huge_pages`]: asks for huge pages under memory that somebody else owns;
//! - [`prefetch`]: asks for a cache line;
//! - [`vector`]: compares one tag with all ways of a set, with the instructions that [`Vectors`] finds.
//!
//! The simulator's tables and tag arrays are accessed at random. On 4 KiB pages its own TLB misses would cost
//! more than the cache misses; so large blocks are aligned to 2 MiB and advised for transparent huge pages.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod arena;
mod block;
mod buffer;
pub mod masked;
mod prefetch;
pub mod vector;
mod vectors;
mod zeroable;

pub use arena::Arena;
pub use block::prefer_huge_pages;
pub use buffer::Buffer;
pub use masked::Masked;
pub use prefetch::prefetch;
pub use vectors::{UnknownVectors, Vectors, Work};
pub use zeroable::Zeroable;
