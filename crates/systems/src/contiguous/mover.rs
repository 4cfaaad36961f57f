//! Bringing memory to its place.

use alloc::vec::Vec;

use terrace_addr::{Addr, Cycles, Lower, Page, PageSize, Upper};
use terrace_policy::{Action, Block, CollapseInto, Cursor, Layer, Leaf, Refused, SpaceId};

use super::counts::Counts;
use crate::blocks::{BASE, BLOCK};

/// Moves memory of one machine.
pub(super) struct Mover<'a> {
    pub(super) layer: &'a mut dyn Layer,
    pub(super) space: SpaceId,
    pub(super) counts: &'a mut Counts,
    /// What it cost.
    pub(super) spent: Cycles,
}

impl Mover<'_> {
    /// Has a range, which lies in one block of 2M of the process, at `target`: what is there is moved, the rest is backed.
    pub(super) fn bring(&mut self, start: u64, bytes: u64, target: u64) -> Result<(), Refused> {
        let congruent = start.is_multiple_of(BLOCK) && target.is_multiple_of(BLOCK) && bytes == BLOCK;
        if !congruent {
            return self.bring_pages(start, bytes, target);
        }
        let page = Page::containing(Addr::<Upper>::truncate(start), PageSize::Size2M);
        let at = Addr::<Lower>::truncate(target);
        let space = self.space;
        let block = self.layer.block(space, page.start())?;
        self.spent += block.cost;
        match block.value {
            Block::Empty => {
                self.apply(Action::Populate { space, page, at })?;
                self.counts.populated += page.size().base_pages();
                Ok(())
            }
            Block::Huge => {
                if self.leaves(start, bytes)?.iter().all(|leaf| leaf.frame == at) {
                    return Ok(());
                }
                self.apply(Action::Migrate { space, page, to: Some(at) })?;
                self.counts.moved += page.size().base_pages();
                Ok(())
            }
            // Every page is at its place: one leaf or many is the same to a segment.
            Block::Base { present: 512, in_place: Some(here), .. } if here == at => Ok(()),
            Block::Base { present, in_place, .. } => {
                let into = CollapseInto::At(at);
                if self.apply(Action::Collapse { space, page, into }).is_err() {
                    return self.bring_pages(start, bytes, target);
                }
                let moved = if in_place == Some(at) { 0 } else { u64::from(present) };
                self.counts.moved += moved;
                self.counts.populated += 512 - u64::from(present);
                Ok(())
            }
            Block::Outside => self.bring_pages(start, bytes, target),
        }
    }

    /// The same page by page.
    fn bring_pages(&mut self, start: u64, bytes: u64, target: u64) -> Result<(), Refused> {
        let space = self.space;
        let huge: Vec<_> =
            self.leaves(start, bytes)?.into_iter().filter(|leaf| leaf.size() != PageSize::Size4K).collect();
        for leaf in huge {
            let first = leaf.page.start().get().max(start);
            let place = (target + (first - start)).wrapping_sub(first - leaf.page.start().get());
            if leaf.frame.get() != place {
                self.apply(Action::Split { space, page: leaf.page })?;
            }
        }
        let mut found = self.leaves(start, bytes)?.into_iter().peekable();
        let mut at = start;
        while at < start + bytes {
            let to = Addr::<Lower>::truncate(target + (at - start));
            let page = Page::containing(Addr::<Upper>::truncate(at), PageSize::Size4K);
            match found.next_if(|leaf| leaf.page.contains(page.start())) {
                Some(leaf) if leaf.size() != PageSize::Size4K => {
                    at = leaf.page.next().start().get();
                    continue;
                }
                Some(leaf) if leaf.frame == to => {}
                Some(_) => {
                    self.apply(Action::Migrate { space, page, to: Some(to) })?;
                    self.counts.moved += 1;
                }
                None => {
                    self.apply(Action::Populate { space, page, at: to })?;
                    self.counts.populated += 1;
                }
            }
            at += BASE;
        }
        Ok(())
    }

    /// The leaves of a range of at most 2M.
    fn leaves(&mut self, start: u64, bytes: u64) -> Result<Vec<Leaf>, Refused> {
        let mut leaves = Vec::new();
        let from = Cursor { space: self.space, at: Addr::truncate(start) };
        let listed = self.layer.leaves(from, 513, &mut leaves)?;
        self.spent += listed.cost;
        leaves.retain(|leaf| leaf.page.start().get() < start + bytes);
        Ok(leaves)
    }

    fn apply(&mut self, action: Action) -> Result<(), Refused> {
        let applied = self.layer.apply(&action)?;
        self.spent += applied.cost;
        Ok(())
    }
}
