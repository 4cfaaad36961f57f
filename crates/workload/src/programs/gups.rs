//! GUPS: updates of random words of a table (HPC Challenge, `RandomAccess`).

use terrace_addr::{Bytes, convert};

use super::common::{
    ADVICE, CHOICE, CONTENT, INITIALISE, OPERATIONS, assumed, bytes, core_cycles, instructions, parallelism,
    touch, word,
};
use crate::plan::{Body, Plan, facts};
use crate::random::Stream;
use crate::registry::{Entry, Parameter, Settings, Source};
use crate::steps::WORD_BYTES;
use crate::{Bases, Program, RegionId, RegionSpec, Steps, WorkloadError};

pub(crate) const ENTRY: Entry = Entry {
    name: "gups",
    summary: "updates of random 8-byte words of a table, uniformly (HPC Challenge RandomAccess)",
    parameters: PARAMETERS,
    parts: &[],
    make,
};

/// The core's part of an update is the next random number, a load, an exclusive or and a store.
pub(super) const CORE_CYCLES: Parameter = core_cycles(
    2.0,
    assumed("an update of two accesses is about 8 instructions, retired 2 to 4 a cycle", 1.0, 4.0),
);
pub(super) const PARALLELISM: Parameter = parallelism(
    8.0,
    assumed(
        "updates do not depend on each other; a core has 10 (Haswell, Broadwell) to 16 line fill buffers, never all busy",
        4.0,
        12.0,
    ),
);
pub(super) const INSTRUCTIONS: Parameter = instructions(
    4.0,
    assumed(
        "shift, compare, exclusive or, mask, load, exclusive or, store and loop, for two accesses",
        3.0,
        6.0,
    ),
);

pub(crate) const PARAMETERS: &[Parameter] = &[
    bytes(32 << 30, "size of the table", Source::Stated("the row GUPS 32 GiB of `terrace bench`")),
    word("access", &["update", "load"], "update", "what is done to a word; only updates are GUPS", CHOICE),
    INITIALISE,
    ADVICE,
    CONTENT,
    OPERATIONS,
    CORE_CYCLES,
    PARALLELISM,
    INSTRUCTIONS,
];

fn make(settings: &Settings) -> Result<Box<dyn Program>, WorkloadError> {
    let mut plan = Plan::new(settings);
    let bodies = bodies(settings, &mut plan)?;
    Ok(plan.program(facts(settings, None), settings.whole(OPERATIONS.name), bodies))
}

pub(crate) fn bodies(settings: &Settings, plan: &mut Plan) -> Result<Vec<Box<dyn Body>>, WorkloadError> {
    let size = settings.whole("bytes");
    let words = size / WORD_BYTES;
    if words == 0 {
        return Err(settings.conflict("bytes", "at least a word of 8 bytes"));
    }
    let table = plan.region(RegionSpec::new("table", Bytes::new(size)), touch(settings));
    let action = if settings.word("access") == "load" { Action::Load } else { Action::Update };
    Ok(plan.bodies("gups", |_, stream| Updates { table, words, action, stream }))
}

/// An operation is an update, or a load.
struct Updates {
    table: RegionId,
    words: u64,
    action: Action,
    stream: Stream,
}

impl Body for Updates {
    fn run(&mut self, most: u64, bases: &Bases, out: &mut Steps) -> u64 {
        let table = bases.of(self.table);
        let each = if self.action == Action::Update { 2 } else { 1 };
        let count = most.min(convert::count(out.room() / each));
        for _ in 0..count {
            let word = table.offset_by(self.stream.below(self.words) * WORD_BYTES);
            match self.action {
                Action::Update => out.update(word),
                Action::Load => out.load(word),
            }
        }
        count
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Update,
    Load,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::programs::run;
    use terrace_addr::AccessKind;

    #[test]
    fn words_are_drawn_uniformly() {
        const WORDS: u64 = 512;
        const UPDATES: u64 = 512 * 400;
        let arguments = run::arguments(1, 11).with("bytes", WORDS * 8).with("operations", UPDATES);
        let mut seen = vec![0_u64; convert::index(WORDS)];
        let accesses = &run::steady("gups", &arguments)[0];
        for pair in accesses.chunks(2) {
            assert_eq!(pair[0].addr, pair[1].addr);
            assert_eq!((pair[0].kind, pair[1].kind), (AccessKind::Load, AccessKind::Store));
            seen[convert::index(pair[0].addr.get() / 8 % WORDS)] += 1;
        }
        let squares: u64 = seen.iter().map(|&count| count.abs_diff(400).pow(2)).sum();
        // Chi-square with 511 degrees of freedom has mean 511 and deviation 32: four deviations either way.
        let chi_square = convert::ratio(squares, 400);
        assert!((383.0..639.0).contains(&chi_square), "{chi_square}");
    }
}
