//! Search trees in which every node knows the largest value below it, so that "the first from here on whose value is at
//! least that" is one descent.
//!
//! The rule: every operation is O(log n), whatever is asked, and reads a cache line or a few of each level. Servers are
//! found by them, and free extents.

mod ladder;
mod order;

pub(crate) use ladder::{End, Ladder};
pub(crate) use order::OrderTree;
