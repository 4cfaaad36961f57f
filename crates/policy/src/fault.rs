//! Faults and mappings, and what a policy may answer.

use terrace_addr::{AccessKind, Addr, Bytes, Lower, PageSize, Upper};

use crate::SpaceId;
use crate::query::{Advice, Region};

/// A page is touched for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// Whose it is.
    pub space: SpaceId,
    /// The address.
    pub addr: Addr<Upper>,
    /// How it was touched.
    pub kind: AccessKind,
    /// The region.
    pub region: Region,
    /// Whether a huge page would fit: its block lies in the region, and nothing of it is mapped.
    pub huge_fits: bool,
    /// Where a nested guest touched it: the guest-physical address there. What a guest hypervisor touches itself has
    /// none.
    pub nested: Option<u64>,
}

/// A guest hypervisor uses a page, which something backs already, for a page of a nested guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NestedUse {
    /// The guest hypervisor's memory.
    pub space: SpaceId,
    /// The address in it, at the start of the page.
    pub addr: Addr<Upper>,
    /// The guest-physical address at the nested guest, at the start of the page.
    pub nested: u64,
    /// How large the guest hypervisor maps it.
    pub size: PageSize,
    /// How it was heard of.
    pub heard: Heard,
}

/// How a hypervisor heard of a mapping of a nested guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Heard {
    /// The guest hypervisor's write of the mapping was trapped.
    Write,
    /// The nested guest used it.
    Use,
}

/// How hard a kernel tries to find a free block of 2M.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// It takes one that is free.
    Light,
    /// It takes one that is free; otherwise compaction is started in the background (kcompactd).
    Wake,
    /// It moves pages out of the way while the fault waits (direct compaction).
    Direct,
}

/// What serves a fault. Whatever is asked for and cannot be had is served by a base page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// As the kernel without a policy: a base page, any frame.
    Default,
    /// A base page in this frame.
    Frame(Addr<Lower>),
    /// A huge page, in any block.
    Huge(Effort),
    /// A huge page in the block at this address.
    HugeAt(Addr<Lower>),
}

/// A region is to be mapped, and its owner does not say where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MapRequest {
    /// Whose it will be.
    pub space: SpaceId,
    /// How long.
    pub bytes: Bytes,
    /// What is said about it.
    pub advice: Advice,
}

/// Where a region goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VirtualPlacement {
    /// Where the kernel puts it: below the last one, at a multiple of 4 KiB.
    Default,
    /// Below the last one, its start at a multiple of 2 MiB.
    Aligned,
    /// The same, and its end at one, too: what is between the end that was asked for and that one belongs to it.
    Whole,
    /// Here, if there is room.
    At(Addr<Upper>),
}
