//! Paging-structure caches: where a walk may start.

use std::collections::BTreeMap;

use terrace_addr::{Addr, Hpa, Space};
use terrace_machine::{WalkCache, array_seed};
use terrace_table::Node;

use super::tlb::shape;
use crate::BuildError;
use crate::array::{Array, Key, Policy};
use crate::translation::{Allows, Packed};

/// The deepest level has no cache (its entries are leaves) and there is no level above 5.
const LEVELS: usize = 6;

/// The caches of one dimension, by the level of the entries that they hold.
#[derive(Debug)]
pub(super) struct WalkCaches {
    levels: [Option<Array<(u64, u64)>>; LEVELS],
    any: bool,
}

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
}

impl WalkCaches {
    pub(super) fn new(
        path: &str,
        caches: &BTreeMap<String, WalkCache>,
        core: u32,
        seed: u64,
    ) -> Result<Self, BuildError> {
        let mut levels = [const { None }; LEVELS];
        for (name, cache) in caches {
            let path = format!("{path}.{name}");
            let policy = Policy { replacement: cache.replacement, seed: array_seed(seed, core, &path) };
            let array = Array::new(shape(&path, cache.entries, cache.ways)?, policy);
            for (level, slot) in (0..).zip(&mut levels) {
                if cache.level == level {
                    *slot = Some(array);
                    break;
                }
            }
        }
        let any = levels.iter().any(Option::is_some);
        Ok(Self { levels, any })
    }

    /// Looks all caches up; the deepest hit is where the walk of a table of `levels` levels starts.
    #[inline(always)]
    pub(super) fn lookup<S: Space>(&mut self, addr: Addr<S>, levels: u32, context: u16) -> Option<Place> {
        if !self.any {
            return None;
        }
        let mut deepest = None;
        for (level, array) in (2..=levels).zip(self.levels.iter_mut().skip(2)) {
            let Some(array) = array else { continue };
            if let Some((packed, node)) = array.lookup(Key::prefix(addr, level, context)) {
                let packed = Packed::from_bits(packed);
                deepest.get_or_insert(Place {
                    level: level - 1,
                    address: packed.address(),
                    node: Node::from_bits(terrace_addr::convert::low32(node)),
                    allows: packed.allows(),
                });
            }
        }
        deepest
    }

    /// Keeps where the entry of the level above `place` leads.
    #[inline(always)]
    pub(super) fn insert<S: Space>(&mut self, addr: Addr<S>, context: u16, place: Place) {
        let level = place.level + 1;
        if let Some(Some(array)) = self.levels.get_mut(terrace_addr::convert::index32(level)) {
            let packed = Packed::new(place.address, place.allows);
            let node = u64::from(place.node.to_bits());
            array.insert_new(Key::prefix(addr, level, context), (packed.bits(), node));
        }
    }

    /// Removes the entries of all levels that translate `addr`.
    pub(super) fn remove<S: Space>(&mut self, addr: Addr<S>, context: u16) {
        for (level, array) in (0..).zip(&mut self.levels).skip(2) {
            if let Some(array) = array {
                array.remove(Key::prefix(addr, level, context));
            }
        }
    }

    /// Removes every entry whose key is `unwanted`, and counts them.
    pub(super) fn remove_if(&mut self, mut unwanted: impl FnMut(Key) -> bool) -> u64 {
        self.levels.iter_mut().flatten().map(|array| array.remove_if(|key, _| unwanted(key))).sum()
    }
}
