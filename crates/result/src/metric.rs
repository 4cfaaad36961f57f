//! The registry of metrics: one declaration from which tables, schema and documentation come.

use core::fmt;

/// What a metric counts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Events.
    Count,
    /// Cycles of the simulated core.
    Cycles,
    /// Bytes.
    Bytes,
    /// Nanoseconds of simulated time.
    Nanos,
    /// Events in a second of simulated time.
    PerSecond,
    /// A share or a quotient of two numbers of the same unit.
    Ratio,
}

impl Unit {
    /// Whether its values are whole numbers.
    pub const fn is_whole(self) -> bool {
        matches!(self, Self::Count | Self::Bytes)
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Count => "count",
            Self::Cycles => "cycles",
            Self::Bytes => "bytes",
            Self::Nanos => "ns",
            Self::PerSecond => "1/s",
            Self::Ratio => "ratio",
        })
    }
}

/// One thing that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// The name in results.
    pub name: &'static str,
    /// Its unit.
    pub unit: Unit,
    /// What it is, exactly.
    pub meaning: &'static str,
}

macro_rules! metrics {
    ($($name:ident $unit:ident $meaning:literal;)*) => {
        impl Metric {
            /// Every metric of a replay, in the order in which results hold them.
            pub const ALL: &'static [Self] = &[
                $(Self { name: stringify!($name), unit: Unit::$unit, meaning: $meaning },)*
            ];
        }
    };
}

metrics! {
    references Count "accesses of the program that were completed: fetches, loads and stores of the trace";
    accesses Count "pages looked up: one for each reference, one more for each further page that it touches, and one \
                    more for each time that a faulting access is run again";
    itlb_accesses Count "lookups in the instruction TLB";
    itlb_misses Count "of these, misses of its first level";
    dtlb_accesses Count "lookups in the data TLB, for loads and stores";
    dtlb_misses Count "of these, misses of its first level";
    stlb_hits Count "first-level misses, of instructions and data, that the second level (STLB) holds";
    stlb_misses Count "first-level misses that the STLB does not hold; each starts a walk";
    upgrade_walks Count "walks for an access that a cached translation does not allow: a first store, most often";
    third_level_hits Count "STLB misses that a third level holds, where a machine has one in memory";
    third_level_misses Count "STLB misses that it does not hold";
    third_level_references Count "lines of the third level that were referred to";
    third_level_cycles Cycles "latencies of third_level_references, added up";
    direct_translations Count "misses and walks in which a direct segment took the place of page tables";
    walks Count "walks started: stlb_misses - third_level_hits + upgrade_walks";
    walk_references Count "page-table entries read by walks, in all dimensions";
    nested_references Count "of walk_references, entries of EPT";
    walk_references_l1 Count "of walk_references, served by the first cache level";
    walk_references_l2 Count "served by the second cache level";
    walk_references_l3 Count "served by the third cache level";
    walk_references_memory Count "served by memory";
    walk_cycles Cycles "latencies of walk_references, added up; of prefetched entries what was left of them";
    stlb_cycles Cycles "latencies of stlb_hits, added up";
    prefetch_references Count "entries that walks asked for before they came to them, where a machine does that";
    cycles Cycles "translation time if nothing of it were hidden: walk_cycles + stlb_cycles + third_level_cycles";
    page_faults Count "page faults: walks that ended in the first dimension, and accesses outside its levels";
    ept_violations Count "EPT violations: walks that ended in the second dimension without a translation";
    segment_violations Count "walks that left the guest's segment";
    log_full_exits Count "walks that found the page-modification log full";
    walk_cache_hits Count "walks that started from a paging-structure cache instead of the root";
    nested_tlb_hits Count "guest-physical addresses of tables or data that the nested TLB translated";
    nested_tlb_misses Count "guest-physical addresses for which EPT was walked, whether or not it translates them";
    nested_walk_cache_hits Count "EPT walks that started from a paging-structure cache instead of the root";
    translations_4k Count "walks that ended in a translation of 4K, the smallest leaf of all dimensions";
    translations_2m Count "walks that ended in a translation of 2M";
    translations_1g Count "walks that ended in a translation of 1G";
    data_references Count "lines of data referred to, where data lines are modelled";
    data_references_l1 Count "of data_references, served by the first cache level";
    data_references_l2 Count "served by the second cache level";
    data_references_l3 Count "served by the third cache level";
    data_references_memory Count "served by memory";
    data_cycles Cycles "latencies of data_references, added up";
}

/// The metric with this name.
pub fn metric(name: &str) -> Option<&'static Metric> {
    Metric::ALL.iter().find(|metric| metric.name == name)
}
