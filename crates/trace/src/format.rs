//! The record formats.

use core::fmt;
use core::str::FromStr;

/// What the records of a trace are, whatever they are packed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// The offline traces of `DynamoRIO`'s drmemtrace: records of 12 bytes.
    DrMemtrace,
    /// `ChampSim`'s instruction records of 64 bytes.
    ChampSim,
    /// The text that Valgrind's lackey writes with `--trace-mem=yes`: a line for each access.
    Lackey,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 3] = [Self::DrMemtrace, Self::ChampSim, Self::Lackey];

    /// The format as a command line writes it: `drmemtrace`, `champsim`, `lackey`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DrMemtrace => "drmemtrace",
            Self::ChampSim => "champsim",
            Self::Lackey => "lackey",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A text that names no format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown trace format: expected drmemtrace, champsim or lackey")]
pub struct UnknownFormat;

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        Self::ALL.into_iter().find(|format| format.name() == text).ok_or(UnknownFormat)
    }
}
