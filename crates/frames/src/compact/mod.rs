//! Compaction: used frames are moved from the bottom of a node to its top, until a block of the wanted order is free.
//!
//! As `mm/compaction.c` does it: one scanner goes up and finds what can be moved, another goes down and finds free
//! frames for it, and where they meet nothing is left to do. Simpler than there: no hints about pageblocks that failed
//! before, one mode, that of faults: blocks that cannot become free are
//! passed over; and a free frame is looked for when it is needed.

mod run;

use alloc::vec::Vec;

use terrace_addr::{Addr, Space};

use crate::{Memory, NodeId, Order};
use run::{Run, Scanners};

/// Up to this [fragmentation index](Memory::fragmentation_index) an allocation is taken to fail for lack of memory, in
/// thousandths (`vm.extfrag_threshold`, `mm/compaction.c`).
const THRESHOLD: i32 = 500;

/// Whether compaction may help an allocation of `order`: not if it would fail for lack of memory (index from 0 to 500).
pub fn is_suitable<L: Space>(memory: &Memory<L>, node: NodeId, order: Order) -> bool {
    !(0..=THRESHOLD).contains(&memory.fragmentation_index(node, order))
}

/// How much one call may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// How many frames the two scanners may look at; the last search for a free frame may go beyond. A free block is
    /// one look from below.
    pub frames_scanned: u64,
    /// How many frames may be moved.
    pub frames_moved: u64,
}

impl Budget {
    /// No limit.
    pub const UNLIMITED: Self = Self { frames_scanned: u64::MAX, frames_moved: u64::MAX };
}

/// What became of a frame that was to be moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// All that maps it maps the new frame now.
    Yes,
    /// It stays.
    No {
        /// So does the whole aligned block of this order around it: of a pinned frame [`Order::BASE`], of a huge page
        /// [`Order::HUGE`].
        block: Order,
    },
}

/// Moves what the first frame holds to the second, and has whoever maps it map that one.
pub type Mover<'a, L> = dyn FnMut(&mut Memory<L>, Addr<L>, Addr<L>) -> Moved + 'a;

/// Why compaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A block of the wanted order is free.
    Done,
    /// The budget is used up; the next call goes on there.
    Partial,
    /// The scanners met. The next call starts anew.
    Complete,
    /// Nothing was tried: memory is short, not fragmented ([`is_suitable`]).
    Skipped,
}

/// What a call did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compacted {
    /// How many frames the scanners looked at.
    pub scanned: u64,
    /// How many frames were moved.
    pub moved: u64,
    /// Why it ended.
    pub outcome: Outcome,
}

/// Where the scanners of each node stand.
#[derive(Debug, Clone, Default)]
pub struct Compaction {
    /// By node; none where they are to start anew.
    scanners: Vec<Option<Scanners>>,
}

impl Compaction {
    /// Every scanner at its start.
    pub const fn new() -> Self {
        Self { scanners: Vec::new() }
    }

    /// Moves movable frames of a node until a block of order `goal` is free, the budget is used up or the scanners meet.
    /// Like the kernel it looks for the block only when it has finished a pageblock.
    ///
    /// `mover` is asked to move the content of a frame to another and to map it there. When it is asked, both frames
    /// are used, and the new one has no tag. If it says that it did so, the new frame gets the tag and the old one is
    /// freed; otherwise the new one is freed. It must not free either itself.
    ///
    /// # Panics
    /// If `mover` frees one of the two frames.
    pub fn compact<L: Space>(
        &mut self,
        memory: &mut Memory<L>,
        node: NodeId,
        goal: Order,
        budget: Budget,
        mover: &mut Mover<'_, L>,
    ) -> Compacted {
        if !is_suitable(memory, node, goal) {
            return Compacted { scanned: 0, moved: 0, outcome: Outcome::Skipped };
        }
        if self.scanners.len() < memory.nodes() {
            self.scanners.resize(memory.nodes(), None);
        }
        let place = &mut self.scanners[node.index()];
        let frames = memory.zone(node).frames();
        let scanners = place.take().unwrap_or(Scanners { migrate: frames.start, free: frames.end });
        let mut run = Run::new(memory, node, goal, budget, scanners);
        let outcome = run.finish(mover);
        if !run.scanners_met() {
            *place = Some(run.scanners());
        }
        Compacted { scanned: run.scanned(), moved: run.moved(), outcome }
    }
}
