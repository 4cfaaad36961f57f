//! The oracle of the MMU model: slow, plain, and written from the model's description alone.
//!
//! `crates/mmu/MODEL.md` says what a machine's MMUs do with an access; `terrace-mmu` does it fast, this crate in
//! the most obvious way, and property tests hold every count of the two equal. Each module is one section of the
//! description:
//!
//! | section | module |
//! | --- | --- |
//! | Arrays | `array` (sets, ways), `array::order` (replacement) |
//! | Processors and contexts | `context`, `oracle` |
//! | Looking up | `mmu` (the access), `tlb` (both levels) |
//! | The walk | `mmu::walk`, `walk_cache` |
//! | Translating a guest-physical address by EPT | `mmu::nested`, `nested_tlb`, `walk_cache`, `log` |
//! | Translating a guest-physical address by a segment | `mmu::below` |
//! | Schemes that some machines have | `third_level`, `direct`, and in `mmu`: `third_level`, `direct`, `prefetch`, `below` |
//! | References and cycles | `lines`, `counts` |
//! | Faults, Invalidations | `mmu::remove`, `invalidation` |
//!
//! Keys are compared whole and nothing is remembered beside what the description names, so there is no hash, tag
//! or index here that could be wrong.
#![forbid(unsafe_code)]

mod array;
mod context;
mod counts;
mod direct;
mod invalidation;
mod lines;
mod log;
mod mmu;
mod nested_tlb;
mod oracle;
mod rights;
mod tables;
#[cfg(test)]
mod tests;
mod third_level;
mod tlb;
mod walk_cache;

pub use context::Tag;
pub use direct::DirectSegment;
pub use invalidation::Invalidation;
pub use mmu::{Fault, Translation};
pub use oracle::Oracle;
pub use tables::{Segment, Tables};
