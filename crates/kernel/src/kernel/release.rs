//! Giving memory back.

use terrace_addr::{Addr, PageSize, Space, Span};
use terrace_frames::Order;
use terrace_policy::{Extent, Policy, SpaceId};

use super::{Kernel, index};
use crate::pending::{Stale, Written};
use crate::tables::TablePages;
use crate::vm::level_of;
use crate::{Decision, Placed};

impl<U: Space, L: Space> Kernel<U, L> {
    /// Unmaps all leaves of a range, at whose ends no huge page lies across, and gives back their frames.
    pub(super) fn release(&mut self, policy: &mut dyn Policy, space: SpaceId, span: Span<U>) {
        let Some(place) = self.space(space) else { return };
        let leaves: Vec<_> = place.table.leaves(span).collect();
        let Some(first) = leaves.first() else { return };
        let smallest = leaves.iter().map(|leaf| leaf.page.size()).min().unwrap_or(PageSize::Size4K);
        self.pending.stale.push(Stale { space, span, smallest });
        let mut last_node = None;
        for leaf in &leaves {
            let Some(place) = self.spaces.get_mut(index(space)).and_then(Option::as_mut) else { return };
            // The range is noted as stale above, all at once. What the policy heard of may have moved the frame.
            let Ok((leaf, _)) = place.table.unmap(leaf.page) else { continue };
            let size = leaf.page.size();
            place.mapped.remove(size, 1);
            self.pending.written.push(Written { space, addr: leaf.page.start(), level: size.level() });
            self.changes.note(space, leaf.page.start().get());
            self.counts.freed_pages += size.base_pages();
            let (decision, upper) = (Decision::Free, leaf.page.start());
            self.note(Placed {
                decision,
                space,
                upper,
                lower: leaf.frame,
                size,
                nested: self.serving,
                reason: "unmapped",
            });
            self.give_back(policy, space, leaf.frame, size);
            let node = leaf.page.start().align_down(PageSize::Size2M);
            if let Some(full) = last_node.replace(node).filter(|&last| last != node) {
                self.prune(space, full);
            }
        }
        self.prune(space, last_node.unwrap_or_else(|| first.page.start()));
    }

    /// Gives back the table pages on the way to an address that hold nothing.
    pub(super) fn prune(&mut self, space: SpaceId, addr: Addr<U>) {
        let Self { spaces, memory, nodes, settings, pending, .. } = self;
        let Some(place) = spaces.get_mut(index(space)).and_then(Option::as_mut) else { return };
        let mut pages = TablePages { memory, nodes, costs: &settings.costs, pending, taken: 0 };
        let effects = place.table.prune(addr, &mut pages);
        for &span in effects.stale_spans() {
            pending.stale.push(Stale::entry(space, span));
            pending.written.push(Written { space, addr, level: level_of(span.bytes) });
        }
    }

    /// A page's frame is free, and the policy hears of blocks.
    fn give_back(&mut self, policy: &mut dyn Policy, space: SpaceId, frame: Addr<L>, size: PageSize) {
        match size {
            PageSize::Size2M => {
                self.memory.free(frame, Order::HUGE);
                let freed = Extent { start: frame.reinterpret(), bytes: size.size() };
                policy.on_freed(self, space, freed);
            }
            _ => self.memory.free(frame, Order::BASE),
        }
    }
}
