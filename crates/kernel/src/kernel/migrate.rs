//! Moving pages.

use terrace_addr::{Addr, Page, PageSize, Space};
use terrace_frames::Order;
use terrace_policy::{Applied, Refused, SpaceId};
use terrace_table::Leaf;

use super::{Kernel, index};
use crate::pending::{Stale, Work, Written};
use crate::tag::Holder;
use crate::{Decision, Placed};

impl<U: Space, L: Space> Kernel<U, L> {
    /// Moves a page to another frame (mm/migrate.c).
    ///
    /// # Errors
    /// If there is no such page, or no such frame is free; nothing has changed then.
    pub(super) fn migrate(
        &mut self,
        space: SpaceId,
        page: Page<U>,
        to: Option<Addr<L>>,
    ) -> Result<Applied, Refused> {
        let leaf = self.exact_leaf(space, page)?;
        let order = order_of(page)?;
        if self.is_pinned(space, page) {
            return Err(Refused::Denied);
        }
        let frame = match to {
            None => self.take(order).ok_or(Refused::NoMemory)?,
            Some(at) if at.is_aligned(page.size()) && self.take_at(at, order) => at,
            Some(_) => return Err(Refused::Busy),
        };
        self.copy(leaf.frame, frame, page.size());
        self.put_behind(space, &leaf, frame);
        self.memory.free(leaf.frame, order);
        self.counts.migrations += 1;
        let copied = terrace_addr::convert::low32(page.size().base_pages());
        Ok(Applied { copied, cleared: 0, frame: Some(frame.reinterpret()) })
    }

    /// Exchanges the frames of two pages of one size.
    ///
    /// # Errors
    /// If they are not there, or not of one size.
    pub(super) fn exchange(&mut self, space: SpaceId, pages: [Page<U>; 2]) -> Result<Applied, Refused> {
        let [one, other] = pages;
        if one.size() != other.size() || one == other || pages.iter().any(|&page| self.is_pinned(space, page))
        {
            return Err(Refused::Denied);
        }
        let (first, second) = (self.exact_leaf(space, one)?, self.exact_leaf(space, other)?);
        order_of(one)?;
        self.exchange_contents(first.frame, second.frame, one.size());
        self.put_behind(space, &first, second.frame);
        self.put_behind(space, &second, first.frame);
        self.counts.migrations += 2;
        let copied = 2 * terrace_addr::convert::low32(one.size().base_pages());
        Ok(Applied { copied, cleared: 0, frame: Some(second.frame.reinterpret()) })
    }

    fn exact_leaf(&self, space: SpaceId, page: Page<U>) -> Result<Leaf<U, L>, Refused> {
        self.leaf(space, page.start()).filter(|leaf| leaf.page == page).ok_or(Refused::Gone)
    }

    /// Puts another frame behind a leaf, with the bits that walks have set.
    fn put_behind(&mut self, space: SpaceId, leaf: &Leaf<U, L>, frame: Addr<L>) {
        let Some(place) = self.spaces.get_mut(index(space)).and_then(Option::as_mut) else { return };
        let replaced = place.table.replace(leaf.page, frame, leaf.flags);
        debug_assert!(replaced.is_ok(), "{replaced:?}");
        let (addr, size) = (leaf.page.start(), leaf.page.size());
        self.memory.set_tag(frame, Holder { space, addr, size }.tag());
        self.pending.stale.push(Stale::page(space, leaf.page));
        self.pending.written.push(Written { space, addr, level: size.level() });
        self.pending.charge(Work::Daemon, self.settings.costs.remap);
        self.changes.note(space, addr.get());
        let (decision, upper, lower) = (Decision::Migrate, addr, frame);
        self.note(Placed { decision, space, upper, lower, size, nested: self.serving, reason: "asked for" });
    }
}

/// The order of a page that the buddy allocator can hand out.
fn order_of<U: Space>(page: Page<U>) -> Result<Order, Refused> {
    match page.size() {
        PageSize::Size4K => Ok(Order::BASE),
        PageSize::Size2M => Ok(Order::HUGE),
        PageSize::Size1G => Err(Refused::Denied),
    }
}
