//! A guest hypervisor's machine, as the host sees it: the blocks of its nested guest, and where their homes are.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use terrace_addr::{Addr, Lower, Page, PageSize, Upper, convert};
use terrace_policy::{Layer, SpaceId};

use super::block::{Block, Home};

/// The bytes of a block.
pub(super) const BLOCK: u64 = PageSize::Size2M.bytes();

/// The start of the block that holds an address.
pub(super) const fn block_of(addr: u64) -> u64 {
    addr & !(BLOCK - 1)
}

/// The place of an address in its block, in base pages.
pub(super) fn place_of(addr: u64) -> usize {
    convert::index((addr & (BLOCK - 1)) >> PageSize::Size4K.shift())
}

/// The offset of a place in its block, in bytes.
pub(super) fn offset_of(place: usize) -> u64 {
    convert::count(place) << PageSize::Size4K.shift()
}

/// The machines, by the address space that holds their memory.
pub(super) type Machines = BTreeMap<SpaceId, Machine>;

/// A guest hypervisor's machine.
#[derive(Debug, Clone)]
pub(super) struct Machine {
    pub(super) space: SpaceId,
    /// Where its memory begins.
    origin: Addr<Upper>,
    /// Its length: a nested guest has less.
    bytes: u64,
    /// By their nested guest's guest-physical address.
    pub(super) blocks: BTreeMap<u64, Block>,
    /// Which block each home is for.
    pub(super) homes: BTreeMap<Addr<Lower>, u64>,
    /// Blocks that may become pseudo huge pages.
    pub(super) ready: BTreeSet<u64>,
    /// Blocks of the guest hypervisor's memory that it maps hugely, and that are to be huge below, too.
    pub(super) large: BTreeSet<Addr<Upper>>,
}

impl Machine {
    pub(super) fn new(layer: &mut dyn Layer, space: SpaceId) -> Self {
        let mut regions = Vec::new();
        let _listed = layer.regions(space, &mut regions);
        let origin = regions.first().map_or(Addr::ZERO, |region| region.span.start);
        Self {
            space,
            origin,
            bytes: regions.first().map_or(0, |region| region.span.bytes),
            blocks: BTreeMap::new(),
            homes: BTreeMap::new(),
            ready: BTreeSet::new(),
            large: BTreeSet::new(),
        }
    }

    /// More blocks its nested guest does not have: it is inside it.
    pub(super) const fn most_blocks(&self) -> u64 {
        self.bytes / BLOCK
    }

    /// The number of one of its pages; none if it lies outside of what can be kept.
    pub(super) fn number(&self, addr: Addr<Upper>) -> Option<u32> {
        let offset = addr.get().checked_sub(self.origin.get())?;
        u32::try_from(offset >> PageSize::Size4K.shift()).ok().filter(|&number| number < u32::MAX)
    }

    /// The page with a number.
    pub(super) fn page(&self, number: u32) -> Page<Upper> {
        let at = self.origin.offset_by(u64::from(number) << PageSize::Size4K.shift());
        Page::containing(at, PageSize::Size4K)
    }

    pub(super) fn block(&mut self, nested: u64) -> &mut Block {
        self.blocks.entry(block_of(nested)).or_insert_with(Block::new)
    }

    /// The block, and the place in it, whose home a frame lies in.
    pub(super) fn resident(&self, frame: Addr<Lower>) -> Option<(u64, usize)> {
        let &nested = self.homes.get(&frame.align_down(PageSize::Size2M))?;
        Some((nested, place_of(frame.get())))
    }

    /// A home that nothing lies in is given up.
    pub(super) fn abandon(&mut self, nested: u64) -> Option<Home> {
        let block = self.blocks.get_mut(&nested)?;
        let home = block.home.take()?;
        self.homes.remove(&home.at);
        block.forget_places();
        Some(home)
    }
}
