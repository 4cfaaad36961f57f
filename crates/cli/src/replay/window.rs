//! Which references of a trace are replayed, and which of them are counted.

use std::collections::VecDeque;

use terrace_addr::convert;
use terrace_result::WindowUsed;
use terrace_trace::Batch;

/// References of a trace, in its order: some are passed over, some only warm the structures up, the rest counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub(super) skip: u64,
    pub(super) warmup: u64,
    /// The most that are counted.
    pub(super) limit: Option<u64>,
}

/// What to do next.
pub(super) enum Part {
    /// Replay a batch that warms up.
    Warm(Batch),
    /// Replay a batch that counts.
    Count(Batch),
}

impl Window {
    /// The first reference that counts.
    pub(super) const fn first(self) -> u64 {
        self.skip.saturating_add(self.warmup)
    }

    /// The first reference that is not replayed any more.
    const fn end(self) -> u64 {
        match self.limit {
            None => u64::MAX,
            Some(limit) => self.first().saturating_add(limit),
        }
    }

    /// Whether everything counts.
    pub(super) const fn is_whole(self) -> bool {
        self.skip == 0 && self.warmup == 0 && self.limit.is_none()
    }

    /// As a result says it.
    pub(super) fn used(self) -> Option<WindowUsed> {
        let Self { skip, warmup, limit } = self;
        (!self.is_whole()).then_some(WindowUsed { skip, warmup, limit })
    }

    /// Whether a batch lies behind everything that is replayed.
    pub(super) const fn is_over(self, batch: &Batch) -> bool {
        batch.first_reference() >= self.end()
    }

    /// The parts of a batch that are replayed.
    pub(super) fn parts(self, mut batch: Batch) -> VecDeque<Part> {
        let mut parts = VecDeque::new();
        cut(&mut batch, self.end());
        let counted = cut(&mut batch, self.first());
        let warm = cut(&mut batch, self.skip);
        parts.extend(warm.map(Part::Warm));
        parts.extend(counted.map(Part::Count));
        parts
    }
}

/// Takes out what lies at and behind a reference of the trace.
fn cut(batch: &mut Batch, at: u64) -> Option<Batch> {
    let within = at.saturating_sub(batch.first_reference());
    let length = convert::count(batch.accesses().len());
    (within < length).then(|| batch.split_off(convert::index(within)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use terrace_addr::{Access, AccessKind, Addr};
    use terrace_trace::ThreadIndex;

    #[test]
    fn every_reference_is_in_its_part() {
        for (skip, warmup, limit) in
            [(0, 0, None), (3, 4, Some(5)), (0, 10, None), (9, 0, Some(1)), (30, 1, None)]
        {
            let window = Window { skip, warmup, limit };
            let (mut warm, mut counted) = (Vec::new(), Vec::new());
            for first in [0, 10] {
                let mut batch = Batch::new();
                batch.start(ThreadIndex::new(1), 7, first);
                for place in first..first + 10 {
                    batch.push(Access { addr: Addr::new(place), size: 1, kind: AccessKind::Fetch });
                }
                if window.is_over(&batch) {
                    continue;
                }
                for part in window.parts(batch) {
                    let (batch, list) = match part {
                        Part::Warm(batch) => (batch, &mut warm),
                        Part::Count(batch) => (batch, &mut counted),
                    };
                    assert_eq!(batch.instructions(), convert::count(batch.accesses().len()));
                    assert_eq!((batch.thread().get(), batch.thread_id()), (1, 7));
                    list.extend(batch.accesses().iter().map(|access| access.addr.get()));
                }
            }
            let all = |from: u64, to: u64| (from.min(20)..to.min(20)).collect::<Vec<_>>();
            assert_eq!(warm, all(skip, skip + warmup));
            assert_eq!(counted, all(skip + warmup, limit.map_or(20, |limit| skip + warmup + limit)));
        }
    }
}
