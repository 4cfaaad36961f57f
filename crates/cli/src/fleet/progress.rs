//! Progress of simulations of fleets, on a terminal.

use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use terrace_fleet::{Next, Watch};

use crate::interrupt::interrupted;
use crate::said::Said;

/// A bar for all simulations, on standard error; nothing where that is no terminal.
pub(super) struct Bar {
    drawn: ProgressBar,
    /// Simulations that are over.
    over: AtomicU64,
    all: usize,
}

impl Bar {
    /// For so many simulations, of so many events in all.
    pub(super) fn new(said: Said, simulations: usize, events: u64) -> Self {
        let target =
            if said.shows_progress() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let drawn = ProgressBar::with_draw_target(Some(events), target);
        // A template that indicatif refused would show its own bar instead.
        if let Ok(style) =
            ProgressStyle::with_template("{prefix} {wide_bar} {percent:>3} %  {per_sec} events, {eta} left")
        {
            drawn.set_style(style);
        }
        let bar = Self { drawn, over: AtomicU64::new(0), all: simulations };
        bar.say();
        bar
    }

    /// Who watches one of them.
    pub(super) fn watcher(&self) -> Watcher<'_> {
        Watcher { bar: self, events: 0 }
    }

    fn say(&self) {
        self.drawn.set_prefix(format!("{} of {} simulations", self.over.load(Ordering::Relaxed), self.all));
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.drawn.finish_and_clear();
    }
}

/// Tells the bar, and Ctrl-C to the simulation.
pub(super) struct Watcher<'a> {
    bar: &'a Bar,
    events: u64,
}

impl Watch for Watcher<'_> {
    fn advance(&mut self, events: u64) -> Next {
        self.bar.drawn.inc(events.saturating_sub(self.events));
        self.events = self.events.max(events);
        if interrupted() { Next::Stop } else { Next::Go }
    }
}

impl Drop for Watcher<'_> {
    fn drop(&mut self) {
        self.bar.over.fetch_add(1, Ordering::Relaxed);
        self.bar.say();
    }
}
