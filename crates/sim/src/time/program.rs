//! What a workload says of itself.

use thiserror::Error;

/// What a workload says of itself. It comes from the workload's description or from measurements of a baseline, never
/// from the result of a system that is compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Program {
    core_cycles: f64,
    parallelism: f64,
}

/// The most core cycles of an access, as for the cycles in a machine file: sums of them stay finite.
const MAX_CORE_CYCLES: f64 = 4_294_967_296.0;

impl Program {
    /// None: nothing but the work of kernels.
    pub(crate) const NONE: Self = Self { core_cycles: 0.0, parallelism: 1.0 };

    /// A program whose accesses take `core_cycles` cycles each besides waiting: all its instructions divided by its
    /// accesses, at the rate at which the core retires them when every access hits the first-level cache and TLB.
    /// The latency of a first-level hit is part of it.
    ///
    /// `parallelism` is its memory-level parallelism (MLP): how many accesses that miss are outstanding at a time, on
    /// average over the times when at least one is (Chou, Fahs and Abraham, ISCA 2004). It is at least 1, and exactly
    /// 1 for a program in which each address comes from the access before.
    ///
    /// # Errors
    /// If `core_cycles` is no number from 0 to 2³², or `parallelism` no finite number from 1 on.
    pub fn new(core_cycles: f64, parallelism: f64) -> Result<Self, InvalidProgram> {
        if !(0.0..=MAX_CORE_CYCLES).contains(&core_cycles) {
            return Err(InvalidProgram::CoreCycles(core_cycles));
        }
        if !(parallelism.is_finite() && parallelism >= 1.0) {
            return Err(InvalidProgram::Parallelism(parallelism));
        }
        Ok(Self { core_cycles, parallelism })
    }

    /// A pointer chase: each access needs the one before, so nothing overlaps.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn pointer_chase(core_cycles: f64) -> Result<Self, InvalidProgram> {
        Self::new(core_cycles, 1.0)
    }

    /// Cycles of an access besides waiting.
    pub const fn core_cycles(self) -> f64 {
        self.core_cycles
    }

    /// The memory-level parallelism.
    pub const fn parallelism(self) -> f64 {
        self.parallelism
    }
}

/// Figures that no program has.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum InvalidProgram {
    /// Core cycles.
    #[error("found {0} core cycles per access; expected a number from 0 to 4294967296")]
    CoreCycles(f64),
    /// Memory-level parallelism.
    #[error(
        "found a memory-level parallelism of {0}; expected a finite number from 1 on: 1 is a pointer chase, in which \
         nothing overlaps"
    )]
    Parallelism(f64),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_that_no_program_has_are_refused() {
        for core_cycles in [-1.0, f64::NAN, f64::INFINITY, 4_294_967_297.0] {
            let refused = Program::new(core_cycles, 1.0);
            assert!(matches!(refused, Err(InvalidProgram::CoreCycles(_))), "{core_cycles}");
        }
        for parallelism in [0.0, 0.999, -1.0, f64::NAN, f64::INFINITY] {
            let refused = Program::new(1.0, parallelism);
            assert!(matches!(refused, Err(InvalidProgram::Parallelism(_))), "{parallelism}");
        }
        assert_eq!(Program::new(0.0, 1.0), Program::pointer_chase(0.0));
        assert_eq!(
            Program::new(1.0, 0.5).unwrap_err().to_string(),
            "found a memory-level parallelism of 0.5; expected a finite number from 1 on: 1 is a pointer chase, in \
             which nothing overlaps"
        );
    }
}
