//! How far sampled time may be off.

use terrace_addr::{Nanos, convert};
use terrace_result::{MetricValue, Metrics};
use terrace_scenario::Scenario;

use super::simulation::Simulation;

/// So long before the measured time each access stands for itself: caches fill with accesses, and not with weights.
/// `assumed`: a core that misses its caches all the time fills 20 MiB in about that.
pub(super) const WARM: Nanos = Nanos::new(50_000_000);

/// Accesses a second in each whole interval of the measured time.
#[derive(Debug, Default)]
pub(super) struct Rates(Vec<f64>);

impl Rates {
    /// Another interval.
    pub(super) fn push(&mut self, rate: f64) {
        self.0.push(rate);
    }

    /// How far the rate of accesses may be off because each simulated access stands for several, as a share.
    pub(super) fn error(
        &self,
        simulation: &Simulation,
        totals: &Metrics,
        scenario: &Scenario,
        measured: Nanos,
    ) -> f64 {
        if simulation.is_exact() {
            return 0.0;
        }
        let beyond = simulation.longest_chunk() / convert::ratio(measured.get().max(1), 1);
        let chance = self.chance(of(totals, "accesses_per_second"));
        chance.map_or(1.0, |chance| chance + beyond) + unsampled(totals, scenario) + cold(scenario, measured)
    }

    /// What chance may do to `rate`, that of all of the measured time; nothing, if there are not enough intervals to say.
    /// - Three times the standard error of the mean over the intervals.
    /// - How much it still rose or fell between the halves of the measured time: what changes with the accesses (caches
    ///   that fill) changes more slowly than it would.
    /// - How far it is from the mean over the intervals. A run that ends when its programs do goes on for the last of
    ///   their threads, and the fewer accesses stand for the work of each, the later chance makes that one.
    fn chance(&self, rate: f64) -> Option<f64> {
        let Self(rates) = self;
        let count = convert::ratio(convert::count(rates.len()), 1);
        let mean = average(rates);
        if rates.len() < 2 || mean <= 0.0 {
            return None;
        }
        let spread: f64 = rates.iter().map(|rate| (rate - mean) * (rate - mean)).sum();
        let error = libm::sqrt(spread / (count - 1.0) / count);
        let half = rates.len().div_ceil(2);
        let drift = (average(&rates[..half]) - average(&rates[rates.len() - half..])).abs();
        Some((3.0 * error + drift + (mean - rate).abs()) / mean)
    }
}

fn average(rates: &[f64]) -> f64 {
    rates.iter().sum::<f64>() / convert::ratio(convert::count(rates.len().max(1)), 1)
}

fn of(totals: &Metrics, name: &str) -> f64 {
    totals.get(name).map_or(0.0, MetricValue::as_f64)
}

/// What too short a warm-up adds: of the accesses that are simulated so many find caches that would be full by then if
/// each stood for itself.
fn cold(scenario: &Scenario, measured: Nanos) -> f64 {
    let missing = WARM.get().saturating_sub(scenario.time.warm_up.get());
    let simulated = measured.get() / scenario.time.weight;
    (convert::ratio(missing, simulated.max(1))).min(1.0)
}

/// What faults caused by accesses, and the exits that they took, add to the error: they happen once each, where the
/// accesses that they stand beside stand for several.
fn unsampled(totals: &Metrics, scenario: &Scenario) -> f64 {
    let caused =
        ["fault_guest_cycles", "fault_hypervisor_cycles", "fault_host_cycles", "exit_cycles", "clear_cycles"];
    let all = of(totals, "cycles");
    let share =
        if all > 0.0 { caused.into_iter().map(|name| of(totals, name)).sum::<f64>() / all } else { 0.0 };
    share * convert::ratio(scenario.time.weight - 1, 1)
}
