//! What the kernel does, seen from outside: faults, actions, composed tables, segments.
//!
//! One program for all of them: each by itself would compile and link the same again.

mod actions;
mod areas;
mod changes;
mod faults;
mod pseudo;
mod pseudo_heard;
mod pseudo_history;
mod pseudo_parted;
mod segments;
mod shadow;
mod traps;
mod vm;
#[path = "../world/mod.rs"]
mod world;
