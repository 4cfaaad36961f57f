//! Which accesses of a trace are replayed.

use core::fmt;
use core::str::FromStr;

use terrace_addr::AccessKind;

/// Which accesses of a trace are replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kinds {
    /// All.
    #[default]
    All,
    /// Loads and stores.
    Data,
    /// Instruction fetches.
    Fetch,
}

impl Kinds {
    const ALL: [Self; 3] = [Self::All, Self::Data, Self::Fetch];

    /// The name on the command line and in results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Data => "data",
            Self::Fetch => "fetch",
        }
    }

    pub(super) const fn includes(self, kind: AccessKind) -> bool {
        match self {
            Self::All => true,
            Self::Data => !matches!(kind, AccessKind::Fetch),
            Self::Fetch => matches!(kind, AccessKind::Fetch),
        }
    }
}

impl fmt::Display for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A text that names no kinds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("found `{0}`; expected all, data or fetch")]
pub struct UnknownKinds(String);

impl FromStr for Kinds {
    type Err = UnknownKinds;

    fn from_str(text: &str) -> Result<Self, UnknownKinds> {
        Self::ALL.into_iter().find(|kinds| kinds.name() == text).ok_or_else(|| UnknownKinds(text.to_owned()))
    }
}
