//! Memory that is fragmented on purpose.
//!
//! The papers on huge pages allocate much memory and free a scattered part of it. What that leaves is reached here with
//! the fewest frames held: one in each of many free 2 MiB blocks, which are chosen at random, makes the other 511 of
//! each useless for huge pages.

use alloc::vec::Vec;

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use terrace_addr::{Addr, Bytes, Space, convert};

use crate::{Memory, Mobility, NodeId, Order, Tag};

/// How a node's free memory is to be fragmented.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fragmenter {
    /// The node.
    pub node: NodeId,
    /// The wanted [unusable index](Memory::unusable_index) for huge pages, from 0 to 1.
    pub wish: f64,
    /// Chooses where.
    pub seed: u64,
    /// Whether the frames that are held can be moved, by a mover that knows [`Tag::CRUMB`].
    pub mobility: Mobility,
}

/// Fragmented memory. The frames stay used when this is dropped.
#[must_use = "the frames that it holds can only be given back through it"]
#[derive(Debug, Clone, PartialEq)]
pub struct Fragmented<L: Space> {
    /// The frames that are held, as they were taken. All have the tag [`Tag::CRUMB`].
    pub crumbs: Vec<Addr<L>>,
    /// The index that was reached.
    pub reached: f64,
    node: NodeId,
}

impl Fragmenter {
    /// Holds frames until the index is as near to the wish as it gets. It rises by 2 MiB ÷ free memory with each. An
    /// index that is above the wish stays: only more free memory would lower it.
    pub fn drive<L: Space>(&self, memory: &mut Memory<L>) -> Fragmented<L> {
        let index = |memory: &Memory<L>| memory.unusable_index(Some(self.node), Order::HUGE);
        let mut random = Xoshiro256PlusPlus::seed_from_u64(self.seed);
        let mut blocks = free_blocks(memory, self.node);
        let mut crumbs = Vec::new();
        let mut reached = index(memory);
        while reached < self.wish && !blocks.is_empty() {
            let block = blocks.swap_remove(convert::index(below(&mut random, convert::count(blocks.len()))));
            let frame = below(&mut random, Order::HUGE.frames());
            let crumb = block.offset_by(Order::BASE.bytes().times(frame).get());
            if memory.allocate_at(crumb, Order::BASE, self.mobility).is_err() {
                unreachable!("{crumb:?} is part of a free block");
            }
            let next = index(memory);
            if next - self.wish > self.wish - reached {
                memory.free(crumb, Order::BASE);
                break;
            }
            memory.set_tag(crumb, Tag::CRUMB);
            crumbs.push(crumb);
            reached = next;
        }
        Fragmented { crumbs, reached, node: self.node }
    }
}

impl<L: Space> Fragmented<L> {
    /// Gives the frames back. Those that compaction has moved are found by their tag: two `Fragmented` of one node,
    /// both with movable frames, must be released together.
    pub fn release(self, memory: &mut Memory<L>) {
        let mut moved = 0;
        for &crumb in &self.crumbs {
            if memory.tag(crumb) == Some(Tag::CRUMB) {
                memory.free(crumb, Order::BASE);
            } else {
                moved += 1;
            }
        }
        if moved > 0 {
            let found: Vec<_> = memory.tagged(self.node, Tag::CRUMB).take(moved).collect();
            for crumb in found {
                memory.free(crumb, Order::BASE);
            }
        }
    }
}

/// The aligned free blocks of a huge page's size.
fn free_blocks<L: Space>(memory: &Memory<L>, node: NodeId) -> Vec<Addr<L>> {
    let size = Order::HUGE.bytes();
    let of_extent = |start: Addr<L>, bytes: Bytes| {
        let first = start.get().next_multiple_of(size.get());
        let count = (start.get() + bytes.get()).saturating_sub(first) / size.get();
        (0..count).map(move |number| Addr::truncate(first + size.times(number).get()))
    };
    memory.extents(node, size).flat_map(|extent| of_extent(extent.start, extent.bytes)).collect()
}

/// A random number below `limit` (Lemire, "Fast random integer generation in an interval", 2019, without the step that
/// removes a bias of at most `limit` ÷ 2⁶⁴).
fn below(random: &mut Xoshiro256PlusPlus, limit: u64) -> u64 {
    let wide = u128::from(random.next_u64()) * u128::from(limit);
    u64::try_from(wide >> 64).unwrap_or(u64::MAX)
}
