//! Invalidations.

use terrace_addr::{Addr, Gva, PageSize};

mod count;
mod scope;

pub use count::{InvalidationCounts, InvalidationKind, Origin};
pub(crate) use scope::{Addresses, Removal, Tagged};

/// What a CPU is told to forget. What each kind removes, exactly, is in the model's section "Invalidations".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Invalidation {
    /// By an Intel processor.
    Intel(Intel),
    /// By an AMD processor.
    Amd(Amd),
    /// Everything that the core holds, of all its threads: a reset.
    Everything,
}

/// Invalidations of Intel processors (SDM vol. 3, "Operations that invalidate TLBs and paging-structure caches" and
/// "Operations that invalidate cached mappings").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Intel {
    /// INVLPG: a page of the current address space, global ones too.
    Invlpg(Addr<Gva>),
    /// INVPCID, individual-address: a page of an address space.
    InvpcidAddress {
        /// The address space.
        pcid: u16,
        /// An address of the page.
        addr: Addr<Gva>,
    },
    /// INVPCID, single-context: an address space, but no global page.
    InvpcidContext {
        /// The address space.
        pcid: u16,
    },
    /// INVPCID, all-context including globals.
    InvpcidAll,
    /// INVPCID, all-context: all address spaces, but no global page.
    InvpcidAllButGlobal,
    /// MOV to CR3.
    MovCr3 {
        /// The address space that it switches to.
        pcid: u16,
        /// Bit 63: nothing is invalidated.
        keep: bool,
    },
    /// MOV to CR4 that changes PGE or clears PCIDE.
    MovCr4,
    /// INVVPID, individual-address: a page of a virtual processor.
    InvvpidAddress {
        /// The virtual processor.
        vpid: u16,
        /// An address of the page.
        addr: Addr<Gva>,
    },
    /// INVVPID, single-context: a virtual processor.
    InvvpidContext {
        /// The virtual processor.
        vpid: u16,
    },
    /// INVVPID, all-context: all virtual processors.
    InvvpidAll,
    /// INVVPID, single-context retaining globals.
    InvvpidContextButGlobal {
        /// The virtual processor.
        vpid: u16,
    },
    /// INVEPT, single-context: everything derived from an EPT root.
    InveptContext {
        /// The root.
        root: u16,
    },
    /// INVEPT, all-context (global).
    InveptAll,
    /// VM entry or VM exit of a virtual machine without VPID.
    VmTransition,
}

/// Invalidations of AMD processors (APM vol. 2, "TLB management" and "TLB control"; vol. 3, the instructions).
///
/// `tce` is EFER.TCE, translation-cache extension: whether only those upper-level entries go that lead to the
/// address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Amd {
    /// INVLPG: a page of the current address space, global ones too.
    Invlpg {
        /// An address of the page.
        addr: Addr<Gva>,
        /// EFER.TCE.
        tce: bool,
    },
    /// INVLPGA: a page of a guest.
    Invlpga {
        /// The guest.
        asid: u16,
        /// An address of the page.
        addr: Addr<Gva>,
        /// EFER.TCE.
        tce: bool,
    },
    /// INVPCID, individual-address.
    InvpcidAddress {
        /// The address space.
        pcid: u16,
        /// An address of the page.
        addr: Addr<Gva>,
        /// EFER.TCE.
        tce: bool,
    },
    /// INVPCID, single-context.
    InvpcidContext {
        /// The address space.
        pcid: u16,
    },
    /// INVPCID, all-context including globals.
    InvpcidAll,
    /// INVPCID, all-context.
    InvpcidAllButGlobal,
    /// MOV to CR3.
    MovCr3 {
        /// The address space that it switches to.
        pcid: u16,
        /// Bit 63: nothing is invalidated.
        keep: bool,
    },
    /// MOV to CR4 that changes PGE or clears PCIDE.
    MovCr4,
    /// INVLPGB: on every CPU.
    Invlpgb(Invlpgb),
    /// TLBSYNC: waits until the INVLPGBs of this CPU are done everywhere.
    Tlbsync,
    /// `TLB_CONTROL` 1 in the VMCB: everything, of all ASIDs.
    FlushAll,
    /// `TLB_CONTROL` 3: a guest's entries.
    FlushAsid {
        /// The guest.
        asid: u16,
    },
    /// `TLB_CONTROL` 7: a guest's entries, but no global translation.
    FlushAsidButGlobal {
        /// The guest.
        asid: u16,
    },
}

/// What INVLPGB names in its registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "the bits of the instruction's register")]
pub struct Invlpgb {
    /// The first address, how far apart the addresses are (4K or 2M), and how many there are; all addresses if none.
    pub addresses: Option<(Addr<Gva>, PageSize, u32)>,
    /// The address space; all if none.
    pub pcid: Option<u16>,
    /// The guest; all if none.
    pub asid: Option<u16>,
    /// Global translations too.
    pub globals: bool,
    /// Final translations only: upper-level entries stay.
    pub final_only: bool,
    /// Guest-physical entries too.
    pub nested: bool,
    /// EFER.TCE.
    pub tce: bool,
}

impl Invalidation {
    /// Whether it acts on every CPU of the machine.
    pub const fn is_broadcast(self) -> bool {
        matches!(self, Self::Amd(Amd::Invlpgb(_)))
    }
}

/// That an invalidation was done, and what it removed: whoever changed a table owes one of these.
#[must_use = "the work of an invalidation is charged to whoever caused it"]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invalidated {
    /// What was done.
    pub kind: InvalidationKind,
    /// For whom.
    pub origin: Origin,
    /// Entries removed, in all structures.
    pub removed: u64,
}
