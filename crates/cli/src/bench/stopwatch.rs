//! How long the parts of a run take, and how much memory all of it takes.
//!
//! A run is one thread: where the system tells it, what counts is the time that this thread was on a CPU, so that others
//! who use the machine do not count.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use terrace_addr::{Bytes, PageSize, convert};
use terrace_result::{MetricValue, Outcome, RunResult};
use terrace_scenario::Scenario;
use terrace_sim::run::{Next, Passed, Watch};

use super::peak;
use crate::interrupt::interrupted;
use crate::progress::RunsBar;

/// Watches a run of one program whose first touches are one access a page, as GUPS's are, and shows how far it is. Ctrl-C
/// ends the run.
pub(super) struct Stopwatch {
    bar: RunsBar,
    pages: u64,
    clock: Clock,
    asked: u64,
    /// When it was first asked, when all pages were touched, when the measured time began, and when it was last asked.
    first: Option<Moment>,
    touched: Option<Moment>,
    measured: Option<Moment>,
    last: Option<Moment>,
}

/// A time since the run began, and how many accesses were simulated until then.
#[derive(Debug, Clone, Copy)]
struct Moment {
    at: Duration,
    simulated: u64,
}

/// What tells the time.
#[derive(Debug, Clone, Copy)]
enum Clock {
    /// The time of this thread on a CPU, beside what it was when the run began.
    Cpu(Duration),
    Wall(Instant),
}

impl Clock {
    fn new() -> Self {
        on_cpu().map_or_else(|| Self::Wall(Instant::now()), Self::Cpu)
    }

    fn elapsed(self) -> Duration {
        match self {
            Self::Cpu(began) => on_cpu().unwrap_or(began).saturating_sub(began),
            Self::Wall(began) => began.elapsed(),
        }
    }
}

/// How long this program's first thread, which runs are made on, was on a CPU (Linux, `schedstat` in proc(5)).
fn on_cpu() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

/// The clock is read so often, in calls: reading it takes longer than a short turn.
const READ: u64 = 64;

impl Moment {
    /// Accesses a second until a later moment, in millions.
    fn rate(self, later: Self) -> f64 {
        let seconds = later.at.saturating_sub(self.at).as_secs_f64();
        convert::ratio(later.simulated - self.simulated, 1_000_000) / seconds.max(f64::MIN_POSITIVE)
    }
}

impl Stopwatch {
    /// Begins now.
    pub(super) fn new(scenario: &Scenario, bar: RunsBar) -> Self {
        let programs = scenario.vm.iter().flat_map(|vm| &vm.program);
        let bytes: Bytes = programs.filter_map(|program| program.parameters.bytes("bytes")).sum();
        let pages = bytes.get() >> PageSize::Size4K.shift();
        let clock = Clock::new();
        Self { bar, pages, clock, asked: 0, first: None, touched: None, measured: None, last: None }
    }

    /// What was measured, of a run that came to its measured time.
    pub(super) fn timed(&self, result: &RunResult) -> Option<Timed> {
        let value = |metric: &str| result.totals.get(metric).map(MetricValue::as_f64);
        let (first, touched) = (self.first?, self.touched?);
        let simulated_rate = value("accesses_per_second")?;
        let measured_seconds = convert::ratio(result.measured.get(), 1_000_000_000);
        Some(Timed {
            pages: self.pages,
            touches_per_second: first.rate(touched),
            accesses_per_second: self.measured?.rate(self.last?),
            seconds: self.clock.elapsed().as_secs_f64(),
            peak_bytes: peak::own(),
            simulated_rate,
            measured_seconds,
            sampling_error: value("sampling_error"),
            interrupted: matches!(result.outcome, Outcome::Interrupted { .. }),
        })
    }
}

impl Watch for Stopwatch {
    fn advance(&mut self, passed: Passed) -> Next {
        let Passed { share, simulated, .. } = passed;
        let turns =
            (self.touched.is_none() && simulated >= self.pages, self.measured.is_none() && share > 0.0);
        if self.asked.is_multiple_of(READ) || self.asked.is_power_of_two() || turns != (false, false) {
            let now = Moment { at: self.clock.elapsed(), simulated };
            self.first.get_or_insert(now);
            self.bar.advance(0, share, simulated - self.last.map_or(0, |last| last.simulated));
            if turns.0 {
                self.touched = Some(now);
            }
            if turns.1 {
                self.measured = Some(now);
            }
            self.last = Some(now);
        }
        // Each part is read often where it is short.
        self.asked = if turns == (false, false) { self.asked + 1 } else { 1 };
        if interrupted() { Next::Stop } else { Next::Go }
    }
}

/// What a run measured.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Timed {
    /// Pages that its program touched first.
    pages: u64,
    /// Of these, in a second of the machine that simulates, in millions.
    touches_per_second: f64,
    /// Accesses of the measured time in such a second, in millions.
    accesses_per_second: f64,
    /// All of it.
    seconds: f64,
    /// Resident memory, at the most.
    peak_bytes: Option<u64>,
    /// Accesses in a second of simulated time, each with its weight.
    simulated_rate: f64,
    /// The measured part of the simulated time.
    measured_seconds: f64,
    /// What `sampling_error` is, of sampled time.
    sampling_error: Option<f64>,
    /// Whether it was ended before its end: all of this is what was measured until then.
    pub(super) interrupted: bool,
}

impl Timed {
    /// Millions of first touches a second.
    pub(super) const fn touches(&self) -> f64 {
        self.touches_per_second
    }

    /// Millions of accesses a second.
    pub(super) const fn accesses(&self) -> f64 {
        self.accesses_per_second
    }

    /// How long all of it took, in minutes.
    pub(super) fn minutes(&self) -> f64 {
        self.seconds / 60.0
    }

    /// Resident memory for each page.
    pub(super) fn bytes_a_page(&self) -> Option<f64> {
        Some(convert::ratio(self.peak_bytes?, self.pages.max(1)))
    }

    /// Resident memory, in GiB.
    pub(super) fn gibibytes(&self) -> Option<f64> {
        Some(convert::ratio(self.peak_bytes?, 1 << 30))
    }

    /// Millions of accesses in a second of simulated time, each with its weight: what the run found.
    pub(super) fn simulated(&self) -> f64 {
        self.simulated_rate / 1e6
    }

    /// Over how much simulated time that was, and how far it may be off.
    pub(super) fn found(&self) -> String {
        let error =
            self.sampling_error.map_or_else(String::new, |error| format!(" ± {:.2} %", 100.0 * error));
        let until = if self.interrupted { " until it was interrupted" } else { "" };
        format!("{error}, over {:.2} s of simulated time{until}", self.measured_seconds)
    }
}

#[cfg(test)]
mod tests {
    use terrace_addr::Nanos;

    use super::*;
    use crate::said::Said;

    /// The phases are told apart by what was simulated, and by the share of the measured time.
    #[test]
    fn phases_are_told_apart() {
        let mut watch = Stopwatch {
            bar: RunsBar::new(Said::QUIET, 1),
            pages: 1000,
            clock: Clock::new(),
            asked: 0,
            first: None,
            touched: None,
            measured: None,
            last: None,
        };
        for (simulated, share) in [(10, 0.0), (999, 0.0), (1001, 0.0), (2000, 0.1), (6000, 0.9)] {
            watch.advance(Passed { now: Nanos::ZERO, share, simulated });
        }
        let of = |moment: Option<Moment>| moment.unwrap().simulated;
        assert_eq!(
            [of(watch.first), of(watch.touched), of(watch.measured), of(watch.last)],
            [10, 1001, 2000, 6000]
        );
        let moment = |seconds, simulated| Moment { at: Duration::from_secs(seconds), simulated };
        assert!((moment(1, 1_000_000).rate(moment(3, 3_000_000)) - 1.0).abs() < 1e-9);
    }
}
