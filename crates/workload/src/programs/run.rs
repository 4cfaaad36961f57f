//! Runs programs for tests, with an engine that only maps.

use terrace_addr::{Access, Addr, convert};

use crate::{
    Arguments, Bases, Mapping, MarkKind, Phase, Program, Progress, RegionId, RegionSpec, Steps, entry,
};

/// Arguments without values.
pub(crate) fn arguments(threads: usize, seed: u64) -> Arguments {
    Arguments::new(threads, seed)
}

/// Where a test maps the region with this number: terabytes apart.
pub(crate) fn place(region: usize) -> Addr<terrace_addr::Gva> {
    Addr::new((convert::count(region) + 1) << 42)
}

/// Maps what is mapped at the start.
pub(crate) fn at_start(regions: &[RegionSpec]) -> Bases {
    let mut bases = Bases::new(regions.len());
    for (index, region) in regions.iter().enumerate() {
        if region.mapping == Mapping::AtStart {
            bases.set(RegionId::new(convert::narrow(index)), place(index));
        }
    }
    bases
}

/// Obeys the marks from number `from` on.
pub(crate) fn obey(steps: &Steps, from: usize, bases: &mut Bases) {
    for mark in &steps.marks()[from..] {
        match mark.kind {
            MarkKind::Map(region, _) | MarkKind::Grow(region, _) => bases.set(region, place(region.index())),
            MarkKind::Unmap(region) => bases.clear(region),
            MarkKind::PhaseBegins(_) | MarkKind::RequestEnds => {}
        }
    }
}

/// Runs a program to its end: the steps of each thread, and the bases.
pub(crate) fn to_end(program: &mut dyn Program) -> (Vec<Steps>, Bases) {
    let mut bases = at_start(program.regions());
    let threads = program.facts().threads;
    let mut steps = vec![Steps::new(); threads];
    let mut done = vec![false; threads];
    for phase in [Phase::Initialise, Phase::Steady] {
        for thread in 0..threads {
            while !done[thread] {
                let from = steps[thread].marks().len();
                done[thread] = program.next(thread, &bases, &mut steps[thread]) == Progress::Done;
                obey(&steps[thread], from, &mut bases);
                let last = steps[thread].marks().last().map(|mark| mark.kind);
                if phase == Phase::Initialise && last == Some(MarkKind::PhaseBegins(Phase::Steady)) {
                    break;
                }
            }
        }
    }
    (steps, bases)
}

/// Builds a program by name and runs it to its end.
pub(crate) fn all(name: &str, arguments: &Arguments) -> (Vec<Steps>, Bases) {
    let mut program = entry(name).unwrap().build(arguments).unwrap();
    to_end(program.as_mut())
}

/// The accesses of the steady phase, for each thread.
pub(crate) fn steady(name: &str, arguments: &Arguments) -> Vec<Vec<Access>> {
    all(name, arguments).0.iter().map(|steps| steps.accesses()[begin(steps)..].to_vec()).collect()
}

/// Where the steady phase begins.
fn begin(steps: &Steps) -> usize {
    let mark = steps.marks().iter().find(|mark| mark.kind == MarkKind::PhaseBegins(Phase::Steady));
    mark.expect("every thread comes to its steady phase").position
}

/// The accesses of each request.
pub(crate) fn requests(steps: &Steps) -> Vec<&[Access]> {
    let mut from = begin(steps);
    let ends = steps.marks().iter().filter(|mark| mark.kind == MarkKind::RequestEnds);
    ends.map(|end| &steps.accesses()[core::mem::replace(&mut from, end.position)..end.position]).collect()
}
