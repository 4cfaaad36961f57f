//! Hardware behaviours, one test each, named for the behaviour.

mod closed_forms;
mod flushes;
mod references;
mod translations;
mod used_bits;
mod walk_caches;
mod world;
