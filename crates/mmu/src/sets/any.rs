//! What is done to sets of any form, whether or not they have empty ways: with a loop over lines, and without vector
//! instructions beyond the target's.

use terrace_addr::convert;
use terrace_machine::Replacement;
use terrace_raw::vector::{BASELINE, LANES, Vector};

use super::form::{self, Form, Kept, by_form};
use super::{EMPTY, FIRST_LINE, IN_FIRST_LINE, Sets};

impl Sets {
    /// The first way of a set of any form whose tag is `tag` and of which `is_it` is true.
    #[inline]
    pub(crate) fn find(&self, set: usize, tag: u32, is_it: impl Fn(usize) -> bool) -> Option<usize> {
        let is_way = |way| way < self.ways && is_it(way);
        if self.line_bits == 0 {
            let found = BASELINE.matches(self.lanes.at(set), tag) & IN_FIRST_LINE;
            return first_of(found, is_way);
        }
        let mut from = 0;
        while from < self.ways {
            let way = first_of(self.matches(set, from, tag), |way| is_way(from + way));
            if way.is_some() {
                return way.map(|way| from + way);
            }
            from += LANES;
        }
        None
    }

    /// Which of [`LANES`] ways, from a multiple of that on, have this tag; wrong beyond the last way.
    fn matches(&self, set: usize, from: usize, tag: u32) -> u32 {
        let line = (set << self.line_bits) + from / LANES;
        let found = BASELINE.matches(self.lanes.at(line), tag);
        let next = BASELINE.matches(self.lanes.at(line + 1), tag) << FIRST_LINE;
        if from == 0 {
            found & IN_FIRST_LINE | next & !IN_FIRST_LINE & ((1 << LANES) - 1)
        } else {
            found >> (LANES - FIRST_LINE) | next & ((1 << LANES) - 1)
        }
    }

    /// Notes a hit or fill in a set of any form.
    pub(crate) fn touch(&mut self, set: usize, way: usize) {
        by_form!(self.form, K => self.open().touch::<K>(set, way), match self.replacement {
            Replacement::Lru => self.stamps.touch(set, way),
            Replacement::TreePlru => {
                let first = set << self.line_bits;
                let word = form::tabled(&self.rules, self.lanes.at(first).word(), way);
                self.lanes.at_mut(first).set_word(word);
            }
            Replacement::Random => {}
        });
    }

    /// Gives a way to a new entry with this tag in a set of any form, and touches it: the lowest empty one, otherwise
    /// the one that the policy gives up.
    pub(crate) fn fill_any(&mut self, set: usize, tag: u32) -> usize {
        let empty = if self.empty == 0 { None } else { self.find(set, EMPTY, |_| true) };
        let way = empty.unwrap_or_else(|| self.victim(set));
        self.empty -= usize::from(empty.is_some());
        self.set_tag(set, way, tag);
        self.touch(set, way);
        way
    }

    /// The way that a set of any form gives up when it is full.
    fn victim(&mut self, set: usize) -> usize {
        let word = self.lanes.at(set << self.line_bits).word();
        by_form!(self.form, K => K::victim(&self.rules, word), match self.replacement {
            Replacement::Lru => self.stamps.victim(set),
            Replacement::TreePlru => self.rules.tree.victim(word),
            Replacement::Random => self.random.victim(self.ways),
        })
    }

    fn set_tag(&mut self, set: usize, way: usize, tag: u32) {
        let at = if way < FIRST_LINE { way } else { way + LANES - FIRST_LINE };
        let line = (set << self.line_bits) + at / LANES;
        self.lanes.at_mut(line).0[at % LANES] = tag;
    }

    /// Whether a way of a set has this tag. One does afterwards, and was touched.
    #[inline(never)]
    pub(super) fn access_any(&mut self, set: usize, tag: u32) -> bool {
        let found = self.find(set, tag, |_| true);
        match found {
            Some(way) => self.touch(set, way),
            None => _ = self.fill_any(set, tag),
        }
        found.is_some()
    }

    /// Empties a way that holds something. The replacement state stays as it is.
    pub(crate) fn clear(&mut self, set: usize, way: usize) {
        self.set_tag(set, way, EMPTY);
        self.empty += 1;
    }
}

/// The first of the ways in `found` of which `is_it` is true.
#[inline(always)]
pub(super) fn first_of(mut found: u32, is_it: impl Fn(usize) -> bool) -> Option<usize> {
    while found != 0 {
        let way = convert::index32(found.trailing_zeros());
        if is_it(way) {
            return Some(way);
        }
        found &= found - 1;
    }
    None
}
