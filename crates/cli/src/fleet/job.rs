//! All simulations of a run, some at a time.

use terrace_addr::convert;
use terrace_fleet::{FleetError, Outcome, Setup, Trace, simulate};

use super::progress::Bar;
use crate::interrupt::interrupted;
use crate::parallel::in_order;
use crate::said::Said;

/// Simulates a trace with each set-up, so many at a time; if it is interrupted, with the first of them, of which the last
/// ones are cut short.
pub(super) fn all(
    trace: &Trace,
    setups: &[Setup],
    at_a_time: usize,
    said: Said,
) -> Result<Vec<Outcome>, FleetError> {
    let events = convert::count(trace.events().len());
    let bar = Bar::new(said, setups.len(), events * convert::count(setups.len()));
    let work = |place: usize| simulate(trace, &setups[place], &mut bar.watcher());
    in_order(setups.len(), at_a_time, interrupted, work).into_iter().collect()
}
