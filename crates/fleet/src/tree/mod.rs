//! Search trees in which every node knows the largest value below it, so that "the first key from here on whose value is
//! at least that" is one descent.
//!
//! The rule: every operation is O(log n), whatever is asked. Servers are found by them, and free extents.

mod order;
mod places;

pub(crate) use order::OrderTree;
pub(crate) use places::{End, Places};
