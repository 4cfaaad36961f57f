//! Compaction: moving pages together so that a block of 2M becomes free (mm/compaction.c).

use terrace_addr::{Addr, PageSize, Space};
use terrace_frames::compact::{Budget, Moved, Outcome};
use terrace_frames::{Memory, Order, Tag};

use super::{Kernel, index};
use crate::pending::{Content, Pending, Stale, Work, Written};
use crate::tag::Holder;
use crate::{Decision, KernelCosts, KernelCounts, Placed};

/// Frames that one direct compaction looks at, and moves, at most: `assumed`. Linux compacts until a block is free or
/// the scanners meet, in steps of `COMPACT_CLUSTER_MAX` (32) pages, asynchronously at first, which gives up early.
pub(super) const DIRECT: Budget = Budget { frames_scanned: 1 << 16, frames_moved: 1 << 12 };

/// How often compaction of a node is skipped because it failed (mm/compaction.c: `defer_compaction`): after each
/// failure in a row twice as often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Deferral {
    considered: u32,
    shift: u32,
}

/// It is skipped 2 to this power times at most (`COMPACT_MAX_DEFER_SHIFT`).
const MOST_DEFERRED: u32 = 6;

impl Deferral {
    /// Whether to skip it this time (`compaction_deferred`).
    const fn skips(&mut self) -> bool {
        self.considered = self.considered.saturating_add(1);
        self.considered < 1 << self.shift
    }

    /// It ended without a free block.
    fn failed(&mut self) {
        self.considered = 0;
        self.shift = (self.shift + 1).min(MOST_DEFERRED);
    }
}

impl<U: Space, L: Space> Kernel<U, L> {
    /// Compacts the first node in which a block of 2M could come about, while a fault waits.
    pub(super) fn compact_directly(&mut self) {
        for place in 0..self.nodes.len() {
            if self.compact_node(place, DIRECT) {
                return;
            }
        }
    }

    /// Whether kcompactd was woken.
    pub const fn wants_compaction(&self) -> bool {
        self.huge_wanted
    }

    /// What kcompactd does when it was woken: compacts, with a budget. Whether it did anything.
    pub fn compact_in_background(&mut self) -> bool {
        let wanted = std::mem::take(&mut self.huge_wanted);
        if wanted {
            self.compact_directly();
        }
        wanted
    }

    /// Compacts a node; whether a block is free then.
    pub(super) fn compact_node(&mut self, place: usize, budget: Budget) -> bool {
        let node = self.nodes[place];
        if self.deferrals[place].skips() {
            return false;
        }
        let Self { spaces, memory, settings, pending, changes, counts, compaction, .. } = self;
        let (records, records_contents) = (self.records, self.records_contents);
        let costs = settings.costs;
        let mut mover = |memory: &mut Memory<L>, from: Addr<L>, to: Addr<L>| {
            let stays = Moved::No { block: Order::BASE };
            let tag = memory.tag(from);
            if tag == Some(Tag::CRUMB) {
                // Of a program that is not simulated: no table leads there.
                moved(pending, counts, costs, [from, to]);
                return Moved::Yes;
            }
            let holder = match tag.and_then(Holder::<U>::of) {
                Some(holder) if holder.size != PageSize::Size4K => return Moved::No { block: Order::HUGE },
                Some(holder) => holder,
                None => return stays,
            };
            let Holder { space, addr, .. } = holder;
            let Some(place) = spaces.get_mut(index(space)).and_then(Option::as_mut) else { return stays };
            let Some(leaf) = place.leaf(addr).filter(|leaf| leaf.frame == from) else { return stays };
            if place.is_pinned(leaf.page) {
                return stays;
            }
            if place.table.replace(leaf.page, to, leaf.flags).is_err() {
                return stays;
            }
            pending.stale.push(Stale::page(space, leaf.page));
            pending.written.push(Written { space, addr, level: 1 });
            moved(pending, counts, costs, [from, to]);
            changes.note(space, addr.get());
            if records_contents {
                pending.contents.push(Content::Copy { from, to, bytes: PageSize::Size4K.size() });
            }
            if records {
                let (decision, size, reason) =
                    (Decision::Compact, PageSize::Size4K, "out of a block that is to be free");
                pending.placed.push(Placed {
                    decision,
                    space,
                    upper: addr,
                    lower: to,
                    size,
                    nested: None,
                    reason,
                });
            }
            Moved::Yes
        };
        let done = compaction.compact(memory, node, Order::HUGE, budget, &mut mover);
        self.counts.compactions += u64::from(done.outcome != Outcome::Skipped);
        self.pending.charge(Work::Daemon, costs.scan.times(done.scanned));
        match done.outcome {
            Outcome::Done => self.deferrals[place] = Deferral::default(),
            Outcome::Partial | Outcome::Complete => self.deferrals[place].failed(),
            Outcome::Skipped => {}
        }
        done.outcome == Outcome::Done
    }
}

/// What it takes to move a page.
fn moved<U: Space, L: Space>(
    pending: &mut Pending<U, L>,
    counts: &mut KernelCounts,
    costs: KernelCosts,
    places: [Addr<L>; 2],
) {
    pending.charge(Work::Copy, costs.copy(PageSize::Size4K));
    pending.charge(Work::Daemon, costs.remap);
    pending.copied.read += PageSize::Size4K.size();
    pending.copied.written += PageSize::Size4K.size();
    for place in places {
        pending.touch(place, PageSize::Size4K.bytes());
    }
    counts.compaction_moved += 1;
    counts.copied_pages += 1;
}
