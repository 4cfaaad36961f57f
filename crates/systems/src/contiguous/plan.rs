//! Moving a machine's pages together, a block at a time.

use alloc::vec::Vec;

use terrace_addr::{Addr, Bytes, Cycles, Lower, Nanos, Upper};
use terrace_policy::{Action, Block, Budget, Cursor, FrameUse, Layer, Refused, Segments, SpaceId};

use super::counts::Counts;
use super::machine::Piece;
use super::mover::Mover;
use crate::blocks::{BASE, BLOCK};

/// Which free run a block is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// The lowest that holds it.
    First,
    /// The shortest that holds it.
    Best,
}

/// A machine's pages are on their way to their places.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// Each part of its memory, and where it goes.
    targets: Vec<(Piece, Addr<Lower>)>,
    /// The part and the offset in it that come next.
    next: (usize, u64),
    /// How often all of it was gone through.
    passes: u32,
    /// What is put aside at the places.
    held: Vec<u64>,
}

/// What came of working on a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
    /// Everything is at its place.
    Done(Segments),
    /// The budget was used up.
    Spent,
    /// Something is in the way.
    Blocked(Refused),
}

/// Pages may be put elsewhere behind a plan that takes long (a fault, khugepaged): it goes through all of them again, at
/// most so often. `assumed`.
const MOST_PASSES: u32 = 3;

/// Put aside until the plan ends.
const FOREVER: Nanos = Nanos::new(u64::MAX);

impl Plan {
    /// Where the parts of a machine's memory can go, with what is free there put aside: each to where it begins already, if
    /// all that is missing is free there, or to a free run. Nothing if there is no place for one of them.
    pub(super) fn new(layer: &mut dyn Layer, space: SpaceId, pieces: &[Piece], fit: Fit) -> Option<Self> {
        let mut plan = Self { targets: Vec::new(), next: (0, 0), passes: 0, held: Vec::new() };
        for &piece in pieces {
            let place = own_place(layer, space, piece).or_else(|| free_run(layer, piece.bytes, fit));
            let Some(base) = place else {
                plan.release(layer);
                return None;
            };
            plan.targets.push((piece, base));
            plan.put_aside(layer, base, piece.bytes);
        }
        (!plan.targets.is_empty()).then_some(plan)
    }

    /// Puts the free blocks of a place aside. Others, and what is left of a block at its end, can be taken by somebody
    /// else: then the plan is blocked.
    fn put_aside(&mut self, layer: &mut dyn Layer, base: Addr<Lower>, bytes: u64) {
        let end = base.get() + bytes;
        let mut at = base.get().next_multiple_of(BLOCK);
        while at + BLOCK <= end {
            if let Ok(reserved) = layer.reserve(Addr::truncate(at), FOREVER) {
                self.held.push(reserved.value);
            }
            at += BLOCK;
        }
    }

    /// What was put aside and not used is free again.
    pub(super) fn release(&mut self, layer: &mut dyn Layer) {
        for reservation in self.held.drain(..) {
            let _gone = layer.release(reservation);
        }
    }

    /// Whether every segment that there is stays where it is.
    pub(super) fn extends(&self, now: &Segments) -> bool {
        now.iter().zip(&self.targets).all(|(segment, (_, base))| segment.base == *base)
    }

    /// The segments that there are once it is done.
    fn segments(&self) -> Option<Segments> {
        let mut segments = self.targets.iter().map(|(piece, base)| piece.at(*base));
        Some(Segments { low: segments.next()?, high: segments.next() })
    }

    /// Goes on, as far as a budget allows, and sets the segments when all is done.
    pub(super) fn work(
        &mut self,
        layer: &mut dyn Layer,
        space: SpaceId,
        mut budget: Option<&mut Budget>,
        reason: &'static str,
        counts: &mut Counts,
    ) -> Came {
        loop {
            while let Some(&(piece, base)) = self.targets.get(self.next.0) {
                while self.next.1 < piece.bytes {
                    let start = piece.start + self.next.1;
                    // Up to the end of the process's block.
                    let bytes = (BLOCK - start % BLOCK).min(piece.bytes - self.next.1);
                    let mut mover = Mover { layer: &mut *layer, space, counts, spent: Cycles::ZERO };
                    let brought = mover.bring(start, bytes, base.get() + self.next.1);
                    let spent = mover.spent;
                    if let Err(refused) = brought {
                        return Came::Blocked(refused);
                    }
                    self.next.1 += bytes;
                    if budget.as_mut().is_some_and(|budget| !budget.spend(spent)) {
                        return Came::Spent;
                    }
                }
                self.next = (self.next.0 + 1, 0);
            }
            self.passes += 1;
            let Some(segments) = self.segments() else { return Came::Blocked(Refused::Gone) };
            match layer.apply(&Action::Segment { space, segments: Some(segments), reason }) {
                Ok(_) => {
                    self.release(layer);
                    return Came::Done(segments);
                }
                Err(refused) if self.passes == MOST_PASSES => return Came::Blocked(refused),
                Err(_) => self.next = (0, 0),
            }
        }
    }
}

/// Where a part begins already, if its other pages are at their places there, or missing and free there.
fn own_place(layer: &mut dyn Layer, space: SpaceId, piece: Piece) -> Option<Addr<Lower>> {
    let mut leaves = Vec::new();
    let from = Cursor { space, at: Addr::truncate(piece.start) };
    let _next = layer.leaves(from, 1, &mut leaves).ok()?;
    let first = leaves.first().filter(|leaf| leaf.page.start().get() < piece.end())?;
    let base = first.frame.get().checked_sub(first.page.start().get().checked_sub(piece.start)?)?;
    // Large pages of the guest are one entry only where they lie at multiples of their size.
    if !base.is_multiple_of(BLOCK) {
        return None;
    }
    let mut offset = 0;
    while offset < piece.bytes {
        let start = piece.start + offset;
        let bytes = (BLOCK - start % BLOCK).min(piece.bytes - offset);
        if !fits(layer, space, start, bytes, base + offset) {
            return None;
        }
        offset += bytes;
    }
    Some(Addr::truncate(base))
}

/// Whether each page of a range in one block is at its place, or missing and its place free.
fn fits(layer: &mut dyn Layer, space: SpaceId, start: u64, bytes: u64, target: u64) -> bool {
    let at = Addr::<Upper>::truncate(start);
    let Ok(block) = layer.block(space, at) else { return false };
    if let (Block::Base { present: 512, in_place: Some(here), .. }, BLOCK) = (block.value, bytes)
        && here.get() == target
    {
        return true;
    }
    let mut leaves = Vec::new();
    if layer.leaves(Cursor { space, at }, 513, &mut leaves).is_err() {
        return false;
    }
    leaves.retain(|leaf| leaf.page.start().get() < start + bytes);
    (0..bytes / BASE).map(|page| page * BASE).all(|offset| {
        let page = Addr::<Upper>::truncate(start + offset);
        match leaves.iter().find(|leaf| leaf.page.contains(page)) {
            Some(leaf) => leaf.frame.get() + page.offset_in(leaf.size()) == target + offset,
            None => matches!(
                layer.frame(Addr::truncate(target + offset)),
                Ok(seen) if seen.value == FrameUse::Free
            ),
        }
    })
}

/// A free run of memory that begins at a multiple of 2 MiB.
pub(super) fn free_run(layer: &mut dyn Layer, bytes: u64, fit: Fit) -> Option<Addr<Lower>> {
    let mut runs = Vec::new();
    let _fragmentation = layer.free(Bytes::new(bytes), &mut runs).ok()?;
    let holds = runs.iter().filter_map(|run| {
        let start = run.start.get().next_multiple_of(BLOCK);
        let end = run.start.get() + run.bytes.get();
        (start.checked_add(bytes)? <= end).then_some((run.bytes, Addr::truncate(start)))
    });
    let found = match fit {
        Fit::First => holds.min_by_key(|&(_, start)| start),
        Fit::Best => holds.min(),
    };
    found.map(|(_, start)| start)
}
