//! The promoting thread (Promote-kth).

use alloc::vec::Vec;

use terrace_addr::{Addr, Cycles, Nanos};
use terrace_policy::{Action, Block, Budget, CollapseInto, Cursor, Layer, Refused, SpaceId};

use super::Ingens;
use crate::blocks::{BLOCK, huge_page};

/// What came of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Came {
    Done,
    NoBlock,
}

impl Ingens {
    /// A batch, if it is time.
    pub(super) fn promote(&mut self, layer: &mut dyn Layer, budget: &mut Budget) {
        let now = layer.now();
        if now < self.promote_at {
            return;
        }
        let mut sleep = self.promote_sleep;
        let needed = self.needed(layer);
        for _ in 0..self.batch {
            let Self { queue, spaces, idle_tax, fair, .. } = self;
            let rank = |space: SpaceId| match spaces.get(&space) {
                Some(space) if *fair => space.promotion_metric(*idle_tax),
                _ => 0.0,
            };
            let Some((space, block)) = queue.pop(rank) else { break };
            if self.promote_block(layer, budget, (space, block), needed) == Came::NoBlock {
                self.queue.put_back(space, block);
                self.counts.no_block += 1;
                sleep = self.alloc_sleep;
                break;
            }
            if budget.left() == Cycles::ZERO {
                break;
            }
        }
        self.promote_at = Nanos::new(now.get().saturating_add(sleep.get()));
    }

    fn promote_block(
        &mut self,
        layer: &mut dyn Layer,
        budget: &mut Budget,
        (space, block): (SpaceId, u64),
        needed: u64,
    ) -> Came {
        let seen = layer.block(space, Addr::truncate(block)).map(|seen| {
            budget.spend(seen.cost);
            seen.value
        });
        let Some(watched) = self.spaces.get_mut(&space).and_then(|space| space.blocks.get_mut(&block)) else {
            return Came::Done;
        };
        let present = match seen {
            Ok(Block::Base { present, .. }) => u64::from(present),
            Ok(Block::Huge) => {
                watched.huge = true;
                watched.requested = false;
                return Came::Done;
            }
            Ok(Block::Empty | Block::Outside) | Err(_) => 0,
        };
        if present < needed {
            // Pages were given back since, or memory is fragmented now.
            self.counts.dropped += 1;
            watched.requested = false;
            if present < watched.used() {
                self.read_again(layer, budget, space, block);
            }
            return Came::Done;
        }
        match layer.apply(&Action::Collapse { space, page: huge_page(block), into: CollapseInto::Any }) {
            Ok(applied) => {
                budget.spend(applied.cost);
                self.counts.promoted += 1;
                watched.huge = true;
            }
            Err(Refused::NoMemory) => return Came::NoBlock,
            Err(_) => self.counts.refused += 1,
        }
        watched.requested = false;
        Came::Done
    }

    /// Learns anew which pages of a block are there.
    fn read_again(&mut self, layer: &mut dyn Layer, budget: &mut Budget, space: SpaceId, block: u64) {
        let mut leaves = Vec::new();
        let listed = layer.leaves(Cursor { space, at: Addr::truncate(block) }, 512, &mut leaves);
        if let Ok(listed) = listed {
            budget.spend(listed.cost);
        }
        let pages = leaves.iter().map(|leaf| leaf.page.start().get());
        let pages: Vec<u64> = pages.filter(|&at| (block..block + BLOCK).contains(&at)).collect();
        let Some(blocks) = self.spaces.get_mut(&space).map(|space| &mut space.blocks) else { return };
        if pages.is_empty() {
            blocks.remove(&block);
        } else if let Some(watched) = blocks.get_mut(&block) {
            watched.clear();
            for at in pages {
                watched.set(at);
            }
        }
    }
}
