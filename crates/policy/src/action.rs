//! What a policy can do.

use terrace_addr::{Addr, Lower, Page, Upper};

use crate::{Abilities, DirectSegment, Segments, SpaceId};

/// A change of a layer's mappings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Makes a huge page of the base pages of a 2M page; absent ones are cleared memory.
    Collapse {
        /// Whose.
        space: SpaceId,
        /// The page, of 2M.
        page: Page<Upper>,
        /// Where it goes.
        into: CollapseInto,
    },
    /// Makes base pages of a huge page. Every byte stays where it is.
    Split {
        /// Whose.
        space: SpaceId,
        /// The page, of 2M.
        page: Page<Upper>,
    },
    /// Moves a page to a free frame of its size.
    Migrate {
        /// Whose.
        space: SpaceId,
        /// The page.
        page: Page<Upper>,
        /// The frame; any that is free if none.
        to: Option<Addr<Lower>>,
    },
    /// Exchanges the frames of two pages of one size: no memory is taken or freed.
    Exchange {
        /// Whose.
        space: SpaceId,
        /// The pages.
        pages: [Page<Upper>; 2],
    },
    /// Asks to map 2M of a nested guest by one leaf in the composed table, which its guest hypervisor maps by base
    /// pages: a pseudo huge page (xGemini paper, section 4.3). It is tried after the policy has returned;
    /// [`Event::Joined`](crate::Event::Joined) tells what came of it.
    Join {
        /// The guest hypervisor's memory.
        space: SpaceId,
        /// The guest-physical address of the nested guest, a multiple of 2 MiB.
        nested: u64,
    },
    /// Backs a page that nothing backs yet with this frame, cleared, as a fault would.
    Populate {
        /// Whose.
        space: SpaceId,
        /// The page, of 4K or 2M.
        page: Page<Upper>,
        /// The frame, free or put aside.
        at: Addr<Lower>,
    },
    /// Translates a virtual machine's addresses by segments from now on, or (with none) by its extended page table. The
    /// layer checks that the machine's own pages fill the segments, each at its place; while they are set it refuses
    /// whatever would take one of these pages away or put it elsewhere.
    Segment {
        /// The machine's memory.
        space: SpaceId,
        /// The segments.
        segments: Option<Segments>,
        /// Why, in a few words, for records of decisions.
        reason: &'static str,
    },
    /// Translates a part of an address space by a direct segment from now on, or (with none) by its tables alone. The
    /// layer checks that the pages of one region fill it, each at its place; while it is set the layer moves none of
    /// them, and when a part of it is unmapped the segment is gone.
    Direct {
        /// Whose.
        space: SpaceId,
        /// The segment.
        segment: Option<DirectSegment>,
    },
}

/// Where a collapsed page goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CollapseInto {
    /// Where its base pages are, which have to lie at their places in one aligned block; what is absent must be free
    /// there.
    InPlace,
    /// To a free block of 2M that the layer finds, as khugepaged does, in the memory node that holds most of the pages:
    /// pages are copied.
    Any,
    /// To the block at this address.
    At(Addr<Lower>),
}

impl Action {
    /// What a layer needs for it.
    pub const fn needs(&self) -> Abilities {
        match self {
            Self::Collapse { .. } => Abilities::COLLAPSE,
            Self::Split { .. } => Abilities::SPLIT,
            Self::Migrate { .. } => Abilities::MIGRATE,
            Self::Exchange { .. } => Abilities::EXCHANGE,
            Self::Join { .. } => Abilities::NESTED,
            Self::Populate { .. } => Abilities::CHOOSE_FRAME,
            Self::Segment { .. } => Abilities::SEGMENT,
            Self::Direct { .. } => Abilities::DIRECT,
        }
    }
}

/// What an action did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Applied {
    /// Base pages whose content was copied.
    pub copied: u32,
    /// Base pages that were cleared, because they were absent.
    pub cleared: u32,
    /// Where the page is now.
    pub frame: Option<Addr<Lower>>,
}
