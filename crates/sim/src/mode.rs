//! Modes of translation.

use core::fmt;
use core::str::FromStr;

use crate::mapping::LayerName;

/// What the hardware walks on a TLB miss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// One table, from virtual to host-physical addresses: no virtualization.
    Native,
    /// The guest's table, and EPT for every guest-physical address on the way.
    TwoDimensional,
    /// One table, composed by the host of the guest's and its own.
    Shadow,
    /// EPT on EPT: the guest's table, and for every guest-physical address on the way one EPT, composed by
    /// the host of the guest hypervisor's and its own.
    Nested,
    /// The guest's table, and a base and a limit for every guest-physical address on the way.
    Segment,
    /// One table, composed by the guest hypervisor of the guest's and its own, and the host's EPT for every
    /// address of the guest hypervisor's memory on the way.
    ShadowOnExtended,
    /// One table, composed of all three layers'.
    ShadowOnShadow,
}

impl Mode {
    /// All modes.
    pub const ALL: [Self; 7] = [
        Self::Native,
        Self::TwoDimensional,
        Self::Shadow,
        Self::Nested,
        Self::Segment,
        Self::ShadowOnExtended,
        Self::ShadowOnShadow,
    ];

    /// The name on the command line and in results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::TwoDimensional => "2d",
            Self::Shadow => "shadow",
            Self::Nested => "nested",
            Self::Segment => "segment",
            Self::ShadowOnExtended => "shadow-on-ept",
            Self::ShadowOnShadow => "shadow-on-shadow",
        }
    }

    /// What the hardware walks, in one sentence.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Native => "one page table, from virtual to host-physical addresses",
            Self::TwoDimensional => {
                "the guest's page table, and EPT for every guest-physical address on the way"
            }
            Self::Shadow => "one page table, composed by the host of the guest's and its own",
            Self::Nested => {
                "the guest's page table, and for every guest-physical address on the way one EPT, composed \
                 by the host of the guest hypervisor's and its own"
            }
            Self::Segment => {
                "the guest's page table, and a base and a limit for every guest-physical address on the way"
            }
            Self::ShadowOnExtended => {
                "one page table, composed by the guest hypervisor of the guest's and its own, and the host's \
                 EPT for every address on the way"
            }
            Self::ShadowOnShadow => {
                "one page table, composed of the guest's, the guest hypervisor's and the host's"
            }
        }
    }

    /// The layers that have pages, the uppermost first: those whose page rules and mapping-file ranges count.
    /// The host of a [segment](Self::Segment) has none.
    pub const fn layers(self) -> &'static [LayerName] {
        use LayerName::{Guest, Host, Hypervisor};
        match self {
            Self::Native | Self::Segment => &[Guest],
            Self::TwoDimensional | Self::Shadow => &[Guest, Host],
            Self::Nested | Self::ShadowOnExtended | Self::ShadowOnShadow => &[Guest, Hypervisor, Host],
        }
    }

    /// How many dimensions a walk has: 2 where every address in the first table is translated by a second
    /// one.
    pub const fn dimensions(self) -> usize {
        match self {
            Self::Native | Self::Shadow | Self::Segment | Self::ShadowOnShadow => 1,
            Self::TwoDimensional | Self::Nested | Self::ShadowOnExtended => 2,
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
#[error("unknown mode `{0}`: expected {names}", names = names())]
pub struct UnknownMode(String);

/// All names, as a sentence lists them.
fn names() -> String {
    let [first @ .., last] = Mode::ALL.map(Mode::name);
    format!("{} or {last}", first.join(", "))
}

impl FromStr for Mode {
    type Err = UnknownMode;

    fn from_str(text: &str) -> Result<Self, UnknownMode> {
        Self::ALL.into_iter().find(|mode| mode.name() == text).ok_or_else(|| UnknownMode(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_listed() {
        for mode in Mode::ALL {
            assert_eq!(mode.name().parse(), Ok(mode));
        }
        assert_eq!(
            "3d".parse::<Mode>().unwrap_err().to_string(),
            "unknown mode `3d`: expected native, 2d, shadow, nested, segment, shadow-on-ept or \
             shadow-on-shadow"
        );
    }
}
