//! A fast Fourier transform in place, radix 2: the butterflies of each pass are twice as wide as those before.
//!
//! Points are complex numbers of 16 bytes, in a power of two; beside them lies the table of half as many roots of unity.
//! Each thread has an equal part of each pass. After the last pass the transform begins anew; the reordering by reversed
//! bits is left to whoever reads the result, as convolutions do.

use terrace_addr::{Access, AccessKind, Bytes, convert};

use super::common::{
    ADVICE, CHOICE, CONTENT, INITIALISE, OPERATIONS, assumed, bytes, core_cycles, instructions, parallelism,
    touch,
};
use crate::plan::{Body, Plan, facts, share};
use crate::registry::{Entry, Parameter, Settings};
use crate::{Bases, Program, RegionId, RegionSpec, Steps, WorkloadError};

pub(crate) const ENTRY: Entry = Entry {
    name: "fft",
    summary: "the butterflies of a radix-2 Fourier transform in place; their width doubles each pass",
    parameters: PARAMETERS,
    parts: &[],
    make,
};

pub(crate) const PARAMETERS: &[Parameter] = &[
    bytes(6 << 30, "points and roots: the largest power of two of points that fits", CHOICE),
    INITIALISE,
    ADVICE,
    CONTENT,
    OPERATIONS,
    core_cycles(
        3.0,
        assumed("ten floating-point operations for five accesses, half of them at once", 1.5, 8.0),
    ),
    parallelism(6.0, assumed("butterflies of a pass do not depend on each other", 3.0, 10.0)),
    instructions(4.0, assumed("about 20 instructions for five accesses, without vectors", 2.0, 8.0)),
];

/// Bytes of a complex number.
const POINT: u64 = 16;

fn make(settings: &Settings) -> Result<Box<dyn Program>, WorkloadError> {
    let mut plan = Plan::new(settings);
    let bodies = bodies(settings, &mut plan)?;
    Ok(plan.program(facts(settings, None), settings.whole(OPERATIONS.name), bodies))
}

pub(crate) fn bodies(settings: &Settings, plan: &mut Plan) -> Result<Vec<Box<dyn Body>>, WorkloadError> {
    let threads = settings.threads();
    // A butterfly has two points and a root.
    let most = settings.whole("bytes") / (3 * POINT);
    let butterflies = 1_u64 << most.max(1).ilog2();
    if butterflies < convert::count(threads) {
        return Err(
            settings.conflict("bytes", format!("a butterfly of 48 bytes for each of {threads} threads"))
        );
    }
    let touch = touch(settings);
    let points = plan.region(RegionSpec::new("points", Bytes::new(2 * butterflies * POINT)), touch);
    let roots = plan.region(RegionSpec::new("roots of unity", Bytes::new(butterflies * POINT)), touch);
    Ok(plan.bodies("fft", |thread, _| {
        let (begin, end) = share(butterflies, thread, threads);
        Transform { points, roots, butterflies, begin, end, next: begin, width: 1 }
    }))
}

/// An operation is a butterfly.
struct Transform {
    points: RegionId,
    roots: RegionId,
    butterflies: u64,
    begin: u64,
    end: u64,
    next: u64,
    /// Points from one wing of a butterfly to the other.
    width: u64,
}

/// Accesses of a butterfly.
const EACH: usize = 5;

impl Body for Transform {
    fn run(&mut self, most: u64, bases: &Bases, out: &mut Steps) -> u64 {
        let (points, roots) = (bases.of(self.points), bases.of(self.roots));
        let count = most.min(convert::count(out.room() / EACH));
        for _ in 0..count {
            let (group, within) = (self.next / self.width, self.next % self.width);
            let low = points.offset_by((group * 2 * self.width + within) * POINT);
            let high = low.offset_by(self.width * POINT);
            let root = roots.offset_by(within * (self.butterflies / self.width) * POINT);
            for (addr, kind) in [
                (root, AccessKind::Load),
                (low, AccessKind::Load),
                (high, AccessKind::Load),
                (low, AccessKind::Store),
                (high, AccessKind::Store),
            ] {
                out.push(Access { addr, size: 16, kind });
            }
            self.next += 1;
            if self.next == self.end {
                self.next = self.begin;
                self.width = if self.width == self.butterflies { 1 } else { self.width * 2 };
            }
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::programs::run;

    #[test]
    fn each_pass_doubles_the_width_and_touches_each_point_once() {
        // 128 butterflies, 256 points, 8 passes.
        let arguments = run::arguments(1, 0).with("bytes", 128 * 48_u64).with("operations", 8 * 128_u64);
        let accesses = &run::steady("fft", &arguments)[0];
        for (pass, butterflies) in accesses.chunks(128 * EACH).enumerate() {
            let mut points = Vec::new();
            for butterfly in butterflies.chunks(EACH) {
                let (low, high) = (butterfly[1].addr.get(), butterfly[2].addr.get());
                assert_eq!(high - low, 16 << pass);
                points.extend([low / 16, high / 16]);
            }
            points.sort_unstable();
            let first = points[0];
            assert!(points.into_iter().eq(first..first + 256));
        }
    }
}
