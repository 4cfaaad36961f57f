//! What the engine runs: a program's regions, its facts, and its threads' next pieces of work.

use terrace_addr::{Addr, Gva};

use crate::{RegionId, RegionSpec, Service, Steps, WorkloadError};

/// A program, ready to run: what it maps and what its threads do.
///
/// The work of a thread is a function of the program's arguments and of the bases alone: it does not depend on how the
/// calls for different threads interleave.
///
/// The contract with the engine:
/// - Before the first call of [`next`](Self::next) every region that is mapped at the start has its base in [`Bases`].
/// - A piece that ends with a mark that maps or grows a region ends there; the engine does that work and enters the base
///   before the next call for any thread.
/// - [`PhaseBegins(Steady)`](crate::Phase::Steady) stands at the end of a thread's last piece of initialisation. The
///   engine asks for no steady work before every thread has come to that mark: regions that grow while they are filled
///   have no base before.
pub trait Program: Send {
    /// What it says of itself.
    fn facts(&self) -> &Facts;

    /// All regions that it will ever have, by [`RegionId`].
    fn regions(&self) -> &[RegionSpec];

    /// Appends the next piece of work of `thread`, counted from 0, to `out`: at most [`Steps::PIECE`] accesses, and
    /// marks. At least one of either unless it is done. A thread that is done stays done.
    ///
    /// # Panics
    /// If there is no such thread, or a region that should be mapped has no base.
    fn next(&mut self, thread: usize, bases: &Bases, out: &mut Steps) -> Progress;

    /// Why a thread was done early: only a program that reads a file can fail while it runs.
    fn failure(&self) -> Option<&WorkloadError> {
        None
    }
}

/// Whether a thread has more to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It has.
    More,
    /// This was its last piece.
    Done,
}

/// What a program says of itself, from its description or from measurements of a baseline, never from the result of a
/// system that is compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// Its name.
    pub name: String,
    /// Core cycles of an access besides waiting: all instructions of the program divided by its accesses, at the rate
    /// at which the core retires them when every access hits the first-level cache and TLB.
    pub core_cycles: f64,
    /// Memory-level parallelism: how many accesses that miss are outstanding at a time, at least 1.
    pub parallelism: f64,
    /// Instructions retired for each access, the access's own included.
    pub instructions_per_access: f64,
    /// Threads, at least 1.
    pub threads: usize,
    /// How requests come, if it serves requests; its pieces then hold [`RequestEnds`](crate::MarkKind::RequestEnds).
    pub latency: Option<Service>,
}

/// The address at which each region was mapped. The engine fills it in.
#[derive(Debug, Clone, Default)]
pub struct Bases {
    bases: Vec<Option<Addr<Gva>>>,
}

impl Bases {
    /// No region of a program with `regions` regions is mapped.
    pub fn new(regions: usize) -> Self {
        Self { bases: vec![None; regions] }
    }

    /// Enters the address of the first byte of `region`.
    pub fn set(&mut self, region: RegionId, base: Addr<Gva>) {
        if self.bases.len() <= region.index() {
            self.bases.resize(region.index() + 1, None);
        }
        self.bases[region.index()] = Some(base);
    }

    /// Forgets where `region` was.
    pub fn clear(&mut self, region: RegionId) {
        if let Some(base) = self.bases.get_mut(region.index()) {
            *base = None;
        }
    }

    /// The address of the first byte of `region`, if it is mapped.
    pub fn get(&self, region: RegionId) -> Option<Addr<Gva>> {
        self.bases.get(region.index()).copied().flatten()
    }

    /// The address of the first byte of a region that the program has mapped.
    #[track_caller]
    pub(crate) fn of(&self, region: RegionId) -> Addr<Gva> {
        let base = self.get(region);
        base.expect("the engine enters the base of a region before it asks for work in it")
    }
}
