//! Direct segments of address spaces.
//!
//! The rule is that of the [segments of machines](super::segment): every page of a direct segment is there and at its
//! place when it is set, and stays so until it is taken away. What it translates is what the tables say.

use terrace_addr::{Addr, PageSize, Space, Span};
use terrace_policy::{Abilities, Applied, DirectSegment, Refused, SpaceId};

use super::{Kernel, index};
use crate::pending::{Stale, Work};

impl<U: Space, L: Space> Kernel<U, L> {
    /// The processors that run its address spaces have a register for direct segments.
    pub fn allow_direct_segments(&mut self) {
        self.lacks.remove(Abilities::DIRECT);
    }

    /// The direct segment of an address space, if it has one.
    pub fn direct_segment(&self, space: SpaceId) -> Option<DirectSegment> {
        self.space(space)?.direct
    }

    /// Gives an address space a direct segment, or takes it away.
    ///
    /// # Errors
    /// If there is no register for it, or no area's pages fill it; nothing has changed then.
    pub(super) fn set_direct_segment(
        &mut self,
        space: SpaceId,
        segment: Option<DirectSegment>,
    ) -> Result<Applied, Refused> {
        if self.lacks.contains(Abilities::DIRECT) {
            return Err(Refused::Unsupported(Abilities::DIRECT));
        }
        if let Some(segment) = segment {
            self.check_direct_segment(space, segment)?;
        }
        let place = self.spaces.get_mut(index(space)).and_then(Option::as_mut).ok_or(Refused::Gone)?;
        if place.direct != segment
            && let Some(before) = place.direct
        {
            // What was cached by it may be larger than the pages that the tables have there.
            let span = Span { start: before.start.reinterpret(), bytes: before.bytes.get() };
            self.pending.stale.push(Stale { space, span, smallest: PageSize::Size4K });
        }
        place.direct = segment;
        Ok(Applied::default())
    }

    /// Takes away a direct segment of which a part lies in a range.
    pub(super) fn drop_direct_segment(&mut self, space: SpaceId, start: u64, bytes: u64) {
        if self.space(space).is_some_and(|place| place.is_direct(start, bytes)) {
            let _applied = self.set_direct_segment(space, None);
        }
    }

    /// That every page of a segment is there and at its place, in one area.
    fn check_direct_segment(&mut self, space: SpaceId, segment: DirectSegment) -> Result<(), Refused> {
        let DirectSegment { start, base, bytes } = segment;
        let place = self.space(space).ok_or(Refused::Gone)?;
        let first = Addr::<U>::try_new(start.get()).map_err(|_| Refused::Gone)?;
        let end = start.get().checked_add(bytes.get()).ok_or(Refused::Denied)?;
        let whole = (start.get() | base.get() | bytes.get()).is_multiple_of(4096);
        let in_area = place.area(first).is_some_and(|area| end <= area.end());
        if !whole || !in_area || bytes.get() == 0 {
            return Err(Refused::Denied);
        }
        let mut next = start.get();
        let mut looked_at = 0;
        for leaf in place.table.leaves(Span { start: first, bytes: bytes.get() }) {
            looked_at += 1;
            // The first page may begin below the segment, the last one end behind it.
            let (page, frame) = (leaf.page.start().get(), leaf.frame.get());
            let wanted = base.get().checked_add(next - start.get());
            if page > next || frame.checked_add(next.saturating_sub(page)) != wanted {
                return Err(Refused::Denied);
            }
            next = page + leaf.page.size().bytes();
        }
        self.pending.charge(Work::Daemon, self.settings.costs.scan.times(looked_at));
        if next < end { Err(Refused::Denied) } else { Ok(()) }
    }
}
