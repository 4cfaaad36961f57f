//! The scanning thread (Scan-kth).

use alloc::vec::Vec;

use terrace_addr::{Addr, Nanos, PageSize, convert};
use terrace_policy::{AccessedOp, Block, Budget, FlushScope, Layer, SpaceId};

use super::Ingens;
use crate::blocks::{self, BLOCK, block_of};

/// Where a scan stands.
#[derive(Debug, Clone)]
pub(super) struct Scanner {
    sleep: Nanos,
    /// One of so many blocks of hot base pages is looked at.
    one_of: u64,
    flush: FlushScope,
    /// Which scan it is.
    number: u64,
    /// The space and the block that come next; none between two scans.
    at: Option<(SpaceId, u64)>,
    /// Huge pages that this scan saw in the space, and those of them that were idle.
    seen: [u64; 2],
    pub(super) wake: Nanos,
}

impl Scanner {
    pub(super) fn new(sleep: Nanos, sample_hot: f64, flush: FlushScope) -> Self {
        // A share of 0 would look at none for ever.
        let one_of = convert::floor(1.0 / sample_hot.max(1.0 / 1024.0) + 0.5).max(1);
        // The first scan is as far off as any other.
        Self { sleep, one_of, flush, number: 0, at: None, seen: [0, 0], wake: sleep }
    }

    /// Whether this scan looks at a block whose base pages are hot.
    const fn samples(&self, block: u64) -> bool {
        (block / BLOCK + self.number).is_multiple_of(self.one_of)
    }
}

impl Ingens {
    /// A scan, or a part of one, if it is time.
    pub(super) fn scan(&mut self, layer: &mut dyn Layer, budget: &mut Budget) {
        let now = layer.now();
        if now < self.scanner.wake {
            return;
        }
        let needed = self.needed(layer);
        let (mut space, mut from) = self.scanner.at.take().unwrap_or((SpaceId(0), 0));
        loop {
            let next = self.spaces.range(space..).next().map(|(&next, _)| next);
            let Some(found) = next else { break };
            if found != space {
                (space, from) = (found, 0);
            }
            let block = self.spaces[&space].blocks.range(from..).next().map(|(&block, _)| block);
            let Some(block) = block else {
                self.end_of_space(space);
                (space, from) = (SpaceId(space.0.saturating_add(1)), 0);
                continue;
            };
            from = block + BLOCK;
            if !self.scan_block(layer, budget, (space, block), needed) {
                self.scanner.at = Some((space, from));
                self.scanner.wake = Nanos::new(now.get().saturating_add(self.promote_sleep.get()));
                return;
            }
        }
        self.counts.scans += 1;
        self.scanner.number += 1;
        self.scanner.wake = Nanos::new(now.get().saturating_add(self.scanner.sleep.get()));
    }

    fn end_of_space(&mut self, space: SpaceId) {
        let [huge, idle] = core::mem::take(&mut self.scanner.seen);
        if let Some(space) = self.spaces.get_mut(&space) {
            space.idle = if huge == 0 { 0.0 } else { convert::ratio(idle, huge) };
        }
    }

    /// Reads and clears the accessed bits of a block; whether the budget allows another one.
    fn scan_block(
        &mut self,
        layer: &mut dyn Layer,
        budget: &mut Budget,
        (space, block): (SpaceId, u64),
        needed: u64,
    ) -> bool {
        let Some(blocks) = self.spaces.get_mut(&space).map(|space| &mut space.blocks) else { return true };
        let Some(watched) = blocks.get_mut(&block) else { return true };
        if !watched.huge && watched.is_hot() && !self.scanner.samples(block) {
            self.counts.not_sampled += 1;
            watched.scanned(true);
            return true;
        }
        let mut used = Vec::new();
        let (op, flush) = (AccessedOp::ReadAndClear, self.scanner.flush);
        let Ok(read) = layer.accessed(space, blocks::span(block), op, flush, &mut used) else {
            blocks.remove(&block);
            return true;
        };
        let mut left = budget.spend(read.cost);
        self.counts.scanned += 1;
        watched.scanned(!used.is_empty());
        for leaf in &used {
            match leaf.size() {
                PageSize::Size4K => {
                    if core::mem::take(&mut watched.huge) {
                        watched.clear();
                    }
                    if block_of(leaf.page.start().get()) == block {
                        watched.set(leaf.page.start().get());
                    }
                }
                _ => watched.huge = true,
            }
        }
        if watched.huge {
            self.scanner.seen[0] += 1;
            if used.is_empty() {
                self.scanner.seen[1] += 1;
                self.counts.idle_huge += 1;
            }
        }
        if watched.is_cold() {
            // It may have been given back.
            let seen = layer.block(space, Addr::truncate(block));
            if let Ok(seen) = &seen {
                left &= budget.spend(seen.cost);
            }
            if !matches!(seen.map(|seen| seen.value), Ok(Block::Huge | Block::Base { .. })) {
                blocks.remove(&block);
                return left;
            }
        }
        self.consider(space, block, needed);
        left
    }
}
