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
    /// `ChampSim`'s instruction records of 96 bytes, as the traces of `CloudSuite` have them.
    CloudSuite,
    /// The text that Valgrind's lackey writes with `--trace-mem=yes`: a line for each access.
    Lackey,
    /// What `perf script` prints of samples with data addresses.
    PerfScript,
    /// Terrace's own: columns of blocks, with an index.
    Terrace,
    /// Plain text or CSV: `address,size,kind,thread`.
    Text,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 7] = [
        Self::DrMemtrace,
        Self::ChampSim,
        Self::CloudSuite,
        Self::Lackey,
        Self::PerfScript,
        Self::Terrace,
        Self::Text,
    ];

    /// The format as a command line writes it, such as `drmemtrace` or `perf-script`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DrMemtrace => "drmemtrace",
            Self::ChampSim => "champsim",
            Self::CloudSuite => "cloudsuite",
            Self::Lackey => "lackey",
            Self::PerfScript => "perf-script",
            Self::Terrace => "terrace",
            Self::Text => "text",
        }
    }
}

impl Format {
    /// What a user should know of it.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::DrMemtrace => {
                "offline traces of DynamoRIO's drmemtrace, among them Google's workload traces: a file, or a directory of one a thread"
            }
            Self::ChampSim => "ChampSim's instruction records of 64 bytes",
            Self::CloudSuite => "ChampSim's instruction records of 96 bytes, of its CloudSuite traces",
            Self::Lackey => "text of valgrind --tool=lackey --trace-mem=yes",
            Self::PerfScript => {
                "text of perf script, of samples with data addresses (perf mem record, perf record -d)"
            }
            Self::Terrace => "Terrace's own, the smallest and fastest; terrace trace convert writes it",
            Self::Text => {
                "lines of address,size,kind,thread; only the address is needed, hexadecimal; kind r, w or x"
            }
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
#[error(
    "unknown trace format: expected drmemtrace, champsim, cloudsuite, lackey, perf-script, terrace or text"
)]
pub struct UnknownFormat;

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        Self::ALL.into_iter().find(|format| format.name() == text).ok_or(UnknownFormat)
    }
}
