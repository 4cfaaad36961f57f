//! How requests come to a program that serves them.

use terrace_addr::Nanos;

use crate::random::{Stream, floor};

/// How requests come: an open loop, in which a request comes at its time whether or not the one before was answered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Service {
    /// How many come.
    pub load: Load,
}

/// How many requests come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Load {
    /// So many a second, over all threads together.
    PerSecond(f64),
    /// This share of what the baseline serves when each thread is given its next request at once. Whoever runs the
    /// program measures that first, with the baseline, and uses the same rate for every system that is compared.
    OfSaturation(f64),
}

impl Service {
    /// The arrivals at worker `worker` of `workers`, if `per_second` requests a second come to all of them.
    /// Independent Poisson streams add up to one, so each worker has its own.
    pub fn arrivals(per_second: f64, workers: usize, worker: usize, seed: u64) -> Arrivals {
        let workers = crate::random::real(terrace_addr::convert::count(workers.max(1)));
        Arrivals::new(per_second / workers, seed, worker)
    }
}

/// The arrivals at one worker: a Poisson process.
#[derive(Debug, Clone)]
pub struct Arrivals {
    stream: Stream,
    mean_nanos: f64,
    /// What rounding down to whole nanoseconds has left over so far.
    rest: f64,
}

/// The nanoseconds in a second.
const SECOND: f64 = 1e9;

/// No gap is longer: 52 days. It keeps sums of gaps far from the end of 64 bits.
const LONGEST: f64 = 4_503_599_627_370_496.0;

impl Arrivals {
    /// Requests that come to `worker` at `per_second` a second on average. At a rate that is no positive number hardly
    /// any come: one in 52 days.
    pub fn new(per_second: f64, seed: u64, worker: usize) -> Self {
        let mean_nanos = if per_second > 0.0 { SECOND / per_second } else { LONGEST };
        Self { stream: Stream::new(seed, "arrivals", worker), mean_nanos, rest: 0.0 }
    }

    /// The time from one arrival to the next in the mean.
    pub fn mean_gap(&self) -> Nanos {
        Nanos::new(floor(self.mean_nanos))
    }

    /// The time from one arrival to the next: exponential, by inversion. What is rounded away is carried to the next
    /// gap, so that the rate is exact in the long run.
    pub fn next_gap(&mut self) -> Nanos {
        // 1 − u is never 0, for u is below 1.
        let exact = (self.rest - libm::log(1.0 - self.stream.unit()) * self.mean_nanos).min(LONGEST);
        let whole = floor(exact);
        self.rest = exact - crate::random::real(whole);
        Nanos::new(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::real;

    #[test]
    fn gaps_are_exponential_at_the_stated_rate() {
        for per_second in [1e3, 3e6, 2e9] {
            let mut arrivals = Arrivals::new(per_second, 3, 0);
            let mean = SECOND / per_second;
            let gaps: Vec<f64> = (0..100_000).map(|_| real(arrivals.next_gap().get())).collect();
            let measured = gaps.iter().sum::<f64>() / 100_000.0;
            // The standard deviation of the mean is mean / √100,000; four of them.
            assert!((measured / mean - 1.0).abs() < 0.0127, "{per_second}: {measured}");
            if mean > 100.0 {
                let longer = gaps.iter().filter(|&&gap| gap > 2.0 * mean).count();
                // e⁻² of all gaps are longer than two means: 13,534, and four deviations are 433.
                assert!(longer.abs_diff(13_534) < 433, "{longer}");
            }
        }
    }

    #[test]
    fn arrivals_are_a_function_of_seed_and_worker() {
        let gaps = |seed, worker| {
            let mut arrivals = Service::arrivals(1e6, 4, worker, seed);
            (0..100).map(|_| arrivals.next_gap().get()).collect::<Vec<_>>()
        };
        assert_eq!(gaps(1, 0), gaps(1, 0));
        assert_ne!(gaps(1, 0), gaps(1, 1));
        assert_ne!(gaps(1, 0), gaps(2, 0));
    }

    #[test]
    fn rates_that_are_none_give_the_longest_gaps() {
        for rate in [0.0, -1.0, f64::NAN] {
            assert!(Arrivals::new(rate, 0, 0).next_gap().get() > 0);
        }
    }
}
