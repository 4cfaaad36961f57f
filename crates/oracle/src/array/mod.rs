//! A set-associative array (MODEL.md, "Arrays").
//!
//! Sets of ways, each way empty or holding an entry under its whole key. The set is the index modulo the number
//! of sets; a key is found by comparing it with that of every way.

mod order;

#[cfg(test)]
mod tests;

use rand_core::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use terrace_addr::convert;
use terrace_machine::Replacement;

use order::Order;

/// An array of entries `V` under keys `K`.
pub(crate) struct Array<K, V> {
    sets: Vec<Set<K, V>>,
    /// What `random` draws from: one stream for the whole array.
    stream: Xoshiro256PlusPlus,
}

struct Set<K, V> {
    ways: Vec<Option<(K, V)>>,
    order: Order,
}

impl<K: Copy + Eq, V: Copy> Array<K, V> {
    /// An empty array of `sets` × `ways`; `seed` starts its random stream.
    pub(crate) fn new(sets: u64, ways: u32, replacement: Replacement, seed: u64) -> Self {
        let ways = convert::index32(ways);
        let set = |_| Set { ways: vec![None; ways], order: Order::new(replacement, ways) };
        Self { sets: (0..sets).map(set).collect(), stream: Xoshiro256PlusPlus::seed_from_u64(seed) }
    }

    fn set(&mut self, index: u64) -> &mut Set<K, V> {
        let number = index % convert::count(self.sets.len());
        &mut self.sets[convert::index(number)]
    }

    /// The entry under `key`, which is touched if it is there.
    pub(crate) fn look_up(&mut self, index: u64, key: K) -> Option<V> {
        let set = self.set(index);
        let way = set.find(key)?;
        set.order.touch(way);
        set.ways[way].map(|(_, value)| value)
    }

    /// Puts `value` under `key`: in its place if it is there, else in the lowest empty way, else in the way that
    /// the replacement policy gives up.
    pub(crate) fn insert(&mut self, index: u64, key: K, value: V) {
        let number = convert::index(index % convert::count(self.sets.len()));
        let set = &mut self.sets[number];
        let empty = set.ways.iter().position(Option::is_none);
        let way =
            set.find(key).or(empty).unwrap_or_else(|| set.order.victim(set.ways.len(), &mut self.stream));
        set.ways[way] = Some((key, value));
        set.order.touch(way);
    }

    /// Empties the ways whose entries are `unwanted`.
    pub(crate) fn remove(&mut self, unwanted: impl Fn(K, V) -> bool) {
        for way in self.sets.iter_mut().flat_map(|set| &mut set.ways) {
            if way.is_some_and(|(key, value)| unwanted(key, value)) {
                *way = None;
            }
        }
    }
}

impl<K: Copy + Eq, V> Set<K, V> {
    fn find(&self, key: K) -> Option<usize> {
        self.ways.iter().position(|way| way.as_ref().is_some_and(|(held, _)| *held == key))
    }
}
