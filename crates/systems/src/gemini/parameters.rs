//! What can be set.

use terrace_addr::Nanos;
use terrace_policy::{Parameter, Range, Unit, Value};

const SWITCH: Unit = Unit::Word(&["on", "off"]);
const PAPER: &str = "the Gemini paper has it";
const NOT_STATED: &str = "assumed: the paper does not state it; as khugepaged's scan_sleep_millisecs, 10000";
const SECONDS_10: Value = Value::Time(Nanos::new(10_000_000_000));
const ANY_TIME: Range = Range::Between(1_000, 1 << 50);

const fn switch(name: &'static str, meaning: &'static str) -> Parameter {
    Parameter { name, unit: SWITCH, default: Value::Word("on"), range: Range::Any, meaning, source: PAPER }
}

const fn time(name: &'static str, meaning: &'static str) -> Parameter {
    Parameter { name, unit: Unit::Time, default: SECONDS_10, range: ANY_TIME, meaning, source: NOT_STATED }
}

const fn share(name: &'static str, default: f64, meaning: &'static str, source: &'static str) -> Parameter {
    Parameter { name, unit: Unit::Share, default: Value::Share(default), range: Range::Any, meaning, source }
}

const fn word(
    name: &'static str,
    unit: Unit,
    default: &'static str,
    meaning: &'static str,
    source: &'static str,
) -> Parameter {
    Parameter { name, unit, default: Value::Word(default), range: Range::Any, meaning, source }
}

const KHUGEPAGED: &str = "Linux, mm/khugepaged.c, from which the paper's daemon is derived";

/// What can be set, where the huge aligner is `on` or `off` unless something else is said.
pub(crate) const fn parameters(aligner: &'static str) -> [Parameter; 23] {
    [
        switch("booking", "whether free blocks are put aside where the peer has a huge page (HB)"),
        switch("adjust_timeout", "whether the timeout of bookings is adjusted (Algorithm 1)"),
        switch("allocator", "whether base pages are placed by offsets (EMA)"),
        switch("preallocation", "whether booked blocks are completed before their booking ends"),
        switch("promoter", "whether the daemon makes huge pages of base pages (MHPP)"),
        switch("bucket", "whether freed blocks that are huge at the peer are kept for a while"),
        switch("demotion", "whether misaligned huge pages that are not used are split when memory is short"),
        word(
            "aligner",
            SWITCH,
            aligner,
            "whether regions are made of whole huge pages (xGemini's HA)",
            "the xGemini paper, section 4.2: its part of xGemini, not of Gemini",
        ),
        share(
            "aligner_share",
            0.0,
            "how much of a region's last huge page has to be asked for, so that the region gets all of it",
            "the xGemini paper makes it optional, with 0.7 as its example",
        ),
        word(
            "placement",
            Unit::Word(&["aligned", "packed"]),
            "aligned",
            "where a mapping of 2M or more begins that is not made of whole huge pages",
            "as the linux system, so that both have the same addresses",
        ),
        word(
            "huge_faults",
            Unit::Word(&["always", "unfragmented", "booked", "never"]),
            "unfragmented",
            "which faults take a huge page where one fits: all, those for which a block is kept and the others \
                      while memory is not fragmented (fault_fragmentation), only those for which a block is kept, none",
            "the Gemini paper for booked regions; for the others assumed: it is built on transparent huge pages, \
                     and where memory is not fragmented it is not behind them (figure 8)",
        ),
        time("timeout", "how long a booking lasts at first (T_init)"),
        time("period", "how long each timeout is observed (P)"),
        time("scan_period", "how often the scanner looks at what changed (MHPS)"),
        time("bucket_hold", "how long a freed block stays in the bucket"),
        share(
            "kept_share",
            0.8,
            "how much of the free memory may be kept, booked or in the bucket",
            "assumed: what is not placed by blocks (tables, small regions) needs memory, too",
        ),
        share(
            "fault_fragmentation",
            0.5,
            "up to which index of fragmentation a fault takes a huge page for which no block is kept",
            "assumed: as preallocation_fragmentation",
        ),
        share(
            "preallocation_fragmentation",
            0.5,
            "up to which index of fragmentation a booked block is completed",
            PAPER,
        ),
        share(
            "bucket_fragmentation",
            0.9,
            "above which index of fragmentation the bucket is emptied",
            "assumed: the paper says when memory is severely fragmented",
        ),
        Parameter {
            name: "pages_to_scan",
            unit: Unit::Count,
            default: Value::Count(4096),
            range: Range::Between(512, 1 << 40),
            meaning: "how many base pages the promoter looks at before it sleeps; 512 for each block",
            source: KHUGEPAGED,
        },
        Parameter {
            name: "scan_sleep",
            unit: Unit::Time,
            default: SECONDS_10,
            range: ANY_TIME,
            meaning: "how long the promoter sleeps between two scans",
            source: KHUGEPAGED,
        },
        Parameter {
            name: "alloc_sleep",
            unit: Unit::Time,
            default: Value::Time(Nanos::new(60_000_000_000)),
            range: ANY_TIME,
            meaning: "how long the promoter copies nothing after it found no free block",
            source: KHUGEPAGED,
        },
        Parameter {
            name: "max_ptes_none",
            unit: Unit::Count,
            default: Value::Count(511),
            range: Range::Between(0, 511),
            meaning: "how many of a block's 512 base pages may be absent when the promoter makes it huge",
            source: KHUGEPAGED,
        },
    ]
}
