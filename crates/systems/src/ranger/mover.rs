//! Bringing the pages of a block to their places.

use alloc::vec::Vec;

use terrace_addr::{Addr, Bytes, Lower, Page, PageSize, Upper};
use terrace_policy::{Action, Budget, Cursor, FrameUse, Layer, Leaf, SpaceId};

use super::anchors::Anchors;
use super::counts::Counts;
use crate::blocks::BLOCK;

/// What lies at a page's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Aim {
    /// Nothing.
    Free,
    /// A page of the same size.
    Page(SpaceId, Page<Upper>),
    /// A page of another size, or a part of one.
    OtherSize,
    /// Nothing that could be moved, or no memory.
    Unmovable,
}

/// What came of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
    /// Every page that it has lies at its place.
    Aligned,
    /// Some do not.
    Partly,
    /// Something in its place cannot be moved: nothing was moved.
    Blocked,
    /// The budget was used up before its end.
    Spent,
}

/// What to do where a page's place cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blocked {
    /// Nothing is moved.
    Stop,
    /// That page stays where it is.
    Skip,
}

/// The pages of a block, in order.
pub(super) fn leaves(
    layer: &mut dyn Layer,
    budget: &mut Budget,
    space: SpaceId,
    block: u64,
    out: &mut Vec<Leaf>,
) -> bool {
    let from = Cursor { space, at: Addr::truncate(block) };
    let Ok(listed) = layer.leaves(from, 512, out) else { return true };
    out.retain(|leaf| leaf.page.start().get() < block + BLOCK && leaf.size() != PageSize::Size1G);
    budget.spend(listed.cost)
}

/// Moves the pages of a block to where their anchors say.
pub(super) fn bring(
    layer: &mut dyn Layer,
    budget: &mut Budget,
    (space, pages): (SpaceId, &[Leaf]),
    anchors: &Anchors,
    blocked: Blocked,
    counts: &mut Counts,
) -> Came {
    let mut anchor_of = anchors.in_turn(space);
    let mut place = |leaf: &Leaf| {
        let at = leaf.page.start().get();
        anchor_of(at).map(|anchor| Addr::<Lower>::truncate(anchor.place(at)))
    };
    let (mut left, mut came) = (Vec::new(), Came::Aligned);
    for leaf in pages {
        let Some(target) = place(leaf) else { continue };
        if leaf.frame == target {
            counts.aligned += 1;
            continue;
        }
        match aim(layer, budget, target, leaf.size()) {
            Aim::Free | Aim::Page(..) => {
                left.push((leaf.page, target));
                continue;
            }
            Aim::OtherSize => counts.other_size += 1,
            Aim::Unmovable => counts.unmovable += 1,
        }
        if blocked == Blocked::Stop {
            return Came::Blocked;
        }
        came = Came::Partly;
    }
    for (page, target) in left {
        // An exchange may have brought it there, or something else to its place.
        let mut now = Vec::new();
        let read = layer.leaves(Cursor { space, at: page.start() }, 1, &mut now);
        if read.is_ok_and(|read| !budget.spend(read.cost)) {
            return Came::Spent;
        }
        match now.first() {
            Some(leaf) if leaf.page == page && leaf.frame != target => {}
            _ => continue,
        }
        let moved = match aim(layer, budget, target, page.size()) {
            Aim::Free => {
                go(layer, budget, Action::Migrate { space, page, to: Some(target) }, &mut counts.migrated)
            }
            Aim::Page(other, there) if other == space => {
                let exchange = Action::Exchange { space, pages: [page, there] };
                go(layer, budget, exchange, &mut counts.exchanged)
            }
            Aim::Page(other, there) => {
                let mut away = 0;
                go(layer, budget, Action::Migrate { space: other, page: there, to: None }, &mut away)
                    && go(
                        layer,
                        budget,
                        Action::Migrate { space, page, to: Some(target) },
                        &mut counts.evicted,
                    )
            }
            Aim::OtherSize | Aim::Unmovable => false,
        };
        if !moved {
            counts.refused += 1;
            came = Came::Partly;
        }
        if budget.left() == terrace_addr::Cycles::ZERO {
            return Came::Spent;
        }
    }
    came
}

/// Does it, pays for it and counts it.
fn go(layer: &mut dyn Layer, budget: &mut Budget, action: Action, count: &mut u64) -> bool {
    let Ok(applied) = layer.apply(&action) else { return false };
    budget.spend(applied.cost);
    *count += 1;
    true
}

/// What lies at a place of this size.
fn aim(layer: &mut dyn Layer, budget: &mut Budget, target: Addr<Lower>, size: PageSize) -> Aim {
    if size == PageSize::Size2M && is_free_block(layer, budget, target) {
        return Aim::Free;
    }
    let Ok(seen) = layer.frame(target) else { return Aim::Unmovable };
    budget.spend(seen.cost);
    match seen.value {
        FrameUse::Free if size == PageSize::Size4K => return Aim::Free,
        // The block's first frame is free, and another is not.
        FrameUse::Free => return Aim::OtherSize,
        FrameUse::Absent | FrameUse::Reserved => return Aim::Unmovable,
        FrameUse::Used => {}
    }
    let Ok(holder) = layer.holder(target) else { return Aim::Unmovable };
    budget.spend(holder.cost);
    match holder.value {
        None => Aim::Unmovable,
        Some((space, page)) if page.size() == size => Aim::Page(space, page),
        Some(_) => Aim::OtherSize,
    }
}

fn is_free_block(layer: &mut dyn Layer, budget: &mut Budget, target: Addr<Lower>) -> bool {
    let Ok(found) = layer.next_free(target, Bytes::new(BLOCK)) else { return false };
    budget.spend(found.cost);
    found.value.is_some_and(|run| run.start == target)
}
