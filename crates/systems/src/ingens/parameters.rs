//! What can be set.

use terrace_addr::Nanos;
use terrace_policy::{Parameter, Range, Unit, Value};

const SCAN: &str = "ut-osa/ingens, osa/hugepage_scan.c: scan_sleep_millisecs, 4000";

/// What can be set.
pub(super) const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "utilization",
        unit: Unit::Share,
        default: Value::Share(0.9),
        range: Range::Any,
        meaning: "which share of a block's base pages must be there before it is promoted",
        source: "Ingens (OSDI 2016); ut-osa/ingens, osa/hugepage_scan.c: util_threshold, 90",
    },
    Parameter {
        name: "aggressive_below",
        unit: Unit::Share,
        default: Value::Share(0.5),
        range: Range::Any,
        meaning: "below which fragmentation (FMFI) a block is promoted at its first page; 0 for never, as in the public code",
        source: "Ingens (OSDI 2016): FMFI 0.5; the public code has no such rule",
    },
    Parameter {
        name: "promote_blocks",
        unit: Unit::Count,
        default: Value::Count(8),
        range: Range::Between(1, 1 << 30),
        meaning: "how many blocks the promoting thread takes before it sleeps",
        source: "Linux, mm/khugepaged.c, which the thread is made of: khugepaged_pages_to_scan, 8 blocks",
    },
    Parameter {
        name: "promote_sleep",
        unit: Unit::Time,
        default: Value::Time(Nanos::new(10_000_000)),
        range: Range::Between(1_000, 1 << 50),
        meaning: "how long the promoting thread sleeps between two batches",
        source: "assumed: the public code's thread does not sleep while requests wait; a tick of the scheduler",
    },
    Parameter {
        name: "alloc_sleep",
        unit: Unit::Time,
        default: Value::Time(Nanos::new(60_000_000_000)),
        range: Range::Between(1_000, 1 << 50),
        meaning: "how long the promoting thread sleeps after it found no free block",
        source: "Linux, mm/khugepaged.c: khugepaged_alloc_sleep_millisecs, 60000",
    },
    Parameter {
        name: "scan_sleep",
        unit: Unit::Time,
        default: Value::Time(Nanos::new(4_000_000_000)),
        range: Range::Between(1_000, 1 << 50),
        meaning: "how long the scanning thread sleeps between two scans of accessed bits",
        source: SCAN,
    },
    Parameter {
        name: "sample_hot",
        unit: Unit::Share,
        default: Value::Share(0.2),
        range: Range::Any,
        meaning: "which share of the blocks whose base pages are hot a scan looks at; the others count as used",
        source: "ut-osa/ingens: deferred_mode 2, a fifth of the active pages; mode 1 looks at all",
    },
    Parameter {
        name: "flush",
        unit: Unit::Word(&["pages", "none"]),
        default: Value::Word("pages"),
        range: Range::Any,
        meaning: "whether translations of pages whose accessed bits were cleared are flushed",
        source: "ut-osa/ingens, osa/hugepage_scan.c: clearing costs a TLB miss; Linux on x86 does not flush there",
    },
    Parameter {
        name: "fairness",
        unit: Unit::Word(&["on", "off"]),
        default: Value::Word("on"),
        range: Range::Any,
        meaning: "whether the address space that has the fewest huge pages for its need comes first, or the oldest request",
        source: "Ingens (OSDI 2016): on; ut-osa/ingens: hugepage_fairness, 0",
    },
    Parameter {
        name: "idle_tax",
        unit: Unit::Share,
        default: Value::Share(0.75),
        range: Range::Any,
        meaning: "how much an idle huge page counts against its address space: as 1 / (1 - tax) that are used",
        source: "assumed: the tax on idle memory that Ingens takes over from ESX (Waldspurger, OSDI 2002) is 75 % there",
    },
];
