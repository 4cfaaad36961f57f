//! Parameters that several programs have.

use crate::plan::Touch;
use crate::registry::{Parameter, Preset, Range, Settings, Source, Unit};
use crate::steps::LINE;
use crate::{Advice, Content, Load, Service};

/// The most bytes of a region: what a 4-level table maps for a program (2⁴⁷), halved.
pub(crate) const MOST_BYTES: u64 = 1 << 46;

/// Bytes of a page.
pub(crate) const PAGE: u64 = 4096;

/// The size of a program's memory.
pub(crate) const fn bytes(default: u64, meaning: &'static str, source: Source) -> Parameter {
    Parameter {
        name: "bytes",
        unit: Unit::Bytes,
        default: Preset::Whole(default),
        range: Range::Whole(PAGE, MOST_BYTES),
        meaning,
        source,
    }
}

/// A number of things.
pub(crate) const fn count(
    name: &'static str,
    default: u64,
    low: u64,
    high: u64,
    meaning: &'static str,
    source: Source,
) -> Parameter {
    let (default, range) = (Preset::Whole(default), Range::Whole(low, high));
    Parameter { name, unit: Unit::Count, default, range, meaning, source }
}

/// A part of a whole.
pub(crate) const fn part(
    name: &'static str,
    default: f64,
    meaning: &'static str,
    source: Source,
) -> Parameter {
    let (default, range) = (Preset::Real(default), Range::Real(0.0, 1.0));
    Parameter { name, unit: Unit::Share, default, range, meaning, source }
}

/// One of some words.
pub(crate) const fn word(
    name: &'static str,
    words: &'static [&'static str],
    default: &'static str,
    meaning: &'static str,
    source: Source,
) -> Parameter {
    let (default, range) = (Preset::Word(default), Range::Words(words));
    Parameter { name, unit: Unit::Word, default, range, meaning, source }
}

/// A default that is a choice, not a claim.
pub(crate) const CHOICE: Source = Source::Stated("a default of this program, no claim");

/// A number that nothing states.
pub(crate) const fn assumed(reason: &'static str, low: f64, high: f64) -> Source {
    Source::Assumed { reason, low, high }
}

/// How many operations the steady phase has.
pub(crate) const OPERATIONS: Parameter = count(
    "operations",
    0,
    0,
    u64::MAX,
    "operations of each thread in the steady phase; 0: without end",
    CHOICE,
);

/// How memory is touched first.
pub(crate) const INITIALISE: Parameter = word(
    "initialise",
    &["page", "line", "nothing"],
    "page",
    "the first touch, before the steady phase: a store in each 4 KiB page, in each 64 B line, or nothing",
    Source::Stated("a default of this program: one store brings a page in, further ones only take time"),
);

/// What the program advises about page sizes.
pub(crate) const ADVICE: Parameter = word(
    "advice",
    &["none", "huge", "no-huge"],
    "none",
    "what the program advises about the page sizes of its regions (madvise): nothing, MADV_HUGEPAGE, MADV_NOHUGEPAGE",
    Source::Stated("xGemini, section 5: most applications do not call madvise"),
);

/// What pages hold.
pub(crate) const CONTENT: Parameter = word(
    "content",
    &["unique", "zero", "equal"],
    "unique",
    "what pages hold once they are written, for what merges equal pages: each its own, zeros, or all the same",
    CHOICE,
);

/// Core cycles of an access.
pub(crate) const fn core_cycles(default: f64, source: Source) -> Parameter {
    Parameter {
        name: "core_cycles",
        unit: Unit::Cycles,
        default: Preset::Real(default),
        range: Range::Real(0.0, 1e6),
        meaning: "core cycles of an access besides waiting for memory",
        source,
    }
}

/// Memory-level parallelism.
pub(crate) const fn parallelism(default: f64, source: Source) -> Parameter {
    Parameter {
        name: "parallelism",
        unit: Unit::Plain,
        default: Preset::Real(default),
        range: Range::Real(1.0, 64.0),
        meaning: "accesses that miss and are outstanding at a time (MLP)",
        source,
    }
}

/// Instructions of an access.
pub(crate) const fn instructions(default: f64, source: Source) -> Parameter {
    Parameter {
        name: "instructions",
        unit: Unit::Plain,
        default: Preset::Real(default),
        range: Range::Real(1.0, 1e6),
        meaning: "instructions retired for each access, its own included",
        source,
    }
}

/// The rate of requests.
pub(crate) const RATE: Parameter = Parameter {
    name: "rate",
    unit: Unit::PerSecond,
    default: Preset::Real(0.0),
    range: Range::Real(0.0, 1e9),
    meaning: "requests a second over all threads, at random times; 0: each thread takes its next request at once",
    source: CHOICE,
};

/// How requests come at the setting of [`RATE`].
pub(crate) fn service(settings: &Settings) -> Option<Service> {
    let rate = settings.real(RATE.name);
    (rate > 0.0).then_some(Service { load: Load::PerSecond(rate) })
}

/// The advice at the setting of [`ADVICE`].
pub(crate) fn advice(settings: &Settings) -> Advice {
    match settings.word(ADVICE.name) {
        "huge" => Advice::HugePage,
        "no-huge" => Advice::NoHugePage,
        _ => Advice::Default,
    }
}

/// The content at the setting of [`CONTENT`].
pub(crate) fn content(settings: &Settings) -> Content {
    match settings.word(CONTENT.name) {
        "zero" => Content::Zero,
        "equal" => Content::Equal(0),
        _ => Content::Unique,
    }
}

/// The first touch at the setting of [`INITIALISE`].
pub(crate) fn touch(settings: &Settings) -> Touch {
    match settings.word(INITIALISE.name) {
        "line" => Touch::Every(LINE),
        "nothing" => Touch::Nothing,
        _ => Touch::Every(PAGE),
    }
}
