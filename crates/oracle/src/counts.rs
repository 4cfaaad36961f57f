//! What is counted (MODEL.md, "References and cycles" and where each thing happens).

use std::collections::BTreeMap;

use terrace_addr::PageSize;

/// Every count, in the order of the sections that name them.
const NAMES: [&str; 42] = [
    "references",
    "accesses",
    "itlb_accesses",
    "itlb_misses",
    "dtlb_accesses",
    "dtlb_misses",
    "stlb_hits",
    "stlb_misses",
    "upgrade_walks",
    "walks",
    "walk_references",
    "nested_references",
    "walk_references_l1",
    "walk_references_l2",
    "walk_references_l3",
    "walk_references_memory",
    "walk_cycles",
    "stlb_cycles",
    "cycles",
    "page_faults",
    "ept_violations",
    "segment_violations",
    "log_full_exits",
    "walk_cache_hits",
    "nested_tlb_hits",
    "nested_tlb_misses",
    "nested_walk_cache_hits",
    "translations_4k",
    "translations_2m",
    "translations_1g",
    "data_references",
    "data_references_l1",
    "data_references_l2",
    "data_references_l3",
    "data_references_memory",
    "data_cycles",
    "third_level_hits",
    "third_level_misses",
    "third_level_references",
    "third_level_cycles",
    "direct_translations",
    "prefetch_references",
];

/// The counts of one CPU.
#[derive(Debug, Clone)]
pub(crate) struct Counts(BTreeMap<&'static str, u64>);

impl Counts {
    /// All at 0.
    pub(crate) fn new() -> Self {
        Self(NAMES.into_iter().map(|name| (name, 0)).collect())
    }

    /// Adds to one count.
    pub(crate) fn add(&mut self, name: &str, amount: u64) {
        *self.0.get_mut(name).unwrap_or_else(|| panic!("nothing is counted as {name}")) += amount;
    }

    /// Counts one more.
    pub(crate) fn one(&mut self, name: &str) {
        self.add(name, 1);
    }

    /// One count.
    pub(crate) fn get(&self, name: &str) -> u64 {
        self.0[name]
    }

    /// Counts a walk that ended with a translation of `size`.
    pub(crate) fn translation(&mut self, size: PageSize) {
        self.one(match size {
            PageSize::Size4K => "translations_4k",
            PageSize::Size2M => "translations_2m",
            PageSize::Size1G => "translations_1g",
        });
    }

    /// All counts by name.
    pub(crate) fn all(&self) -> BTreeMap<&'static str, u64> {
        self.0.clone()
    }
}
