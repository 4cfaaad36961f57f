//! Progress on a terminal.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use terrace_addr::convert;

/// A bar on standard error with the share of the input that was replayed, the speed and the time left; nothing
/// where standard error is no terminal.
pub(super) struct Progress {
    bar: ProgressBar,
    started: Instant,
    drawn: Instant,
    references: u64,
}

const INTERVAL: Duration = Duration::from_millis(100);

impl Progress {
    pub(super) fn start() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let template = "{wide_bar} {percent:>3} %  {msg}, {eta} left";
        // A template that indicatif refused would show its own bar instead.
        bar.set_style(
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        let now = Instant::now();
        Self { bar, started: now, drawn: now, references: 0 }
    }

    /// So many more references were replayed.
    pub(super) fn advance(&mut self, references: u64, read: impl FnOnce() -> terrace_trace::Progress) {
        self.references += references;
        if self.bar.is_hidden() || self.drawn.elapsed() < INTERVAL {
            return;
        }
        self.drawn = Instant::now();
        let read = read();
        self.bar.set_length(read.total);
        self.bar.set_position(read.read);
        let microseconds = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX).max(1);
        let speed = convert::ratio(self.references, microseconds);
        self.bar.set_message(format!("{speed:.1} M accesses/s"));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
