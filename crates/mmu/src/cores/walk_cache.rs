//! Paging-structure caches: where a walk may start.

use std::collections::BTreeMap;

use terrace_addr::{Addr, Hpa, Space, convert};
use terrace_machine::{WalkCache, array_seed};
use terrace_raw::vector::Vector;
use terrace_table::Node;

use super::tlb::shape;
use crate::BuildError;
use crate::array::{Array, Key, Slot};
use crate::sets::Policy;
use crate::translation::{Allows, Packed};

/// The caches of one dimension, by the level of the entries that they hold.
#[derive(Debug)]
pub(super) struct WalkCaches {
    /// Deepest level first.
    caches: Vec<LevelCache>,
    /// For each level, the place of its cache, if it has one.
    places: [Option<usize>; LEVELS],
}

#[derive(Debug)]
struct LevelCache {
    level: u32,
    array: Array<Content>,
    /// The entry that was touched last, by its key: touching it again changes nothing, whatever the policy.
    last: Option<(Key, Slot)>,
}

/// Levels have numbers below.
const LEVELS: usize = 6;

/// A table's address in memory with what is allowed, its node, and its address in its own space.
type Content = (u64, (u64, u64));

/// Where a walk goes on: a node, and what the entries above it allow.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// The node's level.
    pub(super) level: u32,
    /// The node's address in memory.
    pub(super) address: Addr<Hpa>,
    /// The node.
    pub(super) node: Node,
    /// What the entries on the way to the node allow.
    pub(super) allows: Allows,
    /// The node's address in the space that its table's entries refer to.
    pub(super) lower: u64,
}

impl LevelCache {
    /// Looks an entry up that is not the last one.
    #[inline(always)]
    fn lookup<V: Vector>(&mut self, vector: V, key: Key) -> Option<Slot> {
        let slot = self.array.lookup(vector, key)?;
        self.last = Some((key, slot));
        Some(slot)
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
            built.push(LevelCache { level: cache.level, array, last: None });
        }
        built.sort_by_key(|cache| cache.level);
        let mut places = [None; LEVELS];
        for (place, cache) in built.iter().enumerate() {
            places[convert::index32(cache.level)] = Some(place);
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
                break;
            }
            let key = Key::prefix(addr, cache.level, context);
            let found = match cache.last {
                Some((last, slot)) if last == key => Some(slot),
                _ => cache.lookup(vector, key),
            };
            if deepest.is_none()
                && let Some(slot) = found
            {
                deepest = Some((at, slot));
            }
        }
        let (at, slot) = deepest?;
        let LevelCache { level, array, .. } = &self.caches[at];
        let (packed, (node, lower)) = array.content(slot);
        let packed = Packed::from_bits(packed);
        Some(Place {
            level: level - 1,
            address: packed.address(),
            node: Node::from_bits(convert::low32(node)),
            allows: packed.allows(),
            lower,
        })
    }

    /// Keeps where the entry of the level above `place` leads.
    #[inline(always)]
    pub(super) fn insert<S: Space>(&mut self, addr: Addr<S>, context: u16, place: Place) {
        let level = place.level + 1;
        if let Some(at) = self.places[convert::index32(level) % LEVELS] {
            let packed = Packed::new(place.address, place.allows);
            let node = u64::from(place.node.to_bits());
            let kept = (packed.bits(), (node, place.lower));
            let cache = &mut self.caches[at];
            let key = Key::prefix(addr, level, context);
            cache.last = Some((key, cache.array.insert_new(key, kept)));
        }
    }

    /// Removes the entries of all levels that translate `addr`.
    pub(super) fn remove<S: Space>(&mut self, addr: Addr<S>, context: u16) {
        for LevelCache { level, array, last } in &mut self.caches {
            array.remove(Key::prefix(addr, *level, context));
            *last = None;
        }
    }

    /// Removes every entry that is `unwanted`, by its level and key, and counts them.
    pub(super) fn remove_if(&mut self, mut unwanted: impl FnMut(u32, Key) -> bool) -> u64 {
        let caches = self.caches.iter_mut();
        let remove = |LevelCache { level, array, last }: &mut LevelCache| {
            *last = None;
            array.remove_if(|key, _| unwanted(*level, key))
        };
        caches.map(remove).sum()
    }

    /// The keys of all entries.
    pub(super) fn keys(&self) -> impl Iterator<Item = Key> {
        self.caches.iter().flat_map(|cache| cache.array.iter().map(|(key, _)| key))
    }
}
