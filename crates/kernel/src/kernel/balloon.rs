//! Memory that a guest does not use because its hypervisor asked for it back, and memory that comes later.
//!
//! The rule: what the balloon holds is used memory that nothing maps, so that nobody gets it; it is given back by the
//! kernel that holds it, whatever happened below it meanwhile.

use terrace_addr::{Addr, Bytes, PageSize, Space, Span};
use terrace_frames::{FrameState, NodeId, Order};
use terrace_policy::Refused;

use super::Kernel;
use crate::pending::Work;
use crate::tag::Holder;

/// What is held.
#[derive(Debug, Clone)]
pub(super) struct Held<L: Space> {
    /// Free pages that were taken wherever they were, the last one first to go back.
    pages: Vec<(Addr<L>, Order)>,
    /// Ranges that were emptied, by address.
    ranges: Vec<Span<L>>,
}

impl<L: Space> Default for Held<L> {
    fn default() -> Self {
        Self { pages: Vec::new(), ranges: Vec::new() }
    }
}

impl<L: Space> Held<L> {
    fn bytes(&self) -> Bytes {
        let pages: Bytes = self.pages.iter().map(|(_, order)| order.bytes()).sum();
        pages + self.ranges.iter().map(|range| Bytes::new(range.bytes)).sum()
    }
}

/// Whole pages of a range, as large as they fit.
fn pieces<L: Space>(span: Span<L>) -> impl Iterator<Item = (Addr<L>, PageSize)> {
    let end = span.start.get() + span.bytes;
    let mut next = span.start.get();
    core::iter::from_fn(move || {
        let at = Addr::truncate(next);
        let huge = next.is_multiple_of(PageSize::Size2M.bytes()) && end - next >= PageSize::Size2M.bytes();
        let size = if huge { PageSize::Size2M } else { PageSize::Size4K };
        (next < end).then(|| {
            next += size.bytes();
            (at, size)
        })
    })
}

/// Base pages of a range.
fn frames<L: Space>(span: Span<L>) -> impl Iterator<Item = Addr<L>> {
    (0..span.bytes / PageSize::Size4K.bytes()).map(move |page| span.start.offset_by(page * 4096))
}

impl<U: Space, L: Space> Kernel<U, L> {
    /// What the balloon holds.
    pub fn ballooned(&self) -> Bytes {
        self.balloon.bytes()
    }

    /// Nobody takes memory from a node until it is [there](Self::plug).
    pub fn unplug(&mut self, node: NodeId) {
        self.nodes.retain(|&other| other != node);
    }

    /// A node's memory may be used from now on, after that of all others.
    pub fn plug(&mut self, node: NodeId) {
        if !self.nodes.contains(&node) {
            self.nodes.push(node);
        }
    }

    /// Takes free pages out of use, wherever they are, at most so much: huge ones first, as they come cheapest for whoever
    /// frees them below. The ranges that were taken.
    pub fn inflate(&mut self, bytes: Bytes) -> Vec<Span<L>> {
        let mut taken = Vec::new();
        let mut left = bytes.get();
        for order in [Order::HUGE, Order::BASE] {
            while left >= order.bytes().get()
                && let Some(at) = self.take(order)
            {
                left -= order.bytes().get();
                self.balloon.pages.push((at, order));
                taken.push(Span { start: at, bytes: order.bytes().get() });
            }
        }
        taken
    }

    /// Puts pages that were taken wherever they were back into use, at most so much; their ranges.
    pub fn deflate(&mut self, bytes: Bytes) -> Vec<Span<L>> {
        let mut given = Vec::new();
        let mut left = bytes.get();
        while let Some(&(at, order)) = self.balloon.pages.last()
            && order.bytes().get() <= left
        {
            left -= order.bytes().get();
            self.balloon.pages.pop();
            self.memory.free(at, order);
            given.push(Span { start: at, bytes: order.bytes().get() });
        }
        given
    }

    /// Empties a range and takes it out of use (as memory that is to be unplugged, `offline_pages`):
    /// its free frames are taken, its pages moved elsewhere.
    ///
    /// # Errors
    /// [`Refused::Busy`] if something there cannot be moved, [`Refused::NoMemory`] if there is no room elsewhere. Pages
    /// that were moved stay where they are now; nothing else has changed.
    pub fn retire(&mut self, span: Span<L>) -> Result<(), Refused> {
        let looked_at = span.bytes / PageSize::Size4K.bytes();
        self.pending.charge(Work::Daemon, self.settings.costs.scan.times(looked_at));
        let movable = |&at: &Addr<L>| match self.memory.state(at) {
            FrameState::Free => true,
            // What the policy has put aside is not taken from it.
            FrameState::Absent | FrameState::Reserved(_) => false,
            FrameState::Used => self.held_page(at).is_some(),
        };
        if !frames(span).all(|at| movable(&at)) {
            return Err(Refused::Busy);
        }
        let mut taken = Vec::new();
        let emptied = self.empty(span, &mut taken);
        if emptied.is_err() {
            for (at, order) in taken {
                self.memory.free(at, order);
            }
            return emptied;
        }
        let ranges = &mut self.balloon.ranges;
        let place = ranges.partition_point(|range| range.start < span.start);
        ranges.insert(place, span);
        ranges.dedup_by(|next, range| {
            let follows = range.start.get() + range.bytes == next.start.get();
            range.bytes += if follows { next.bytes } else { 0 };
            follows
        });
        Ok(())
    }

    /// Takes the free frames of a range first, so that nothing is moved there.
    fn empty(&mut self, span: Span<L>, taken: &mut Vec<(Addr<L>, Order)>) -> Result<(), Refused> {
        for (at, size) in pieces(span) {
            if size == PageSize::Size2M && self.take_at(at, Order::HUGE) {
                taken.push((at, Order::HUGE));
                continue;
            }
            let part = Span { start: at, bytes: size.bytes() };
            taken
                .extend(frames(part).filter(|&at| self.take_at(at, Order::BASE)).map(|at| (at, Order::BASE)));
        }
        for at in frames(span) {
            // The page that was here may have been a part of one that was moved already.
            let Some(holder) = self.held_page(at) else { continue };
            let page = terrace_addr::Page::containing(holder.addr, holder.size);
            let mut moved = self.migrate(holder.space, page, None);
            if moved == Err(Refused::NoMemory) && holder.size != PageSize::Size4K {
                self.split_page(holder.space, page)?;
                let small = terrace_addr::Page::containing(
                    holder.addr.offset_by(at.offset_in(holder.size)),
                    PageSize::Size4K,
                );
                moved = self.migrate(holder.space, small, None);
            }
            let size = match moved {
                Ok(applied) if applied.copied > 1 => PageSize::Size2M,
                Ok(_) => PageSize::Size4K,
                Err(refused) => return Err(refused),
            };
            let freed = Span { start: at.align_down(size), bytes: size.bytes() };
            for frame in frames(freed) {
                let inside = frame.get() >= span.start.get() && frame.get() - span.start.get() < span.bytes;
                if inside && self.take_at(frame, Order::BASE) {
                    taken.push((frame, Order::BASE));
                }
            }
        }
        Ok(())
    }

    /// Whose page lies in a frame, if it can be moved.
    fn held_page(&self, at: Addr<L>) -> Option<Holder<U>> {
        [at, at.align_down(PageSize::Size2M)].into_iter().find_map(|first| {
            let holder = Holder::<U>::of(self.memory.tag(first)?)?;
            let leaf = self.leaf(holder.space, holder.addr)?;
            let fits = leaf.frame == first && leaf.page.size() == holder.size;
            (fits && at.get() - first.get() < holder.size.bytes()).then_some(holder)
        })
    }

    /// Puts a range back into use that lies in what was emptied.
    ///
    /// # Errors
    /// If it does not.
    pub fn restore(&mut self, span: Span<L>) -> Result<(), Refused> {
        let end = span.start.get() + span.bytes;
        let holds = |range: &Span<L>| range.start <= span.start && end <= range.start.get() + range.bytes;
        let place = self.balloon.ranges.iter().position(holds).ok_or(Refused::Gone)?;
        let range = self.balloon.ranges.remove(place);
        let below = Span { start: range.start, bytes: span.start.get() - range.start.get() };
        let above = Span { start: Addr::truncate(end), bytes: range.start.get() + range.bytes - end };
        let left = [below, above].into_iter().filter(|left| left.bytes > 0);
        self.balloon.ranges.splice(place..place, left);
        for (at, size) in pieces(span) {
            let order = if size == PageSize::Size2M { Order::HUGE } else { Order::BASE };
            self.memory.free(at, order);
        }
        Ok(())
    }
}
