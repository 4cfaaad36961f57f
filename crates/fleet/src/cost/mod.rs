//! What contiguous memory saves a fleet: the data centre's answer times the hardware's.

mod measured;

use serde::{Deserialize, Serialize};

pub use measured::{CostsFrom, KindCosts, Measured, Selection};

use crate::sim::Tally;

/// What walks cost a core. [`Measured::of`] takes it from a result of the engine.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct WalkCosts {
    /// Walks of a busy core in a second.
    pub walks_per_core_second: f64,
    /// Cycles of a walk with the second dimension (EPT).
    pub ept_cycles: f64,
    /// Cycles of walks in segment mode for the work that one walk with EPT is for.
    pub segment_cycles: f64,
    /// The share of their time in which the VMs' cores are busy.
    pub busy_share: f64,
}

/// What a fleet spends on walks, and saves.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FleetCycles {
    /// Cycles of all walks if every VM had EPT.
    pub ept_only: f64,
    /// Cycles of all walks if every VM in one block has segment mode, and the others EPT.
    pub spent: f64,
    /// The difference.
    pub saved: f64,
    /// As a share of the first.
    pub saved_share: f64,
}

impl WalkCosts {
    /// Whether each number is one that there can be.
    pub fn are_possible(&self) -> bool {
        let all = [self.walks_per_core_second, self.ept_cycles, self.segment_cycles, self.busy_share];
        all.iter().all(|number| number.is_finite() && *number >= 0.0) && self.busy_share <= 1.0
    }

    /// What walks cost the VMs of a simulation.
    pub fn of(&self, tally: &Tally) -> FleetCycles {
        let core_seconds = tally.core_seconds();
        let contiguous = tally.contiguous_core_seconds();
        let walks = self.walks_per_core_second * self.busy_share;
        let ept_only = core_seconds * walks * self.ept_cycles;
        let saved = contiguous * walks * (self.ept_cycles - self.segment_cycles);
        let saved_share = if ept_only > 0.0 { saved / ept_only } else { 0.0 };
        FleetCycles { ept_only, spent: ept_only - saved, saved, saved_share }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_contiguous_vms_save() {
        // 10 core-seconds, of which 8 in one block.
        let thousandths = 1000 * 1_000_000_000;
        let tally = Tally {
            core_nanos: 10 * thousandths,
            contiguous_core_nanos: 8 * thousandths,
            ..Tally::default()
        };
        let costs =
            WalkCosts { walks_per_core_second: 1e6, ept_cycles: 60.0, segment_cycles: 20.0, busy_share: 0.5 };
        let cycles = costs.of(&tally);
        let expected = FleetCycles { ept_only: 3e8, spent: 1.4e8, saved: 1.6e8, saved_share: 1.6 / 3.0 };
        assert!((cycles.saved_share - expected.saved_share).abs() < 1e-12);
        assert_eq!((cycles.ept_only, cycles.spent, cycles.saved), (3e8, 1.4e8, 1.6e8));
        assert!(costs.are_possible());
        assert!(!WalkCosts { busy_share: 1.1, ..costs }.are_possible());
        assert!(!WalkCosts { ept_cycles: f64::NAN, ..costs }.are_possible());
        assert!(costs.of(&Tally::default()).saved_share.abs() < 1e-12);
    }
}
