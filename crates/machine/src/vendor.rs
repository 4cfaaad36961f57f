//! Whose rules a processor follows.

use core::fmt;

use serde::Deserialize;

/// The maker of a processor: which instructions invalidate what, and what cached translations are tagged with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Vendor {
    /// Intel SDM vol. 3: VPIDs, and mappings tagged with their EPT root.
    Intel,
    /// AMD APM vol. 2: ASIDs, and no invalidation of guest-physical mappings alone.
    Amd,
}

impl Vendor {
    /// The name in machine files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Intel => "intel",
            Self::Amd => "amd",
        }
    }
}

impl fmt::Display for Vendor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
