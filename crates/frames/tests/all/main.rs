//! Physical memory against naive models, and against the formulas of the kernel.
//!
//! One program for all of them: each by itself would compile and link the same again.

mod buddy;
mod common;
mod compaction;
mod fragmenter;
mod hybrid;
mod indices;
mod model;
mod places;
