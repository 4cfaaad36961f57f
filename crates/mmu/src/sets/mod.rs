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
    /// The form, once all ways hold something; [`Form::Other`] until then, as long as an empty one has to be found.
    full_form: Form,
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
}

/// Sets that something is done to.
struct Open<'a> {
    lanes: masked::Open<'a, Lanes>,
    rules: &'a Rules,
}

/// A set is not of a form that has a fast path, or has no fast path now.
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
            full_form: Form::Other,
            line_bits,
            ways,
            empty: sets * ways,
            all: sets * ways,
            rules: Rules { order, tree, touches },
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
        let mut missed = 0;
        by_form!(self.full_form, K => {
            let mut sets = self.open();
            for at in 0..items.len() {
                let item = items[at];
                let hit = place(item).is_some_and(|(set, tag)| sets.access::<K, V>(vector, set, tag));
                items[missed] = item;
                missed += usize::from(!hit);
            }
        }, {
            for at in 0..items.len() {
                let item = items[at];
                let hit = place(item).is_some_and(|(set, tag)| self.access_any(set, tag));
                items[missed] = item;
                missed += usize::from(!hit);
            }
        });
        missed
    }

    /// Gives a way to a new entry with this tag, and touches it: the one that the policy gives up.
    #[inline(always)]
    pub(crate) fn fill(&mut self, set: usize, tag: u32) -> Result<usize, Uncommon> {
        by_form!(self.full_form, K => Ok(self.open().fill::<K>(set, tag)), Err(Uncommon))
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
    /// Whether a way of a set has this tag. One does afterwards, and was touched. All sets are full.
    #[inline(always)]
    fn access<K: Kept, V: Vector>(&mut self, vector: V, set: usize, tag: u32) -> bool {
        let first = first_line::<K>(set);
        let second = if K::LONG { self.lanes.at(first + 1) } else { self.lanes.at(first) };
        // A hit and a fill differ only in the way, so there is nothing to mispredict.
        let found = ways_with::<K, V>(vector, self.lanes.at(first), second, tag);
        let word = self.lanes.at(first).word();
        let held = convert::index32(found.trailing_zeros());
        let way = core::hint::select_unpredictable(found != 0, held, K::victim(self.rules, word));
        self.put::<K>(set, way, tag, word);
        found != 0
    }

    #[inline(always)]
    fn touch<K: Kept>(&mut self, set: usize, way: usize) {
        let first = first_line::<K>(set);
        let word = K::touched(self.rules, self.lanes.at(first).word(), way);
        self.lanes.at_mut(first).set_word(word);
    }

    /// Fills a way of sets that are all full.
    #[inline(always)]
    fn fill<K: Kept>(&mut self, set: usize, tag: u32) -> usize {
        let word = self.lanes.at(first_line::<K>(set)).word();
        let way = K::victim(self.rules, word);
        self.put::<K>(set, way, tag, word);
        way
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
