//! Paging-structure caches: where a walk may start.

use std::collections::BTreeMap;

use terrace_addr::{Addr, Hpa, Space, convert};
use terrace_machine::{WalkCache, array_seed};
use terrace_raw::vector::Vector;
use terrace_table::{EntryIndex, Node};

use super::tlb::shape;
use crate::BuildError;
use crate::array::{Array, Key, Slot};
use crate::sets::Policy;
use crate::translation::Packed;

/// The caches of one dimension, by the level of the entries that they hold.
#[derive(Debug)]
pub(super) struct WalkCaches {
    /// Highest level first.
    caches: Vec<LevelCache>,
    /// For each level, the place of its cache, or [`NOWHERE`].
    places: [usize; LEVELS],
}

#[derive(Debug)]
struct LevelCache {
    level: u32,
    array: Array<Content>,
    /// The bits of the key of the entry that was touched last, or [`NOTHING`]: touching it again changes nothing,
    /// whatever the policy.
    last: u64,
    last_slot: Slot,
}

/// Levels have numbers below.
pub(super) const LEVELS: usize = 8;

/// No cache holds entries of this level.
const NOWHERE: usize = usize::MAX;

/// No key has these bits.
const NOTHING: u64 = 0;

/// A table's address in memory with what is allowed, its node, and its address in its own space.
type Content = (u64, (u64, u64));

/// Where a walk goes on: a node, and what the entries above it allow.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// The node's level.
    pub(super) level: u32,
    /// The node.
    pub(super) node: Node,
    /// The node's address in memory, and what the entries on the way to the node allow.
    pub(super) packed: Packed,
    /// The node's address in the space that its table's entries refer to.
    pub(super) lower: u64,
}

impl Place {
    /// Where an entry of the node is in memory.
    #[inline(always)]
    pub(super) const fn entry(&self, index: EntryIndex) -> Addr<Hpa> {
        self.packed.address().within(index.byte_offset())
    }
}

impl WalkCaches {
    pub(super) fn new(
        path: &str,
        caches: &BTreeMap<String, WalkCache>,
        core: u32,
        seed: u64,
    ) -> Result<Self, BuildError> {
        let mut built = Vec::new();
        for (name, cache) in caches {
            let path = format!("{path}.{name}");
            let policy = Policy { replacement: cache.replacement, seed: array_seed(seed, core, &path) };
            let array = Array::new(shape(&path, cache.entries, cache.ways)?, policy);
            built.push(LevelCache { level: cache.level, array, last: NOTHING, last_slot: Slot::default() });
        }
        built.sort_by_key(|cache| core::cmp::Reverse(cache.level));
        let mut places = [NOWHERE; LEVELS];
        for (place, cache) in built.iter().enumerate() {
            places[convert::index32(cache.level)] = place;
        }
        Ok(Self { caches: built, places })
    }

    /// Looks all caches up; the deepest hit is where the walk of a table of `levels` levels starts.
    #[inline(always)]
    pub(super) fn lookup<V: Vector, S: Space>(
        &mut self,
        vector: V,
        addr: Addr<S>,
        levels: u32,
        context: u16,
    ) -> Option<Place> {
        let mut deepest = None;
        for (at, cache) in self.caches.iter_mut().enumerate() {
            if cache.level > levels {
                continue;
            }
            let key = Key::prefix(addr, cache.level, context);
            if cache.last != key.bits() {
                let Some(slot) = cache.array.lookup(vector, key) else { continue };
                cache.last = key.bits();
                cache.last_slot = slot;
            }
            deepest = Some(at);
        }
        let LevelCache { level, array, last_slot, .. } = &self.caches[deepest?];
        let (packed, (node, lower)) = array.content(*last_slot);
        Some(Place {
            level: level - 1,
            node: Node::from_bits(convert::low32(node)),
            packed: Packed::from_bits(packed),
            lower,
        })
    }

    /// Keeps where the entry of the level above `place` leads.
    #[inline(always)]
    pub(super) fn insert<S: Space>(&mut self, addr: Addr<S>, context: u16, place: Place) {
        let level = place.level + 1;
        if let Some(cache) = self.caches.get_mut(self.places[convert::index32(level) % LEVELS]) {
            let kept = (place.packed.bits(), (u64::from(place.node.to_bits()), place.lower));
            let key = Key::prefix(addr, level, context);
            cache.last = key.bits();
            cache.last_slot = cache.array.insert_new(key, kept);
        }
    }

    /// Removes the entries of all levels that translate `addr`.
    pub(super) fn remove<S: Space>(&mut self, addr: Addr<S>, context: u16) {
        for LevelCache { level, array, last, .. } in &mut self.caches {
            array.remove(Key::prefix(addr, *level, context));
            *last = NOTHING;
        }
    }

    /// Removes every entry that is `unwanted`, by its level and key, and counts them.
    pub(super) fn remove_if(&mut self, mut unwanted: impl FnMut(u32, Key) -> bool) -> u64 {
        let caches = self.caches.iter_mut();
        let remove = |LevelCache { level, array, last, .. }: &mut LevelCache| {
            *last = NOTHING;
            array.remove_if(|key, _| unwanted(*level, key))
        };
        caches.map(remove).sum()
    }

    /// The keys of all entries.
    pub(super) fn keys(&self) -> impl Iterator<Item = Key> {
        self.caches.iter().flat_map(|cache| cache.array.iter().map(|(key, _)| key))
    }
}
