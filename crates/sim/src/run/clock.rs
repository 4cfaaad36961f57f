//! Cycles and nanoseconds.

use terrace_addr::{Cycles, Nanos};
use terrace_machine::Machine;

/// The machine's clock: one second is so many cycles.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    hertz: u64,
}

/// Nanoseconds of a second.
const SECOND: u128 = 1_000_000_000;

impl Clock {
    pub(crate) const fn new(machine: &Machine) -> Self {
        Self { hertz: machine.clock.frequency.hertz() }
    }

    /// The time of a clock, rounded down.
    pub(crate) fn nanos(self, cycles: Cycles) -> Nanos {
        let nanos = u128::from(cycles.get()) * SECOND / u128::from(self.hertz.max(1));
        Nanos::new(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// The first cycle at or behind a time.
    pub(crate) fn cycles(self, nanos: Nanos) -> Cycles {
        let cycles = (u128::from(nanos.get()) * u128::from(self.hertz)).div_ceil(SECOND);
        Cycles::new(u64::try_from(cycles).unwrap_or(u64::MAX))
    }
}
