//! Sets of ways: tags and replacement state, side by side.
//!
//! A set of up to 14 ways is one cache line of the machine that simulates: its tags, compared all at once, and in
//! the last two lanes its replacement state, its *word*. The tags of further ways are in further lines. What a way
//! holds beside its tag lies elsewhere.
//!
//! Lookups and fills are compiled for each common [`Form`] of sets, and for any other once more.

use terrace_addr::convert;
use terrace_machine::Replacement;
use terrace_raw::vector::{LANES, Lanes, Vector};
use terrace_raw::{Masked, masked};

mod any;
mod form;
mod matrix;
mod order;
mod random;
mod stamps;
mod tree;

use form::{Form, Kept, by_form};
use matrix::Matrix;
use order::Order;
use random::Random;
use stamps::Stamps;
use tree::Tree;

/// A replacement policy, and the seed of its random stream.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Policy {
    pub(crate) replacement: Replacement,
    pub(crate) seed: u64,
}

/// The tag of an empty way. No entry has it.
const EMPTY: u32 = 0;

/// The sets of a structure.
#[derive(Debug, Clone)]
pub(crate) struct Sets {
    lanes: Masked<Lanes>,
    form: Form,
    /// A set has 2 to this power lines.
    line_bits: u32,
    ways: usize,
    /// Empty ways in all sets.
    empty: usize,
    /// Ways of all sets.
    all: usize,
    rules: Rules,
    /// Whether a set knows which way was touched last.
    knows_most_recent: bool,
    replacement: Replacement,
    stamps: Stamps,
    random: Random,
}

/// How words say which way is given up, and what a touch changes in them.
#[derive(Debug, Clone)]
struct Rules {
    order: Order,
    tree: Tree,
    /// What a touch of each way clears in the word, and what it sets, where the policy is a matter of bits.
    touches: [(u64, u64); TOUCHES],
    /// All ways of a set, as bits, where they are few enough for that.
    all_ways: u32,
}

/// Sets that something is done to.
struct Open<'a> {
    lanes: masked::Open<'a, Lanes>,
    rules: &'a Rules,
}

/// A set is not of a form that has a fast path.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Uncommon;

/// The most ways whose touches are tabled.
const TOUCHES: usize = 32;

/// Lanes of a set's first line that are ways; the others hold its word.
const FIRST_LINE: usize = LANES - 2;

/// The same, as the bits of a comparison.
const IN_FIRST_LINE: u32 = (1 << FIRST_LINE) - 1;

impl Sets {
    pub(crate) fn new(sets: usize, ways: usize, policy: Policy) -> Self {
        let line_bits = (ways + LANES - FIRST_LINE).div_ceil(LANES).next_power_of_two().trailing_zeros();
        let form = match (policy.replacement, 1 << line_bits) {
            (Replacement::Lru, _) if ways <= Matrix::MOST_WAYS => Form::Matrix,
            (Replacement::Lru, 1) => Form::Order,
            (Replacement::Lru, 2) if ways <= Order::MOST_WAYS => Form::LongOrder,
            (Replacement::TreePlru, 1) => Form::Tree,
            (Replacement::TreePlru, 2) => Form::LongTree,
            _ => Form::Other,
        };
        let mut all_lanes = Masked::<Lanes>::zeroed(sets << line_bits);
        let mut touches = [(0, 0); TOUCHES];
        let (mut order, mut tree, mut stamps) =
            (Order::default(), Tree::new(1, &mut touches), Stamps::new(0, 0));
        let mut knows_most_recent = false;
        match (policy.replacement, form) {
            (Replacement::TreePlru, _) => tree = Tree::new(ways, &mut touches),
            (_, Form::Matrix) => {
                Matrix::lay_out(ways, &mut touches);
                knows_most_recent = Matrix::knows_most_recent(ways);
            }
            (_, Form::Order | Form::LongOrder) => {
                order = Order::new(ways);
                let first_lines = all_lanes.values_mut().iter_mut().step_by(1 << line_bits);
                first_lines.for_each(|line| line.set_word(Order::START));
                knows_most_recent = true;
            }
            (Replacement::Lru, _) => stamps = Stamps::new(sets, ways),
            (Replacement::Random, _) => {}
        }
        Self {
            lanes: all_lanes,
            form,
            line_bits,
            ways,
            empty: sets * ways,
            all: sets * ways,
            rules: Rules { order, tree, touches, all_ways: (1 << ways.min(31)) - 1 },
            knows_most_recent,
            replacement: policy.replacement,
            stamps,
            random: Random::new(policy.seed),
        }
    }

    /// Whether no way of any set holds anything.
    pub(crate) const fn is_empty(&self) -> bool {
        self.empty == self.all
    }

    /// Bytes that lookups may touch.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(self.lanes.values())
    }

    /// Whether a way of a set has the tag `tag` and `is_it` is true of it.
    #[inline(always)]
    pub(crate) fn contains<V: Vector>(
        &self,
        vector: V,
        set: usize,
        tag: u32,
        is_it: impl Fn(usize) -> bool,
    ) -> bool {
        by_form!(self.form, K => self.find_kept::<K, V>(vector, set, tag, is_it).is_some(), {
            self.find(set, tag, is_it).is_some()
        })
    }

    /// The first way of a set whose tag is `tag` and of which `is_it` is true; it is touched.
    #[inline(always)]
    pub(crate) fn lookup<V: Vector>(
        &mut self,
        vector: V,
        set: usize,
        tag: u32,
        is_it: impl Fn(usize) -> bool,
    ) -> Result<Option<usize>, Uncommon> {
        by_form!(self.form, K => {
            let found = self.find_kept::<K, V>(vector, set, tag, is_it);
            if let Some(way) = found {
                self.open().touch::<K>(set, way);
            }
            Ok(found)
        }, Err(Uncommon))
    }

    /// Accesses to the sets and with the tags that `place` says, in order: afterwards a way of the set has the tag, and
    /// was touched. Items of which no way had it, and those that have no place, are moved to the front; how many they
    /// are is returned.
    #[inline(always)]
    pub(crate) fn access_all<V: Vector, T: Copy>(
        &mut self,
        vector: V,
        items: &mut [T],
        mut place: impl FnMut(T) -> Option<(usize, u32)>,
    ) -> usize {
        by_form!(self.form, K => {
            if self.empty == 0 {
                self.access_kept::<K, V, T, true>(vector, items, place)
            } else {
                self.access_kept::<K, V, T, false>(vector, items, place)
            }
        }, {
            let mut missed = 0;
            for at in 0..items.len() {
                let item = items[at];
                let hit = place(item).is_some_and(|(set, tag)| self.access_any(set, tag));
                items[missed] = item;
                missed += usize::from(!hit);
            }
            missed
        })
    }

    /// The same in sets of a form; `FULL` if no way is empty.
    #[inline(always)]
    fn access_kept<K: Kept, V: Vector, T: Copy, const FULL: bool>(
        &mut self,
        vector: V,
        items: &mut [T],
        mut place: impl FnMut(T) -> Option<(usize, u32)>,
    ) -> usize {
        let mut sets = self.open();
        let (mut missed, mut filled) = (0, 0);
        for at in 0..items.len() {
            let item = items[at];
            let hit = place(item).is_some_and(|(set, tag)| {
                // A hit and a fill differ only in the way, so there is nothing to mispredict.
                let word = sets.word::<K>(set);
                let found = sets.ways_with::<K, V>(vector, set, tag);
                let held = convert::index32(found.trailing_zeros());
                let (free, was_empty) = sets.free::<K, V, FULL>(vector, set, word);
                let way = core::hint::select_unpredictable(found != 0, held, free);
                sets.put::<K>(set, way, tag, word);
                filled += usize::from(was_empty && found == 0);
                found != 0
            });
            items[missed] = item;
            missed += usize::from(!hit);
        }
        self.empty -= filled;
        missed
    }

    /// Gives a way to a new entry with this tag, and touches it: the lowest empty one, otherwise the one that the
    /// policy gives up.
    #[inline(always)]
    pub(crate) fn fill<V: Vector>(&mut self, vector: V, set: usize, tag: u32) -> Result<usize, Uncommon> {
        by_form!(self.form, K => {
            let full = self.empty == 0;
            let mut sets = self.open();
            let word = sets.word::<K>(set);
            let (way, was_empty) = if full {
                sets.free::<K, V, true>(vector, set, word)
            } else {
                sets.free::<K, V, false>(vector, set, word)
            };
            sets.put::<K>(set, way, tag, word);
            self.empty -= usize::from(was_empty);
            Ok(way)
        }, Err(Uncommon))
    }

    #[inline(always)]
    fn open(&mut self) -> Open<'_> {
        Open { lanes: self.lanes.open(), rules: &self.rules }
    }

    #[inline(always)]
    fn find_kept<K: Kept, V: Vector>(
        &self,
        vector: V,
        set: usize,
        tag: u32,
        is_it: impl Fn(usize) -> bool,
    ) -> Option<usize> {
        let first = first_line::<K>(set);
        let second = if K::LONG { self.lanes.at(first + 1) } else { self.lanes.at(first) };
        any::first_of(ways_with::<K, V>(vector, self.lanes.at(first), second, tag), is_it)
    }

    /// The way that was touched last, where that is known at once and touching it again would change nothing.
    #[inline(always)]
    pub(crate) fn most_recent(&self, set: usize) -> Option<usize> {
        if !self.knows_most_recent {
            return None;
        }
        let word = self.lanes.at(set << self.line_bits).word();
        Some(if self.form == Form::Matrix { Matrix::most_recent(word) } else { Order::most_recent(word) })
    }

    /// Asks for a set.
    #[inline(always)]
    pub(crate) fn prefetch(&self, set: usize) {
        let first = set << self.line_bits;
        self.lanes.prefetch(first);
        if self.line_bits > 0 {
            self.lanes.prefetch(first + 1);
        }
    }
}

impl Open<'_> {
    #[inline(always)]
    fn word<K: Kept>(&self, set: usize) -> u64 {
        self.lanes.at(first_line::<K>(set)).word()
    }

    /// The ways of a set that have this tag, as bits.
    #[inline(always)]
    fn ways_with<K: Kept, V: Vector>(&self, vector: V, set: usize, tag: u32) -> u32 {
        let first = first_line::<K>(set);
        let second = if K::LONG { self.lanes.at(first + 1) } else { self.lanes.at(first) };
        ways_with::<K, V>(vector, self.lanes.at(first), second, tag)
    }

    /// The way of a set with this word that a new entry is given, and whether it is empty: the lowest empty one,
    /// unless the set is `FULL`, otherwise the one that the policy gives up.
    #[inline(always)]
    fn free<K: Kept, V: Vector, const FULL: bool>(&self, vector: V, set: usize, word: u64) -> (usize, bool) {
        let given_up = K::victim(self.rules, word);
        if FULL {
            return (given_up, false);
        }
        let empty = self.ways_with::<K, V>(vector, set, EMPTY) & self.rules.all_ways;
        let lowest = convert::index32(empty.trailing_zeros());
        (core::hint::select_unpredictable(empty != 0, lowest, given_up), empty != 0)
    }

    #[inline(always)]
    fn touch<K: Kept>(&mut self, set: usize, way: usize) {
        let first = first_line::<K>(set);
        let word = K::touched(self.rules, self.lanes.at(first).word(), way);
        self.lanes.at_mut(first).set_word(word);
    }

    /// Puts a tag into a way of a set whose word is `word`, and touches it.
    #[inline(always)]
    fn put<K: Kept>(&mut self, set: usize, way: usize, tag: u32, word: u64) {
        let first = first_line::<K>(set);
        let word = K::touched(self.rules, word, way);
        self.lanes.at_mut(first).set_word(word);
        let at = if K::LONG { way + usize::from(way >= FIRST_LINE) * (LANES - FIRST_LINE) } else { way };
        let line = if K::LONG { first + at / LANES } else { first };
        self.lanes.at_mut(line).0[at % LANES] = tag;
    }
}

/// The ways of a set with these lines that have this tag, as bits.
#[inline(always)]
fn ways_with<K: Kept, V: Vector>(vector: V, first: &Lanes, second: &Lanes, tag: u32) -> u32 {
    let found = vector.matches(first, tag) & IN_FIRST_LINE;
    if K::LONG { found | vector.matches(second, tag) << FIRST_LINE } else { found }
}

/// The number of a set's first line.
#[inline(always)]
const fn first_line<K: Kept>(set: usize) -> usize {
    if K::LONG { set * 2 } else { set }
}
