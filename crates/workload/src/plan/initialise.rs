//! First touch: a store every so many bytes of every region, before the steady phase.

use terrace_addr::{Bytes, convert};

use super::{Declared, Mapping, RegionId, share};
use crate::{Bases, MarkKind, Steps};

/// How a region is touched first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Touch {
    /// Not before the steady phase.
    Nothing,
    /// A store every so many bytes from its start, each thread in a part of its own; of a region that grows, thread 0
    /// in all of it.
    Every(u64),
}

/// The bytes by which a region grows. Assumed: stores take memory in slabs and arenas of 1 MiB (memcached's slab pages)
/// to 64 MiB (`malloc`'s heaps of further threads).
const GROWTH: u64 = 4 << 20;

/// A thread's first touches.
#[derive(Debug)]
pub(super) struct Initialise {
    /// The parts of regions that are left, last first.
    left: Vec<Range>,
}

/// A part of a region: stores number `next` up to and without `end`, `stride` bytes apart.
#[derive(Debug, Clone, Copy)]
struct Range {
    region: RegionId,
    stride: u64,
    next: u64,
    end: u64,
    grows: Option<Growth>,
}

/// A region that grows: it has `mapped` bytes, and will have `most`.
#[derive(Debug, Clone, Copy)]
struct Growth {
    mapped: u64,
    most: u64,
}

impl Initialise {
    pub(super) fn new(regions: &[Declared], thread: usize, threads: usize) -> Self {
        let of_region = |(index, declared): (usize, &Declared)| {
            let Touch::Every(stride) = declared.touch else { return None };
            let most = declared.spec.bytes.get();
            let stores = most.div_ceil(stride);
            let (next, end, grows) = match declared.spec.mapping {
                Mapping::AtStart => {
                    let (next, end) = share(stores, thread, threads);
                    (next, end, None)
                }
                Mapping::Grows if thread == 0 => (0, stores, Some(Growth { mapped: 0, most })),
                Mapping::Grows | Mapping::Later => return None,
            };
            Some(Range { region: RegionId::new(convert::narrow(index)), stride, next, end, grows })
        };
        Self { left: regions.iter().enumerate().rev().filter_map(of_region).collect() }
    }

    /// Appends stores. Whether all are done.
    pub(super) fn run(&mut self, bases: &Bases, out: &mut Steps) -> bool {
        while let Some(range) = self.left.last_mut() {
            if range.next == range.end {
                self.left.pop();
                continue;
            }
            if out.room() == 0 {
                return false;
            }
            let mut end = range.end;
            if let Some(growth) = &mut range.grows {
                if range.next * range.stride >= growth.mapped {
                    let step = GROWTH.min(growth.most - growth.mapped);
                    growth.mapped += step;
                    out.mark(MarkKind::Grow(range.region, Bytes::new(step)));
                    return false;
                }
                end = growth.mapped.div_ceil(range.stride).min(end);
            }
            let base = bases.of(range.region);
            let end = end.min(range.next + convert::count(out.room()));
            for store in range.next..end {
                out.store(base.offset_by(store * range.stride));
            }
            range.next = end;
        }
        true
    }
}
