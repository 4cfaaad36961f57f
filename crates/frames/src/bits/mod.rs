//! Which frames are free, as bits with summaries above them.
//!
//! The rule: a summary's bit says exactly what its name says of the 64 bits below it, after every change. It makes
//! finding the next free frame, the end of a run or the next run of some length a matter of a few words, whatever
//! lies between.

mod free_map;
mod runs;
mod tree;

pub(crate) use free_map::{BLOCK, COVERS_A_WORD, FreeMap};
