//! Set-associative arrays: where every cached translation lives.
//!
//! An [`Array`] finds an entry by its whole 64-bit key. 32-bit tags, compared with all ways of a set at once,
//! filter the ways; a match is always verified on the key, so nothing aliases.

use terrace_addr::convert;
use terrace_machine::Shape;
use terrace_raw::vector::{BASELINE, Vector};
use terrace_raw::{Masked, Work, Zeroable};

use crate::sets::{Policy, Sets, Uncommon};

mod key;

pub(crate) use key::{Key, number_above};

/// A set-associative array of entries with content `P`.
#[derive(Debug, Clone)]
pub(crate) struct Array<P: Zeroable> {
    set_mask: u64,
    sets: Sets,
    /// Keys with their content, set after set, each with room for a power of two of ways. The key of an empty way
    /// is 0.
    entries: Masked<(u64, P)>,
    way_bits: u32,
    /// For each page size, whether an entry of it was inserted since the array was empty: a size that is nowhere
    /// needs no lookup.
    seen: [bool; 3],
}

impl<P: Zeroable> Array<P> {
    pub(crate) fn new(shape: Shape, policy: Policy) -> Self {
        let sets = convert::index32(shape.sets());
        let ways = convert::index32(shape.ways());
        Self {
            set_mask: u64::from(shape.sets()) - 1,
            sets: Sets::new(sets, ways, policy),
            entries: Masked::zeroed(sets * ways.next_power_of_two()),
            way_bits: ways.next_power_of_two().trailing_zeros(),
            seen: [false; 3],
        }
    }

    #[inline(always)]
    fn set(&self, key: Key) -> usize {
        convert::index(key.number() & self.set_mask)
    }

    #[inline(always)]
    const fn slot(&self, set: usize, way: usize) -> usize {
        set << self.way_bits | way
    }

    /// The way of the entry with this key.
    fn find(&self, set: usize, key: Key) -> Option<usize> {
        self.sets.find(set, key.tag(), |way| self.entries.at(self.slot(set, way)).0 == key.bits())
    }

    /// Whether any entry may be for pages of the size with this index.
    #[inline(always)]
    pub(crate) const fn may_hold(&self, size: usize) -> bool {
        self.seen[size]
    }

    /// Looks an entry up and touches it; its slot.
    #[inline(always)]
    pub(crate) fn lookup<V: Vector>(&mut self, vector: V, key: Key) -> Option<Slot> {
        vector.apart(Lookup { array: self, key })
    }

    /// Looks only where the entry is if it was the last one that its set was asked for, and touching it again would
    /// change nothing.
    #[inline(always)]
    pub(crate) fn lookup_most_recent(&self, key: Key) -> Option<Slot> {
        let set = self.set(key);
        let slot = self.slot(set, self.sets.most_recent(set)?);
        (self.entries.at(slot).0 == key.bits()).then_some(Slot(slot))
    }

    /// The content of an entry that a lookup has found just now.
    #[inline(always)]
    pub(crate) fn content(&self, slot: Slot) -> P {
        self.entries.at(slot.0).1
    }

    /// Whether an entry is there, without touching it.
    #[inline(always)]
    pub(crate) fn contains<V: Vector>(&self, vector: V, key: Key) -> bool {
        let set = self.set(key);
        let is_it = |way| self.entries.at(self.slot(set, way)).0 == key.bits();
        self.sets.contains(vector, set, key.tag(), is_it)
    }

    /// Inserts an entry whose key is not there; its slot.
    #[inline(never)]
    pub(crate) fn insert_new(&mut self, key: Key, content: P) -> Slot {
        let set = self.set(key);
        match self.sets.fill(BASELINE, set, key.tag()) {
            Ok(way) => self.put(self.slot(set, way), key, content),
            Err(Uncommon) => self.insert_any(key, content),
        }
    }

    /// The same in sets of any form.
    #[inline(never)]
    fn insert_any(&mut self, key: Key, content: P) -> Slot {
        let set = self.set(key);
        debug_assert!(self.find(set, key).is_none(), "the key is there already");
        let way = self.sets.fill_any(set, key.tag());
        self.put(self.slot(set, way), key, content)
    }

    #[inline(always)]
    fn put(&mut self, slot: usize, key: Key, content: P) -> Slot {
        self.seen[key.size_index()] = true;
        *self.entries.at_mut(slot) = (key.bits(), content);
        Slot(slot)
    }

    /// Removes the entry with this key, if there is one.
    pub(crate) fn remove(&mut self, key: Key) -> bool {
        let set = self.set(key);
        let way = self.find(set, key);
        if let Some(way) = way {
            self.clear(set, way);
        }
        way.is_some()
    }

    /// Removes every entry that is `unwanted`, and counts them.
    pub(crate) fn remove_if(&mut self, mut unwanted: impl FnMut(Key, P) -> bool) -> u64 {
        let mut removed = 0;
        if self.sets.is_empty() {
            return removed;
        }
        for slot in 0..self.entries.values().len() {
            let (key, content) = *self.entries.at(slot);
            if Key::from_bits(key).is_some_and(|key| unwanted(key, content)) {
                self.clear(slot >> self.way_bits, slot & ((1 << self.way_bits) - 1));
                removed += 1;
            }
        }
        removed
    }

    /// All entries.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Key, P)> {
        self.entries.values().iter().filter_map(|&(key, content)| Some((Key::from_bits(key)?, content)))
    }

    fn clear(&mut self, set: usize, way: usize) {
        let slot = self.slot(set, way);
        self.entries.at_mut(slot).0 = 0;
        self.sets.clear(set, way);
        if self.sets.is_empty() {
            self.seen = [false; 3];
        }
    }
}

/// Where an entry is.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Slot(usize);

struct Lookup<'a, P: Zeroable> {
    array: &'a mut Array<P>,
    key: Key,
}

impl<P: Zeroable> Work for Lookup<'_, P> {
    type Output = Option<Slot>;

    #[inline(always)]
    fn run<V: Vector>(self, vector: V) -> Option<Slot> {
        let Self { array, key } = self;
        let Array { set_mask, sets, entries, way_bits, .. } = &mut *array;
        let set = convert::index(key.number() & *set_mask);
        let first = set << *way_bits;
        let is_it = |way| entries.at(first | way).0 == key.bits();
        match sets.lookup(vector, set, key.tag(), is_it) {
            Ok(way) => way.map(|way| Slot(first | way)),
            Err(Uncommon) => array.lookup_any(key),
        }
    }
}

impl<P: Zeroable> Array<P> {
    #[inline(never)]
    fn lookup_any(&mut self, key: Key) -> Option<Slot> {
        let set = self.set(key);
        let way = self.find(set, key)?;
        self.sets.touch(set, way);
        Some(Slot(self.slot(set, way)))
    }
}
