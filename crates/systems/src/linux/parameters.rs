//! What can be set.

use terrace_addr::Nanos;
use terrace_policy::{Parameter, Range, Unit, Value};

const DOCUMENTATION: &str = "Linux, Documentation/admin-guide/mm/transhuge.rst";

/// What can be set, with Linux's defaults.
pub(super) const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "thp",
        unit: Unit::Word(&["always", "madvise", "never"]),
        default: Value::Word("always"),
        range: Range::Any,
        meaning: "where huge pages may be used: everywhere, where a program asked for them, or nowhere",
        source: "Linux, mm/Kconfig: TRANSPARENT_HUGEPAGE_ALWAYS is the default; distributions differ",
    },
    Parameter {
        name: "defrag",
        unit: Unit::Word(&["always", "defer", "defer+madvise", "madvise", "never"]),
        default: Value::Word("madvise"),
        range: Range::Any,
        meaning: "how hard a fault tries to find a free block: whether it compacts memory, wakes kcompactd, or neither",
        source: DOCUMENTATION,
    },
    Parameter {
        name: "placement",
        unit: Unit::Word(&["aligned", "packed"]),
        default: Value::Word("aligned"),
        range: Range::Any,
        meaning: "whether a mapping of 2M or more begins at a multiple of 2M, or right below the last one",
        source: "Linux 6.7, commit efa7df3e3bb5: aligned; packed before",
    },
    Parameter {
        name: "khugepaged",
        unit: Unit::Word(&["on", "off"]),
        default: Value::Word("on"),
        range: Range::Any,
        meaning: "whether khugepaged makes huge pages of base pages",
        source: "Linux: it runs wherever huge pages may be used",
    },
    Parameter {
        name: "pages_to_scan",
        unit: Unit::Count,
        default: Value::Count(4096),
        range: Range::Between(512, 1 << 40),
        meaning: "how many base pages khugepaged looks at before it sleeps; 512 for each block, whatever it holds",
        source: "Linux, mm/khugepaged.c: khugepaged_pages_to_scan, 8 blocks of 512",
    },
    Parameter {
        name: "scan_sleep",
        unit: Unit::Time,
        default: Value::Time(Nanos::new(10_000_000_000)),
        range: Range::Between(1_000, 1 << 50),
        meaning: "how long khugepaged sleeps between two scans",
        source: "Linux, mm/khugepaged.c: khugepaged_scan_sleep_millisecs, 10000",
    },
    Parameter {
        name: "alloc_sleep",
        unit: Unit::Time,
        default: Value::Time(Nanos::new(60_000_000_000)),
        range: Range::Between(1_000, 1 << 50),
        meaning: "how long khugepaged sleeps after it found no free block",
        source: "Linux, mm/khugepaged.c: khugepaged_alloc_sleep_millisecs, 60000",
    },
    Parameter {
        name: "max_ptes_none",
        unit: Unit::Count,
        default: Value::Count(511),
        range: Range::Between(0, 511),
        meaning: "how many of a block's 512 base pages may be absent when khugepaged makes a huge page of it",
        source: "Linux, mm/khugepaged.c: khugepaged_max_ptes_none, 511",
    },
];
