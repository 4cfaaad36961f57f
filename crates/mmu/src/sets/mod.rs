//! Sets of ways: tags and replacement state, side by side.
//!
//! A set of up to 14 ways is one cache line of the machine that simulates: its tags, compared all at once, and in
//! the last two lanes its replacement state, its *word*. The tags of further ways are in further lines. What a way
//! holds beside its tag lies elsewhere.
//!
//! A touch is the same two operations for most policies: some bits of the word are cleared and some are set, which
//! ones a table says for each way.

use rand_xoshiro::Xoshiro256PlusPlus;
use terrace_addr::convert;
use terrace_machine::Replacement;
use terrace_raw::Masked;
use terrace_raw::vector::{BASELINE, LANES, Lanes, Vector};

mod matrix;
mod order;
mod random;
mod stamps;
mod tree;

use matrix::Matrix;
use order::Order;
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
    /// A set has 2 to this power lines.
    line_bits: u32,
    /// The lanes of a set's first line that are ways, and of its second.
    first_line: u32,
    second_line: u32,
    /// Whether a set has at most two lines and its replacement state fits into its word: what the short functions
    /// below are for. Everything else goes a longer way.
    common: bool,
    /// Whether touches are as the table says.
    tabled: bool,
    /// What a touch of each way clears in the word, and what it sets.
    touches: Box<[(u64, u64); MOST_TABLED]>,
    /// Empty ways in all sets.
    empty: usize,
    replace: Replace,
    /// Ways of all sets.
    all: usize,
    ways: usize,
}

/// Which way a full set gives up, and what its word means.
#[derive(Debug, Clone)]
enum Replace {
    /// Tree pseudo-LRU.
    Tree(Tree),
    /// LRU of up to 8 ways.
    Matrix(Matrix),
    /// LRU of up to 16 ways.
    Order(Order),
    /// LRU of any number of ways.
    Stamps(Box<Stamps>),
    /// Random.
    Random(Box<Xoshiro256PlusPlus>),
}

/// The most ways whose touches are tabled.
const MOST_TABLED: usize = 32;

/// Lanes of a set's first line that are ways; the others hold its word.
const FIRST_LINE: usize = LANES - 2;

impl Sets {
    pub(crate) fn new(sets: usize, ways: usize, policy: Policy) -> Self {
        let line_bits = (ways + LANES - FIRST_LINE).div_ceil(LANES).next_power_of_two().trailing_zeros();
        let mut touches = Box::new([(0, 0); MOST_TABLED]);
        let mut lanes = Masked::<Lanes>::zeroed(sets << line_bits);
        let replace = match policy.replacement {
            Replacement::Lru if ways <= Matrix::MOST_WAYS => {
                Replace::Matrix(Matrix::new(ways, &mut touches[..]))
            }
            Replacement::Lru if ways <= Order::MOST_WAYS => {
                lanes
                    .values_mut()
                    .iter_mut()
                    .step_by(1 << line_bits)
                    .for_each(|line| line.set_word(Order::START));
                Replace::Order(Order::new(ways))
            }
            Replacement::Lru => Replace::Stamps(Box::new(Stamps::new(sets, ways))),
            Replacement::TreePlru => Replace::Tree(Tree::new(ways, &mut touches)),
            Replacement::Random => Replace::Random(Box::new(random::stream(policy.seed))),
        };
        let first = |lanes: usize| convert::low32((1 << lanes) - 1);
        Self {
            lanes,
            line_bits,
            first_line: first(ways.min(FIRST_LINE)),
            second_line: first(ways.saturating_sub(FIRST_LINE).min(LANES)),
            common: line_bits <= 1 && !matches!(replace, Replace::Stamps(_)),
            tabled: matches!(replace, Replace::Tree(_) | Replace::Matrix(_)),
            touches,
            empty: sets * ways,
            replace,
            all: sets * ways,
            ways,
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

    /// The number of a set's first line.
    #[inline(always)]
    const fn first(&self, set: usize) -> usize {
        set << self.line_bits
    }

    /// Whether [`find`](Self::find) and [`touch`](Self::touch) may be used; otherwise it is
    /// [`find_anywhere`](Self::find_anywhere) and [`touch_any`](Self::touch_any).
    #[inline(always)]
    pub(crate) const fn is_common(&self) -> bool {
        self.common
    }

    /// The first way of a set whose tag is `tag` and of which `is_it` is true.
    #[inline(always)]
    pub(crate) fn find<V: Vector>(
        &self,
        vector: V,
        set: usize,
        tag: u32,
        is_it: impl Fn(usize) -> bool,
    ) -> Option<usize> {
        let first = self.first(set);
        let mut found = vector.matches(self.lanes.at(first), tag) & self.first_line;
        if self.line_bits != 0 {
            found |= (vector.matches(self.lanes.at(first + 1), tag) & self.second_line) << FIRST_LINE;
        }
        while found != 0 {
            let way = convert::index32(found.trailing_zeros());
            if is_it(way) {
                return Some(way);
            }
            found &= found - 1;
        }
        None
    }

    /// The same in a set of any number of lines.
    pub(crate) fn find_anywhere(&self, set: usize, tag: u32, is_it: impl Fn(usize) -> bool) -> Option<usize> {
        if let Some(way) = self.find(BASELINE, set, tag, &is_it) {
            return Some(way);
        }
        let mut first_way = FIRST_LINE + LANES;
        while first_way < self.ways {
            let mut found = BASELINE.matches(self.lanes.at(self.line(set, first_way)), tag);
            while found != 0 {
                let way = first_way + convert::index32(found.trailing_zeros());
                if way < self.ways && is_it(way) {
                    return Some(way);
                }
                found &= found - 1;
            }
            first_way += LANES;
        }
        None
    }

    /// The number of the line, behind the first, that has the tag of a way.
    #[inline(always)]
    const fn line(&self, set: usize, way: usize) -> usize {
        self.first(set) + (way + LANES - FIRST_LINE) / LANES
    }

    #[inline(always)]
    fn set_tag(&mut self, set: usize, way: usize, tag: u32) {
        let first = self.first(set);
        if way < FIRST_LINE {
            self.lanes.at_mut(first).0[way] = tag;
        } else {
            let lane = way + LANES - FIRST_LINE;
            self.lanes.at_mut(first + lane / LANES).0[lane % LANES] = tag;
        }
    }

    #[inline(always)]
    fn word(&self, set: usize) -> u64 {
        self.lanes.at(self.first(set)).word()
    }

    /// The way that was touched last, where that is known at once and touching it again would change nothing.
    #[inline(always)]
    pub(crate) fn most_recent(&self, set: usize) -> Option<usize> {
        match &self.replace {
            Replace::Matrix(matrix) if matrix.knows_most_recent() => {
                Some(Matrix::most_recent(self.word(set)))
            }
            Replace::Order(_) => Some(Order::most_recent(self.word(set))),
            _ => None,
        }
    }

    /// Notes a hit or fill.
    #[inline(always)]
    pub(crate) fn touch(&mut self, set: usize, way: usize) {
        let line = self.lanes.at_mut(set << self.line_bits);
        if self.tabled {
            let (clears, sets) = self.touches[way % MOST_TABLED];
            line.set_word(line.word() & !clears | sets);
        } else if let Replace::Order(_) = self.replace {
            line.set_word(Order::touch(line.word(), way));
        }
    }

    /// The same for all policies.
    pub(crate) fn touch_any(&mut self, set: usize, way: usize) {
        if let Replace::Stamps(stamps) = &mut self.replace {
            stamps.touch(set, way);
        } else {
            self.touch(set, way);
        }
    }

    /// Gives a way to a new entry with this tag, and touches it: the lowest empty one, otherwise the one that the
    /// policy gives up.
    #[inline(always)]
    pub(crate) fn fill(&mut self, set: usize, tag: u32) -> usize {
        if self.empty != 0 || !self.common {
            return self.fill_any(set, tag);
        }
        let word = self.word(set);
        let way = match &self.replace {
            Replace::Tree(tree) => tree.victim(word),
            Replace::Matrix(_) => Matrix::victim(word),
            Replace::Order(order) => order.victim(word),
            Replace::Stamps(_) | Replace::Random(_) => return self.fill_any(set, tag),
        };
        self.set_tag(set, way, tag);
        self.touch(set, way);
        way
    }

    /// The same for all policies, and sets that may have empty ways.
    #[inline(never)]
    fn fill_any(&mut self, set: usize, tag: u32) -> usize {
        let word = self.word(set);
        let empty = if self.empty == 0 { None } else { self.find_anywhere(set, EMPTY, |_| true) };
        let way = if let Some(way) = empty {
            self.empty -= 1;
            way
        } else {
            match &mut self.replace {
                Replace::Tree(tree) => tree.victim(word),
                Replace::Matrix(_) => Matrix::victim(word),
                Replace::Order(order) => order.victim(word),
                Replace::Stamps(stamps) => stamps.victim(set),
                Replace::Random(stream) => random::victim(stream, self.ways),
            }
        };
        self.set_tag(set, way, tag);
        self.touch_any(set, way);
        way
    }

    /// Empties a way that holds something. The replacement state stays as it is.
    pub(crate) fn clear(&mut self, set: usize, way: usize) {
        self.set_tag(set, way, EMPTY);
        self.empty += 1;
    }

    /// Asks for a set.
    #[inline(always)]
    pub(crate) fn prefetch(&self, set: usize) {
        let first = self.first(set);
        self.lanes.prefetch(first);
        if self.line_bits > 0 {
            self.lanes.prefetch(first + 1);
        }
    }
}
