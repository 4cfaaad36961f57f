//! Why a figure cannot be measured.

use terrace_machine::MachineError;
use terrace_scenario::ScenarioError;
use thiserror::Error;

use crate::run::RunError;

/// Why a figure cannot be measured.
#[derive(Debug, Error)]
pub enum ReproduceError {
    /// Its scenario cannot be used: the registry lacks a system that it names.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// Its machine cannot be used.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// A run of it cannot be made.
    #[error("{figure} ({run}): {error}")]
    Run {
        /// The figure.
        figure: String,
        /// Which of its runs.
        run: String,
        /// Why.
        error: Box<RunError>,
    },
}
