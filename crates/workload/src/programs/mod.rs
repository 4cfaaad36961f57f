//! The programs that are made of one pattern each, a module each.

pub(crate) mod btree;
pub(crate) mod canneal;
pub(crate) mod chase;
pub(crate) mod churn;
pub(crate) mod common;
pub(crate) mod fft;
mod graph;
pub(crate) mod gups;
mod gups_hot;
pub(crate) mod hash_join;
mod hot_in_huge;
#[cfg(test)]
pub(crate) mod run;
pub(crate) mod scan;
pub(crate) mod zipf_store;

use crate::registry::Entry;

/// All of them.
pub(crate) const ENTRIES: [Entry; 12] = [
    gups::ENTRY,
    gups_hot::ENTRY,
    zipf_store::ENTRY,
    scan::ENTRY,
    chase::ENTRY,
    btree::ENTRY,
    hash_join::ENTRY,
    graph::ENTRY,
    fft::ENTRY,
    canneal::ENTRY,
    churn::ENTRY,
    hot_in_huge::ENTRY,
];
