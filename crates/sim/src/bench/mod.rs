//! How fast the engine is: the work that its speed is stated for.
//!
//! Each [`Row`] is one kind of work with a rate that must be reached on one core. Accesses are made before the clock
//! runs, a few MiB at a time, so that what is timed is the engine: making an access costs as much as a TLB hit.

mod champsim;
mod native;
mod work;

use std::path::Path;
use std::time::Duration;

use terrace_machine::Machine;
use terrace_mmu::Vectors;
use terrace_trace::TraceError;
use thiserror::Error;

use crate::Mode;
use crate::replay::ReplayError;

pub use native::{gups as native_gups, memory as native_memory};

/// One kind of work.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// The name by which it is chosen.
    pub name: &'static str,
    /// What is done.
    pub what: &'static str,
    /// What is counted for its rate.
    pub unit: &'static str,
    /// The rate that must be reached, in millions a second, if one is stated.
    pub must: Option<f64>,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Loads in 64 KiB.
    Hits,
    /// Three accesses of a hundred go anywhere in 8 GiB.
    Misses,
    /// Random stores over much memory, all of it touched before.
    Gups { mode: Mode, data_lines: bool },
    /// A recorded trace, decoding included.
    Trace,
    /// Instructions of a ChampSim file, decoding included.
    ChampSim,
}

const fn gups(name: &'static str, what: &'static str, mode: Mode) -> Row {
    Row { name, what, unit: "accesses", must: None, kind: Kind::Gups { mode, data_lines: false } }
}

/// All rows.
pub const ROWS: [Row; 11] = [
    Row {
        name: "hits",
        what: "TLB hits: loads in 64 KiB",
        unit: "accesses",
        must: Some(150.0),
        kind: Kind::Hits,
    },
    Row {
        name: "misses",
        what: "3 % STLB misses, 2d",
        unit: "accesses",
        must: Some(40.0),
        kind: Kind::Misses,
    },
    Row { must: Some(10.0), ..gups("gups", "GUPS, 2d, table lines cached", Mode::TwoDimensional) },
    Row {
        must: Some(7.0),
        kind: Kind::Gups { mode: Mode::TwoDimensional, data_lines: true },
        ..gups("gups-data", "the same with data lines", Mode::TwoDimensional)
    },
    gups("gups-native", "GUPS, native", Mode::Native),
    gups("gups-shadow", "GUPS, shadow", Mode::Shadow),
    gups("gups-nested", "GUPS, nested", Mode::Nested),
    gups("gups-segment", "GUPS, segment", Mode::Segment),
    gups("gups-shadow-on-ept", "GUPS, shadow-on-ept", Mode::ShadowOnExtended),
    Row {
        name: "trace",
        what: "drmemtrace `sort`, native, TLBs only, with decoding",
        unit: "references",
        must: Some(40.0),
        kind: Kind::Trace,
    },
    Row {
        name: "champsim",
        what: "ChampSim records, uncompressed, native, with decoding",
        unit: "instructions",
        must: Some(40.0),
        kind: Kind::ChampSim,
    },
];

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
    /// A first look: a hundredth.
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
    /// The trace of the row `trace`.
    pub trace: &'a Path,
}

/// What was measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// What was done, in the row's unit.
    pub done: u64,
    /// How long it took.
    pub took: Duration,
    /// Table entries read by each walk.
    pub references_a_walk: f64,
    /// Of GUPS, how long the first touch of a page took, guest and host, in the mean.
    pub first_touch: Option<Duration>,
}

impl Measured {
    /// Millions a second.
    pub fn rate(&self) -> f64 {
        let nanoseconds = u64::try_from(self.took.as_nanos()).unwrap_or(u64::MAX).max(1);
        1000.0 * terrace_addr::convert::ratio(self.done, nanoseconds)
    }
}

/// Why a row cannot be measured.
#[derive(Debug, Error)]
pub enum BenchError {
    /// The machine cannot be built, or an access cannot be run.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// The trace cannot be read.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// The file of ChampSim records cannot be made.
    #[error("a temporary file of ChampSim records: {0}")]
    File(#[from] std::io::Error),
}

impl Row {
    /// The row with this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        ROWS.iter().find(|row| row.name == name)
    }

    /// The mode whose peak of memory is of interest: that of GUPS with table lines only.
    pub const fn peak_mode(&self) -> Option<Mode> {
        match self.kind {
            Kind::Gups { mode, data_lines: false } => Some(mode),
            _ => None,
        }
    }

    /// Does the work and times it.
    ///
    /// # Errors
    /// If the machine cannot be built, or a file cannot be read or made.
    pub fn measure(&self, bench: &Bench<'_>) -> Result<Measured, BenchError> {
        match self.kind {
            Kind::Hits => work::hits(bench),
            Kind::Misses => work::misses(bench),
            Kind::Gups { mode, data_lines } => work::gups(bench, mode, data_lines),
            Kind::Trace => work::trace(bench, bench.trace),
            Kind::ChampSim => {
                let file = champsim::write(bench.size.accesses / 200)?;
                work::trace(bench, file.path())
            }
        }
    }
}

/// Touches all pages of GUPS in a mode and does nothing else: for measuring how much memory that takes.
///
/// # Errors
/// If the machine cannot be built.
pub fn touch_all(bench: &Bench<'_>, mode: Mode) -> Result<(), BenchError> {
    work::touched(bench, mode, false).map(drop)
}
