//! Set-associative arrays: where every cached translation lives.
//!
//! An [`Array`] finds an entry by its whole 64-bit key. Compact 32-bit tags, compared four at a time, filter the
//! ways of a set; a match is always verified on the key, so nothing aliases.

use terrace_addr::convert;
use terrace_machine::Shape;
use terrace_raw::tags::{LANES, matches};
use terrace_raw::{Buffer, Zeroable};

mod key;
mod replace;

pub(crate) use key::{Key, number_above};
pub(crate) use replace::{Policy, Replace};

/// A set-associative array of entries with content `P`.
#[derive(Debug, Clone)]
pub(crate) struct Array<P: Zeroable> {
    set_mask: u64,
    ways: usize,
    /// Groups of tags of a set: the ways rounded up to full compares.
    groups: usize,
    tags: Buffer<[u32; LANES]>,
    /// For every tag, the whole key; 0 for an empty way, and in the padding behind the last way.
    keys: Buffer<u64>,
    content: Buffer<P>,
    replace: Replace,
    /// Empty ways in the whole array.
    empty: usize,
    /// Entries for each page size, so that a size that is nowhere needs no lookup.
    live: [u32; 3],
}

impl<P: Zeroable> Array<P> {
    pub(crate) fn new(shape: Shape, policy: Policy) -> Self {
        let sets = convert::index32(shape.sets());
        let ways = convert::index32(shape.ways());
        let groups = ways.div_ceil(LANES);
        Self {
            set_mask: u64::from(shape.sets()) - 1,
            ways,
            groups,
            tags: Buffer::zeroed(sets * groups),
            keys: Buffer::zeroed(sets * groups * LANES),
            content: Buffer::zeroed(sets * groups * LANES),
            replace: Replace::new(sets, ways, policy),
            empty: sets * ways,
            live: [0; 3],
        }
    }

    #[inline(always)]
    fn set(&self, key: Key) -> usize {
        convert::index(key.number() & self.set_mask)
    }

    /// The slot of the entry with this key.
    #[inline(always)]
    fn find(&self, set: usize, key: Key) -> Option<usize> {
        let tag = key.tag();
        for group in set * self.groups..(set + 1) * self.groups {
            let mut ways = matches(&self.tags[group], tag);
            while ways != 0 {
                let slot = group * LANES + convert::index32(ways.trailing_zeros());
                if self.keys[slot] == key.bits() {
                    return Some(slot);
                }
                ways &= ways - 1;
            }
        }
        None
    }

    #[inline(always)]
    fn way(&self, set: usize, slot: usize) -> usize {
        slot - set * self.groups * LANES
    }

    /// Whether any entry is for pages of the size with this index.
    #[inline(always)]
    pub(crate) fn holds_any(&self, size: usize) -> bool {
        self.live[size] != 0
    }

    /// Looks an entry up and touches it.
    #[inline(always)]
    pub(crate) fn lookup(&mut self, key: Key) -> Option<P> {
        let set = self.set(key);
        if let Some(way) = self.replace.most_recent(set) {
            // The most recent way first: a hit there changes no replacement state.
            let slot = set * self.groups * LANES + way;
            if self.keys[slot] == key.bits() {
                return Some(self.content[slot]);
            }
        }
        let slot = self.find(set, key)?;
        self.replace.touch(set, self.way(set, slot));
        Some(self.content[slot])
    }

    /// Whether an entry is there, without touching it.
    #[inline(always)]
    pub(crate) fn contains(&self, key: Key) -> bool {
        self.find(self.set(key), key).is_some()
    }

    /// Inserts an entry, in place if its key is there already.
    pub(crate) fn insert(&mut self, key: Key, content: P) {
        let set = self.set(key);
        if let Some(slot) = self.find(set, key) {
            self.content[slot] = content;
            self.replace.touch(set, self.way(set, slot));
        } else {
            self.insert_new(key, content);
        }
    }

    /// Inserts an entry whose key is not there.
    #[inline]
    pub(crate) fn insert_new(&mut self, key: Key, content: P) {
        let set = self.set(key);
        debug_assert!(self.find(set, key).is_none(), "the key is there already");
        let first = set * self.groups * LANES;
        let way = self.empty_way(first).unwrap_or_else(|| self.replace.victim(set));
        let slot = first + way;
        let old = core::mem::replace(&mut self.keys[slot], key.bits());
        if let Some(old) = Key::from_bits(old) {
            self.live[old.size_index()] -= 1;
        } else {
            self.empty -= 1;
        }
        self.live[key.size_index()] += 1;
        self.tags[slot / LANES][slot % LANES] = key.tag();
        self.content[slot] = content;
        self.replace.touch(set, way);
    }

    #[inline(always)]
    fn empty_way(&self, first: usize) -> Option<usize> {
        if self.empty == 0 {
            return None;
        }
        self.keys[first..first + self.ways].iter().position(|&key| key == 0)
    }

    /// Removes the entry with this key, if there is one.
    pub(crate) fn remove(&mut self, key: Key) -> bool {
        let slot = self.find(self.set(key), key);
        if let Some(slot) = slot {
            self.clear(slot);
        }
        slot.is_some()
    }

    /// Removes every entry that is `unwanted`, and counts them.
    pub(crate) fn remove_if(&mut self, mut unwanted: impl FnMut(Key, P) -> bool) -> u64 {
        let mut removed = 0;
        for slot in 0..self.keys.len() {
            let content = self.content[slot];
            if Key::from_bits(self.keys[slot]).is_some_and(|key| unwanted(key, content)) {
                self.clear(slot);
                removed += 1;
            }
        }
        removed
    }

    fn clear(&mut self, slot: usize) {
        if let Some(key) = Key::from_bits(self.keys[slot]) {
            self.live[key.size_index()] -= 1;
            self.keys[slot] = 0;
            self.empty += 1;
        }
    }
}
