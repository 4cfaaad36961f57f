//! Which pages are used: accessed bits in the tables of address spaces, and in those that are walked in their place.

use terrace_addr::{Addr, Page, PageSize, Space, Span, Upper, convert};
use terrace_policy::{AccessedOp, Block, Cursor, FlushScope, Leaf, Outcome, Refused, SpaceId};
use terrace_table::LeafFlags;

use super::{Kernel, collapse, index};
use crate::SecondaryTable;
use crate::pending::{Stale, Written};
use crate::space::Held;

/// The tables that are walked in place of a kernel's own.
pub(crate) type Secondaries<'a, U, L> = [Box<dyn SecondaryTable<U, L> + 'a>];

/// So many leaves are looked at before those that were not used are dropped.
const AT_ONCE: usize = 512;

/// Those of one address space.
fn of<'s, 'a, U: Space, L: Space>(
    secondaries: &'s mut Secondaries<'a, U, L>,
    space: SpaceId,
) -> impl Iterator<Item = &'s mut Box<dyn SecondaryTable<U, L> + 'a>> {
    secondaries.iter_mut().filter(move |table| table.space() == space)
}

/// Keeps, of the leaves from a place on, those of which `keep` is true.
fn retain_from(leaves: &mut Vec<Leaf>, first: usize, keep: impl Fn(&Leaf) -> bool) {
    let mut kept = first;
    for at in first..leaves.len() {
        leaves[kept] = leaves[at];
        kept += usize::from(keep(&leaves[kept]));
    }
    leaves.truncate(kept);
}

impl<U: Space, L: Space> Kernel<U, L> {
    /// What [`Layer::block`](terrace_policy::Layer::block) answers.
    pub(crate) fn block_of(
        &mut self,
        secondaries: &mut Secondaries<'_, U, L>,
        space: SpaceId,
        at: Addr<Upper>,
    ) -> Outcome<Block> {
        let at = Self::own_addr(at)?;
        let place = self.space(space).ok_or(Refused::Gone)?;
        if !place.area(at).is_some_and(|area| area.holds_block(at, PageSize::Size2M)) {
            return Ok(self.scanned(1, Block::Outside));
        }
        match place.held(at) {
            Held::Nothing => Ok(self.scanned(1, Block::Empty)),
            Held::Huge => Ok(self.scanned(1, Block::Huge)),
            Held::Base => {
                let page = Page::containing(at, PageSize::Size2M);
                let parts: Vec<_> = place.base_pages(page).collect();
                let mut seen: Vec<_> = parts.iter().map(Self::seen).collect();
                of(secondaries, space).for_each(|table| table.note_used(&mut seen));
                let used = seen.iter().filter(|leaf| leaf.accessed).count();
                let low = |count: usize| convert::low16(convert::count(count));
                let in_place = collapse::in_place(page, &parts).map(Addr::reinterpret);
                let block = Block::Base { present: low(parts.len()), accessed: low(used), in_place };
                Ok(self.scanned(512, block))
            }
        }
    }

    /// What [`Layer::leaves`](terrace_policy::Layer::leaves) answers.
    pub(crate) fn leaves_from(
        &mut self,
        secondaries: &mut Secondaries<'_, U, L>,
        from: Cursor,
        most: usize,
        out: &mut Vec<Leaf>,
    ) -> Outcome<Option<Cursor>> {
        let at = Self::own_addr(from.at)?;
        let place = self.space(from.space).ok_or(Refused::Gone)?;
        let span = Span { start: at, bytes: place.areas_end().saturating_sub(at.get()) };
        let before = out.len();
        out.extend(place.table.leaves(span).take(most).map(|leaf| Self::seen(&leaf)));
        of(secondaries, from.space).for_each(|table| table.note_used(&mut out[before..]));
        let found = out.len() - before;
        let next = if found == most { out.last() } else { None };
        let next = next.map(|leaf| Cursor { space: from.space, at: leaf.page.next().start() });
        Ok(self.scanned(convert::count(found), next))
    }

    /// What [`Layer::accessed`](terrace_policy::Layer::accessed) answers and does. All bits are read before the first is
    /// cleared: a leaf that is walked may lie over several of the space's (a pseudo huge page).
    pub(crate) fn accessed_in(
        &mut self,
        secondaries: &mut Secondaries<'_, U, L>,
        space: SpaceId,
        span: Span<Upper>,
        op: AccessedOp,
        flush: FlushScope,
        out: &mut Vec<Leaf>,
    ) -> Outcome<()> {
        let own = Span { start: Self::own_addr(span.start)?, bytes: span.bytes };
        let place = self.spaces.get_mut(index(space)).and_then(Option::as_mut).ok_or(Refused::Gone)?;
        let tables = 1 + of(secondaries, space).count();
        let mut leaves = place.table.leaves(own).map(|leaf| Self::seen(&leaf));
        let (first, mut looked) = (out.len(), 0);
        loop {
            let before = out.len();
            out.extend(leaves.by_ref().take(AT_ONCE));
            let found = out.len() - before;
            if found == 0 {
                break;
            }
            of(secondaries, space).for_each(|table| table.note_used(&mut out[before..]));
            retain_from(out, before, |leaf| leaf.accessed);
            looked += convert::count(tables * found);
        }
        let used = &out[first..];
        let page_of = |leaf: &Leaf| Page::<U>::containing(leaf.page.start().reinterpret(), leaf.size());
        if op == AccessedOp::Read {
            return Ok(self.scanned(looked, ()));
        }
        for leaf in used {
            let page = page_of(leaf);
            if let Ok((LeafFlags::ACCESSED, _)) = place.table.clear_used(page, LeafFlags::ACCESSED) {
                self.pending.written.push(Written { space, addr: page.start(), level: page.size().level() });
            }
            of(secondaries, space).for_each(|table| table.clear_used(leaf, flush != FlushScope::None));
        }
        // Where others are walked nothing is cached that was translated by the space's own table.
        if tables == 1 && !used.is_empty() {
            match flush {
                FlushScope::None => {}
                FlushScope::Pages => {
                    let spans = used.iter().map(|leaf| Stale::page(space, page_of(leaf)));
                    self.pending.stale.extend(spans);
                }
                FlushScope::Space => {
                    let all = Span { start: Addr::ZERO, bytes: place.areas_end() };
                    self.pending.stale.push(Stale { space, span: all, smallest: PageSize::Size4K });
                }
            }
        }
        Ok(self.scanned(looked, ()))
    }
}
