//! Progress on a terminal.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use terrace_addr::convert;

use crate::said::Said;

/// A bar for each trace, on standard error; nothing where that is no terminal.
pub(crate) struct Bars {
    bars: MultiProgress,
}

impl Bars {
    pub(crate) fn new(said: Said) -> Self {
        let target =
            if said.shows_progress() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self { bars: MultiProgress::with_draw_target(target) }
    }

    /// A bar for a trace that begins now.
    pub(crate) fn start(&self, name: String) -> Progress {
        let bar = self.bars.add(ProgressBar::no_length());
        bar.set_prefix(name);
        bar.set_style(style("{prefix} {spinner} {msg}"));
        let now = Instant::now();
        Progress { bar, hidden: self.bars.is_hidden(), started: now, drawn: now, references: 0 }
    }
}

/// A template that indicatif refused would show its own bar instead.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// A bar with the share of the input that was read, the speed and the time left.
pub(crate) struct Progress {
    bar: ProgressBar,
    hidden: bool,
    started: Instant,
    drawn: Instant,
    references: u64,
}

const INTERVAL: Duration = Duration::from_millis(100);

impl Progress {
    /// So many more references were read.
    pub(crate) fn advance(&mut self, references: u64, read: impl FnOnce() -> terrace_trace::Progress) {
        self.references += references;
        if self.hidden || self.drawn.elapsed() < INTERVAL {
            return;
        }
        self.drawn = Instant::now();
        let read = read();
        // How long a stream is, nobody knows.
        if read.total > 0 {
            if self.bar.length().is_none() {
                self.bar.set_style(style("{prefix} {wide_bar} {percent:>3} %  {msg}, {eta} left"));
            }
            self.bar.set_length(read.total);
            self.bar.set_position(read.read);
        }
        let microseconds = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX).max(1);
        let speed = convert::ratio(self.references, microseconds);
        self.bar.set_message(format!("{speed:.1} M accesses/s"));
        self.bar.tick();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// A bar for all runs of a scenario: how many are done, which share of the measured time, the speed and the time left.
pub(crate) struct RunsBar {
    bar: ProgressBar,
    hidden: bool,
    started: Instant,
    state: Mutex<Runs>,
}

/// How far the runs are.
struct Runs {
    /// Which part of the measured time of each has passed; 1 when it is over.
    shares: Vec<f64>,
    done: usize,
    simulated: u64,
    drawn: Instant,
}

/// Parts of a run that the bar tells apart.
const PARTS: u32 = 1000;

impl RunsBar {
    pub(crate) fn new(said: Said, runs: usize) -> Self {
        let target =
            if said.shows_progress() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let length = convert::count(runs) * u64::from(PARTS);
        let bar = ProgressBar::with_draw_target(Some(length), target);
        bar.set_style(style("{prefix} {wide_bar} {percent:>3} %  {msg}"));
        let started = Instant::now();
        let state = Runs { shares: vec![0.0; runs], done: 0, simulated: 0, drawn: started };
        Self { hidden: bar.is_hidden(), bar, started, state: Mutex::new(state) }
    }

    /// This part of a run's measured time has passed, and so many more accesses were simulated.
    pub(crate) fn advance(&self, run: usize, share: f64, simulated: u64) {
        if !self.hidden {
            self.change(|runs| {
                runs.shares[run] = share.min(1.0);
                runs.simulated += simulated;
            });
        }
    }

    /// A run is over.
    pub(crate) fn finish(&self, run: usize) {
        if !self.hidden {
            self.change(|runs| {
                runs.shares[run] = 1.0;
                runs.done += 1;
            });
        }
    }

    fn change(&self, change: impl FnOnce(&mut Runs)) {
        let mut runs = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut runs);
        if runs.drawn.elapsed() < INTERVAL {
            return;
        }
        runs.drawn = Instant::now();
        let took = self.started.elapsed();
        let parts: f64 = runs.shares.iter().sum();
        let position = convert::floor(parts * f64::from(PARTS));
        self.bar.set_prefix(format!("{} of {} runs", runs.done, runs.shares.len()));
        self.bar.set_position(position);
        let speed =
            convert::ratio(runs.simulated, u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1));
        let left = left(took, position, self.bar.length().unwrap_or(position));
        self.bar.set_message(format!("{speed:.1} M accesses/s{left}"));
        self.bar.tick();
    }
}

/// The time that the rest takes if it is as fast as what was done; nothing while nobody knows.
fn left(took: Duration, done: u64, all: u64) -> String {
    if done == 0 {
        return String::new();
    }
    let rest = convert::ratio(all.saturating_sub(done), done);
    let seconds = convert::floor(took.as_secs_f64() * rest);
    if seconds < 60 {
        format!(", {seconds} s left")
    } else {
        format!(", {} min {} s left", seconds / 60, seconds % 60)
    }
}

impl Drop for RunsBar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
