//! A layer, as its policy sees it.

use alloc::vec::Vec;
use core::fmt;

use terrace_addr::{Addr, Bytes, Lower, Nanos, Page, Span, Upper};

use crate::{
    Abilities, AccessedOp, Action, Applied, Block, Counters, Cursor, Effort, Extent, FlushScope,
    Fragmentation, FrameUse, Leaf, Message, Outcome, Refused, Region, SpaceId,
};

/// Whose a layer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The kernel that runs programs: a guest's, or the only one.
    Guest,
    /// A guest hypervisor.
    Hypervisor,
    /// The host.
    Host,
}

impl Role {
    /// All of them, outermost last.
    pub const ALL: [Self; 3] = [Self::Guest, Self::Hypervisor, Self::Host];

    /// Its name: `guest`, `hypervisor`, `host`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Guest => "guest",
            Self::Hypervisor => "hypervisor",
            Self::Host => "host",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One mapping from an upper to a lower space, with the kernel that owns it, as far as a policy may see and change it.
///
/// Lists are appended to what the caller hands in. What a layer cannot do it refuses with
/// [`Refused::Unsupported`]; the default methods do.
pub trait Layer {
    /// Whose it is.
    fn role(&self) -> Role;

    /// What it can do.
    fn abilities(&self) -> Abilities;

    /// The time.
    fn now(&self) -> Nanos;

    /// Its address spaces, in the order in which they were made.
    ///
    /// # Errors
    /// If it cannot list them.
    fn spaces(&mut self, _out: &mut Vec<SpaceId>) -> Outcome<()> {
        Err(Refused::Unsupported(Abilities::SEE_LEAVES))
    }

    /// The regions of a space, in the order of their addresses.
    ///
    /// # Errors
    /// If there is no such space, or the layer cannot list regions.
    fn regions(&mut self, _space: SpaceId, _out: &mut Vec<Region>) -> Outcome<()> {
        Err(Refused::Unsupported(Abilities::SEE_LEAVES))
    }

    /// What the 2M-aligned block around an address holds.
    ///
    /// # Errors
    /// If there is no such space, or the layer cannot see leaves.
    fn block(&mut self, _space: SpaceId, _at: Addr<Upper>) -> Outcome<Block> {
        Err(Refused::Unsupported(Abilities::SEE_LEAVES))
    }

    /// The next leaves of a space from a cursor on, at most `most`; where to go on, if there are more.
    ///
    /// # Errors
    /// If there is no such space, or the layer cannot see leaves.
    fn leaves(&mut self, _from: Cursor, _most: usize, _out: &mut Vec<Leaf>) -> Outcome<Option<Cursor>> {
        Err(Refused::Unsupported(Abilities::SEE_LEAVES))
    }

    /// The leaves of a range that were used since their accessed bits were cleared; clears the bits if asked to. At a
    /// hypervisor these are those of the tables that processors walk for its machines, too; in the middle of a fault only
    /// the bits of its own tables can be seen, which say what was backed.
    ///
    /// # Errors
    /// If there is no such space, or the layer has no such bits.
    fn accessed(
        &mut self,
        _space: SpaceId,
        _span: Span<Upper>,
        _op: AccessedOp,
        _flush: FlushScope,
        _out: &mut Vec<Leaf>,
    ) -> Outcome<()> {
        Err(Refused::Unsupported(Abilities::ACCESSED_BITS))
    }

    /// The 2M-aligned blocks in which anything was mapped, unmapped or changed since the change number `since`, and
    /// the number to ask with next time. 0 is the beginning.
    ///
    /// # Errors
    /// [`Refused::Gone`] if so old changes are no longer known: scan all leaves, and ask with the number of a call
    /// with [`u64::MAX`], which lists nothing.
    fn changes(&mut self, _since: u64, _out: &mut Vec<Cursor>) -> Outcome<u64> {
        Err(Refused::Unsupported(Abilities::CHANGES))
    }

    /// What the CPUs counted that run what this layer maps.
    ///
    /// # Errors
    /// If it cannot count.
    fn counters(&mut self) -> Outcome<Counters> {
        Err(Refused::Unsupported(Abilities::COUNTERS))
    }

    /// What the CPUs counted that run one virtual machine.
    ///
    /// # Errors
    /// If there is no such machine, or it cannot count.
    fn counters_of(&mut self, _space: SpaceId) -> Outcome<Counters> {
        Err(Refused::Unsupported(Abilities::COUNTERS))
    }

    /// Free memory: its runs of at least so many bytes, in the order of their addresses, and how fragmented it is.
    ///
    /// # Errors
    /// If it cannot see free memory.
    fn free(&mut self, _at_least: Bytes, _out: &mut Vec<Extent>) -> Outcome<Fragmentation> {
        Err(Refused::Unsupported(Abilities::SEE_FREE))
    }

    /// The next run of free memory of at least so many bytes, at a multiple of 2 MiB at or behind `from`, and else from
    /// the beginning of memory on; it is told from there on, as long as it is asked for.
    ///
    /// # Errors
    /// If it cannot see free memory.
    fn next_free(&mut self, _from: Addr<Lower>, _bytes: Bytes) -> Outcome<Option<Extent>> {
        Err(Refused::Unsupported(Abilities::SEE_FREE))
    }

    /// The longest run of free memory.
    ///
    /// # Errors
    /// If it cannot see free memory.
    fn largest_free(&mut self) -> Outcome<Option<Extent>> {
        Err(Refused::Unsupported(Abilities::SEE_FREE))
    }

    /// A free block of 2M: one that is there or, with more effort, one that compaction makes.
    ///
    /// # Errors
    /// If it cannot see free memory.
    fn free_block(&mut self, _effort: Effort) -> Outcome<Option<Addr<Lower>>> {
        Err(Refused::Unsupported(Abilities::SEE_FREE))
    }

    /// What a frame is.
    ///
    /// # Errors
    /// If it cannot see free memory.
    fn frame(&mut self, _at: Addr<Lower>) -> Outcome<FrameUse> {
        Err(Refused::Unsupported(Abilities::SEE_FREE))
    }

    /// Whose page a frame holds, by the reverse map; none if it holds nothing that could be moved.
    ///
    /// # Errors
    /// If it cannot see leaves.
    fn holder(&mut self, _at: Addr<Lower>) -> Outcome<Option<(SpaceId, Page<Upper>)>> {
        Err(Refused::Unsupported(Abilities::SEE_LEAVES))
    }

    /// How fragmented free memory is, without a list.
    ///
    /// # Errors
    /// If it cannot see free memory.
    fn fragmentation(&mut self) -> Outcome<Fragmentation> {
        Err(Refused::Unsupported(Abilities::SEE_FREE))
    }

    /// Puts the free 2M block at an address aside until a time: only [`Placement`](crate::Placement)s and actions that
    /// name its frames get them. Returns its number.
    ///
    /// # Errors
    /// If it is not free, or the layer cannot put memory aside.
    fn reserve(&mut self, _at: Addr<Lower>, _until: Nanos) -> Outcome<u64> {
        Err(Refused::Unsupported(Abilities::RESERVE))
    }

    /// Ends a reservation; what was not used is free again.
    ///
    /// # Errors
    /// If there is none with this number.
    fn release(&mut self, _reservation: u64) -> Outcome<Bytes> {
        Err(Refused::Unsupported(Abilities::RESERVE))
    }

    /// Takes the free 2M block at an address and clears it now, so that a fault need not: for
    /// [`map_cleared`](Self::map_cleared), until it is [given back](Self::give_cleared).
    ///
    /// # Errors
    /// If it is not free, or free memory is at its watermark, or the layer cannot put memory aside.
    fn take_cleared(&mut self, _at: Addr<Lower>) -> Outcome<()> {
        Err(Refused::Unsupported(Abilities::RESERVE))
    }

    /// Gives back a block that was cleared and not mapped.
    ///
    /// # Errors
    /// If there is none.
    fn give_cleared(&mut self, _at: Addr<Lower>) -> Outcome<()> {
        Err(Refused::Unsupported(Abilities::RESERVE))
    }

    /// Serves a fault with a huge page in a block that was cleared before.
    ///
    /// # Errors
    /// If there is no such block, no huge page fits there, or there is no memory for a page table.
    fn map_cleared(&mut self, _space: SpaceId, _page: Page<Upper>, _at: Addr<Lower>) -> Outcome<()> {
        Err(Refused::Unsupported(Abilities::RESERVE))
    }

    /// Changes mappings.
    ///
    /// # Errors
    /// If that is not possible; nothing has changed then.
    fn apply(&mut self, action: &Action) -> Outcome<Applied> {
        Err(Refused::Unsupported(action.needs()))
    }

    /// Says for which address of a nested guest pages are placed from now on, for records of decisions.
    fn on_behalf_of(&mut self, _nested: Option<u64>) {}

    /// Says, for records of decisions, that a page is not where the policy wants it, and why.
    fn give_up(
        &mut self,
        _space: SpaceId,
        _page: Page<Upper>,
        _wanted: Option<Addr<Lower>>,
        _reason: &'static str,
    ) {
    }

    /// Sends a message to the policy of another layer, which gets it at its next tick.
    ///
    /// # Errors
    /// If there is no such layer, or no channel to it.
    fn send(&mut self, _message: Message) -> Outcome<()> {
        Err(Refused::Unsupported(Abilities::MESSAGES))
    }
}
