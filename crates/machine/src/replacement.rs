//! Which entry a full set gives up.

use core::fmt;

use serde::Deserialize;

/// The replacement policy of a set-associative structure.
///
/// A set that has an empty way fills the lowest-numbered one, whatever the policy; policies decide for full
/// sets only. Using an entry (a hit or a fill) *touches* it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Replacement {
    /// True least recently used: the way whose last touch is longest ago.
    Lru,
    /// Tree pseudo-LRU, 2 to 32 ways. A node over n ways has the first ⌈n/2⌉ of them on its left and the others
    /// on its right, down to single ways, so it is defined for 6, 12 and 24 ways too. Each node has one bit, 0
    /// at first: 0 points left, 1 points right. A touch points every node on the way's path away from it; the
    /// victim is where the bits lead from the root. Emptying a way leaves the bits as they are.
    TreePlru,
    /// A way drawn uniformly, one draw for each replacement.
    Random,
}

impl Replacement {
    /// The most ways that [`TreePlru`](Self::TreePlru) is defined for.
    pub const TREE_PLRU_WAYS: u32 = 32;

    /// The name in machine files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lru => "lru",
            Self::TreePlru => "tree-plru",
            Self::Random => "random",
        }
    }
}

impl fmt::Display for Replacement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
