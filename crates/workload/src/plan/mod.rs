//! How the programs here are made: regions that are touched first, then a body for each thread.

mod initialise;
mod planned;

pub(crate) use initialise::Touch;

use terrace_addr::{Bytes, convert};

use crate::programs::common;
use crate::random::{Stream, seed_of};
use crate::registry::Settings;
use crate::steps::WORD_BYTES;
use crate::{Advice, Bases, Content, Facts, Mapping, Program, RegionId, RegionSpec, Service, Steps};
use planned::Planned;

/// What a thread does in the steady phase.
pub(crate) trait Body: Send {
    /// Appends up to `most` operations and returns how many came to their end. It stops before `most` only where the
    /// piece has no room for the next step, or ends with a mark that the engine has to act upon; then it goes on from
    /// there at the next call. On an empty piece it appends something.
    fn run(&mut self, most: u64, bases: &Bases, out: &mut Steps) -> u64;
}

/// Whether each operation is a request of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Requests {
    /// It is, and its end is marked.
    EachOperation,
    /// It is none, or a part of one.
    Unmarked,
}

/// A program that is being put together.
pub(crate) struct Plan {
    regions: Vec<Declared>,
    threads: usize,
    seed: u64,
    advice: Advice,
    content: Content,
    /// The number of the part that is being added: parts of the same kind draw from different streams.
    part: usize,
    /// What the operations of that part are.
    pub(crate) requests: Requests,
}

/// A region and how it is touched first.
#[derive(Debug, Clone)]
struct Declared {
    spec: RegionSpec,
    touch: Touch,
}

impl Plan {
    /// No regions yet.
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            regions: Vec::new(),
            threads: settings.threads(),
            seed: settings.seed(),
            advice: common::advice(settings),
            content: common::content(settings),
            part: 0,
            requests: Requests::EachOperation,
        }
    }

    /// Begins part number `part` of a composition.
    pub(crate) fn begin_part(&mut self, part: usize) {
        self.part = part;
        self.requests = Requests::Unmarked;
    }

    /// Adds a region, with the advice and the content that the program has: of whole words, so that its last word is
    /// touched as a whole, too.
    pub(crate) fn region(&mut self, mut spec: RegionSpec, touch: Touch) -> RegionId {
        spec.bytes = Bytes::new(spec.bytes.get().next_multiple_of(WORD_BYTES));
        (spec.advice, spec.content) = (self.advice, self.content);
        // What is not filled does not grow while it is filled.
        if touch == Touch::Nothing && spec.mapping == Mapping::Grows {
            spec.mapping = Mapping::AtStart;
        }
        let id = RegionId::new(convert::narrow(self.regions.len()));
        self.regions.push(Declared { spec, touch });
        id
    }

    /// The seed for `purpose` in this part.
    pub(crate) fn seed(&self, purpose: &str) -> u64 {
        seed_of(self.seed, purpose, self.part)
    }

    /// A body for each thread, from the thread's number and its stream for `purpose`.
    pub(crate) fn bodies<B: Body + 'static>(
        &self,
        purpose: &str,
        mut body: impl FnMut(usize, Stream) -> B,
    ) -> Vec<Box<dyn Body>> {
        let seed = self.seed(purpose);
        let of_thread =
            |thread| -> Box<dyn Body> { Box::new(body(thread, Stream::new(seed, purpose, thread))) };
        (0..self.threads).map(of_thread).collect()
    }

    /// The program: each thread touches its part of the regions and then does what its body does, `operations` times
    /// or, at 0, without end.
    pub(crate) fn program(
        self,
        facts: Facts,
        operations: u64,
        bodies: Vec<Box<dyn Body>>,
    ) -> Box<dyn Program> {
        Box::new(Planned::new(facts, self.regions, operations, bodies))
    }
}

/// The facts that `settings` state, for a program that has the parameters of [`common`](crate::programs).
pub(crate) fn facts(settings: &Settings, latency: Option<Service>) -> Facts {
    Facts {
        name: settings.program().to_owned(),
        core_cycles: settings.real("core_cycles"),
        parallelism: settings.real("parallelism"),
        instructions_per_access: settings.real("instructions"),
        threads: settings.threads(),
        latency,
    }
}

/// The part of `count` things that is thread `thread`'s of `threads`: from the first number to the second, without it.
pub(crate) fn share(count: u64, thread: usize, threads: usize) -> (u64, u64) {
    let (thread, threads) = (convert::count(thread), convert::count(threads));
    let begin = |thread: u64| count / threads * thread + (count % threads).min(thread);
    (begin(thread), begin(thread + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_make_up_the_whole() {
        for (count, threads) in [(0, 1), (1, 3), (10, 3), (1 << 40, 7), (5, 5)] {
            let mut next = 0;
            for thread in 0..threads {
                let (begin, end) = share(count, thread, threads);
                assert_eq!(begin, next);
                assert!(end - begin <= count / convert::count(threads) + 1);
                next = end;
            }
            assert_eq!(next, count);
        }
    }
}
