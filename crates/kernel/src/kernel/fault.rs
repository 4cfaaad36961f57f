//! Demand faults.

use terrace_addr::{AccessKind, Addr, Page, PageSize, Space};
use terrace_frames::{Mobility, Order};
use terrace_policy::{Applied, Fault, Placement, Policy, Refused, SpaceId};
use terrace_table::{Leaf, LeafFlags, TableError};

use super::{Kernel, KernelError, USER_DATA, faulted};
use crate::pending::{Content, Work};
use crate::{Decision, Placed};

impl<U: Space, L: Space> Kernel<U, L> {
    /// Serves a fault: the page around `addr` is mapped afterwards, cleared, as the policy has it.
    ///
    /// A page that is mapped already stays as it is: the fault came from an entry that is no longer.
    ///
    /// # Errors
    /// If nothing is mapped there, or no memory is left.
    pub fn fault(
        &mut self,
        policy: &mut dyn Policy,
        space: SpaceId,
        addr: Addr<U>,
        kind: AccessKind,
    ) -> Result<Leaf<U, L>, KernelError> {
        self.fault_for(policy, space, addr, kind, None)
    }

    /// The same for a page of a nested guest, which touched this guest-physical address.
    ///
    /// # Errors
    /// As [`fault`](Self::fault).
    pub fn fault_for(
        &mut self,
        policy: &mut dyn Policy,
        space: SpaceId,
        addr: Addr<U>,
        kind: AccessKind,
        nested: Option<u64>,
    ) -> Result<Leaf<U, L>, KernelError> {
        self.serving = nested;
        let served = self.serve(policy, space, addr, kind);
        self.serving = None;
        served
    }

    fn serve(
        &mut self,
        policy: &mut dyn Policy,
        space: SpaceId,
        addr: Addr<U>,
        kind: AccessKind,
    ) -> Result<Leaf<U, L>, KernelError> {
        self.pending.charge(Work::Fault, self.settings.costs.fault);
        let no_area = KernelError::NoArea { addr: addr.get() };
        let Some(place) = self.space(space) else { return Err(no_area) };
        let absent_at = match place.table.probe(addr) {
            Ok(leaf) => return Ok(leaf),
            Err(level) => level,
        };
        let Some(&area) = place.area(addr) else { return Err(no_area) };
        let huge_fits = absent_at > 1 && area.holds_block(addr, PageSize::Size2M);
        let (region, nested, flags) = (area.region(), self.serving, faulted(&area));
        let fault = Fault { space, addr: addr.reinterpret(), kind, region, huge_fits, nested };
        let placement = policy.on_fault(self, &fault);
        if let Some(leaf) = self.leaf(space, addr) {
            // The policy has collapsed the block.
            return Ok(leaf);
        }
        let huge = match placement {
            _ if !huge_fits => None,
            Placement::Huge(effort) => Some(self.take_huge(effort)),
            Placement::HugeAt(at) => {
                let at = at.reinterpret();
                Some(self.take_at(at, Order::HUGE).then_some(at))
            }
            Placement::Default | Placement::Frame(_) => None,
        };
        if let Some(block) = huge {
            if let Some(leaf) = block.and_then(|block| self.map_huge(space, addr, block, flags)) {
                return Ok(leaf);
            }
            self.counts.huge_fallbacks += 1;
        }
        let reason = match placement {
            Placement::Default => "any frame",
            Placement::Frame(_) => "the frame that was named",
            _ if !huge_fits => "no huge page fits",
            Placement::Huge(_) => "no free block for a huge page",
            Placement::HugeAt(_) => "the block that was named is not free",
        };
        let named = match placement {
            Placement::Frame(at) => Some(at.reinterpret()).filter(|&at| self.take_at(at, Order::BASE)),
            _ => None,
        };
        let (frame, reason) = match (named, placement) {
            (Some(frame), _) => (frame, reason),
            (None, Placement::Frame(_)) => (self.take_base(policy)?, "the frame that was named is not free"),
            (None, _) => (self.take_base(policy)?, reason),
        };
        let page = Page::containing(addr, PageSize::Size4K);
        self.map_new(space, page, frame, flags).map_err(|_| {
            self.memory.free(frame, Order::BASE);
            self.out_of_memory("a page table")
        })?;
        self.counts.faults_base += 1;
        let (decision, upper) = (Decision::Fault, page.start());
        self.note(Placed {
            decision,
            space,
            upper,
            lower: frame,
            size: page.size(),
            nested: self.serving,
            reason,
        });
        Ok(Leaf { page, frame, flags })
    }

    /// A cleared huge page in a block that was taken; the block goes back if a table page cannot be had.
    fn map_huge(
        &mut self,
        space: SpaceId,
        addr: Addr<U>,
        block: Addr<L>,
        flags: LeafFlags,
    ) -> Option<Leaf<U, L>> {
        let page = Page::containing(addr, PageSize::Size2M);
        if self.map_new(space, page, block, flags).is_err() {
            self.memory.free(block, Order::HUGE);
            return None;
        }
        self.counts.faults_huge += 1;
        let (decision, upper, reason) = (Decision::Fault, page.start(), "a block for a huge page");
        self.note(Placed {
            decision,
            space,
            upper,
            lower: block,
            size: page.size(),
            nested: self.serving,
            reason,
        });
        Some(Leaf { page, frame: block, flags })
    }

    /// Backs a page that nothing backs yet, before it is touched.
    ///
    /// # Errors
    /// If it does not lie in an area, something is mapped there, the frame is not free, or free memory is at its
    /// watermark; nothing has changed then.
    pub(super) fn populate(
        &mut self,
        space: SpaceId,
        page: Page<U>,
        frame: Addr<L>,
    ) -> Result<Applied, Refused> {
        let order =
            Order::of(page.size()).filter(|_| frame.is_aligned(page.size())).ok_or(Refused::Denied)?;
        let place = self.space(space).ok_or(Refused::Gone)?;
        let start = page.start();
        let Err(absent_at) = place.table.probe(start) else { return Err(Refused::Busy) };
        if !place.area(start).is_some_and(|area| area.holds_block(start, page.size())) {
            return Err(Refused::Denied);
        }
        if absent_at < page.size().level() {
            return Err(Refused::Busy);
        }
        let node = self.memory.node_of(frame).ok_or(Refused::Gone)?;
        // What was put aside for the policy is not free any more; what is left has to suffice for others.
        let reserved = self.memory.reservation_at(frame).is_some();
        let wanted = if reserved { Order::BASE } else { order };
        if !self.memory.has_room(node, wanted, Mobility::Movable) {
            return Err(Refused::NoMemory);
        }
        if !self.take_at(frame, order) {
            return Err(Refused::Busy);
        }
        if self.map_new(space, page, frame, USER_DATA).is_err() {
            self.memory.free(frame, order);
            return Err(Refused::NoMemory);
        }
        let (decision, size, reason) = (Decision::Populate, page.size(), "asked for");
        self.note(Placed { decision, space, upper: start, lower: frame, size, nested: None, reason });
        let cleared = terrace_addr::convert::low32(page.size().base_pages());
        Ok(Applied { copied: 0, cleared, frame: Some(frame.reinterpret()) })
    }

    /// Clears a frame and maps a page to it. Tables that were made before there was none left go back.
    fn map_new(
        &mut self,
        space: SpaceId,
        page: Page<U>,
        frame: Addr<L>,
        flags: LeafFlags,
    ) -> Result<(), TableError> {
        self.clear(frame, page.size());
        let mapped = self.map_page(space, page, frame, flags);
        if mapped.is_err() {
            self.prune(space, page.start());
        }
        mapped
    }

    /// Clears a page's frame.
    pub(super) fn clear(&mut self, frame: Addr<L>, size: PageSize) {
        self.pending.charge(Work::Clear, self.settings.costs.clear(size));
        self.pending.copied.written += size.size();
        self.pending.touch(frame, size.bytes());
        self.counts.cleared_pages += size.base_pages();
        self.note_content(Content::Clear { at: frame, bytes: size.size() });
    }

    /// Copies a page's content to another frame.
    pub(super) fn copy(&mut self, from: Addr<L>, to: Addr<L>, size: PageSize) {
        self.note_content(Content::Copy { from, to, bytes: size.size() });
        self.charge_copy(from, to, size);
    }

    /// Exchanges the content of two pages, word by word: each is read once and written once.
    pub(super) fn exchange_contents(&mut self, one: Addr<L>, other: Addr<L>, size: PageSize) {
        self.note_content(Content::Exchange { at: [one, other], bytes: size.size() });
        self.charge_copy(one, other, size);
        self.charge_copy(other, one, size);
    }

    fn charge_copy(&mut self, from: Addr<L>, to: Addr<L>, size: PageSize) {
        self.pending.charge(Work::Copy, self.settings.costs.copy(size));
        self.pending.copied.read += size.size();
        self.pending.copied.written += size.size();
        self.pending.touch(from, size.bytes());
        self.pending.touch(to, size.bytes());
        self.counts.copied_pages += size.base_pages();
    }
}
