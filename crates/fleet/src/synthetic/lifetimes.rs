//! How long VMs live.
//!
//! Assumed, after what SOSP'17 (Cortez et al., "Resource Central") says of Azure: most VMs live for less than a day, and
//! few live very long. The shares of the kinds are assumed; within a kind every order of magnitude is as likely. The longest
//! life, 163 days, is none of these: it is the one with which a steady load has the VM-hours that the dataset publishes
//! (104,371,713 of 2,013,767 VMs in 720 hours).

use super::stream::Stream;

/// VMs whose lifetimes are of one order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// The shortest, in seconds,
    pub from: u64,
    /// and the longest.
    pub to: u64,
    /// VMs of this kind among a hundred that arrive.
    pub share: u32,
}

const HOUR: u64 = 3600;

/// All kinds.
pub const LIFETIMES: [Lifetime; 4] = [
    Lifetime { from: 300, to: 900, share: 29 },
    Lifetime { from: 900, to: HOUR, share: 32 },
    Lifetime { from: HOUR, to: 24 * HOUR, share: 32 },
    Lifetime { from: 24 * HOUR, to: 163 * 24 * HOUR, share: 7 },
];

/// Draws lifetimes.
pub(super) struct Lives {
    /// For each kind, of the VMs that live at any one time those that are of it.
    alive: [f64; LIFETIMES.len()],
}

impl Lives {
    pub(super) fn new() -> Self {
        // A kind's share of those alive is in proportion to its share of arrivals times its mean.
        let alive = LIFETIMES.map(|kind| f64::from(kind.share) * mean(kind));
        let all: f64 = alive.iter().sum();
        Self { alive: alive.map(|part| part / all) }
    }

    /// How long a VM that runs already lives on, in seconds. Whoever looks at a random time meets lives in proportion to
    /// their length, which makes the length uniform within a kind, and somewhere within them.
    pub(super) fn rest(&self, stream: &mut Stream) -> u64 {
        let mut at = stream.unit();
        let mut kind = LIFETIMES[LIFETIMES.len() - 1];
        for (candidate, share) in LIFETIMES.iter().zip(self.alive) {
            if at < share {
                kind = *candidate;
                break;
            }
            at -= share;
        }
        let (from, to) = (real(kind.from), real(kind.to));
        terrace_addr::convert::floor((from + stream.unit() * (to - from)) * stream.unit())
    }
}

/// The kind of a batch that arrives.
pub(super) fn kind(stream: &mut Stream) -> usize {
    stream.pick(&LIFETIMES.map(|kind| kind.share))
}

/// The lifetime of a VM of a kind, in seconds: its logarithm is uniform.
pub(super) fn lifetime(kind: usize, stream: &mut Stream) -> u64 {
    let Lifetime { from, to, .. } = LIFETIMES[kind];
    let (from, to) = (real(from), real(to));
    terrace_addr::convert::floor(from * libm::exp(stream.unit() * libm::log(to / from)))
}

/// The mean of a kind, in seconds.
fn mean(kind: Lifetime) -> f64 {
    let (from, to) = (real(kind.from), real(kind.to));
    (to - from) / libm::log(to / from)
}

const fn real(value: u64) -> f64 {
    terrace_addr::convert::ratio(value, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_load_has_the_published_hours() {
        let mean: f64 = LIFETIMES.iter().map(|&kind| f64::from(kind.share) / 100.0 * mean(kind)).sum();
        // Little's law: of N VMs, of which a share s run at the start, (1 - s) N arrive in 720 hours, and s N live at any
        // time, so that the mean lifetime is s / (1 - s) * 720 hours; s is 51.83 h / 720 h.
        let share = 51.83 / 720.0;
        let expected = share / (1.0 - share) * 720.0 * 3600.0;
        assert!((mean / expected - 1.0).abs() < 0.01, "{mean} s, {expected} s");
    }
}
