//! A program that was put together.

use super::initialise::Initialise;
use super::{Body, Declared};
use crate::{Bases, Facts, MarkKind, Phase, Program, Progress, RegionSpec, Steps};

pub(super) struct Planned {
    facts: Facts,
    regions: Vec<RegionSpec>,
    threads: Vec<Thread>,
}

struct Thread {
    stage: Stage,
    body: Box<dyn Body>,
    /// Operations left; without a number no end.
    left: Option<u64>,
}

enum Stage {
    Begin(Initialise),
    Initialise(Initialise),
    Steady,
    Done,
}

impl Planned {
    pub(super) fn new(
        facts: Facts,
        declared: Vec<Declared>,
        operations: u64,
        bodies: Vec<Box<dyn Body>>,
    ) -> Self {
        let count = bodies.len();
        let thread = |(thread, body)| Thread {
            stage: Stage::Begin(Initialise::new(&declared, thread, count)),
            body,
            left: (operations > 0).then_some(operations),
        };
        let threads = bodies.into_iter().enumerate().map(thread).collect();
        Self { facts, regions: declared.into_iter().map(|declared| declared.spec).collect(), threads }
    }
}

impl Program for Planned {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn regions(&self) -> &[RegionSpec] {
        &self.regions
    }

    fn next(&mut self, thread: usize, bases: &Bases, out: &mut Steps) -> Progress {
        out.open();
        self.threads[thread].next(bases, out)
    }
}

impl Thread {
    fn next(&mut self, bases: &Bases, out: &mut Steps) -> Progress {
        match core::mem::replace(&mut self.stage, Stage::Steady) {
            Stage::Begin(initialise) => {
                out.mark(MarkKind::PhaseBegins(Phase::Initialise));
                self.initialise(initialise, bases, out);
            }
            Stage::Initialise(initialise) => self.initialise(initialise, bases, out),
            Stage::Steady => {
                let finished = self.body.run(self.left.unwrap_or(u64::MAX), bases, out);
                self.left = self.left.map(|left| left - finished);
                if self.left == Some(0) {
                    self.stage = Stage::Done;
                    return Progress::Done;
                }
            }
            Stage::Done => {
                self.stage = Stage::Done;
                return Progress::Done;
            }
        }
        Progress::More
    }

    fn initialise(&mut self, mut initialise: Initialise, bases: &Bases, out: &mut Steps) {
        if initialise.run(bases, out) {
            out.mark(MarkKind::PhaseBegins(Phase::Steady));
        } else {
            self.stage = Stage::Initialise(initialise);
        }
    }
}
