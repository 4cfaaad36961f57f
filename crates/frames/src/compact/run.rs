//! One call of [`Compaction::compact`](super::Compaction::compact).

use terrace_addr::{Space, convert};

use super::{Budget, Moved, Mover, Outcome};
use crate::memory::{Memory, address};
use crate::word::Kind;
use crate::zone::pageblock;
use crate::{Mobility, NodeId, Order, Pageblock};

/// Frames of a zone: the next that may have to be moved, and the one behind the next that may be free.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scanners {
    pub(super) migrate: usize,
    pub(super) free: usize,
}

/// One call.
pub(super) struct Run<'a, L: Space> {
    memory: &'a mut Memory<L>,
    node: NodeId,
    goal: Order,
    budget: Budget,
    scanners: Scanners,
    scanned: u64,
    moved: u64,
    /// The first frame behind the block of the goal's order that can become free, and is being emptied.
    promising: usize,
}

impl<'a, L: Space> Run<'a, L> {
    pub(super) fn new(
        memory: &'a mut Memory<L>,
        node: NodeId,
        goal: Order,
        budget: Budget,
        scanners: Scanners,
    ) -> Self {
        Self { memory, node, goal, budget, scanners, scanned: 0, moved: 0, promising: 0 }
    }

    pub(super) const fn scanners(&self) -> Scanners {
        self.scanners
    }

    pub(super) const fn scanned(&self) -> u64 {
        self.scanned
    }

    pub(super) const fn moved(&self) -> u64 {
        self.moved
    }

    /// Moves frames until there is a reason to end.
    pub(super) fn finish(&mut self, mover: &mut Mover<'_, L>) -> Outcome {
        let mut finished = true;
        loop {
            let met = self.scanners_met();
            if (finished || met) && self.is_done() {
                return Outcome::Done;
            }
            if met {
                return Outcome::Complete;
            }
            if self.scanned >= self.budget.frames_scanned || self.moved >= self.budget.frames_moved {
                return Outcome::Partial;
            }
            let from = self.scanners.migrate;
            self.scanned += 1;
            let next = match self.kind(from) {
                _ if self.memory.zone(self.node).pageblock(from) == Pageblock::Hybrid => {
                    (pageblock(from) + 1) * Order::HUGE.length()
                }
                Candidate::Free(end) => end,
                Candidate::Stays => from + 1,
                Candidate::Moves if !self.promises(from) => self.block_end(from),
                Candidate::Moves => match self.find_free() {
                    Some(to) => self.move_one(from, to, mover),
                    // The scanners have met.
                    None => from,
                },
            };
            self.scanners.migrate = next;
            finished = pageblock(from) != pageblock(next);
        }
    }

    fn is_done(&self) -> bool {
        self.goal.and_above().any(|order| self.memory.free_blocks(self.node, order) > 0)
    }

    /// In one pageblock they would only move its own frames about (`compact_scanners_met`).
    pub(super) fn scanners_met(&self) -> bool {
        pageblock(self.scanners.free.saturating_sub(1)) <= pageblock(self.scanners.migrate)
    }

    fn kind(&self, at: usize) -> Candidate {
        let zone = self.memory.zone(self.node);
        match zone.kind(at) {
            Kind::Inside | Kind::Head => {
                Candidate::Free(zone.free_block(at).map_or(at + 1, |(start, order)| start + order.length()))
            }
            Kind::Used if zone.used(at).is_some_and(|(mobility, _)| mobility == Mobility::Movable) => {
                Candidate::Moves
            }
            Kind::Used | Kind::Reserved(_) => Candidate::Stays,
        }
    }

    /// The first frame behind the block of the goal's order that holds a frame.
    const fn block_end(&self, at: usize) -> usize {
        (at & !(self.goal.length() - 1)) + self.goal.length()
    }

    /// Whether the block around a frame can become free: nothing in it stays. One that cannot is passed over, as by the
    /// compaction that a fault does itself (`skip_on_failure` in `isolate_migratepages_block`): moving the rest of it
    /// would gain nothing.
    fn promises(&mut self, at: usize) -> bool {
        let end = self.block_end(at);
        if self.promising == end {
            return true;
        }
        let frames = self.memory.zone(self.node).frames();
        let mut next = (end - self.goal.length()).max(frames.start);
        while next < end.min(frames.end) {
            self.scanned += 1;
            next = match self.kind(next) {
                Candidate::Stays => return false,
                Candidate::Free(end) => end,
                Candidate::Moves => next + 1,
            };
        }
        self.promising = end;
        true
    }

    /// The highest free frame above the other scanner, but not of a pageblock that holds or is meant for unmovable memory
    /// (`suitable_migration_target`; free blocks that serve the goal, which it leaves alone too, end the work here).
    fn find_free(&mut self) -> Option<usize> {
        let zone = self.memory.zone(self.node);
        loop {
            let found = zone.map().previous_free(self.scanners.free);
            let at = found.unwrap_or(0).max(zone.frames().start);
            self.scanned += convert::count(self.scanners.free - at);
            self.scanners.free = at + 1;
            if found.is_none() || self.scanners_met() {
                return None;
            }
            if zone.pageblock(at) == Pageblock::Movable {
                self.scanners.free = at;
                return Some(at);
            }
            self.scanners.free = pageblock(at) * Order::HUGE.length();
            if self.scanners_met() {
                return None;
            }
        }
    }

    /// Moves a frame, if it can be moved. Tells the next one to look at.
    fn move_one(&mut self, from: usize, to: usize, mover: &mut Mover<'_, L>) -> usize {
        let zone = self.memory.zone(self.node);
        let (old, new) = (address(zone, from), address(zone, to));
        let tag = self.memory.tag(old);
        if self.memory.allocate_at(new, Order::BASE, Mobility::Movable).is_err() {
            unreachable!("{new:?} is free");
        }
        match mover(self.memory, old, new) {
            Moved::Yes => {
                if let Some(tag) = tag {
                    self.memory.set_tag(new, tag);
                }
                self.memory.free(old, Order::BASE);
                self.moved += 1;
                from + 1
            }
            Moved::No { block } => {
                self.memory.free(new, Order::BASE);
                self.scanners.free = to + 1;
                (from & !(block.length() - 1)) + block.length()
            }
        }
    }
}

/// What the migrate scanner finds.
enum Candidate {
    /// A free block, which ends there.
    Free(usize),
    /// A frame that cannot be moved.
    Stays,
    /// A used, movable frame.
    Moves,
}
