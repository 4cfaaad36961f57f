//! What takes time beside references and hits.

use serde::Deserialize;

use crate::Source;

/// What a core does beside a page walk: how far the time of a walk is hidden.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoreTiming {
    /// Page walks that one core makes at the same time.
    pub walkers: u32,
    /// Cycles of other work behind which one walk can hide: what the reorder buffer holds when it is full (its
    /// entries), at the instructions that the core retires in a cycle over time.
    pub window: u64,
    /// Where the numbers come from.
    pub source: Source,
}

/// What events cost, in cycles of the core that pays.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Costs {
    /// A page fault in the kernel that handles it, from the exception to the return from it: entry, lookup of the
    /// area, allocation of a frame and setting of the entry, without clearing the page.
    pub fault: u64,
    /// An interrupt from another processor, as its target pays: entry, acknowledgement and return, without the
    /// invalidation that it was sent for.
    pub interrupt: u64,
    /// An interrupt to another processor, as its initiator pays, without waiting for the target.
    pub send: u64,
    /// Copying 4 KiB.
    pub copy_4k: u64,
    /// Copying 2 MiB.
    pub copy_2m: u64,
    /// Clearing 4 KiB.
    pub clear_4k: u64,
    /// Clearing 2 MiB.
    pub clear_2m: u64,
    /// What leaving a guest costs.
    pub exit: ExitCosts,
    /// What invalidating costs.
    pub flush: FlushCosts,
    /// Where the numbers come from, apart from those of `exit` and `flush`.
    pub source: Source,
}

/// What each reason to leave a guest costs, in cycles: from the guest's instruction to its next one, the
/// hypervisor's usual handling included. Faults on the hypervisor's own side (allocation, clearing, copying) are apart.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExitCosts {
    /// A guest-physical address without a mapping or permission (AMD: a nested page fault).
    pub ept_violation: u64,
    /// An EPT entry that is wrong on purpose, as KVM marks device memory (AMD: a nested page fault for reserved bits).
    pub ept_misconfiguration: u64,
    /// A page fault that a hypervisor with shadow paging looks at.
    pub page_fault: u64,
    /// An access to a control register, as a MOV to CR3 under shadow paging.
    pub cr_access: u64,
    /// An INVLPG under shadow paging.
    pub invlpg: u64,
    /// A call of the hypervisor (VMCALL, VMMCALL).
    pub hypercall: u64,
    /// An interrupt for the host.
    pub external_interrupt: u64,
    /// A full page-modification log; `None` where the processor has none.
    pub log_full: Option<u64>,
    /// An exit of an L2 guest that L1 handles, in all: from L2 to L0, to L1 and back the same way, L1's own exits
    /// included.
    pub nested: u64,
    /// Where the numbers come from.
    pub source: Source,
}

/// What each instruction that invalidates costs, in cycles, without the misses that follow. `None` where the vendor
/// does not have it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlushCosts {
    /// INVLPG.
    pub invlpg: u64,
    /// INVPCID, of any type.
    pub invpcid: u64,
    /// MOV to CR3.
    pub mov_cr3: u64,
    /// MOV to CR4, once.
    pub mov_cr4: u64,
    /// INVVPID, of any type: Intel.
    pub invvpid: Option<u64>,
    /// INVEPT, of either type: Intel.
    pub invept: Option<u64>,
    /// INVLPGA: AMD.
    pub invlpga: Option<u64>,
    /// INVLPGB: AMD from Zen 3 on.
    pub invlpgb: Option<u64>,
    /// TLBSYNC, without waiting: AMD from Zen 3 on.
    pub tlbsync: Option<u64>,
    /// Where the numbers come from.
    pub source: Source,
}

impl Costs {
    /// The cycles of each event of this table by its key; those of `exit` and `flush` are apart.
    pub const fn cycles(&self) -> [(&'static str, u64); 7] {
        [
            ("fault", self.fault),
            ("interrupt", self.interrupt),
            ("send", self.send),
            ("copy_4k", self.copy_4k),
            ("copy_2m", self.copy_2m),
            ("clear_4k", self.clear_4k),
            ("clear_2m", self.clear_2m),
        ]
    }
}

impl ExitCosts {
    /// The cycles of each reason by its key.
    pub const fn cycles(&self) -> [(&'static str, Option<u64>); 9] {
        [
            ("ept_violation", Some(self.ept_violation)),
            ("ept_misconfiguration", Some(self.ept_misconfiguration)),
            ("page_fault", Some(self.page_fault)),
            ("cr_access", Some(self.cr_access)),
            ("invlpg", Some(self.invlpg)),
            ("hypercall", Some(self.hypercall)),
            ("external_interrupt", Some(self.external_interrupt)),
            ("log_full", self.log_full),
            ("nested", Some(self.nested)),
        ]
    }
}

impl FlushCosts {
    /// The cycles of each instruction by its key.
    pub const fn cycles(&self) -> [(&'static str, Option<u64>); 9] {
        [
            ("invlpg", Some(self.invlpg)),
            ("invpcid", Some(self.invpcid)),
            ("mov_cr3", Some(self.mov_cr3)),
            ("mov_cr4", Some(self.mov_cr4)),
            ("invvpid", self.invvpid),
            ("invept", self.invept),
            ("invlpga", self.invlpga),
            ("invlpgb", self.invlpgb),
            ("tlbsync", self.tlbsync),
        ]
    }
}
