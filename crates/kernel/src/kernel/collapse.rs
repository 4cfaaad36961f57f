//! Making a huge page of base pages.

use terrace_addr::{Addr, Page, PageSize, Space, convert};
use terrace_frames::{FrameState, Order};
use terrace_policy::{Applied, CollapseInto, Refused, SpaceId};
use terrace_table::{Leaf, LeafFlags};

use super::{Kernel, USER_DATA, index};
use crate::pending::{Stale, Work, Written};
use crate::space::Held;
use crate::tables::TablePages;
use crate::tag::Holder;
use crate::{Decision, Placed};

/// The base pages of a huge page.
const PAGES: usize = 512;

impl<U: Space, L: Space> Kernel<U, L> {
    /// Makes a huge page of the base pages of a block (mm/khugepaged.c: `collapse_huge_page`; in place: as Gemini's
    /// promotion does where pages lie at their places already).
    ///
    /// # Errors
    /// If the block does not lie in one area or holds no base page, or there is no free block. Nothing has changed
    /// then.
    pub(super) fn collapse(
        &mut self,
        space: SpaceId,
        page: Page<U>,
        into: CollapseInto,
    ) -> Result<Applied, Refused> {
        if page.size() != PageSize::Size2M {
            return Err(Refused::Denied);
        }
        let place = self.space(space).ok_or(Refused::Gone)?;
        if !place.area(page.start()).is_some_and(|area| area.holds_block(page.start(), PageSize::Size2M)) {
            return Err(Refused::Denied);
        }
        if place.held(page.start()) != Held::Base {
            return Err(Refused::Gone);
        }
        let mut parts: Vec<Leaf<U, L>> = place.base_pages(page).collect();
        let here = in_place(page, &parts);
        let stays = matches!(into, CollapseInto::InPlace)
            || matches!(into, CollapseInto::At(at) if here == Some(at.reinterpret()));
        if !stays && self.is_pinned(space, page) {
            return Err(Refused::Denied);
        }
        let (block, moved) = match into {
            CollapseInto::InPlace => (self.fill_block(here.ok_or(Refused::Busy)?, page, &parts)?, false),
            CollapseInto::Any => {
                let block = self.take_huge_for(&parts).ok_or(Refused::NoMemory)?;
                // Compaction may have moved the parts.
                parts.clear();
                parts.extend(self.space(space).into_iter().flat_map(|place| place.base_pages(page)));
                (block, true)
            }
            CollapseInto::At(at) if here == Some(at.reinterpret()) => {
                (self.fill_block(at.reinterpret(), page, &parts)?, false)
            }
            CollapseInto::At(at) => {
                let at = at.reinterpret();
                if !at.is_aligned(PageSize::Size2M) || !self.take_at(at, Order::HUGE) {
                    return Err(Refused::Busy);
                }
                (at, true)
            }
        };
        Ok(self.replace_parts(space, page, &parts, block, moved))
    }

    /// Takes what a block in which all parts are at their places still lacks.
    fn fill_block(
        &mut self,
        block: Addr<L>,
        page: Page<U>,
        parts: &[Leaf<U, L>],
    ) -> Result<Addr<L>, Refused> {
        let missing = absent(page, parts);
        let free = |kernel: &Self, offset| {
            !matches!(kernel.memory.state(block.offset_by(offset)), FrameState::Used | FrameState::Absent)
        };
        if !missing.iter().all(|&offset| free(self, offset)) {
            return Err(Refused::Busy);
        }
        for (done, &offset) in missing.iter().enumerate() {
            if !self.take_at(block.offset_by(offset), Order::BASE) {
                for &taken in &missing[..done] {
                    self.memory.free(block.offset_by(taken), Order::BASE);
                }
                return Err(Refused::Busy);
            }
        }
        Ok(block)
    }

    /// Puts one leaf where the parts are, whose content is in the block afterwards.
    fn replace_parts(
        &mut self,
        space: SpaceId,
        page: Page<U>,
        parts: &[Leaf<U, L>],
        block: Addr<L>,
        moved: bool,
    ) -> Applied {
        let missing = absent(page, parts);
        for &offset in &missing {
            self.clear(block.offset_by(offset), PageSize::Size4K);
        }
        if moved {
            for part in parts {
                let offset = part.page.start().offset_in(PageSize::Size2M);
                self.copy(part.frame, block.offset_by(offset), PageSize::Size4K);
            }
        }
        let used = parts.iter().fold(LeafFlags::empty(), |used, part| used | part.flags);
        let Self { spaces, memory, nodes, settings, pending, .. } = self;
        let place = spaces.get_mut(index(space)).and_then(Option::as_mut);
        let place = place.expect("the block was found in this space");
        for part in parts {
            // One flush for all of them follows.
            let unmapped = place.table.unmap(part.page);
            debug_assert!(unmapped.is_ok(), "{unmapped:?}");
            if moved {
                memory.free(part.frame, Order::BASE);
            }
        }
        let mut pages = TablePages { memory, nodes, costs: &settings.costs, pending, taken: 0 };
        let flags = USER_DATA | (used & (LeafFlags::ACCESSED | LeafFlags::DIRTY));
        let mapped = place.table.map(page, block, flags, &mut pages);
        let effects = mapped.expect("the parts were unmapped, and the node that held them is there");
        for &span in effects.stale_spans() {
            // The parts are what is cached.
            pending.stale.push(Stale { space, span, smallest: PageSize::Size4K });
        }
        for _ in 0..2 {
            // The entry is emptied and flushed before the pages are copied, and set afterwards.
            pending.written.push(Written { space, addr: page.start(), level: page.size().level() });
        }
        pending.charge(Work::Daemon, settings.costs.remap + settings.costs.scan.times(convert::count(PAGES)));
        let holder = Holder { space, addr: page.start(), size: PageSize::Size2M };
        memory.set_tag(block, holder.tag());
        place.mapped.remove(PageSize::Size4K, convert::count(parts.len()));
        place.mapped.add(PageSize::Size2M, 1);
        self.changes.note(space, page.start().get());
        let (decision, reason) = if moved {
            self.counts.collapses_copied += 1;
            (Decision::CollapseByCopy, "into a free block")
        } else {
            self.counts.collapses_in_place += 1;
            (Decision::CollapseInPlace, "all pages at their places")
        };
        let upper = page.start();
        self.note(Placed {
            decision,
            space,
            upper,
            lower: block,
            size: PageSize::Size2M,
            nested: self.serving,
            reason,
        });
        Applied {
            copied: if moved { convert::narrow(parts.len()) } else { 0 },
            cleared: convert::narrow(missing.len()),
            frame: Some(block.reinterpret()),
        }
    }
}

/// The block in which all parts lie at their places, if there is one.
pub(super) fn in_place<U: Space, L: Space>(page: Page<U>, parts: &[Leaf<U, L>]) -> Option<Addr<L>> {
    let first = parts.first()?;
    let offset = first.page.start().offset_in(page.size());
    let block = Addr::try_new(first.frame.get().checked_sub(offset)?).ok()?;
    let fits = |part: &Leaf<U, L>| {
        part.page.size() == PageSize::Size4K
            && part.frame.get() - block.get() == part.page.start().offset_in(page.size())
    };
    let rising = parts.iter().all(|part| part.frame >= block);
    (block.is_aligned(PageSize::Size2M) && rising && parts.iter().all(fits)).then_some(block)
}

/// The offsets of the base pages that are not there.
fn absent<U: Space, L: Space>(page: Page<U>, parts: &[Leaf<U, L>]) -> Vec<u64> {
    let mut present = [false; PAGES];
    for part in parts {
        let offset = part.page.start().offset_in(page.size());
        present[convert::index(offset >> PageSize::Size4K.shift())] = true;
    }
    let offsets = (0..).step_by(4096).zip(present);
    offsets.filter_map(|(offset, present)| (!present).then_some(offset)).collect()
}
