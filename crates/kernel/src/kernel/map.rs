//! Areas: mmap, munmap, growing, madvise.

use terrace_addr::{Addr, Bytes, Page, PageSize, Space, Span};
use terrace_policy::{Advice, Event, MapRequest, Policy, SpaceId, VirtualPlacement};
use terrace_table::LeafFlags;

use super::{Kernel, KernelError, index};
use crate::{AddressSpace, Area};

/// Rounded up to whole base pages; more than there are addresses stays more.
const fn whole_pages(bytes: Bytes) -> Bytes {
    whole(bytes, PageSize::Size4K)
}

/// Rounded up to whole pages of a size; more than there are addresses stays more.
const fn whole(bytes: Bytes, page: PageSize) -> Bytes {
    match bytes.get().checked_next_multiple_of(page.bytes()) {
        Some(whole) => Bytes::new(whole),
        None => Bytes::new(!(page.bytes() - 1)),
    }
}

impl<U: Space, L: Space> Kernel<U, L> {
    /// Maps an area where the policy, or the kernel, puts it, and returns its first address.
    ///
    /// Without a policy areas lie below each other, as Linux places them (`mmap_base`, arch/x86/mm/mmap.c).
    ///
    /// # Errors
    /// If there is no room for it.
    pub fn map(
        &mut self,
        policy: &mut dyn Policy,
        space: SpaceId,
        bytes: Bytes,
        advice: Advice,
    ) -> Result<Addr<U>, KernelError> {
        self.map_with_room(policy, space, bytes, bytes, advice)
    }

    /// The same with room behind it: the area may grow to `room` bytes, as a heap does.
    ///
    /// # Errors
    /// If there is no room for it.
    pub fn map_with_room(
        &mut self,
        policy: &mut dyn Policy,
        space: SpaceId,
        bytes: Bytes,
        room: Bytes,
        advice: Advice,
    ) -> Result<Addr<U>, KernelError> {
        let asked = whole_pages(bytes);
        let bytes = whole_pages(room).max(asked);
        let placement = policy.on_map(self, &MapRequest { space, bytes, advice });
        let unit = match placement {
            VirtualPlacement::Whole => PageSize::Size2M,
            _ => PageSize::Size4K,
        };
        let first = whole(asked, unit);
        let bytes = whole(bytes, unit);
        let no_room = KernelError::NoRoom { bytes, at: None };
        let Some(place) = self.space(space) else { return Err(no_room) };
        let below_end = |mut end: u64, alignment: u64| {
            loop {
                let start = end.checked_sub(bytes.get())? & !(alignment - 1);
                if place.is_free(start, bytes.get()) {
                    return Some(start);
                }
                end = place.areas.range(..end).next_back().map(|(&start, _)| start)?;
            }
        };
        let below = |alignment| {
            below_end(place.next_end, alignment).or_else(|| below_end(place.areas_end(), alignment))
        };
        let chosen = match placement {
            VirtualPlacement::At(at) if place.is_free(at.get(), bytes.get()) => Some(at.get()),
            VirtualPlacement::Aligned | VirtualPlacement::Whole => below(PageSize::Size2M.bytes()),
            VirtualPlacement::Default | VirtualPlacement::At(_) => below(PageSize::Size4K.bytes()),
        };
        let start = chosen.ok_or(no_room)?;
        self.map_at(space, Addr::truncate(start), first, advice, None)?;
        if let Some(area) = self.space_mut(space).and_then(|place| place.areas.get_mut(&start)) {
            (area.padding, area.unit) = (first - asked, unit);
        }
        if let Some(place) = self.space_mut(space)
            && !matches!(placement, VirtualPlacement::At(at) if at.get() == start)
        {
            place.next_end = place.next_end.min(start);
        }
        Ok(Addr::truncate(start))
    }

    /// Maps an area at this address; `guest_start` where it backs a virtual machine.
    ///
    /// # Errors
    /// If something is there, or it would reach beyond where areas may lie.
    pub fn map_at(
        &mut self,
        space: SpaceId,
        start: Addr<U>,
        bytes: Bytes,
        advice: Advice,
        guest_start: Option<u64>,
    ) -> Result<(), KernelError> {
        let bytes = whole_pages(bytes);
        let no_room = KernelError::NoRoom { bytes, at: Some(start.get()) };
        let Some(place) = self.space_mut(space) else { return Err(no_room) };
        let end = start.get().checked_add(bytes.get());
        let fits = start.is_aligned(PageSize::Size4K)
            && end.is_some_and(|end| end <= place.areas_end())
            && place.is_free(start.get(), bytes.get());
        if !fits || bytes == Bytes::ZERO {
            return Err(no_room);
        }
        let area = Area { start, bytes, padding: Bytes::ZERO, unit: PageSize::Size4K, advice, guest_start };
        place.areas.insert(start.get(), area);
        Ok(())
    }

    /// Lets an area grow at its end (brk, mremap without moving).
    ///
    /// # Errors
    /// If it does not begin there, or something is behind it.
    pub fn grow(&mut self, space: SpaceId, start: Addr<U>, by: Bytes) -> Result<(), KernelError> {
        let by = whole_pages(by);
        let no_room = KernelError::NoRoom { bytes: by, at: Some(start.get()) };
        let Some(place) = self.space_mut(space) else { return Err(no_room) };
        let Some(&area) = place.areas.get(&start.get()) else { return Err(no_room) };
        let Some(asked) = area.asked_end().checked_add(by.get()) else { return Err(no_room) };
        let next = place.areas.range(start.get() + 1..).next().map(|(&next, _)| next);
        let limit = next.unwrap_or(u64::MAX).min(place.areas_end());
        // In its unit; where there is no room for that, as far as was asked.
        let ends = [whole(Bytes::new(asked), area.unit).get(), asked];
        let Some(end) = ends.into_iter().find(|&end| end <= limit) else { return Err(no_room) };
        let bytes = Bytes::new(end - start.get());
        place.areas.insert(start.get(), Area { bytes, padding: Bytes::new(end - asked), ..area });
        Ok(())
    }

    /// Says something about huge pages in the areas that a range lies in (madvise). Areas are not divided: what is
    /// said holds for all of each.
    pub fn advise(&mut self, space: SpaceId, span: Span<U>, advice: Advice) {
        let Some(place) = self.space_mut(space) else { return };
        let end = span.start.get().saturating_add(span.bytes);
        for (_, area) in place.areas.range_mut(..end) {
            if area.end() > span.start.get() {
                area.advice = advice;
            }
        }
    }

    /// Removes a range from the areas that it lies in, and gives back what they had there: all pages of which a part
    /// lies in it (munmap). A huge page that reaches beyond the range is split first.
    ///
    /// # Errors
    /// If a huge page has to be split and there is no memory for its table page.
    pub fn unmap(
        &mut self,
        policy: &mut dyn Policy,
        space: SpaceId,
        span: Span<U>,
    ) -> Result<(), KernelError> {
        if span.bytes == 0 {
            return Ok(());
        }
        let start = span.start.align_down(PageSize::Size4K).get();
        let mut end = whole_pages(Bytes::new(span.start.get().saturating_add(span.bytes))).get();
        // What was not asked for goes with the last page that was.
        let last = self.space(space).and_then(|place| place.areas.range(..end).next_back());
        if let Some((_, last)) = last
            && last.asked_end() <= end
        {
            end = end.max(last.end());
        }
        for edge in [start, end] {
            let block = Page::containing(Addr::<U>::truncate(edge), PageSize::Size2M);
            let huge = self.leaf(space, block.start()).is_some_and(|leaf| leaf.page == block);
            if edge != block.start().get() && huge {
                self.split_page(space, block).map_err(|_| self.out_of_memory("a page table"))?;
            }
        }
        // What is freed must not be reached any more.
        if self
            .space(space)
            .is_some_and(|place| place.behind.is_some_and(|it| it.overlaps(start, end - start)))
        {
            let _applied = self.set_segments(space, None, "its memory is unmapped");
        }
        self.drop_direct_segment(space, start, end - start);
        let Some(place) = self.space_mut(space) else { return Ok(()) };
        let touched: Vec<Area<U>> =
            place.areas.range(..end).map(|(_, &area)| area).filter(|area| area.end() > start).collect();
        for area in touched {
            let Some(place) = self.space_mut(space) else { break };
            place.areas.remove(&area.start.get());
            let (from, to) = (area.start.get().max(start), area.end().min(end));
            if area.start.get() < from {
                let bytes = Bytes::new(from - area.start.get());
                place.areas.insert(area.start.get(), Area { bytes, padding: Bytes::ZERO, ..area });
            }
            if to < area.end() {
                let bytes = Bytes::new(area.end() - to);
                let start = Addr::truncate(to);
                let guest_start = area.guest_start.map(|guest| guest + (to - area.start.get()));
                place.areas.insert(to, Area { start, bytes, guest_start, ..area });
            }
            // The next area may go where this one was, if it was the lowest.
            if place.next_end == area.start.get() {
                place.next_end = to;
            }
            self.release(policy, space, Span { start: Addr::truncate(from), bytes: to - from });
        }
        Ok(())
    }

    /// Ends an address space: all that it had is free, its table pages too.
    ///
    /// # Errors
    /// As [`unmap`](Self::unmap).
    pub fn end_space(&mut self, policy: &mut dyn Policy, space: SpaceId) -> Result<(), KernelError> {
        let areas: Vec<_> =
            self.space(space).into_iter().flat_map(AddressSpace::areas).map(Area::span).collect();
        for span in areas {
            self.unmap(policy, space, span)?;
        }
        if let Some(place) = self.spaces.get_mut(index(space))
            && let Some(place) = place.take()
        {
            self.memory.free(place.table.root(), terrace_frames::Order::BASE);
            self.events.push(Event::SpaceEnds(space));
        }
        Ok(())
    }

    /// Whether a leaf's page was used, and was written, since those bits were cleared.
    pub(super) const fn used(flags: LeafFlags) -> (bool, bool) {
        (flags.contains(LeafFlags::ACCESSED), flags.contains(LeafFlags::DIRTY))
    }
}
