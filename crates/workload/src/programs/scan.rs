//! Scans: memory from start to end, again and again, word by word or with a stride.

use terrace_addr::{Bytes, convert};

use super::common::{
    ADVICE, CHOICE, CONTENT, INITIALISE, OPERATIONS, PAGE, assumed, bytes, core_cycles, instructions,
    parallelism, touch, word,
};
use crate::plan::{Body, Plan, facts, share};
use crate::registry::{Entry, Parameter, Preset, Range, Settings, Unit};
use crate::steps::WORD_BYTES;
use crate::{Bases, Program, RegionId, RegionSpec, Steps, WorkloadError};

pub(crate) const ENTRY: Entry = Entry {
    name: "scan",
    summary: "memory from start to end again and again, each thread in a part of its own, with a stride",
    parameters: PARAMETERS,
    parts: &[],
    make,
};

pub(crate) const PARAMETERS: &[Parameter] = &[
    bytes(8 << 30, "size of the array", CHOICE),
    Parameter {
        name: "stride",
        unit: Unit::Bytes,
        default: Preset::Whole(64),
        range: Range::Whole(WORD_BYTES, 1 << 30),
        meaning: "from one access to the next; a pass begins 8 bytes after where the one before began, so that all words \
                  are reached in time",
        source: CHOICE,
    },
    word("access", &["load", "store", "update"], "load", "what is done to each word", CHOICE),
    INITIALISE,
    ADVICE,
    CONTENT,
    OPERATIONS,
    core_cycles(2.0, assumed("a load, an addition, and a loop's share", 0.5, 8.0)),
    parallelism(8.0, assumed("addresses are known ahead, and prefetchers see them", 4.0, 16.0)),
    instructions(4.0, assumed("a load, an addition, a comparison, a jump", 1.5, 16.0)),
];

fn make(settings: &Settings) -> Result<Box<dyn Program>, WorkloadError> {
    let mut plan = Plan::new(settings);
    let bodies = bodies(settings, &mut plan)?;
    Ok(plan.program(facts(settings, None), settings.whole(OPERATIONS.name), bodies))
}

pub(crate) fn bodies(settings: &Settings, plan: &mut Plan) -> Result<Vec<Box<dyn Body>>, WorkloadError> {
    let size = settings.whole("bytes");
    let threads = settings.threads();
    if size < convert::count(threads) * PAGE {
        return Err(settings.conflict("bytes", format!("a page for each of the {threads} threads")));
    }
    let array = plan.region(RegionSpec::new("array", Bytes::new(size)), touch(settings));
    let stride = settings.whole("stride") / WORD_BYTES;
    let action = match settings.word("access") {
        "store" => Action::Store,
        "update" => Action::Update,
        _ => Action::Load,
    };
    Ok(plan.bodies("scan", |thread, _| {
        let (begin, end) = share(size / WORD_BYTES, thread, threads);
        let stride = stride.min(end - begin);
        Scan { array, begin, end, stride, offset: 0, next: begin, action }
    }))
}

/// An operation is one word. All places are in words.
struct Scan {
    array: RegionId,
    begin: u64,
    end: u64,
    stride: u64,
    /// Where this pass began, from `begin` on.
    offset: u64,
    next: u64,
    action: Action,
}

#[derive(Debug, Clone, Copy)]
enum Action {
    Load,
    Store,
    Update,
}

impl Body for Scan {
    fn run(&mut self, most: u64, bases: &Bases, out: &mut Steps) -> u64 {
        let array = bases.of(self.array);
        let each = if matches!(self.action, Action::Update) { 2 } else { 1 };
        let words = most.min(convert::count(out.room() / each));
        for _ in 0..words {
            let addr = array.offset_by(self.next * WORD_BYTES);
            match self.action {
                Action::Load => out.load(addr),
                Action::Store => out.store(addr),
                Action::Update => out.update(addr),
            }
            self.next += self.stride;
            if self.next >= self.end {
                self.offset = (self.offset + 1) % self.stride;
                self.next = self.begin + self.offset;
            }
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use crate::programs::run;

    #[test]
    fn a_stride_reaches_every_word_once_in_as_many_passes_as_it_has_words() {
        let arguments = run::arguments(2, 1)
            .with("bytes", 64_u64 << 10)
            .with("stride", 256_u64)
            .with("initialise", "nothing");
        let mut words: Vec<u64> = Vec::new();
        for accesses in run::steady("scan", &arguments.with("operations", (32_u64 << 10) / 8)) {
            assert!(accesses.windows(2).take(127).all(|pair| pair[1].addr.get() - pair[0].addr.get() == 256));
            words.extend(accesses.iter().map(|access| access.addr.get() / 8));
        }
        words.sort_unstable();
        let first = words[0];
        assert!(words.into_iter().eq(first..first + (64 << 10) / 8));
    }
}
