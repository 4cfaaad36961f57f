//! What was measured.

use std::time::Duration;

use terrace_addr::convert;
use terrace_mmu::Counters;

/// What was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    /// What was done, in the row's unit.
    pub done: u64,
    /// How long it took.
    pub took: Duration,
    /// Accesses that were translated.
    pub accesses: u64,
    /// Walks for them.
    pub walks: u64,
    /// Table entries that these read.
    pub walk_references: u64,
    /// Of a row that touches its pages first, how that went.
    pub first_touch: Option<Touched>,
}

/// First touches of pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Touched {
    /// How many.
    pub pages: u64,
    /// How long they took.
    pub took: Duration,
}

impl Measured {
    /// `done` in the time `took`, with what was counted meanwhile.
    pub(super) const fn new(done: u64, took: Duration, before: &Counters, after: &Counters) -> Self {
        Self {
            done,
            took,
            accesses: after.accesses - before.accesses,
            walks: after.walks - before.walks,
            walk_references: after.walk_references - before.walk_references,
            first_touch: None,
        }
    }

    /// Millions a second, of the row's unit.
    pub fn rate(&self) -> f64 {
        millions_a_second(self.done, self.took)
    }
}

impl Touched {
    /// Millions of pages a second.
    pub fn rate(&self) -> f64 {
        millions_a_second(self.pages, self.took)
    }
}

/// How many millions of something a second.
pub fn millions_a_second(done: u64, took: Duration) -> f64 {
    let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX).max(1);
    1000.0 * convert::ratio(done, nanoseconds)
}
