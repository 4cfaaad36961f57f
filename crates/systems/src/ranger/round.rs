//! Going through address spaces.

use alloc::vec::Vec;

use terrace_policy::{Layer, Region, SpaceId};

use crate::blocks::{BLOCK, block_of, end_of};

/// Goes through the blocks of 2M of all spaces of which a part lies in a region, and then begins anew.
#[derive(Debug, Clone, Default)]
pub(super) struct Round {
    /// The space that it is in, and the first address that was not looked at.
    at: Option<(SpaceId, u64)>,
    /// The regions of that space, as they were when this part of the round began.
    regions: Vec<Region>,
    known: Option<SpaceId>,
}

impl Round {
    /// Goes on after a pause, in which regions may have come and gone.
    pub(super) const fn resume(&mut self) {
        self.known = None;
    }

    /// The regions of the space that the last block was of.
    pub(super) fn regions(&self) -> &[Region] {
        &self.regions
    }

    /// The next block; none at the end of a round.
    pub(super) fn next(&mut self, layer: &mut dyn Layer) -> Option<(SpaceId, u64)> {
        let mut spaces = Vec::new();
        loop {
            let (space, from) = match self.at {
                Some(at) => at,
                None => (next_space(layer, &mut spaces, None)?, 0),
            };
            if self.known != Some(space) {
                self.regions.clear();
                // Of a space that ended nothing is listed.
                let _listed = layer.regions(space, &mut self.regions);
                self.known = Some(space);
            }
            if let Some(block) = next_block(&self.regions, from) {
                self.at = Some((space, block + BLOCK));
                return Some((space, block));
            }
            self.at = next_space(layer, &mut spaces, Some(space)).map(|next| (next, 0));
            self.at?;
        }
    }
}

/// The space behind another one, or the first.
fn next_space(layer: &mut dyn Layer, spaces: &mut Vec<SpaceId>, behind: Option<SpaceId>) -> Option<SpaceId> {
    if spaces.is_empty() {
        let _listed = layer.spaces(spaces);
    }
    spaces.iter().copied().find(|&next| behind.is_none_or(|behind| next > behind))
}

/// The first block at or behind an address, at which a block begins.
fn next_block(regions: &[Region], from: u64) -> Option<u64> {
    let region = regions.get(regions.partition_point(|region| end_of(region) <= from))?;
    Some(block_of(region.span.start.get().max(from)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use terrace_addr::{Addr, Span};
    use terrace_policy::Advice;

    #[test]
    fn each_block_comes_once_however_many_regions_share_it() {
        let region = |start, bytes| Region {
            span: Span { start: Addr::new(start), bytes },
            advice: Advice::Default,
            guest_start: None,
        };
        let regions = [region(0x10_0000, 2 * BLOCK), region(0x5f_f000, 0x2000), region(0x60_2000, 0x1000)];
        let mut found = Vec::new();
        let mut from = 0;
        while let Some(block) = next_block(&regions, from) {
            found.push(block / BLOCK);
            from = block + BLOCK;
        }
        assert_eq!(found, [0, 1, 2, 3]);
    }
}
