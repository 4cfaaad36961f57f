//! A hash join without partitions: a table is built from one relation, and the other one looks up in it.
//!
//! Tuples are a key and a payload of 8 bytes each. A bucket is a cache line with two tuples (the no-partitioning join of
//! Balkesen and others, ICDE 2013). Keys of the first relation are all different and in random order; each tuple of
//! the second has one of them. When both relations are through, the join begins anew.

use terrace_addr::{Access, AccessKind, Bytes, convert};

use super::common::{
    ADVICE, CONTENT, INITIALISE, OPERATIONS, assumed, bytes, core_cycles, count, instructions, parallelism,
    touch,
};
use crate::plan::{Body, Plan, facts, share};
use crate::random::{Permutation, Stream};
use crate::registry::{Entry, Parameter, Settings, Source};
use crate::steps::LINE;
use crate::{Bases, Program, RegionId, RegionSpec, Steps, WorkloadError};

pub(crate) const ENTRY: Entry = Entry {
    name: "hash-join",
    summary: "a hash join: a table is built from one relation, and a larger one is looked up in it",
    parameters: PARAMETERS,
    parts: &[],
    make,
};

pub(crate) const PARAMETERS: &[Parameter] = &[
    bytes(
        5_100_273_664,
        "both relations and the table together",
        Source::Stated(
            "Balkesen and others, workload A: 16 Mi and 256 Mi tuples of 16 bytes, and 8 Mi buckets",
        ),
    ),
    count(
        "probes",
        16,
        1,
        1024,
        "tuples of the second relation for each of the first",
        Source::Stated("Balkesen and others, workload A"),
    ),
    INITIALISE,
    ADVICE,
    CONTENT,
    OPERATIONS,
    core_cycles(4.0, assumed("hashing by a mask, comparing, and a loop's share", 2.0, 10.0)),
    parallelism(6.0, assumed("tuples do not depend on each other; each waits for its bucket", 3.0, 10.0)),
    instructions(7.0, assumed("about 15 instructions a tuple of two accesses", 4.0, 12.0)),
];

/// Bytes of a tuple.
const TUPLE: u64 = 16;

/// Tuples of a bucket.
const BUCKET_TUPLES: u64 = 2;

fn make(settings: &Settings) -> Result<Box<dyn Program>, WorkloadError> {
    let mut plan = Plan::new(settings);
    let bodies = bodies(settings, &mut plan)?;
    Ok(plan.program(facts(settings, None), settings.whole(OPERATIONS.name), bodies))
}

pub(crate) fn bodies(settings: &Settings, plan: &mut Plan) -> Result<Vec<Box<dyn Body>>, WorkloadError> {
    let ratio = settings.whole("probes");
    let each = BUCKET_TUPLES * TUPLE * (1 + ratio) + LINE;
    let threads = settings.threads();
    let buckets = settings.whole("bytes") / each;
    if buckets < convert::count(threads) {
        return Err(settings.conflict("bytes", format!("at least {each} for each of {threads} threads")));
    }
    let tuples = buckets * BUCKET_TUPLES;
    let touch = touch(settings);
    let mut region = |name, bytes| plan.region(RegionSpec::new(name, Bytes::new(bytes)), touch);
    let first = region("build relation", tuples * TUPLE);
    let second = region("probe relation", tuples * ratio * TUPLE);
    let table = region("hash table", buckets * LINE);
    let keys = Permutation::new(tuples, plan.seed("hash-join keys"));
    Ok(plan.bodies("hash-join", |thread, stream| {
        let build = share(tuples, thread, threads);
        let probe = share(tuples * ratio, thread, threads);
        Join {
            first,
            second,
            table,
            keys,
            tuples,
            buckets,
            build,
            probe,
            side: Side::Build,
            next: build.0,
            stream,
        }
    }))
}

/// An operation is a tuple.
struct Join {
    first: RegionId,
    second: RegionId,
    table: RegionId,
    keys: Permutation,
    tuples: u64,
    buckets: u64,
    build: (u64, u64),
    probe: (u64, u64),
    side: Side,
    next: u64,
    stream: Stream,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Build,
    Probe,
}

/// Accesses of a tuple, at most.
const EACH: usize = 3;

impl Body for Join {
    fn run(&mut self, most: u64, bases: &Bases, out: &mut Steps) -> u64 {
        let count = most.min(convert::count(out.room() / EACH));
        for _ in 0..count {
            let (relation, key) = match self.side {
                Side::Build => (self.first, self.keys.of(self.next)),
                Side::Probe => (self.second, self.stream.below(self.tuples)),
            };
            let tuple = bases.of(relation).offset_by(self.next * TUPLE);
            out.push(Access { addr: tuple, size: 16, kind: AccessKind::Load });
            // Two keys a bucket: the lower part of the key chooses the bucket, the rest the slot.
            let slot = (key % self.buckets) * LINE + (key / self.buckets) * TUPLE;
            let slot = bases.of(self.table).offset_by(slot);
            out.load(slot);
            if self.side == Side::Build {
                out.push(Access { addr: slot, size: 16, kind: AccessKind::Store });
            }
            self.step();
        }
        count
    }
}

impl Join {
    fn step(&mut self) {
        self.next += 1;
        match self.side {
            Side::Build if self.next == self.build.1 => (self.side, self.next) = (Side::Probe, self.probe.0),
            Side::Probe if self.next == self.probe.1 => (self.side, self.next) = (Side::Build, self.build.0),
            Side::Build | Side::Probe => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::programs::run;
    use std::collections::BTreeSet;

    #[test]
    fn the_build_fills_each_slot_once() {
        let arguments = run::arguments(3, 1).with("bytes", (64_u64 + 64) * 300).with("probes", 1_u64);
        // 300 buckets of two tuples: 200 tuples built by each thread, then 200 looked up.
        let streams = run::steady("hash-join", &arguments.with("operations", 400_u64));
        let mut slots = BTreeSet::new();
        for accesses in streams {
            assert_eq!(accesses.len(), 200 * 3 + 200 * 2);
            let stores = accesses.iter().filter(|access| access.kind == AccessKind::Store);
            for store in stores {
                assert!(slots.insert(store.addr.get()));
            }
        }
        assert_eq!(slots.len(), 600);
    }
}
