//! True LRU of up to 16 ways, as an order.

use terrace_addr::convert;

/// The ways of a set as the nibbles of its word, most recent in the lowest: a permutation of 0 to 15, of which the
/// ways that do not exist keep the upper places for ever.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Order {
    /// The place of the least recent way.
    last: u32,
}

/// 1 in every nibble.
const ONES: u64 = 0x1111_1111_1111_1111;

impl Order {
    pub(super) const MOST_WAYS: usize = 16;

    /// The word of a set that nothing has touched.
    pub(super) const START: u64 = 0xfedc_ba98_7654_3210;

    pub(super) fn new(ways: usize) -> Self {
        Self { last: 4 * (convert::narrow(ways) - 1) }
    }

    #[inline(always)]
    pub(super) const fn most_recent(word: u64) -> usize {
        convert::index(word & 15)
    }

    #[inline(always)]
    pub(super) const fn touch(word: u64, way: usize) -> u64 {
        let way = convert::count(way);
        // The nibble of `way` is the lowest one that is zero after this; borrows spoil only higher ones.
        let differences = word ^ (way * ONES);
        let top = differences.wrapping_sub(ONES) & !differences & ONES << 3;
        // All bits up to that nibble's highest, and those below the nibble.
        let moved = top ^ top.wrapping_sub(1);
        let below = moved >> 4;
        word & !moved | (word & below) << 4 | way
    }

    #[inline(always)]
    pub(super) const fn victim(self, word: u64) -> usize {
        convert::index(word >> self.last & 15)
    }
}
