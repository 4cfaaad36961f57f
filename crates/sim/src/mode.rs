//! Modes of translation.

use core::fmt;
use core::str::FromStr;

/// What the hardware walks on a TLB miss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// One table, from virtual to host-physical addresses: no virtualization.
    Native,
    /// The guest's table, and EPT for every guest-physical address on the way.
    TwoDimensional,
}

impl Mode {
    /// All modes.
    pub const ALL: [Self; 2] = [Self::Native, Self::TwoDimensional];

    /// The name on the command line and in results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::TwoDimensional => "2d",
        }
    }

    /// What the hardware walks, in one sentence.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Native => "one page table, from virtual to host-physical addresses",
            Self::TwoDimensional => {
                "the guest's page table, and EPT for every guest-physical address on the way"
            }
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A text that names no mode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown mode `{0}`: expected native or 2d")]
pub struct UnknownMode(String);

impl FromStr for Mode {
    type Err = UnknownMode;

    fn from_str(text: &str) -> Result<Self, UnknownMode> {
        Self::ALL.into_iter().find(|mode| mode.name() == text).ok_or_else(|| UnknownMode(text.to_owned()))
    }
}
