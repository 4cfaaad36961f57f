//! What can be set: all that Gemini's halves have, and what only xGemini has at the host.

use terrace_policy::{Parameter, Range, Unit, Value};

use crate::gemini::parameters;

const SHARED: [Parameter; GEMINI] = parameters("on");
const GEMINI: usize = parameters("on").len();

const OWN: [Parameter; 5] = [
    Parameter {
        name: "host_placement",
        unit: Unit::Word(&["on", "off"]),
        default: Value::Word("on"),
        range: Range::Any,
        meaning: "whether the memory behind a nested guest's page lies where that guest's address says (NEMA at the host)",
        source: "the xGemini paper, section 4.3",
    },
    Parameter {
        name: "host_moves",
        unit: Unit::Word(&["first-use", "huge"]),
        default: Value::Word("first-use"),
        range: Range::Any,
        meaning: "when a page is moved to its place: as soon as its use is heard of, or once the guest has a huge page there",
        source: "the xGemini paper, section 4.3: at the first fault; the other spares copies where no huge page follows",
    },
    Parameter {
        name: "host_trigger",
        unit: Unit::Word(&["write", "use"]),
        default: Value::Word("write"),
        range: Range::Any,
        meaning: "how a page that is backed already is heard of: by the trapped write of the guest hypervisor's mapping, for \
                  which none of its tables goes unsync, or by the nested guest's first use",
        source: "the xGemini paper, section 4.3: the write is trapped; the other needs no trap",
    },
    Parameter {
        name: "pseudo_pages",
        unit: Unit::Word(&["on", "off"]),
        default: Value::Word("on"),
        range: Range::Any,
        meaning: "whether pseudo huge pages are made in the composed table (NWHPC)",
        source: "the xGemini paper, section 4.4",
    },
    Parameter {
        name: "host_compaction",
        unit: Unit::Word(&["on", "off"]),
        default: Value::Word("on"),
        range: Range::Any,
        meaning: "whether the daemon compacts memory where it finds no free block for a pseudo huge page",
        source: "assumed: the paper does not say; khugepaged, from which its daemon is derived, does",
    },
];

/// What can be set.
pub(super) const PARAMETERS: &[Parameter] = &all();

const fn all() -> [Parameter; GEMINI + OWN.len()] {
    let mut all = [OWN[0]; GEMINI + OWN.len()];
    let mut place = 0;
    while place < all.len() {
        all[place] = if place < GEMINI { SHARED[place] } else { OWN[place - GEMINI] };
        place += 1;
    }
    all
}
