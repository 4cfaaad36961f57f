//! A trace as a program: the threads of the trace are its threads.
//!
//! A first pass finds the blocks of 2 MiB that the trace touches; neighbouring blocks make up a region. A recorded
//! address becomes the address at the same distance from the base at which its region was mapped. If bases are aligned
//! to 2 MiB, so that recorded offsets in huge pages are kept, the simulated program shares pages as the recorded one
//! did. First touches are where the trace has them: all of it is the steady phase.
//!
//! Each thread reads a source of its own and passes over what others did: no thread waits for another, and memory does
//! not depend on how threads interleave. It costs a decoding of the whole trace for each thread.

use std::collections::BTreeSet;

use terrace_addr::{Access, Addr, Bytes, Gva, PageSize, convert};
use terrace_trace::{Batch, Source, TraceError};

use crate::{Bases, Facts, MarkKind, Phase, Program, Progress, RegionId, RegionSpec, Steps, WorkloadError};

/// What a trace does not say of its program.
#[derive(Debug, Clone, PartialEq)]
pub struct Reported {
    /// Its name.
    pub name: String,
    /// As in [`Facts`].
    pub core_cycles: f64,
    /// As in [`Facts`].
    pub parallelism: f64,
    /// As in [`Facts`].
    pub instructions_per_access: f64,
}

type Open = dyn Fn() -> Result<Box<dyn Source>, TraceError> + Send;

/// A trace as a program.
pub struct Replay {
    facts: Facts,
    regions: Vec<RegionSpec>,
    /// The recorded address of the first byte of each region, rising.
    starts: Vec<u64>,
    open: Box<Open>,
    /// Each is taken out while it reads, and does not come back when it is done.
    threads: Vec<Option<Thread>>,
    failure: Option<WorkloadError>,
}

/// Where a thread is in its own source.
struct Thread {
    /// Not before the first call.
    source: Option<Box<dyn Source>>,
    batch: Batch,
    /// Accesses of `batch` that were handed out.
    used: usize,
    /// The region of the access before: the next one often lies there too.
    region: usize,
}

const BLOCK: PageSize = PageSize::Size2M;

impl Replay {
    /// Reads the trace that `open` opens once through. `open` is called once more for each thread, and must give the
    /// same accesses again.
    ///
    /// # Errors
    /// If the trace cannot be read, or has no accesses.
    pub fn new(
        open: impl Fn() -> Result<Box<dyn Source>, TraceError> + Send + 'static,
        reported: Reported,
    ) -> Result<Self, WorkloadError> {
        let mut source = open()?;
        let mut batch = Batch::new();
        let mut blocks = BTreeSet::new();
        let mut threads = 0;
        while source.next_batch(&mut batch)? {
            threads = threads.max(batch.thread().index() + 1);
            let mut last = None;
            for access in batch.accesses() {
                for addr in [access.addr, access.last_byte()] {
                    let block = addr.align_down(BLOCK).get();
                    if last.replace(block) != Some(block) {
                        blocks.insert(block);
                    }
                }
            }
        }
        if threads == 0 {
            return Err(WorkloadError::EmptyTrace);
        }
        let (starts, regions) = regions(&blocks);
        let Reported { name, core_cycles, parallelism, instructions_per_access } = reported;
        let facts = Facts { name, core_cycles, parallelism, instructions_per_access, threads, latency: None };
        let thread = || Some(Thread { source: None, batch: Batch::new(), used: 0, region: 0 });
        let threads = (0..threads).map(|_| thread()).collect();
        Ok(Self { facts, regions, starts, open: Box::new(open), threads, failure: None })
    }

    /// The address at which the recorded `addr` lies now, found from region `hint` on.
    fn moved(&self, addr: Addr<Gva>, hint: &mut usize, bases: &Bases) -> Result<Addr<Gva>, WorkloadError> {
        let inside = |region: usize| {
            let offset = addr.get().checked_sub(self.starts[region])?;
            (offset < self.regions[region].bytes.get()).then_some(offset)
        };
        let offset = inside(*hint).or_else(|| {
            *hint = self.starts.partition_point(|&start| start <= addr.get()).saturating_sub(1);
            inside(*hint)
        });
        let offset = offset.ok_or(WorkloadError::TraceChanged { address: addr.get() })?;
        Ok(bases.of(RegionId::new(convert::narrow(*hint))).offset_by(offset))
    }

    /// Appends accesses of a thread. Whether there may be more.
    fn read(
        &self,
        index: usize,
        thread: &mut Thread,
        bases: &Bases,
        out: &mut Steps,
    ) -> Result<Progress, WorkloadError> {
        let Some(source) = &mut thread.source else {
            thread.source = Some((self.open)()?);
            out.mark(MarkKind::PhaseBegins(Phase::Steady));
            return Ok(Progress::More);
        };
        while out.room() > 0 {
            let left = &thread.batch.accesses()[thread.used..];
            if left.is_empty() {
                thread.used = 0;
                loop {
                    if !source.next_batch(&mut thread.batch)? {
                        return Ok(Progress::Done);
                    }
                    if thread.batch.thread().index() == index {
                        break;
                    }
                }
                continue;
            }
            let count = left.len().min(out.room());
            for access in &left[..count] {
                let addr = self.moved(access.addr, &mut thread.region, bases)?;
                out.push(Access { addr, ..*access });
            }
            thread.used += count;
        }
        Ok(Progress::More)
    }
}

/// The regions of neighbouring blocks: recorded starts, and what is mapped.
fn regions(blocks: &BTreeSet<u64>) -> (Vec<u64>, Vec<RegionSpec>) {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for &block in blocks {
        match ranges.last_mut() {
            Some((start, bytes)) if start.wrapping_add(*bytes) == block => *bytes += BLOCK.bytes(),
            _ => ranges.push((block, BLOCK.bytes())),
        }
    }
    let region =
        |&(start, bytes): &(u64, u64)| RegionSpec::new(format!("from {start:#x}"), Bytes::new(bytes));
    (ranges.iter().map(|range| range.0).collect(), ranges.iter().map(region).collect())
}

impl Program for Replay {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn regions(&self) -> &[RegionSpec] {
        &self.regions
    }

    fn next(&mut self, thread: usize, bases: &Bases, out: &mut Steps) -> Progress {
        out.open();
        let Some(mut state) = self.threads[thread].take() else { return Progress::Done };
        match self.read(thread, &mut state, bases, out) {
            Ok(Progress::More) => {
                self.threads[thread] = Some(state);
                Progress::More
            }
            Ok(Progress::Done) => Progress::Done,
            Err(error) => {
                self.failure.get_or_insert(error);
                Progress::Done
            }
        }
    }

    fn failure(&self) -> Option<&WorkloadError> {
        self.failure.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::programs::run;
    use terrace_addr::AccessKind;
    use terrace_trace::{Format, Statistics, ThreadIndex};

    const TRACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/gups.drmemtrace.zip");

    fn reported() -> Reported {
        Reported { name: "gups".into(), core_cycles: 2.0, parallelism: 8.0, instructions_per_access: 4.0 }
    }

    #[test]
    fn each_thread_makes_its_recorded_accesses_at_the_same_distances() {
        let mut replay = Replay::new(|| terrace_trace::open(TRACE), reported()).unwrap();
        let starts = replay.starts.clone();
        let (steps, _) = run::to_end(&mut replay);
        assert!(replay.failure().is_none());
        let mut expected: Vec<Vec<Access>> = vec![Vec::new(); steps.len()];
        let mut source = terrace_trace::open(TRACE).unwrap();
        let mut batch = Batch::new();
        while source.next_batch(&mut batch).unwrap() {
            expected[batch.thread().index()].extend(batch.accesses());
        }
        for (steps, expected) in steps.iter().zip(&expected) {
            let back = |access: &Access| {
                // Tests map region n at (n + 1) × 2⁴².
                let region = convert::index((access.addr.get() >> 42) - 1);
                let addr = Addr::new(starts[region] + access.addr.get() % (1 << 42));
                Access { addr, ..*access }
            };
            assert!(steps.accesses().iter().map(back).eq(expected.iter().copied()));
        }
        assert!(expected.iter().map(Vec::len).sum::<usize>() > 71_468);
    }

    /// Batches of one access each, of these threads in turn, at addresses that rise by a megabyte.
    struct Turns {
        threads: Vec<u32>,
        next: usize,
    }

    impl Source for Turns {
        fn next_batch(&mut self, batch: &mut Batch) -> Result<bool, TraceError> {
            let Some(&thread) = self.threads.get(self.next) else { return Ok(false) };
            batch.start(ThreadIndex::new(thread), 0, convert::count(self.next));
            let addr = Addr::new(convert::count(self.next) << 20);
            batch.push(Access { addr, size: 8, kind: AccessKind::Load });
            self.next += 1;
            Ok(true)
        }

        fn format(&self) -> Format {
            Format::Text
        }

        fn progress(&self) -> terrace_trace::Progress {
            terrace_trace::Progress::default()
        }

        fn statistics(&self) -> Statistics {
            Statistics::default()
        }
    }

    #[test]
    fn a_thread_makes_its_own_accesses_and_no_others() {
        let open = || Ok::<Box<dyn Source>, _>(Box::new(Turns { threads: vec![0, 1, 1, 0, 2, 1], next: 0 }));
        let mut replay = Replay::new(open, reported()).unwrap();
        assert_eq!((replay.facts().threads, replay.regions().len()), (3, 1));
        let (steps, _) = run::to_end(&mut replay);
        let base = run::place(0).get();
        let megabytes = |steps: &Steps| {
            steps.accesses().iter().map(|access| (access.addr.get() - base) >> 20).collect::<Vec<_>>()
        };
        assert_eq!(steps.iter().map(megabytes).collect::<Vec<_>>(), [vec![0, 3], vec![1, 2, 5], vec![4]]);
    }

    #[test]
    fn a_trace_without_accesses_is_no_program() {
        let open = || Ok::<Box<dyn Source>, _>(Box::new(Turns { threads: vec![], next: 0 }));
        assert!(matches!(Replay::new(open, reported()), Err(WorkloadError::EmptyTrace)));
    }

    #[test]
    fn a_trace_that_changed_ends_with_its_error() {
        let calls = std::sync::atomic::AtomicUsize::new(0);
        let open = move || {
            let more = 20 * calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Ok::<Box<dyn Source>, _>(Box::new(Turns { threads: vec![0; 2 + more], next: 0 }))
        };
        let mut replay = Replay::new(open, reported()).unwrap();
        let (steps, _) = run::to_end(&mut replay);
        assert_eq!(steps[0].accesses().len(), 2);
        assert!(matches!(replay.failure(), Some(WorkloadError::TraceChanged { address: 0x20_0000 })));
    }

    #[test]
    fn a_trace_that_cannot_be_read_again_ends_with_its_error() {
        let calls = std::sync::atomic::AtomicUsize::new(0);
        let open = move || match calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
            0 => terrace_trace::open(TRACE),
            _ => terrace_trace::open("no such trace"),
        };
        let mut replay = Replay::new(open, reported()).unwrap();
        let bases = run::at_start(replay.regions());
        assert_eq!(replay.next(0, &bases, &mut Steps::new()), Progress::Done);
        assert!(matches!(replay.failure(), Some(WorkloadError::Trace(_))));
    }

    #[test]
    fn neighbouring_blocks_make_up_a_region() {
        let (starts, regions) = regions(&[0, 2 << 20, 6 << 20].into());
        assert_eq!(starts, [0, 6 << 20]);
        assert_eq!(regions.iter().map(|region| region.bytes.get()).collect::<Vec<_>>(), [4 << 20, 2 << 20]);
    }
}
