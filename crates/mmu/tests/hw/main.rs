//! Hardware behaviours, one test each, named for the behaviour.

mod closed_forms;
mod data;
mod flushes;
mod logs;
mod order;
mod references;
mod scopes;
mod segments;
mod translations;
mod used_bits;
mod walk_caches;
mod world;
