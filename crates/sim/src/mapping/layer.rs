//! The layers of a stack, by name.

use core::fmt;

/// A mapping from one space to the one below it, and who owns it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LayerName {
    /// The guest's table, from virtual to guest-physical addresses. Without virtualization the only table.
    Guest,
    /// The guest hypervisor's table, from guest-physical addresses to what it takes for memory (GHPA).
    Hypervisor,
    /// The host's table, to memory: from guest-physical addresses, or from the guest hypervisor's.
    Host,
}

impl LayerName {
    /// All layers, the uppermost first.
    pub const ALL: [Self; 3] = [Self::Guest, Self::Hypervisor, Self::Host];

    /// The name on the command line, in mapping files and in results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Guest => "guest",
            Self::Hypervisor => "hypervisor",
            Self::Host => "host",
        }
    }

    /// The layer with this name.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|layer| layer.name() == name)
    }

    /// Sets apart what is random in each layer.
    pub(super) const fn salt(self) -> u64 {
        match self {
            Self::Guest => 0x6775_6573_7400_0000,
            Self::Hypervisor => 0x6879_7065_7276_6973,
            Self::Host => 0x686f_7374_0000_0000,
        }
    }
}

impl fmt::Display for LayerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
