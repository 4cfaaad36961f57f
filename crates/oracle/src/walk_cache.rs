//! Paging-structure caches of either dimension (MODEL.md, "The walk" 1 and 2).

use std::collections::BTreeMap;

use terrace_addr::{Addr, Hpa, Space};
use terrace_machine::{Shape, WalkCache};
use terrace_table::Node;

use crate::array::Array;
use crate::rights::Rights;

/// The caches of one dimension, whose entries belong to contexts `C`: [`Own`](crate::context::Own) in the first,
/// [`Guest`](crate::context::Guest) in the second.
pub(crate) struct WalkCaches<C>(Vec<OneLevel<C>>);

struct OneLevel<C> {
    /// The level of the entries that it holds.
    level: u32,
    array: Array<Key<C>, Prefix>,
}

/// What an entry is found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Key<C> {
    index: u64,
    context: C,
}

/// What an entry of level L says: the table of level L − 1 that it refers to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Prefix {
    /// The table's final address.
    pub(crate) table: Addr<Hpa>,
    /// The table's place in the simulated memory: what a machine would find at that address.
    pub(crate) node: Node,
    /// The table's address as this dimension's entries say it.
    pub(crate) said: u64,
    /// What the entries from the root down to this one permit.
    pub(crate) rights: Rights,
    /// Whether EPT allows stores to the table's page.
    pub(crate) writable: bool,
}

/// `a` >> (12 + 9(L − 1)).
fn index<S: Space>(addr: Addr<S>, level: u32) -> u64 {
    addr.get() >> (12 + 9 * (level - 1))
}

impl<C: Copy + Eq> WalkCaches<C> {
    /// Empty caches; `seed_of` gives each its seed by its name in the machine file.
    pub(crate) fn new(caches: &BTreeMap<String, WalkCache>, seed_of: impl Fn(&str) -> u64) -> Self {
        let one = |(name, cache): (&String, &WalkCache)| {
            let shape = Shape::new(cache.entries, cache.ways).expect("a machine's shapes are checked");
            let (sets, ways) = (shape.sets().into(), shape.ways());
            OneLevel { level: cache.level, array: Array::new(sets, ways, cache.replacement, seed_of(name)) }
        };
        Self(caches.iter().map(one).collect())
    }

    /// Looks in the caches of levels 2 to `levels`, touching each hit; the deepest, with its level.
    pub(crate) fn look_up<S: Space>(
        &mut self,
        levels: u32,
        addr: Addr<S>,
        context: C,
    ) -> Option<(u32, Prefix)> {
        let mut deepest: Option<(u32, Prefix)> = None;
        for cache in self.0.iter_mut().filter(|cache| cache.level <= levels) {
            let index = index(addr, cache.level);
            if let Some(prefix) = cache.array.look_up(index, Key { index, context })
                && deepest.is_none_or(|(level, _)| cache.level < level)
            {
                deepest = Some((cache.level, prefix));
            }
        }
        deepest
    }

    /// Inserts what the entry of `level` for `addr` says, if that level has a cache.
    pub(crate) fn insert<S: Space>(&mut self, level: u32, addr: Addr<S>, context: C, prefix: Prefix) {
        for cache in self.0.iter_mut().filter(|cache| cache.level == level) {
            let index = index(addr, level);
            cache.array.insert(index, Key { index, context }, prefix);
        }
    }

    /// Removes the entries that are `unwanted`, which is told their tags and whether a walk of an address would find
    /// them.
    pub(crate) fn remove<S: Space>(&mut self, unwanted: impl Fn(C, &dyn Fn(Addr<S>) -> bool) -> bool) {
        for cache in &mut self.0 {
            let level = cache.level;
            cache.array.remove(|key, _| unwanted(key.context, &|addr| index(addr, level) == key.index));
        }
    }
}
