//! The rows, and what they must reach.

use super::{Bench, BenchError, Measured, champsim, work};
use crate::Mode;

/// GUPS in two dimensions may be so many times slower than the machine itself in the same run.
pub const MOST_TIMES_SLOWER: f64 = 3.5;

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
    /// Instructions of a `ChampSim` file, decoding included.
    ChampSim,
}

const fn gups(name: &'static str, what: &'static str, mode: Mode) -> Row {
    Row { name, what, unit: "accesses", must: None, kind: Kind::Gups { mode, data_lines: false } }
}

/// All rows.
pub const ROWS: [Row; 12] = [
    Row {
        name: "hits",
        what: "TLB hits: loads in 64 KiB",
        unit: "accesses",
        must: Some(150.0),
        kind: Kind::Hits,
    },
    Row {
        name: "misses",
        what: "3 % STLB misses, 2d, table lines cached",
        unit: "accesses",
        must: Some(40.0),
        kind: Kind::Misses,
    },
    Row { must: Some(10.0), ..gups("gups", "GUPS, 2d, 4K on 4K, table lines cached", Mode::TwoDimensional) },
    Row {
        must: Some(7.0),
        kind: Kind::Gups { mode: Mode::TwoDimensional, data_lines: true },
        ..gups("gups-data", "the same with data lines", Mode::TwoDimensional)
    },
    Row {
        name: "trace",
        what: "a trace, native, TLB only, decoding included",
        unit: "references",
        must: Some(40.0),
        kind: Kind::Trace,
    },
    Row {
        name: "champsim",
        what: "ChampSim records, native, decoding included",
        unit: "instructions",
        must: Some(40.0),
        kind: Kind::ChampSim,
    },
    gups("gups-native", "GUPS, native", Mode::Native),
    gups("gups-shadow", "GUPS, shadow", Mode::Shadow),
    gups("gups-segment", "GUPS, segment", Mode::Segment),
    gups("gups-nested", "GUPS, nested", Mode::Nested),
    gups("gups-shadow-on-ept", "GUPS, shadow-on-ept", Mode::ShadowOnExtended),
    gups("gups-shadow-on-shadow", "GUPS, shadow-on-shadow", Mode::ShadowOnShadow),
];

impl Row {
    /// The row with this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        ROWS.iter().find(|row| row.name == name)
    }

    /// Whether it reads [`Bench::trace`].
    pub fn needs_trace(&self) -> bool {
        self.kind == Kind::Trace
    }

    /// The mode whose peak of memory is of interest: that of GUPS with table lines only.
    pub const fn peak_mode(&self) -> Option<Mode> {
        match self.kind {
            Kind::Gups { mode, data_lines: false } => Some(mode),
            _ => None,
        }
    }

    /// The most bytes that may be resident at the peak for each mapped 4K page, where that is stated.
    pub const fn most_bytes_a_page(&self) -> Option<f64> {
        match self.peak_mode() {
            Some(Mode::TwoDimensional) => Some(40.0),
            Some(Mode::Nested) => Some(72.0),
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
            Kind::Gups { mode, data_lines } => work::gups(bench, mode, data_lines || bench.data_lines),
            Kind::Trace => work::trace(bench, bench.trace),
            Kind::ChampSim => {
                // Fewer would go to so few pages that none is missed.
                let file = champsim::write((bench.size.accesses / 200).max(200_000))?;
                work::trace(bench, file.path())
            }
        }
    }
}
