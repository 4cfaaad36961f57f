//! How fast the engine is: the work that its speed is stated for.
//!
//! Each [`Row`] is one kind of work; most have a rate that must be reached on one core. Accesses are made before the
//! clock runs, a few MiB at a time, so that what is timed is the engine: making an access costs as much as a TLB hit.
//! What the machine itself does is measured by [`native_gups`], for comparison in the same run.

mod champsim;
mod error;
mod measured;
mod native;
mod rows;
mod work;

use std::path::Path;

use terrace_machine::Machine;
use terrace_mmu::Vectors;

use crate::Mode;

pub use error::BenchError;
pub use measured::{Measured, Touched, millions_a_second};
pub use native::{gups as native_gups, memory as native_memory};
pub use rows::{MOST_TIMES_SLOWER, ROWS, Row};

/// How much is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// The memory of GUPS, in bytes: a power of two.
    pub bytes: u64,
    /// Accesses of a row that hits; rows that miss more do less.
    pub accesses: u64,
}

impl Size {
    /// What the rates are stated for.
    pub const FULL: Self = Self { bytes: 32 << 30, accesses: 400_000_000 };
    /// A first look: about a hundredth.
    pub const QUICK: Self = Self { bytes: 256 << 20, accesses: 4_000_000 };
}

/// What a row runs on.
#[derive(Debug, Clone, Copy)]
pub struct Bench<'a> {
    /// The machine that is simulated.
    pub machine: &'a Machine,
    /// How much is done.
    pub size: Size,
    /// Vector instructions; the best that there are if none.
    pub vectors: Option<Vectors>,
    /// Models data lines in all rows, not only in the one that is about them.
    pub data_lines: bool,
    /// The trace of the row `trace`.
    pub trace: &'a Path,
}

impl Bench<'_> {
    /// Touches all pages of GUPS in a mode and does nothing else: for measuring how much memory that takes.
    ///
    /// # Errors
    /// If the machine cannot be built.
    pub fn touch_all(&self, mode: Mode) -> Result<(), BenchError> {
        work::touched(self, mode, self.size.bytes, self.data_lines).map(drop)
    }
}
