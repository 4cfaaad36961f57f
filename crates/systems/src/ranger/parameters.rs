//! What can be set.

use terrace_addr::{Bytes, Nanos};
use terrace_policy::{Parameter, Range, Unit, Value};

use crate::over_linux;

const CODE: &str = "ysarch-lab/translation_ranger_isca_2019, mm/mem_defrag.c";

/// What can be set beside Linux's parameters.
const OWN: &[Parameter] = &[
    Parameter {
        name: "period",
        unit: Unit::Time,
        default: Value::Time(Nanos::new(5_000_000_000)),
        range: Range::Between(1_000, 1 << 50),
        meaning: "how long the daemon sleeps between two passes over all regions",
        source: "assumed: the public code leaves it to a program that asks for each pass",
    },
    Parameter {
        name: "rest",
        unit: Unit::Time,
        default: Value::Time(Nanos::new(100_000_000)),
        range: Range::Between(1_000, 1 << 50),
        meaning: "how long the daemon rests when it has used up what it may do at a time, before it goes on",
        source: "assumed: as long as it worked, so that a pass takes at most half of a core",
    },
    Parameter {
        name: "chunks",
        unit: Unit::Count,
        default: Value::Count(0),
        range: Range::Between(0, 1 << 40),
        meaning: "after how many blocks of 2M the daemon rests; 0 for no limit but its budget",
        source: "ysarch-lab/translation_ranger_isca_2019, mm/mem_defrag.c: num_breakout_chunks, 0",
    },
    Parameter {
        name: "smallest_region",
        unit: Unit::Bytes,
        default: Value::Bytes(Bytes::new(2 << 20)),
        range: Range::Between(1 << 12, 1 << 46),
        meaning: "how large a region must be to be made contiguous",
        source: "assumed: the paper makes no exception; the public code passes over regions below 1 GiB",
    },
    Parameter {
        name: "region_share",
        unit: Unit::Share,
        default: Value::Share(1.0),
        range: Range::Any,
        meaning: "which share of a space's regions is made contiguous, the largest first",
        source: "ysarch-lab/translation_ranger_isca_2019, mm/mem_defrag.c: vma_scan_percentile, 100",
    },
    Parameter {
        name: "blocked",
        unit: Unit::Word(&["new-anchor", "skip"]),
        default: Value::Word("new-anchor"),
        range: Range::Any,
        meaning: "what to do where a place holds something that cannot be moved: choose another range for the rest of \
                  the region, or leave that page where it is",
        source: "Translation Ranger (ISCA 2019): a new anchor; the public code keeps the one that it has",
    },
    Parameter {
        name: "promote",
        unit: Unit::Word(&["on", "off"]),
        default: Value::Word("on"),
        range: Range::Any,
        meaning: "whether base pages that fill a block of memory become a huge page in place",
        source: CODE,
    },
];

/// What can be set.
pub(super) const PARAMETERS: &[Parameter] = &over_linux::parameters::<{ over_linux::count(OWN) }>(OWN);
