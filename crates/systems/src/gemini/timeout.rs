//! How long a booking lasts: Algorithm 1 of the Gemini paper.
//!
//! It climbs: a tenth up is tried first, then a tenth down, each against a fresh baseline; a step is kept only if TLB
//! misses fell and fragmentation did not rise, on average over the period. Misses are walks per access: periods in
//! which a program ran more, or less, are comparable. A period without any access says nothing: no step is kept on it.

use terrace_addr::{Nanos, convert};
use terrace_policy::Counters;

/// The state of the algorithm.
#[derive(Debug, Clone)]
pub(crate) struct Timeout {
    /// Td.
    desired: Nanos,
    /// Te.
    effective: Nanos,
    /// P.
    period: Nanos,
    phase: Phase,
    window: Option<Window>,
    /// Steps that were kept.
    steps: u64,
}

/// What is observed in a period.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    /// Before a step.
    Baseline(Step),
    /// A step is tried, against what was seen before it.
    Trial(Step, Seen),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Up,
    Down,
}

/// The averages of a period.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Seen {
    /// Walks per access; none if there was no access.
    misses: Option<f64>,
    fragmentation: f64,
}

/// A period that lasts.
#[derive(Debug, Clone, Copy)]
struct Window {
    ends: Nanos,
    first: Counters,
    /// The sum of the indices seen, and how many.
    fragmentation: f64,
    looks: u64,
}

/// A timeout does not fall below this, where a tenth of it would be no whole number of nanoseconds: `assumed`.
const LEAST: Nanos = Nanos::new(10);

impl Step {
    /// The paper: 1.1 and 0.9.
    fn of(self, timeout: Nanos) -> Nanos {
        let tenths = match self {
            Self::Up => 11,
            Self::Down => 9,
        };
        let stepped = u128::from(timeout.get()) * tenths / 10;
        Nanos::new(u64::try_from(stepped).unwrap_or(u64::MAX)).max(LEAST)
    }
}

impl Seen {
    /// Whether misses fell, and fragmentation did not rise, since `before`.
    fn is_better_than(&self, before: &Self) -> bool {
        let fell = match (self.misses, before.misses) {
            (Some(now), Some(then)) => now < then,
            _ => false,
        };
        fell && self.fragmentation <= before.fragmentation
    }
}

impl Timeout {
    pub(crate) fn new(first: Nanos, period: Nanos) -> Self {
        let first = first.max(LEAST);
        Self {
            desired: first,
            effective: first,
            period,
            phase: Phase::Baseline(Step::Up),
            window: None,
            steps: 0,
        }
    }

    /// How long a booking that is made now lasts.
    pub(crate) const fn effective(&self) -> Nanos {
        self.effective
    }

    /// How many steps were kept.
    pub(crate) const fn steps(&self) -> u64 {
        self.steps
    }

    /// Sees how things are now: the counters, and the index of fragmentation. When to look again at the latest.
    pub(crate) fn observe(&mut self, now: Nanos, counters: Counters, fragmentation: f64) -> Nanos {
        let fresh = Window {
            ends: Nanos::new(now.get().saturating_add(self.period.get())),
            first: counters,
            fragmentation: 0.0,
            looks: 0,
        };
        let window = self.window.get_or_insert(fresh);
        window.fragmentation += fragmentation;
        window.looks += 1;
        if now < window.ends {
            return window.ends;
        }
        let accesses = counters.accesses.saturating_sub(window.first.accesses);
        let walks = counters.walks.saturating_sub(window.first.walks);
        let seen = Seen {
            misses: (accesses > 0).then(|| convert::ratio(walks, accesses)),
            fragmentation: window.fragmentation / convert::ratio(window.looks, 1),
        };
        self.window = Some(fresh);
        self.end_period(seen);
        fresh.ends
    }

    fn end_period(&mut self, seen: Seen) {
        (self.phase, self.effective) = match self.phase {
            Phase::Baseline(step) => (Phase::Trial(step, seen), step.of(self.desired)),
            Phase::Trial(step, before) => {
                let kept = seen.is_better_than(&before);
                if kept {
                    self.desired = self.effective;
                    self.steps += 1;
                }
                let next = match step {
                    Step::Up if !kept => Step::Down,
                    Step::Up | Step::Down => Step::Up,
                };
                (Phase::Baseline(next), self.desired)
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    const PERIOD: u64 = 100;

    /// Runs whole periods, each with so many misses per 1000 accesses and an index; the timeouts in force in each, and
    /// the one desired after it.
    fn run(first: u64, periods: &[(u64, f64)]) -> Vec<(u64, u64)> {
        let mut timeout = Timeout::new(Nanos::new(first), Nanos::new(PERIOD));
        let mut counters = Counters::default();
        let mut now = 0;
        timeout.observe(Nanos::new(0), counters, periods.first().map_or(0.0, |period| period.1));
        let mut trace = Vec::new();
        for &(misses, fragmentation) in periods {
            let in_force = timeout.effective().get();
            counters.accesses += 1000;
            counters.walks += misses;
            now += PERIOD;
            // Most of the period at this index: the look at its end belongs to it.
            timeout.observe(Nanos::new(now - PERIOD / 2), counters, fragmentation);
            timeout.observe(Nanos::new(now), counters, fragmentation);
            trace.push((in_force, timeout.desired.get()));
        }
        trace
    }

    #[test]
    fn upward_comes_first_and_a_kept_step_is_followed_by_another() {
        let trace =
            run(1000, &[(9, 0.5), (8, 0.5), (8, 0.5), (7, 0.5), (7, 0.5), (7, 0.5), (7, 0.5), (6, 0.4)]);
        let expected = [
            (1000, 1000), // A baseline.
            (1100, 1100), // Up, kept.
            (1100, 1100), // A fresh baseline.
            (1210, 1210), // Up, kept.
            (1210, 1210), // A fresh baseline.
            (1331, 1210), // Up, not kept: misses did not fall.
            (1210, 1210), // A fresh baseline.
            (1089, 1089), // Down, kept.
        ];
        assert_eq!(trace, expected);
    }

    #[test]
    fn a_period_without_accesses_keeps_no_step() {
        let mut timeout = Timeout::new(Nanos::new(1000), Nanos::new(PERIOD));
        let mut counters = Counters { accesses: 10, walks: 10, ..Counters::default() };
        for (now, more) in [(0, 0), (100, 5), (200, 0), (300, 0)] {
            counters.accesses += more;
            counters.walks += more;
            timeout.observe(Nanos::new(now), counters, 0.0);
        }
        assert_eq!(timeout.desired, Nanos::new(1000));
    }

    proptest! {
        /// The three statements: a step is kept only if misses fall and fragmentation does not rise; steps are of a
        /// tenth; upward is tried first.
        #[test]
        fn a_step_is_a_tenth_upward_first_and_kept_only_if_it_helped(
            first in 1_000_u64..1 << 60,
            periods in prop::collection::vec((0_u64..20, (0_u8..4).prop_map(|index| f64::from(index) / 4.0)), 2..60),
        ) {
            let trace = run(first, &periods);
            let up = |value: u64| u64::try_from(u128::from(value) * 11 / 10).unwrap_or(u64::MAX);
            let down = |value: u64| u64::try_from(u128::from(value) * 9 / 10).unwrap_or(u64::MAX);
            let mut desired = first;
            let mut upward = true;
            for (pair, seen) in trace.chunks_exact(2).zip(periods.chunks_exact(2)) {
                let [(baseline, still), (tried, after)] = pair else { unreachable!() };
                prop_assert_eq!((*baseline, *still), (desired, desired), "a baseline is at the desired timeout");
                prop_assert_eq!(*tried, if upward { up(desired) } else { down(desired) });
                let helped = seen[1].0 < seen[0].0 && seen[1].1 <= seen[0].1;
                prop_assert_eq!(*after, if helped { *tried } else { desired });
                upward = helped || !upward;
                desired = *after;
            }
        }
    }
}
