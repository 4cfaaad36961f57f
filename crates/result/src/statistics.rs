//! How far the means of two samples are apart, and how sure that is.

use std::cmp::Ordering;

use terrace_addr::convert;

/// The difference of two means, with the interval that holds it in 95 of 100 repetitions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// What it is relative to: the mean of the first sample.
    first: f64,
    /// The second mean less the first.
    mean: f64,
    /// Half of the interval's width.
    within: f64,
}

/// Two-sided 95 % quantiles of Student's distribution by degrees of freedom (computed by its definition, to three
/// places; a test integrates it). Between two entries that of fewer degrees holds, which is the wider interval.
const QUANTILES: [(u32, f64); 33] = [
    (1, 12.706),
    (2, 4.303),
    (3, 3.182),
    (4, 2.776),
    (5, 2.571),
    (6, 2.447),
    (7, 2.365),
    (8, 2.306),
    (9, 2.262),
    (10, 2.228),
    (11, 2.201),
    (12, 2.179),
    (13, 2.160),
    (14, 2.145),
    (15, 2.131),
    (16, 2.120),
    (17, 2.110),
    (18, 2.101),
    (19, 2.093),
    (20, 2.086),
    (21, 2.080),
    (22, 2.074),
    (23, 2.069),
    (24, 2.064),
    (25, 2.060),
    (26, 2.056),
    (27, 2.052),
    (28, 2.048),
    (29, 2.045),
    (30, 2.042),
    (40, 2.021),
    (60, 2.000),
    (120, 1.980),
];

fn quantile(degrees: f64) -> f64 {
    let known = QUANTILES.iter().rev().find(|(known, _)| f64::from(*known) <= degrees);
    known.map_or(QUANTILES[0].1, |(_, quantile)| *quantile)
}

/// The mean of a sample; of nothing, 0.
pub fn mean(sample: &[f64]) -> f64 {
    sample.iter().sum::<f64>() / number(sample).max(1.0)
}

fn number(sample: &[f64]) -> f64 {
    convert::ratio(convert::count(sample.len()), 1)
}

/// The variance of the mean of a sample.
fn variance_of_mean(sample: &[f64]) -> f64 {
    let mean = mean(sample);
    let squares: f64 = sample.iter().map(|value| (value - mean) * (value - mean)).sum();
    squares / (number(sample) - 1.0) / number(sample)
}

impl Difference {
    /// Of samples whose values belong together one by one (the same seed), by the differences of the pairs; nothing of
    /// less than two pairs.
    pub fn paired(first: &[f64], second: &[f64]) -> Option<Self> {
        if first.len() != second.len() || first.len() < 2 {
            return None;
        }
        let differences: Vec<f64> = first.iter().zip(second).map(|(first, second)| second - first).collect();
        let within = quantile(number(first) - 1.0) * variance_of_mean(&differences).sqrt();
        Some(Self { first: mean(first), mean: mean(&differences), within })
    }

    /// Of samples that have nothing to do with each other, without assuming that they vary alike (Welch); nothing of
    /// less than two values on one side.
    pub fn unpaired(first: &[f64], second: &[f64]) -> Option<Self> {
        if first.len().min(second.len()) < 2 {
            return None;
        }
        let variances = [first, second].map(variance_of_mean);
        let all = variances[0] + variances[1];
        let parts = variances[0] * variances[0] / (number(first) - 1.0)
            + variances[1] * variances[1] / (number(second) - 1.0);
        // Welch and Satterthwaite's degrees of freedom. Where nothing varies any will do.
        let degrees = if parts > 0.0 { all * all / parts } else { 1.0 };
        Some(Self {
            first: mean(first),
            mean: mean(second) - mean(first),
            within: quantile(degrees) * all.sqrt(),
        })
    }

    /// Whether the second is above or below the first; `Equal` if the interval holds no difference at all, too.
    pub fn direction(self) -> Ordering {
        if self.mean.abs() > self.within { self.mean.total_cmp(&0.0) } else { Ordering::Equal }
    }

    /// The difference and the half of its interval in percent of the first mean, if that is not 0.
    pub fn percent(self) -> Option<(f64, f64)> {
        let all = self.first.abs();
        (all > 0.0).then(|| (100.0 * self.mean / all, 100.0 * self.within / all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Student's distribution in the angle whose tangent is t over the root of the degrees of freedom is a power of the
    /// cosine: its share between the quantiles is 95 %.
    #[test]
    fn quantiles_are_those_of_students_distribution() {
        for (degrees, quantile) in QUANTILES {
            let power = i32::try_from(degrees).unwrap() - 1;
            let integral = |to: f64| {
                let (steps, mut sum) = (4000, 0.0);
                for step in 0..steps {
                    let angle = to * (f64::from(step) + 0.5) / f64::from(steps);
                    sum += angle.cos().powi(power) * to / f64::from(steps);
                }
                sum
            };
            let share = integral((quantile / f64::from(degrees).sqrt()).atan())
                / integral(std::f64::consts::FRAC_PI_2);
            assert!((share - 0.95).abs() < 1e-4, "{degrees}: {share}");
        }
        for (degrees, expected) in [(0.5, 12.706), (1.0, 12.706), (35.0, 2.042), (1e9, 1.980)] {
            assert!((quantile(degrees) - expected).abs() < 1e-9, "{degrees}");
        }
    }

    /// Worked by hand: differences 1, 2, 3 have the mean 2 and the standard error 1 / √3.
    #[test]
    fn pairs_are_compared_by_their_differences() {
        let difference = Difference::paired(&[10.0, 20.0, 30.0], &[11.0, 22.0, 33.0]).unwrap();
        assert!((difference.mean - 2.0).abs() < 1e-12);
        assert!((difference.within - 4.303 / 3_f64.sqrt()).abs() < 1e-12);
        assert_eq!(difference.direction(), Ordering::Equal, "2 ± 2.48");
        let (percent, within) = difference.percent().unwrap();
        assert!((percent - 10.0).abs() < 1e-9 && (within - 12.42).abs() < 0.01);
        assert_eq!(Difference::paired(&[1.0], &[2.0]), None);
        assert_eq!(Difference::paired(&[1.0, 2.0], &[2.0]), None);
    }

    /// Worked by hand: variances 1 and 4 of three values each.
    #[test]
    fn samples_that_vary_differently() {
        let difference = Difference::unpaired(&[9.0, 10.0, 11.0], &[18.0, 20.0, 22.0]).unwrap();
        // (1/3 + 4/3)² / ((1/3)²/2 + (4/3)²/2) = 2.94 degrees: the quantile of 2.
        assert!((difference.within - 4.303 * (5.0_f64 / 3.0).sqrt()).abs() < 1e-9);
        assert_eq!(difference.direction(), Ordering::Greater);
        assert_eq!(Difference::unpaired(&[1.0, 2.0], &[2.0]), None);
    }

    #[test]
    fn what_never_varies_is_compared_exactly() {
        for compare in [Difference::paired, Difference::unpaired] {
            let of = |second| compare(&[5.0, 5.0], second).unwrap().direction();
            assert_eq!([of(&[5.0, 5.0]), of(&[4.0, 4.0])], [Ordering::Equal, Ordering::Less]);
        }
    }

    /// Whichever comes first, the interval is as wide and the direction the other one.
    #[test]
    fn the_order_of_samples_turns_the_direction() {
        let samples: [&[f64]; 4] = [&[1.0, 2.0, 4.0], &[3.0, 3.5], &[9.0, 9.1, 9.2, 9.3], &[2.0, 60.0]];
        for first in samples {
            for second in samples {
                let [one, other] = [(first, second), (second, first)]
                    .map(|(first, second)| Difference::unpaired(first, second).unwrap());
                assert!((one.within - other.within).abs() < 1e-9);
                assert_eq!(one.direction(), other.direction().reverse());
            }
        }
        let far = Difference::unpaired(samples[0], samples[2]).unwrap();
        assert_eq!(far.direction(), Ordering::Greater);
    }
}
