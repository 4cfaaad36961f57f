//! How much of the time goes into walks, as counters tell (`HawkEye`-PMU).

use terrace_addr::convert;
use terrace_policy::Counters;

/// The share of cycles that go into walks.
#[derive(Debug, Clone)]
pub(super) struct Overhead {
    cycles_per_access: u64,
    last: Counters,
    share: f64,
}

/// How much what was before weighs against the newest (`mm/ohp.c`: 8 parts of 10).
const OLD: f64 = 0.8;

impl Overhead {
    pub(super) fn new(cycles_per_access: u64) -> Self {
        Self { cycles_per_access, last: Counters::default(), share: 0.0 }
    }

    /// Learns what was counted since the last time, and says the share.
    pub(super) fn learn(&mut self, now: Counters) -> f64 {
        let accesses = now.accesses.saturating_sub(self.last.accesses);
        let walks = now.walk_cycles.saturating_sub(self.last.walk_cycles);
        let all = walks.saturating_add(accesses.saturating_mul(self.cycles_per_access));
        if all > 0 {
            self.share = self.share * OLD + convert::ratio(walks, all) * (1.0 - OLD);
        }
        self.last = now;
        self.share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_follows_what_is_counted() {
        let mut overhead = Overhead::new(4);
        let counted = |times: u64| Counters {
            accesses: 100 * times,
            walks: 10 * times,
            walk_cycles: 400 * times,
            ..Counters::default()
        };
        assert!((overhead.learn(counted(1)) - 0.1).abs() < 1e-9);
        let mut share = 0.0;
        for times in 2..40 {
            share = overhead.learn(counted(times));
        }
        assert!((share - 0.5).abs() < 1e-3, "{share}");
        assert!((overhead.learn(counted(39)) - share).abs() < 1e-9, "nothing was counted");
    }
}
