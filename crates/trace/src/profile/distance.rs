//! Stack distances.
//!
//! Each page has a place in a row, in the order of last touches; a tree of sums over the row (Fenwick) tells how many
//! pages stand behind a place. A touch takes a page out of its place and puts it at the end. When the row is full it
//! is written anew without the places that are empty: with at least as many places free as taken, that costs a
//! constant for each touch. (Bennett and Kruskal, "LRU stack processing", 1975.)

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use terrace_addr::convert;

/// The places of pages.
#[derive(Debug)]
pub(super) struct Distances {
    places: HashMap<u64, usize, BuildHasherDefault<Multiply>>,
    /// The page in each place that is taken.
    row: Vec<Option<u64>>,
    /// Fenwick's sums over taken places; the place p is number p + 1.
    sums: Vec<u64>,
}

const FEWEST: usize = 1 << 10;

impl Distances {
    pub(super) fn new() -> Self {
        Self { places: HashMap::default(), row: Vec::with_capacity(FEWEST), sums: vec![0; FEWEST + 1] }
    }

    /// Touches a page: how many others were touched since its last touch, if it had one.
    pub(super) fn touch(&mut self, page: u64) -> Option<u64> {
        if self.row.len() + 1 == self.sums.len() {
            self.renew();
        }
        let end = self.row.len();
        let before = self.places.insert(page, end);
        let distance = before.map(|place| {
            let up_to = self.sum(place + 1);
            self.change(place, false);
            self.row[place] = None;
            // The page itself is counted among all.
            convert::count(self.places.len()) - up_to
        });
        self.row.push(Some(page));
        self.change(end, true);
        distance
    }

    /// Taken places among the first `count`.
    fn sum(&self, count: usize) -> u64 {
        let (mut at, mut sum) = (count, 0);
        while at > 0 {
            sum += self.sums[at];
            at &= at - 1;
        }
        sum
    }

    fn change(&mut self, place: usize, taken: bool) {
        let mut at = place + 1;
        while let Some(sum) = self.sums.get_mut(at) {
            *sum = if taken { *sum + 1 } else { *sum - 1 };
            at += at & at.wrapping_neg();
        }
    }

    /// Leaves empty places out.
    fn renew(&mut self) {
        self.row.retain(Option::is_some);
        let places = (2 * self.row.len()).max(FEWEST);
        self.sums.clear();
        self.sums.resize(places + 1, 0);
        for (place, page) in self.row.iter().enumerate() {
            if let Some(page) = page {
                self.places.insert(*page, place);
            }
            // Each sum, once complete, is part of the next one above it.
            self.sums[place + 1] += 1;
        }
        for at in 1..=places {
            let above = at + (at & at.wrapping_neg());
            if above <= places {
                self.sums[above] += self.sums[at];
            }
        }
    }
}

/// Page numbers need no protection from whoever chooses them: a product mixes them well enough.
#[derive(Debug, Default)]
struct Multiply(u64);

impl Hasher for Multiply {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0 ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Against the definition: a list of pages, the last touched first.
        #[test]
        fn distances_are_places_in_the_lru_list(
            touches in proptest::collection::vec((0_u64..40, 1_u64..60), 0..3000),
        ) {
            let mut distances = Distances::new();
            let mut list: Vec<u64> = Vec::new();
            for (page, stride) in touches {
                let page = page * stride;
                let expected = list.iter().position(|&other| other == page);
                if let Some(place) = expected {
                    list.remove(place);
                }
                list.insert(0, page);
                prop_assert_eq!(distances.touch(page), expected.map(convert::count));
            }
        }
    }
}
