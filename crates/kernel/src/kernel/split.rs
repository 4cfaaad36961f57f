//! Making base pages of a huge page.

use terrace_addr::{Addr, Page, PageSize, Space};
use terrace_policy::{Refused, SpaceId};

use super::{Kernel, index};
use crate::pending::{Stale, Work, Written};
use crate::tables::TablePages;
use crate::tag::Holder;
use crate::{Decision, Placed};

impl<U: Space, L: Space> Kernel<U, L> {
    /// Makes base pages of a huge page, in place.
    ///
    /// # Errors
    /// If there is none, or no memory for the table page; nothing has changed then.
    pub(super) fn split_page(&mut self, space: SpaceId, page: Page<U>) -> Result<Addr<L>, Refused> {
        let leaf = self.leaf(space, page.start()).filter(|leaf| leaf.page == page).ok_or(Refused::Gone)?;
        let small = page.size().smaller().ok_or(Refused::Denied)?;
        let Self { spaces, memory, nodes, settings, pending, .. } = self;
        let place = spaces.get_mut(index(space)).and_then(Option::as_mut).ok_or(Refused::Gone)?;
        let mut pages = TablePages { memory, nodes, costs: &settings.costs, pending, taken: 0 };
        let effects = place.table.split(page, &mut pages).map_err(|_| Refused::NoMemory)?;
        for &span in effects.stale_spans() {
            pending.stale.push(Stale::entry(space, span));
        }
        pending.written.push(Written { space, addr: page.start(), level: page.size().level() });
        pending.charge(Work::Daemon, settings.costs.remap + settings.costs.scan.times(512));
        place.mapped.remove(page.size(), 1);
        place.mapped.add(small, 512);
        for part in 0..512 {
            let offset = part * PageSize::Size4K.bytes();
            let addr = page.start().offset_by(offset);
            let holder = Holder { space, addr, size: PageSize::Size4K };
            memory.set_tag(leaf.frame.offset_by(offset), holder.tag());
        }
        self.changes.note(space, page.start().get());
        self.counts.splits += 1;
        let (decision, upper, lower, size) = (Decision::Split, page.start(), leaf.frame, page.size());
        self.note(Placed { decision, space, upper, lower, size, nested: self.serving, reason: "asked for" });
        Ok(leaf.frame)
    }
}
