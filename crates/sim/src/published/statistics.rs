//! How two lists of numbers about the same programs agree.

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use terrace_addr::convert;

/// The arithmetic mean; none of nothing.
pub(super) fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / convert::ratio(convert::count(values.len()), 1))
}

/// The value below which a share of the values lies, linearly between neighbours; none of nothing.
pub(super) fn quantile(values: &[f64], share: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    let place = convert::ratio(convert::count(last), 1) * share;
    let below = convert::index(convert::floor(place)).min(last);
    let above = (below + 1).min(last);
    let part = place - convert::ratio(convert::count(below), 1);
    Some(sorted[below] + (sorted[above] - sorted[below]) * part)
}

/// The ranks of values, from 1; equal ones share the mean of their ranks.
fn ranks(values: &[f64]) -> Vec<f64> {
    let count = |wanted: &dyn Fn(&f64) -> bool| {
        convert::ratio(convert::count(values.iter().filter(|other| wanted(other)).count()), 1)
    };
    let rank = |value: &f64| {
        let less = count(&|other| other < value);
        let equal = count(&|other| other.to_bits() == value.to_bits());
        less + f64::midpoint(equal, 1.0)
    };
    values.iter().map(rank).collect()
}

/// The correlation of two lists of equal length; none if one of them is constant or shorter than 3.
fn correlation(left: &[f64], right: &[f64]) -> Option<f64> {
    if left.len() < 3 {
        return None;
    }
    let (left_mean, right_mean) = (mean(left)?, mean(right)?);
    let (mut both, mut of_left, mut of_right) = (0.0, 0.0, 0.0);
    for (left, right) in left.iter().zip(right) {
        let (left, right) = (left - left_mean, right - right_mean);
        both += left * right;
        of_left += left * left;
        of_right += right * right;
    }
    (of_left > 0.0 && of_right > 0.0).then(|| both / libm::sqrt(of_left * of_right))
}

/// Orders that are drawn for a p-value.
const ORDERS: u32 = 20_000;

/// Spearman's rank correlation of two lists about the same things, and the probability that things which have nothing
/// to do with each other correlate that much or more, in either direction: the share of orders drawn at random that do
/// (a permutation test; its standard error is below 0.004). None if one of the lists is constant or shorter than 3.
pub(super) fn rank_correlation(left: &[f64], right: &[f64]) -> Option<(f64, f64)> {
    let (left, mut right) = (ranks(left), ranks(right));
    let found = correlation(&left, &right)?;
    let mut random = Xoshiro256PlusPlus::seed_from_u64(0);
    let mut as_much = 1_u64;
    for _ in 0..ORDERS {
        for place in (1..right.len()).rev() {
            let other = random.next_u64().carrying_mul(convert::count(place) + 1, 0).1;
            right.swap(place, convert::index(other));
        }
        let drawn = correlation(&left, &right).unwrap_or(0.0);
        // Equal correlations may differ in their last bits.
        as_much += u64::from(drawn.abs() >= found.abs() - 1e-12);
    }
    Some((found, convert::ratio(as_much, u64::from(ORDERS) + 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, expected: f64, tolerance: f64) {
        assert!((found - expected).abs() <= tolerance, "{found}, expected {expected}");
    }

    #[test]
    fn quantiles_lie_between_neighbours() {
        let values = [4.0, 1.0, 3.0, 2.0, 5.0];
        for (share, expected) in [(0.0, 1.0), (0.5, 3.0), (0.625, 3.5), (1.0, 5.0)] {
            near(quantile(&values, share).unwrap(), expected, 1e-12);
        }
        assert_eq!((quantile(&[], 0.5), mean(&[])), (None, None));
    }

    #[test]
    fn equal_values_share_their_ranks() {
        assert_eq!(ranks(&[10.0, 30.0, 20.0, 20.0]), [1.0, 4.0, 2.5, 2.5]);
    }

    #[test]
    fn the_correlation_is_that_of_a_worked_example() {
        // 1 - 6 × Σd² ÷ n(n² - 1) with d = 1, 1, 0, 1, 1: 1 - 24/120. Of the 120 orders of five, 8 have Σd² of 4 or
        // less and as many the opposite: counted by hand from Kendall's table of Spearman's distribution for n = 5.
        let (found, p) = rank_correlation(&[1.0, 2.0, 3.0, 4.0, 5.0], &[2.0, 1.0, 3.0, 5.0, 4.0]).unwrap();
        near(found, 0.8, 1e-12);
        near(p, 16.0 / 120.0, 0.012);
    }

    #[test]
    fn what_is_constant_correlates_with_nothing() {
        assert_eq!(rank_correlation(&[1.0, 1.0, 1.0], &[1.0, 2.0, 3.0]), None);
        assert_eq!(rank_correlation(&[1.0, 2.0], &[1.0, 2.0]), None);
    }
}
