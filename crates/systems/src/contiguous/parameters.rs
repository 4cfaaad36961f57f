//! What can be set.

use terrace_addr::Nanos;
use terrace_policy::{Parameter, Range, Unit, Value};

use crate::over_linux;

/// What can be set beside Linux's parameters.
const OWN: &[Parameter] = &[
    Parameter {
        name: "boot",
        unit: Unit::Word(&["on", "off"]),
        default: Value::Word("on"),
        range: Range::Any,
        meaning: "whether a virtual machine gets one block of memory when it is made, if there is a free one",
        source: "(No)Compromis (VEE 2021), boot-time allocator; off to begin scattered",
    },
    Parameter {
        name: "fit",
        unit: Unit::Word(&["first", "best"]),
        default: Value::Word("first"),
        range: Range::Any,
        meaning: "which free run of memory a block is taken from: the lowest that holds it, or the shortest",
        source: "Yuhala, MEng thesis (2018): first fit; best is assumed, for comparison",
    },
    Parameter {
        name: "hole",
        unit: Unit::Word(&["two", "wasted"]),
        default: Value::Word("two"),
        range: Range::Any,
        meaning: "a machine whose guest-physical memory has a hole for devices: two segments, a block for each side, or \
                  one segment over both sides, which holds memory behind the hole that nobody can use",
        source: "assumed: the papers leave it open; direct segments with more than one segment are two",
    },
    Parameter {
        name: "repair",
        unit: Unit::Word(&["idle", "always", "off"]),
        default: Value::Word("idle"),
        range: Range::Any,
        meaning: "when the pages of a machine without a block are moved together: while it is idle, always, never",
        source: "(No)Compromis: repaired when idle or by migration, without an algorithm; the algorithm is assumed",
    },
    Parameter {
        name: "idle",
        unit: Unit::Share,
        default: Value::Share(0.1),
        range: Range::Any,
        meaning: "a machine is idle whose CPUs together are busy for less than this share of one CPU's time",
        source: "assumed",
    },
    Parameter {
        name: "repair_period",
        unit: Unit::Time,
        default: Value::Time(Nanos::new(100_000_000)),
        range: Range::Between(1_000, 1 << 50),
        meaning: "how often machines without a block are looked at",
        source: "assumed",
    },
    Parameter {
        name: "growth",
        unit: Unit::Word(&["move", "paged"]),
        default: Value::Word("move"),
        range: Range::Any,
        meaning: "what becomes of a machine that grows and has no free memory behind its block: all of it is moved to a \
                  larger free run while it waits, if there is one, or it goes back to its extended page table",
        source: "assumed: the papers leave it open",
    },
    Parameter {
        name: "balloon",
        unit: Unit::Word(&["tail", "tail-only", "anywhere"]),
        default: Value::Word("tail"),
        range: Range::Any,
        meaning: "how a machine gives memory back: from the end of its block, and if its guest cannot, from anywhere, \
                  which ends the segment; from the end or not at all; from anywhere",
        source: "assumed: only the end can leave a segment that stays",
    },
];

/// What can be set.
pub(super) const PARAMETERS: &[Parameter] = &over_linux::parameters::<{ over_linux::count(OWN) }>(OWN);
