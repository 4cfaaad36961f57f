//! Conversions between whole and real numbers that no platform does differently.

use terrace_addr::convert;

/// 2⁵²: real numbers from here to 2⁵³ are whole, and their last bits are those of the whole number.
const TWO_52: f64 = 4_503_599_627_370_496.0;

/// The whole number nearest to `value`, which lies from 0 to 2⁵²; of two the even one. Anything else is taken for the
/// nearer end.
#[inline]
pub(crate) fn nearest_whole(value: f64) -> u64 {
    if value > 0.0 { (value.min(TWO_52) + TWO_52).to_bits() - TWO_52.to_bits() } else { 0 }
}

/// The largest whole number up to `value`, which lies from 0 to 2⁵².
pub(crate) fn floor(value: f64) -> u64 {
    nearest_whole(libm::floor(value))
}

/// A whole number as a real one (exact below 2⁵³).
#[inline]
pub(crate) const fn real(value: u64) -> f64 {
    convert::ratio(value, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_come_back() {
        for value in [0, 1, 2, 3, 511, 1 << 40, (1 << 52) - 1, 1 << 52] {
            assert_eq!(nearest_whole(real(value)), value);
            assert_eq!(floor(real(value)), value);
        }
        assert_eq!([0.49, 0.5, 0.51, 1.5, 2.5].map(nearest_whole), [0, 0, 1, 2, 2]);
        assert_eq!([0.99, 1.0, 1.99].map(floor), [0, 1, 1]);
        assert_eq!([-1.0, f64::NAN, 1e300].map(nearest_whole), [0, 0, 1 << 52]);
    }
}
