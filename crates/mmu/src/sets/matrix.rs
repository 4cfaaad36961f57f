//! True LRU of up to 8 ways, as a matrix.

use terrace_addr::convert;

/// Bit *j* of byte *i* of a set's word: way *i* was touched after way *j*. The least recent way is the one whose byte
/// is 0. With fewer than 8 ways the highest byte is free, and holds the way that was touched last.
pub(super) struct Matrix;

/// 1 in every byte.
const ONES: u64 = 0x0101_0101_0101_0101;

impl Matrix {
    pub(super) const MOST_WAYS: usize = 8;

    /// What a touch of each way clears and sets.
    pub(super) fn lay_out(ways: usize, touches: &mut [(u64, u64)]) {
        for (way, touch) in (0..convert::narrow(ways)).zip(touches) {
            let row = ((1 << ways) - 1) & !(1 << way);
            let column = ONES << way;
            *touch = (column, row << (8 * way));
            if Self::knows_most_recent(ways) {
                touch.0 |= 0xff << 56;
                touch.1 |= u64::from(way) << 56;
            }
        }
    }

    pub(super) const fn knows_most_recent(ways: usize) -> bool {
        ways < Self::MOST_WAYS
    }

    #[inline(always)]
    pub(super) const fn most_recent(word: u64) -> usize {
        convert::index(word >> 56)
    }

    /// The way whose byte is 0: the lowest such byte, which is one of a way; borrows spoil only higher ones.
    #[inline(always)]
    pub(super) const fn victim(word: u64) -> usize {
        let zeros = word.wrapping_sub(ONES) & !word & ONES << 7;
        convert::index32(zeros.trailing_zeros() / 8)
    }
}
