//! The spaces that addresses belong to.

use core::fmt::Debug;
use core::hash::Hash;

/// How wide the virtual addresses of a paging mode are (Intel SDM vol. 3, "Linear-address pre-processing";
/// an address is canonical if all bits above the width equal its top bit).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VirtualWidth {
    /// 4-level paging: bits 63 to 47 are equal.
    Bits48,
    /// 5-level paging: bits 63 to 56 are equal.
    Bits57,
}

impl VirtualWidth {
    /// The number of bits that are translated.
    pub const fn bits(self) -> u32 {
        match self {
            Self::Bits48 => 48,
            Self::Bits57 => 57,
        }
    }
}

/// Which 64-bit numbers are addresses of a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validity {
    /// Canonical at this width, the widest that the space may use.
    Canonical(VirtualWidth),
    /// Below 2 to this power.
    Below(u32),
}

impl Validity {
    /// Whether `raw` is an address.
    #[inline]
    pub const fn holds(self, raw: u64) -> bool {
        self.truncate(raw) == raw
    }

    /// The address that keeps the low bits of `raw`: sign-extended where addresses are canonical, cut off
    /// where they are physical.
    #[inline(always)]
    pub const fn truncate(self, raw: u64) -> u64 {
        match self {
            Self::Canonical(width) => {
                let unused = 64 - width.bits();
                crate::convert::bits(crate::convert::signed(raw << unused) >> unused)
            }
            Self::Below(bits) => raw & ((1 << bits) - 1),
        }
    }
}

/// A set of addresses with one meaning.
///
/// The four concrete spaces name the translations of a virtualized machine; [`Upper`] and [`Lower`] are for
/// code that works on any one layer (a mapping from an upper to a lower space) without knowing which.
pub trait Space: Copy + Debug + Eq + Ord + Hash + Send + Sync + 'static {
    /// The space's name as the field abbreviates it.
    const NAME: &'static str;
    /// Which numbers are addresses.
    const VALIDITY: Validity;
}

macro_rules! spaces {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $validity:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {}
        impl Space for $name {
            const NAME: &'static str = $text;
            const VALIDITY: Validity = $validity;
        }
    )*};
}

/// The widest physical address of the architecture (MAXPHYADDR, Intel SDM vol. 3, "Enumeration of paging
/// features by CPUID"; AMD APM vol. 2, "Long-mode page translation").
const PHYSICAL: Validity = Validity::Below(52);

spaces! {
    /// Guest-virtual: what a program uses, in a virtual machine or on bare metal.
    Gva = "GVA", Validity::Canonical(VirtualWidth::Bits57);
    /// Host-virtual: where a hypervisor's process holds the memory of a virtual machine.
    Hva = "HVA", Validity::Canonical(VirtualWidth::Bits57);
    /// Guest-physical: what the innermost guest's kernel takes for memory.
    Gpa = "GPA", PHYSICAL;
    /// Guest-hypervisor-physical: what a guest hypervisor takes for memory (under nested virtualization).
    Ghpa = "GHPA", PHYSICAL;
    /// Host-physical: memory.
    Hpa = "HPA", PHYSICAL;
    /// The upper space of any one layer.
    Upper = "upper", Validity::Canonical(VirtualWidth::Bits57);
    /// The lower space of any one layer.
    Lower = "lower", PHYSICAL;
}
