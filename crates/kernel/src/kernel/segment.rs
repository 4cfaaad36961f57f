//! Segments of virtual machines: what has to hold before there is one, and what it forbids.
//!
//! The rule: while a machine is translated by segments its guest can reach every frame of them, whatever anybody says. So
//! each of these frames is the machine's own, at its place, when the segments are set, and stays so until they are
//! changed: nothing moves, merges or frees it, and a kernel that is asked to refuses.

use terrace_addr::{Addr, Page, Space, Span};
use terrace_policy::{Abilities, Applied, Refused, Segments, SpaceId};

use super::{Kernel, index};
use crate::pending::{Segmented, Work};

/// The memory behind a machine's segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Behind {
    segments: Segments,
    /// The process's addresses: first one, and first one behind them.
    ranges: [(u64, u64); 2],
}

impl Behind {
    /// Whether a part of a range is behind a segment.
    pub(crate) fn overlaps(&self, start: u64, bytes: u64) -> bool {
        self.ranges.iter().any(|&(first, end)| start < end && first < start.saturating_add(bytes))
    }
}

impl<U: Space, L: Space> Kernel<U, L> {
    /// The segments of the virtual machine whose memory a space holds, if it has any.
    pub fn segments(&self, space: SpaceId) -> Option<Segments> {
        Some(self.space(space)?.behind?.segments)
    }

    /// The virtual machine whose memory a space holds can be translated by segments.
    pub fn allow_segments(&mut self, space: SpaceId) {
        if let Some(place) = self.space_mut(space) {
            place.may_be_behind = true;
        }
    }

    /// Sets or removes a machine's segments.
    ///
    /// # Errors
    /// If the space holds no machine, or its pages do not fill the segments; nothing has changed then.
    pub(super) fn set_segments(
        &mut self,
        space: SpaceId,
        segments: Option<Segments>,
        reason: &'static str,
    ) -> Result<Applied, Refused> {
        if !self.space(space).ok_or(Refused::Gone)?.may_be_behind {
            return Err(Refused::Unsupported(Abilities::SEGMENT));
        }
        let before = self.segments(space);
        let behind = segments.map(|segments| self.behind(space, segments)).transpose()?;
        let place = self.spaces.get_mut(index(space)).and_then(Option::as_mut).ok_or(Refused::Gone)?;
        place.behind = behind;
        if before != segments {
            self.pending.segmented.push(Segmented { space, before, now: segments, reason });
        }
        Ok(Applied::default())
    }

    /// What is behind segments, if every page of them is there and at its place.
    fn behind(&mut self, space: SpaceId, segments: Segments) -> Result<Behind, Refused> {
        let place = self.space(space).ok_or(Refused::Gone)?;
        let first = place.areas().find_map(|area| Some((area.start.get(), area.guest_start?)));
        let origin = first.and_then(|(start, guest)| start.checked_sub(guest)).ok_or(Refused::Denied)?;
        let ends_below = |high| segments.low.bytes.get() <= high;
        if segments.low.guest != 0 || !segments.high.is_none_or(|high| ends_below(high.guest)) {
            return Err(Refused::Denied);
        }
        let mut ranges = [(0, 0); 2];
        let mut looked_at = 0;
        for (range, segment) in ranges.iter_mut().zip(segments.iter()) {
            let whole = (segment.guest | segment.base.get() | segment.bytes.get()).is_multiple_of(4096);
            let start = origin.checked_add(segment.guest).ok_or(Refused::Denied)?;
            let end = start.checked_add(segment.bytes.get()).ok_or(Refused::Denied)?;
            if !whole || segment.base.get().checked_add(segment.bytes.get()).is_none() || start == end {
                return Err(Refused::Denied);
            }
            let mut next = start;
            let span = Span { start: Addr::<U>::truncate(start), bytes: end - start };
            for leaf in place.table.leaves(span) {
                looked_at += 1;
                // The first page may begin below the segment, the last one end behind it.
                let (page, frame) = (leaf.page.start().get(), leaf.frame.get());
                let at_its_place = frame.checked_add(next.saturating_sub(page))
                    == segment.base.get().checked_add(next - start);
                if page > next || !at_its_place {
                    return Err(Refused::Denied);
                }
                next = page + leaf.page.size().bytes();
            }
            if next < end {
                return Err(Refused::Denied);
            }
            *range = (start, end);
        }
        self.pending.charge(Work::Daemon, self.settings.costs.scan.times(looked_at));
        Ok(Behind { segments, ranges })
    }

    /// Whether a part of a page is behind a segment.
    pub(super) fn is_pinned(&self, space: SpaceId, page: Page<U>) -> bool {
        self.space(space).is_some_and(|place| place.is_pinned(page))
    }

    /// Frees what backs a range of a virtual machine's memory, which its guest has given up (`MADV_DONTNEED`, as QEMU does
    /// for virtio-balloon): it is backed anew, cleared, when it is touched again. Returns how much was freed.
    ///
    /// # Errors
    /// If a part of it is behind a segment, which the guest can still reach, or a huge page has to be split and there is
    /// no memory for that. Nothing has changed then.
    pub fn discard(
        &mut self,
        policy: &mut dyn terrace_policy::Policy,
        space: SpaceId,
        span: Span<U>,
    ) -> Result<terrace_addr::Bytes, Refused> {
        let place = self.space(space).ok_or(Refused::Gone)?;
        if place.behind.is_some_and(|behind| behind.overlaps(span.start.get(), span.bytes)) {
            return Err(Refused::Denied);
        }
        self.drop_direct_segment(space, span.start.get(), span.bytes);
        let before = self.counts.freed_pages;
        for edge in [span.start.get(), span.start.get() + span.bytes] {
            let edge = Addr::<U>::truncate(edge);
            let block = Page::containing(edge, terrace_addr::PageSize::Size2M);
            if edge != block.start() && self.leaf(space, edge).is_some_and(|leaf| leaf.page == block) {
                self.split_page(space, block)?;
            }
        }
        self.release(policy, space, span);
        Ok(terrace_addr::PageSize::Size4K.size().times(self.counts.freed_pages - before))
    }
}
