//! Churn: regions of many sizes are mapped, touched, used and unmapped in the steady phase.
//!
//! Each thread has a number of places for regions. An operation picks one of them at random, unmaps what is there, maps a
//! region of a new size, touches each of its pages and then reads random words of it. Sizes are spread evenly over their
//! logarithms.

use terrace_addr::{Bytes, convert};

use super::common::{
    ADVICE, CHOICE, CONTENT, OPERATIONS, PAGE, assumed, core_cycles, count, instructions, parallelism,
};
use crate::plan::{Body, Plan, Touch, facts};
use crate::random::{Stream, nearest_whole, real};
use crate::registry::{Entry, Parameter, Preset, Range, Settings, Unit};
use crate::steps::WORD_BYTES;
use crate::{Bases, Mapping, MarkKind, Program, RegionId, RegionSpec, Steps, WorkloadError};

pub(crate) const ENTRY: Entry = Entry {
    name: "churn",
    summary: "regions of many sizes are mapped, touched, used and unmapped all the time",
    parameters: PARAMETERS,
    parts: &[],
    make,
};

const fn size(name: &'static str, default: u64, meaning: &'static str) -> Parameter {
    let range = Range::Whole(PAGE, 1 << 36);
    Parameter { name, unit: Unit::Bytes, default: Preset::Whole(default), range, meaning, source: CHOICE }
}

pub(crate) const PARAMETERS: &[Parameter] = &[
    size("least_bytes", 64 << 10, "the smallest region"),
    size("most_bytes", 16 << 20, "the largest region"),
    count("live", 16, 1, 4096, "regions of each thread that are mapped at a time", CHOICE),
    count("uses", 1, 0, 1 << 20, "random loads for each page of a region once it is touched", CHOICE),
    ADVICE,
    CONTENT,
    OPERATIONS,
    core_cycles(4.0, assumed("an address and a store or a load, in a loop", 1.0, 16.0)),
    parallelism(
        6.0,
        assumed("stores to new pages and loads from them do not depend on each other", 2.0, 10.0),
    ),
    instructions(6.0, assumed("an address and a store or a load, in a loop", 2.0, 24.0)),
];

fn make(settings: &Settings) -> Result<Box<dyn Program>, WorkloadError> {
    let mut plan = Plan::new(settings);
    let bodies = bodies(settings, &mut plan)?;
    Ok(plan.program(facts(settings, None), settings.whole(OPERATIONS.name), bodies))
}

pub(crate) fn bodies(settings: &Settings, plan: &mut Plan) -> Result<Vec<Box<dyn Body>>, WorkloadError> {
    let (least, most) = (settings.whole("least_bytes"), settings.whole("most_bytes"));
    if least > most {
        return Err(settings.conflict("least_bytes", format!("at most most_bytes, {most} bytes")));
    }
    let live = settings.whole("live");
    let uses = settings.whole("uses");
    let places = (0..settings.threads()).map(|thread| {
        let region = |place| {
            let bytes = Bytes::new(most.next_multiple_of(PAGE));
            let name = format!("place {place} of thread {thread}");
            plan.region(
                RegionSpec { mapping: Mapping::Later, ..RegionSpec::new(name, bytes) },
                Touch::Nothing,
            )
        };
        (0..live).map(region).collect()
    });
    let places: Vec<Vec<_>> = places.collect();
    let sizes = Sizes { least, ratio: libm::log(real(most) / real(least)) };
    Ok(plan.bodies("churn", |thread, stream| Churn {
        places: places[thread].clone(),
        mapped: vec![false; convert::index(live)],
        sizes,
        uses,
        stream,
        current: None,
    }))
}

/// Sizes from `least` on, to e to the power `ratio` times that.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    least: u64,
    ratio: f64,
}

impl Sizes {
    /// A size in whole pages.
    fn draw(self, stream: &mut Stream) -> u64 {
        let exact = real(self.least) * libm::exp(self.ratio * stream.unit());
        nearest_whole(exact).next_multiple_of(PAGE)
    }
}

/// An operation is a region, from its being mapped to the last use.
struct Churn {
    places: Vec<RegionId>,
    mapped: Vec<bool>,
    sizes: Sizes,
    uses: u64,
    stream: Stream,
    current: Option<Current>,
}

/// The region that is being used.
#[derive(Debug, Clone, Copy)]
struct Current {
    region: RegionId,
    pages: u64,
    /// Accesses made: first each page, then the uses.
    made: u64,
}

impl Body for Churn {
    fn run(&mut self, most: u64, bases: &Bases, out: &mut Steps) -> u64 {
        let mut finished = 0;
        while finished < most {
            let Some(mut current) = self.current.take() else {
                if out.room() > 0 {
                    self.map(out);
                }
                break;
            };
            if !self.go_on(&mut current, bases, out) {
                self.current = Some(current);
                break;
            }
            finished += 1;
        }
        finished
    }
}

impl Churn {
    /// Takes another region into a place. The piece ends there, for the address is not known yet.
    fn map(&mut self, out: &mut Steps) {
        let place = convert::index(self.stream.below(convert::count(self.places.len())));
        let region = self.places[place];
        if core::mem::replace(&mut self.mapped[place], true) {
            out.mark(MarkKind::Unmap(region));
        }
        let bytes = self.sizes.draw(&mut self.stream);
        out.mark(MarkKind::Map(region, Bytes::new(bytes)));
        self.current = Some(Current { region, pages: bytes / PAGE, made: 0 });
    }

    /// Touches and uses the region. Whether it is done with.
    fn go_on(&mut self, current: &mut Current, bases: &Bases, out: &mut Steps) -> bool {
        let base = bases.of(current.region);
        let all = current.pages * (1 + self.uses);
        let end = all.min(current.made + convert::count(out.room()));
        for access in current.made..end {
            if access < current.pages {
                out.store(base.offset_by(access * PAGE));
            } else {
                out.load(base.offset_by(self.stream.below(current.pages * PAGE / WORD_BYTES) * WORD_BYTES));
            }
        }
        current.made = end;
        end == all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::programs::run;
    use std::collections::BTreeMap;

    #[test]
    fn maps_and_unmaps_balance() {
        for seed in 0..10 {
            let arguments = run::arguments(2, seed).with("live", 4_u64).with("most_bytes", 1_u64 << 20);
            let (steps, _) = run::all("churn", &arguments.with("operations", 200_u64));
            for steps in steps {
                let mut mapped: BTreeMap<RegionId, u64> = BTreeMap::new();
                let mut maps = 0;
                for mark in steps.marks() {
                    match mark.kind {
                        MarkKind::Map(region, bytes) => {
                            assert_eq!(mapped.insert(region, bytes.get()), None, "mapped twice");
                            assert!((64 << 10..=1 << 20).contains(&bytes.get()));
                            maps += 1;
                        }
                        MarkKind::Unmap(region) => assert!(mapped.remove(&region).is_some()),
                        _ => {}
                    }
                    assert!(mapped.len() <= 4);
                }
                assert_eq!((maps, mapped.len()), (200, 4));
            }
        }
    }
}
