//! What a policy can see of a layer.

use terrace_addr::{Addr, Bytes, Lower, Nanos, Page, PageSize, Span, Upper};

/// An address space of a layer: a program's at a guest's kernel, a virtual machine's memory at a hypervisor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpaceId(pub u32);

/// A part of an address space that was mapped at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// Where it is.
    pub span: Span<Upper>,
    /// Whether its owner asked for huge pages (`MADV_HUGEPAGE`), against them, or for nothing.
    pub advice: Advice,
    /// Where a virtual machine backs its memory with the region: the address that its guest calls the region's start.
    pub guest_start: Option<u64>,
}

/// What a program said about huge pages (madvise(2)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Advice {
    /// Nothing.
    #[default]
    Default,
    /// `MADV_HUGEPAGE`.
    HugePage,
    /// `MADV_NOHUGEPAGE`.
    NoHugePage,
}

/// A present leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaf {
    /// The page.
    pub page: Page<Upper>,
    /// Its frame.
    pub frame: Addr<Lower>,
    /// Whether a walk has used it since the bit was cleared.
    pub accessed: bool,
    /// Whether it was written.
    pub dirty: bool,
}

/// Where to go on in a list of leaves: an address of a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The space.
    pub space: SpaceId,
    /// The first address that was not looked at.
    pub at: Addr<Upper>,
}

/// What a 2M-aligned block of an address space holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Block {
    /// It does not lie wholly in one region.
    Outside,
    /// Nothing is mapped.
    Empty,
    /// One page of 2M, or a part of a larger one.
    Huge,
    /// Base pages.
    Base {
        /// How many of the 512 are present.
        present: u16,
        /// How many of these were used since their accessed bit was cleared.
        accessed: u16,
        /// Whether they lie at their places in one aligned block of memory, so that a huge page needs no copy.
        in_place: Option<Addr<Lower>>,
    },
}

/// What to do with accessed bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessedOp {
    /// Read them.
    Read,
    /// Read and clear them.
    ReadAndClear,
}

/// What to flush after bits were cleared. Without a flush, translations that are cached hide later uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlushScope {
    /// Nothing (as Linux on x86: `ptep_clear_flush_young` does not flush).
    None,
    /// The pages whose bits were cleared.
    Pages,
    /// Everything that was translated through the address space.
    Space,
}

/// Free memory: a run of free frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Its first frame.
    pub start: Addr<Lower>,
    /// Its length.
    pub bytes: Bytes,
}

/// What a base frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameUse {
    /// There is no such memory.
    Absent,
    /// Free.
    Free,
    /// Put aside, and not used yet.
    Reserved,
    /// Used.
    Used,
}

/// How fragmented the free memory of a layer is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fragmentation {
    /// The unusable index for 2M (FMFI): the share of free memory that is in no free block of 2M.
    pub unusable: f64,
    /// Free memory.
    pub free: Bytes,
    /// Free blocks of 2M.
    pub huge_blocks: u64,
}

/// What a performance-monitoring unit would say of the CPUs that run what the layer maps, since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Accesses.
    pub accesses: u64,
    /// Walks that were started: misses of the last level of TLB.
    pub walks: u64,
    /// Cycles of walks.
    pub walk_cycles: u64,
    /// How long they were not idle, together.
    pub busy: Nanos,
}

impl Counters {
    /// Both together.
    pub const fn plus(self, other: Self) -> Self {
        Self {
            accesses: self.accesses + other.accesses,
            walks: self.walks + other.walks,
            walk_cycles: self.walk_cycles + other.walk_cycles,
            busy: Nanos::new(self.busy.get() + other.busy.get()),
        }
    }
}

impl Leaf {
    /// The size of its page.
    pub const fn size(&self) -> PageSize {
        self.page.size()
    }
}
