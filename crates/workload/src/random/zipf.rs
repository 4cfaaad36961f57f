//! Zipf's distribution: rank k with a probability in proportion to 1 / k^θ.

use super::{Stream, nearest_whole, real};

/// Draws ranks by rejection-inversion (Hörmann and Derflinger, "Rejection-inversion to generate variates from monotone
/// discrete distributions", ACM TOMACS 6(3), 1996): exact, in constant time and memory for any count.
#[derive(Debug, Clone)]
pub(crate) struct Zipf {
    count: u64,
    exponent: f64,
    /// The integral of the envelope up to its left end, and up to count + ½.
    first: f64,
    last: f64,
    /// Within this distance of a rank a draw needs no further test.
    squeeze: f64,
}

impl Zipf {
    /// Ranks from 1 to `count` (at least 1, below 2⁵²) with the exponent `exponent`, at least 0.
    pub(crate) fn new(count: u64, exponent: f64) -> Self {
        let first = integral(1.5, exponent) - 1.0;
        let last = integral(real(count) + 0.5, exponent);
        let squeeze = 2.0 - inverse(integral(2.5, exponent) - weight(2.0, exponent), exponent);
        Self { count, exponent, first, last, squeeze }
    }

    /// A rank, from 0: the likeliest is 0.
    pub(crate) fn draw(&self, stream: &mut Stream) -> u64 {
        loop {
            let under = self.last + stream.unit() * (self.first - self.last);
            let at = inverse(under, self.exponent);
            let rank = nearest_whole(at).clamp(1, self.count);
            let centre = real(rank);
            if centre - at <= self.squeeze
                || under >= integral(centre + 0.5, self.exponent) - weight(centre, self.exponent)
            {
                return rank - 1;
            }
        }
    }
}

/// x^−θ.
fn weight(x: f64, exponent: f64) -> f64 {
    libm::exp(-exponent * libm::log(x))
}

/// The integral of t^−θ from 1 to `x`: (x^(1−θ) − 1) / (1−θ), and ln x at θ = 1.
fn integral(x: f64, exponent: f64) -> f64 {
    let log = libm::log(x);
    let power = (1.0 - exponent) * log;
    log * if power.abs() > SMALL { libm::expm1(power) / power } else { 1.0 + power / 2.0 }
}

/// The `x` whose integral is `area`.
fn inverse(area: f64, exponent: f64) -> f64 {
    // At most −1 is reached by rounding alone; the logarithm ends there.
    let power = (area * (1.0 - exponent)).max(-1.0);
    libm::exp(area * if power.abs() > SMALL { libm::log1p(power) / power } else { 1.0 - power / 2.0 })
}

/// Below this the first terms of the series are as exact as the quotients.
const SMALL: f64 = 1e-8;

#[cfg(test)]
mod tests {
    use super::*;

    /// The exact probability of each rank below `head` among `count`.
    fn head(count: u64, exponent: f64, head: u64) -> Vec<f64> {
        let total: f64 = (1..=count).rev().map(|rank| weight(real(rank), exponent)).sum();
        (1..=head).map(|rank| weight(real(rank), exponent) / total).collect()
    }

    #[test]
    fn draws_follow_the_exact_distribution() {
        const DRAWS: u64 = 200_000;
        for (count, exponent) in
            [(1, 0.99), (2, 0.99), (1000, 0.99), (100_000, 0.99), (1000, 1.0), (1000, 1.4), (50, 0.0)]
        {
            let zipf = Zipf::new(count, exponent);
            let mut stream = Stream::new(7, "zipf", 0);
            let mut seen = vec![0_u64; usize::try_from(count).unwrap()];
            for _ in 0..DRAWS {
                seen[usize::try_from(zipf.draw(&mut stream)).unwrap()] += 1;
            }
            let head = head(count, exponent, count.min(50));
            for (rank, (&share, &seen)) in head.iter().zip(&seen).enumerate() {
                let expected = share * real(DRAWS);
                let deviation = (expected * (1.0 - share)).sqrt();
                assert!(
                    (real(seen) - expected).abs() <= 4.5 * deviation,
                    "rank {rank} of {count} at {exponent}: {seen} draws, expected {expected}"
                );
            }
            // The tail has the rest.
            let tail: u64 = seen.iter().skip(50).sum();
            let share = 1.0 - head.iter().sum::<f64>();
            assert!((real(tail) / real(DRAWS) - share).abs() < 0.005, "tail of {count} at {exponent}");
        }
    }

    #[test]
    fn draws_are_part_of_the_model() {
        let zipf = Zipf::new(1 << 30, 0.99);
        let mut stream = Stream::new(1, "zipf", 0);
        let draws: Vec<_> = (0..4).map(|_| zipf.draw(&mut stream)).collect();
        assert_eq!(draws, [118_703, 95, 346_541, 290_997_573]);
    }
}
