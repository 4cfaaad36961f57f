//! What a CPU can be told to forget (MODEL.md, "Invalidations").

use terrace_addr::{Addr, Gva, PageSize};

/// An invalidation: one variant for each row of the model's tables. Rows that are the same for Intel and AMD are one
/// variant, and its VPID is AMD's ASID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invalidation {
    /// Intel's INVLPG.
    Invlpg {
        /// An address of the page.
        addr: Addr<Gva>,
    },
    /// Intel's INVPCID, individual-address.
    InvpcidAddress {
        /// The address space.
        pcid: u16,
        /// An address of the page.
        addr: Addr<Gva>,
    },
    /// INVPCID, single-context.
    InvpcidContext {
        /// The address space.
        pcid: u16,
    },
    /// INVPCID, all-context with globals.
    InvpcidAll,
    /// INVPCID, all-context without globals.
    InvpcidAllButGlobal,
    /// MOV to CR3.
    MovCr3 {
        /// The address space that it switches to.
        pcid: u16,
    },
    /// MOV to CR3 with the no-flush bit.
    MovCr3Keep,
    /// MOV to CR4 that changes PGE, or clears PCIDE.
    MovCr4,
    /// INVVPID, individual-address.
    InvvpidAddress {
        /// The virtual processor.
        vpid: u16,
        /// An address of the page.
        addr: Addr<Gva>,
    },
    /// INVVPID, single-context.
    InvvpidContext {
        /// The virtual processor.
        vpid: u16,
    },
    /// INVVPID, all-context.
    InvvpidAll,
    /// INVVPID, single-context retaining globals.
    InvvpidContextButGlobal {
        /// The virtual processor.
        vpid: u16,
    },
    /// INVEPT, single-context.
    InveptContext {
        /// The EPT root.
        root: u16,
    },
    /// INVEPT, all-context.
    InveptAll,
    /// VM entry or exit without VPID.
    VmTransition,
    /// AMD's INVLPG.
    AmdInvlpg {
        /// An address of the page.
        addr: Addr<Gva>,
        /// EFER.TCE.
        tce: bool,
    },
    /// INVLPGA.
    Invlpga {
        /// The guest.
        asid: u16,
        /// An address of the page.
        addr: Addr<Gva>,
        /// EFER.TCE.
        tce: bool,
    },
    /// AMD's INVPCID, individual-address.
    AmdInvpcidAddress {
        /// The address space.
        pcid: u16,
        /// An address of the page.
        addr: Addr<Gva>,
        /// EFER.TCE.
        tce: bool,
    },
    /// INVLPGB, which acts on every CPU.
    Invlpgb {
        /// The first address, the distance from each to the next, and how many there are.
        addresses: Option<(Addr<Gva>, PageSize, u32)>,
        /// The address space.
        pcid: Option<u16>,
        /// The guest.
        asid: Option<u16>,
        /// Global translations too.
        globals: bool,
        /// Final translations only.
        final_only: bool,
        /// Nested translations too.
        nested: bool,
        /// EFER.TCE.
        tce: bool,
    },
    /// TLBSYNC.
    Tlbsync,
    /// `TLB_CONTROL` 1.
    FlushAll,
    /// `TLB_CONTROL` 3.
    FlushAsid {
        /// The guest.
        asid: u16,
    },
    /// `TLB_CONTROL` 7.
    FlushAsidButGlobal {
        /// The guest.
        asid: u16,
    },
    /// A reset of the core.
    Everything,
}
