//! A program at work in a virtual machine: its address space, its threads, its requests.

use hdrhistogram::Histogram;
use terrace_addr::{Access, Addr, Bytes, Gva, Nanos, PageSize};
use terrace_policy::SpaceId;
use terrace_workload::{Arrivals, Bases, MarkKind, Phase, Program, Progress, RegionId, Steps};

use super::touched::Touched;
use super::vcpu::Done;
use crate::time;

/// The start of a program whose time has yet to come.
pub(crate) const NOT_YET: Nanos = Nanos::new(u64::MAX);

/// A program at work.
pub(crate) struct Process {
    pub(crate) name: String,
    pub(crate) space: SpaceId,
    pub(crate) program: Box<dyn Program>,
    pub(crate) bases: Bases,
    /// Bytes of each region that are mapped now.
    pub(crate) sizes: Vec<Bytes>,
    pub(crate) timing: time::Program,
    /// When it starts; of one that follows another, [`NOT_YET`] until that one has ended.
    pub(crate) start: Nanos,
    /// How long after the end of the program before it it starts, if it waits for that.
    pub(crate) follows: Option<Nanos>,
    /// Whether another starts when it has ended: then it does not wait for the others where its steady phase begins.
    pub(crate) followed: bool,
    pub(crate) threads: Vec<Thread>,
    pub(crate) touched: Touched,
    /// Requests: when each was done, from its arrival on.
    pub(crate) latencies: Histogram<u64>,
    /// Operations that it finished in the measured time: requests, updates, lookups.
    pub(crate) operations: u64,
    /// Whether it serves requests that are timed: where accesses stand for several, those that come at a rate.
    pub(crate) serves: bool,
    /// Whether each access is simulated for itself: requests that come at a rate would take longer otherwise, and a
    /// trace has each of its accesses once.
    pub(crate) exact: bool,
    /// What it did.
    pub(crate) done: Done,
}

/// One of its threads.
pub(crate) struct Thread {
    pub(crate) steps: Steps,
    /// Accesses and marks of the steps that are behind it.
    pub(crate) accesses: usize,
    pub(crate) marks: usize,
    pub(crate) phase: Phase,
    /// Whether it has come to its steady phase, and waits for the others.
    pub(crate) waits: bool,
    pub(crate) done: bool,
    pub(crate) arrivals: Option<Arrivals>,
    /// When the request arrived that it serves, or will serve next.
    pub(crate) arrival: Nanos,
}

impl Thread {
    pub(crate) fn new(arrivals: Option<Arrivals>) -> Self {
        Self {
            steps: Steps::new(),
            accesses: 0,
            marks: 0,
            phase: Phase::Initialise,
            waits: false,
            done: false,
            arrivals,
            arrival: Nanos::ZERO,
        }
    }

    /// Whether all of its steps are behind it.
    pub(crate) fn is_empty(&self) -> bool {
        self.accesses == self.steps.accesses().len() && self.marks == self.steps.marks().len()
    }

    /// The accesses up to the next mark that something has to be done at; the end of a request is one only where each
    /// request is timed.
    pub(crate) fn ready(&self, timed: bool) -> &[Access] {
        let mut marks = self.steps.marks()[self.marks..].iter();
        let mark = marks.find(|mark| timed || mark.kind != MarkKind::RequestEnds);
        let end = mark.map_or(self.steps.accesses().len(), |mark| mark.position);
        &self.steps.accesses()[self.accesses..end]
    }

    /// The mark that it stands at, which is behind it afterwards.
    pub(crate) fn take_mark(&mut self) -> Option<MarkKind> {
        let mark = self.steps.marks().get(self.marks).filter(|mark| mark.position <= self.accesses)?;
        self.marks += 1;
        Some(mark.kind)
    }
}

impl Process {
    /// Fetches a thread's next steps; `false` when it has none.
    pub(crate) fn fetch(&mut self, thread: usize) -> bool {
        let Self { program, bases, threads, .. } = self;
        let place = &mut threads[thread];
        if place.done {
            return false;
        }
        place.steps.clear();
        (place.accesses, place.marks) = (0, 0);
        place.done = program.next(thread, bases, &mut place.steps) == Progress::Done;
        !place.is_empty()
    }

    /// Whether it has to be given work: it has begun, and is not done.
    pub(crate) fn runs(&self, thread: usize) -> bool {
        let place = &self.threads[thread];
        !(place.done && place.is_empty())
    }

    /// Whether no thread has anything left to do.
    pub(crate) fn is_over(&self) -> bool {
        (0..self.threads.len()).all(|thread| !self.runs(thread))
    }

    pub(crate) fn is_initialised(&self) -> bool {
        self.threads.iter().enumerate().all(|(number, thread)| thread.waits || !self.runs(number))
    }

    /// A request ends now; the next one arrives.
    pub(crate) fn request_ends(&mut self, thread: usize, now: Nanos, measured: bool) {
        if measured {
            self.operations += 1;
        }
        if !self.serves {
            return;
        }
        let place = &mut self.threads[thread];
        let spent = now.get().saturating_sub(place.arrival.get());
        if measured {
            self.latencies.saturating_record(spent.max(1));
        }
        place.arrival = match &mut place.arrivals {
            Some(arrivals) => place.arrival + arrivals.next_gap(),
            None => now,
        };
    }

    /// All bytes that it has mapped.
    pub(crate) fn mapped(&self) -> Bytes {
        self.sizes.iter().copied().sum()
    }

    pub(crate) fn mapped_at(&mut self, region: RegionId, base: Addr<Gva>, bytes: Bytes) {
        self.bases.set(region, base);
        self.sizes[region.index()] = bytes;
    }

    /// How large a region is, rounded up to whole pages.
    pub(crate) fn size(&self, region: RegionId) -> u64 {
        self.sizes[region.index()].get().next_multiple_of(PageSize::Size4K.bytes())
    }
}
