//! What can be set.

use terrace_addr::Bytes;
use terrace_policy::{Parameter, Range, Unit, Value};

use crate::over_linux;

/// What can be set beside Linux's parameters.
const OWN: &[Parameter] = &[
    Parameter {
        name: "smallest_region",
        unit: Unit::Bytes,
        default: Value::Bytes(Bytes::new(2 << 20)),
        range: Range::Between(1 << 12, 1 << 46),
        meaning: "how large a region must be to be given a run of free memory of its own",
        source: "assumed: the contiguity map holds blocks of the buddy allocator's largest order, which smaller \
                 regions would only break up",
    },
    Parameter {
        name: "cluster",
        unit: Unit::Bytes,
        default: Value::Bytes(Bytes::new(4 << 20)),
        range: Range::Between(2 << 20, 1 << 40),
        meaning: "what free memory must consist of to be chosen: whole aligned clusters of this size, a multiple of 2 MiB",
        source: "CA-paging (ISCA 2020): the contiguity map lists blocks of the largest order, 10 in Linux 4.19",
    },
    Parameter {
        name: "offsets",
        unit: Unit::Count,
        default: Value::Count(64),
        range: Range::Between(1, 1 << 20),
        meaning: "how many offsets are kept for a region; the oldest is forgotten first",
        source: "assumed: as many as a region of 4 GiB needs where runs of free memory have 64 MiB",
    },
    Parameter {
        name: "place_again",
        unit: Unit::Word(&["always", "huge", "never"]),
        default: Value::Word("always"),
        range: Range::Any,
        meaning: "for which faults the rest of a region is placed anew if their memory is taken: all, those that \
                  want a huge page, or none",
        source: "CA-paging (ISCA 2020): sub-VMA placement",
    },
];

/// What can be set.
pub(super) const PARAMETERS: &[Parameter] = &over_linux::parameters::<{ over_linux::count(OWN) }>(OWN);
