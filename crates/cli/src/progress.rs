//! Progress on a terminal.

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
