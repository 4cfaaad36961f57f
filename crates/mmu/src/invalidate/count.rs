//! Counting invalidations.

use super::{Amd, Intel, Invalidation};

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal,)*) => {
        /// The kinds of invalidation.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum InvalidationKind {
            $($(#[$doc])* $kind,)*
        }

        impl InvalidationKind {
            /// All kinds.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)*];

            /// The name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }
        }
    };
}

kinds! {
    /// INVLPG.
    Invlpg = "invlpg",
    /// INVPCID, individual-address.
    InvpcidAddress = "invpcid_address",
    /// INVPCID, single-context.
    InvpcidContext = "invpcid_context",
    /// INVPCID, all-context including globals.
    InvpcidAll = "invpcid_all",
    /// INVPCID, all-context.
    InvpcidAllButGlobal = "invpcid_all_but_global",
    /// MOV to CR3 that invalidates.
    MovCr3 = "mov_cr3",
    /// MOV to CR3 with the no-flush bit.
    MovCr3Keep = "mov_cr3_keep",
    /// MOV to CR4.
    MovCr4 = "mov_cr4",
    /// INVVPID, individual-address.
    InvvpidAddress = "invvpid_address",
    /// INVVPID, single-context.
    InvvpidContext = "invvpid_context",
    /// INVVPID, all-context.
    InvvpidAll = "invvpid_all",
    /// INVVPID, single-context retaining globals.
    InvvpidContextButGlobal = "invvpid_context_but_global",
    /// INVEPT, single-context.
    InveptContext = "invept_context",
    /// INVEPT, all-context.
    InveptAll = "invept_all",
    /// VM entry or exit without VPID.
    VmTransition = "vm_transition",
    /// INVLPGA.
    Invlpga = "invlpga",
    /// INVLPGB.
    Invlpgb = "invlpgb",
    /// TLBSYNC.
    Tlbsync = "tlbsync",
    /// `TLB_CONTROL` 1.
    FlushAll = "tlb_control_all",
    /// `TLB_CONTROL` 3.
    FlushAsid = "tlb_control_asid",
    /// `TLB_CONTROL` 7.
    FlushAsidButGlobal = "tlb_control_asid_but_global",
    /// A reset.
    Everything = "everything",
}

/// Where an invalidation came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// From the CPU itself.
    Local,
    /// From another CPU, which asked for it by an interrupt or a broadcast.
    Remote,
}

/// How many invalidations of each kind a CPU has executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidationCounts {
    counts: Vec<[u64; 2]>,
}

impl Default for InvalidationCounts {
    fn default() -> Self {
        Self { counts: vec![[0; 2]; InvalidationKind::ALL.len()] }
    }
}

impl InvalidationCounts {
    pub(crate) fn note(&mut self, kind: InvalidationKind, origin: Origin) {
        if let Some(place) = InvalidationKind::ALL.iter().position(|&other| other == kind) {
            self.counts[place][usize::from(origin == Origin::Remote)] += 1;
        }
    }

    /// Every kind with the invalidations that came from the CPU itself, and from others.
    pub fn iter(&self) -> impl Iterator<Item = (InvalidationKind, u64, u64)> {
        let kinds = InvalidationKind::ALL.iter().zip(&self.counts);
        kinds.map(|(&kind, &[local, remote])| (kind, local, remote))
    }
}

impl Invalidation {
    /// Its kind.
    pub const fn kind(self) -> InvalidationKind {
        use InvalidationKind as Kind;
        match self {
            Self::Intel(Intel::Invlpg(_)) | Self::Amd(Amd::Invlpg { .. }) => Kind::Invlpg,
            Self::Intel(Intel::InvpcidAddress { .. }) | Self::Amd(Amd::InvpcidAddress { .. }) => {
                Kind::InvpcidAddress
            }
            Self::Intel(Intel::InvpcidContext { .. }) | Self::Amd(Amd::InvpcidContext { .. }) => {
                Kind::InvpcidContext
            }
            Self::Intel(Intel::InvpcidAll) | Self::Amd(Amd::InvpcidAll) => Kind::InvpcidAll,
            Self::Intel(Intel::InvpcidAllButGlobal) | Self::Amd(Amd::InvpcidAllButGlobal) => {
                Kind::InvpcidAllButGlobal
            }
            Self::Intel(Intel::MovCr3 { keep, .. }) | Self::Amd(Amd::MovCr3 { keep, .. }) => {
                if keep {
                    Kind::MovCr3Keep
                } else {
                    Kind::MovCr3
                }
            }
            Self::Intel(Intel::MovCr4) | Self::Amd(Amd::MovCr4) => Kind::MovCr4,
            Self::Intel(Intel::InvvpidAddress { .. }) => Kind::InvvpidAddress,
            Self::Intel(Intel::InvvpidContext { .. }) => Kind::InvvpidContext,
            Self::Intel(Intel::InvvpidAll) => Kind::InvvpidAll,
            Self::Intel(Intel::InvvpidContextButGlobal { .. }) => Kind::InvvpidContextButGlobal,
            Self::Intel(Intel::InveptContext { .. }) => Kind::InveptContext,
            Self::Intel(Intel::InveptAll) => Kind::InveptAll,
            Self::Intel(Intel::VmTransition) => Kind::VmTransition,
            Self::Amd(Amd::Invlpga { .. }) => Kind::Invlpga,
            Self::Amd(Amd::Invlpgb(_)) => Kind::Invlpgb,
            Self::Amd(Amd::Tlbsync) => Kind::Tlbsync,
            Self::Amd(Amd::FlushAll) => Kind::FlushAll,
            Self::Amd(Amd::FlushAsid { .. }) => Kind::FlushAsid,
            Self::Amd(Amd::FlushAsidButGlobal { .. }) => Kind::FlushAsidButGlobal,
            Self::Everything => Kind::Everything,
        }
    }
}
