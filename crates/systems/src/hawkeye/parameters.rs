//! What can be set.

use terrace_addr::Nanos;
use terrace_policy::{Parameter, Range, Unit, Value};

/// What can be set.
pub(super) const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "variant",
        unit: Unit::Word(&["g", "pmu"]),
        default: Value::Word("g"),
        range: Range::Any,
        meaning: "whether address spaces take turns at the highest access coverage (G), or the one with the highest \
                  measured overhead of walks comes first (PMU)",
        source: "HawkEye (ASPLOS 2019): both; G needs no counters, which virtual machines often lack",
    },
    Parameter {
        name: "least_overhead",
        unit: Unit::Share,
        default: Value::Share(0.02),
        range: Range::Any,
        meaning: "below which share of cycles in walks nothing is promoted (PMU)",
        source: "assumed: HawkEye (ASPLOS 2019) leaves small overheads alone; the figure was not checked",
    },
    Parameter {
        name: "cycles_per_access",
        unit: Unit::Count,
        default: Value::Count(4),
        range: Range::Between(1, 10_000),
        meaning: "how many cycles an access counts as beside its walk, to make a share of the counters (PMU)",
        source: "assumed: the seam counts accesses and cycles of walks, not all cycles; a core with an access in \
                 every third instruction",
    },
    Parameter {
        name: "sample_period",
        unit: Unit::Time,
        default: Value::Time(Nanos::new(30_000_000_000)),
        range: Range::Between(1_000, 1 << 50),
        meaning: "how long it is from one sample of access coverage to the next",
        source: "HawkEye (ASPLOS 2019): 30 seconds",
    },
    Parameter {
        name: "sample_window",
        unit: Unit::Time,
        default: Value::Time(Nanos::new(1_000_000_000)),
        range: Range::Between(1_000, 1 << 50),
        meaning: "how long accesses are gathered between clearing accessed bits and reading them",
        source: "HawkEye (ASPLOS 2019); apanwariisc/HawkEye, mm/ohp.c: one second",
    },
    Parameter {
        name: "newest_weight",
        unit: Unit::Share,
        default: Value::Share(0.5),
        range: Range::Any,
        meaning: "how much the newest sample of a block weighs against all before it",
        source: "assumed: the paper takes a moving average and does not say its weight",
    },
    Parameter {
        name: "flush",
        unit: Unit::Word(&["none", "pages"]),
        default: Value::Word("none"),
        range: Range::Any,
        meaning: "whether translations of pages whose accessed bits were cleared are flushed",
        source: "apanwariisc/HawkEye, mm/ohp.c: ohp_clear_hpage_range does not flush",
    },
    Parameter {
        name: "promote_blocks",
        unit: Unit::Count,
        default: Value::Count(8),
        range: Range::Between(1, 1 << 30),
        meaning: "how many blocks are promoted before the promoting thread sleeps",
        source: "apanwariisc/HawkEye, mm/huge_memory.c: khugepaged_pages_to_scan, 8 blocks, as in Linux 4.3",
    },
    Parameter {
        name: "promote_sleep",
        unit: Unit::Time,
        default: Value::Time(Nanos::new(10_000_000_000)),
        range: Range::Between(1_000, 1 << 50),
        meaning: "how long the promoting thread sleeps between two batches",
        source: "apanwariisc/HawkEye, mm/huge_memory.c: khugepaged_scan_sleep_millisecs, 10000, as in Linux 4.3",
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
        name: "zero",
        unit: Unit::Word(&["on", "off"]),
        default: Value::Word("on"),
        range: Range::Any,
        meaning: "whether free blocks are cleared before anybody wants them",
        source: "HawkEye (ASPLOS 2019): asynchronous pre-zeroing",
    },
    Parameter {
        name: "zero_rate",
        unit: Unit::Count,
        default: Value::Count(10_000),
        range: Range::Between(1, 1 << 40),
        meaning: "how many base pages are cleared in a second at most",
        source: "HawkEye (ASPLOS 2019): 10 thousand; apanwariisc/HawkEye, asynczero.c: 10 blocks of 4M a second",
    },
    Parameter {
        name: "zero_sleep",
        unit: Unit::Time,
        default: Value::Time(Nanos::new(1_000_000_000)),
        range: Range::Between(1_000, 1 << 50),
        meaning: "how long the clearing thread sleeps between two batches",
        source: "apanwariisc/HawkEye, hawkeye_modules/async-zero/asynczero.c: sleep, 1000",
    },
    Parameter {
        name: "zero_blocks",
        unit: Unit::Count,
        default: Value::Count(64),
        range: Range::Between(0, 1 << 20),
        meaning: "how many cleared blocks are kept at most; they are not free for anything else meanwhile",
        source: "assumed: HawkEye keeps them free; 128 MiB hardly change how much is free, and last for seconds",
    },
];
