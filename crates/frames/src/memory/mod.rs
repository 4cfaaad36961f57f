//! The memory of a layer: its nodes, and the ways to take frames and to give them back.

mod indices;
mod reserve;
mod search;

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;

use terrace_addr::{Addr, Bytes, PageSize, Space, convert};

use crate::word::Kind;
use crate::zone::{MOST_FRAMES, Zone};
use crate::{
    FrameState, FramesError, Mobility, NodeId, NodeSpec, Order, Pageblock, ReservationId, Tag, Taken,
    Watermarks,
};

pub use reserve::Reservation;

const FRAME: u32 = PageSize::Size4K.shift();

/// The 4 KiB frames of the lower space `L`: who has each, and which are free.
///
/// Frames belong to nodes; between nodes there are none. What a method says of "frames" holds in all nodes, and an
/// address anywhere in a frame stands for it, but a block's address must be aligned to the block.
///
/// # Panics
/// Every method that takes a [`NodeId`] panics if there is no such node.
#[derive(Clone)]
pub struct Memory<L: Space> {
    zones: Vec<Zone>,
    reservations: BTreeMap<ReservationId, Reservation<L>>,
    /// Where each reservation starts: they do not overlap.
    starts: BTreeMap<Addr<L>, ReservationId>,
    next_reservation: u32,
    space: PhantomData<L>,
}

impl<L: Space> Memory<L> {
    /// Memory of these nodes, in the order of their addresses, all free.
    ///
    /// # Errors
    /// If there are no nodes or more than 256, or one is not made of whole frames, is too large, overlaps the one
    /// before it or reaches beyond the space.
    pub fn new(nodes: &[NodeSpec<L>]) -> Result<Self, FramesError> {
        check(nodes)?;
        let total = nodes.iter().map(|node| node.bytes).sum();
        let zones = nodes.iter().map(|node| {
            let (first, count) = (node.start.get() >> FRAME, convert::index(node.bytes.get() >> FRAME));
            Zone::new(first, count, Watermarks::of_node(node.bytes, total))
        });
        Ok(Self {
            zones: zones.collect(),
            reservations: BTreeMap::new(),
            starts: BTreeMap::new(),
            next_reservation: 0,
            space: PhantomData,
        })
    }

    /// The number of nodes.
    pub const fn nodes(&self) -> usize {
        self.zones.len()
    }

    /// All nodes.
    pub fn node_ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + use<L> {
        (0..self.zones.len()).map(|number| NodeId::new(convert::low8(convert::count(number))))
    }

    /// The memory of a node.
    pub fn total(&self, node: NodeId) -> Bytes {
        bytes(self.zone(node).frames().len())
    }

    /// The free memory of a node: neither used nor reserved.
    pub fn free_bytes(&self, node: NodeId) -> Bytes {
        bytes(self.zone(node).free_frames())
    }

    /// How much of a node is kept free; at first as [`Watermarks::of_node`] has it.
    pub fn watermarks(&self, node: NodeId) -> Watermarks {
        self.zone(node).watermarks
    }

    /// Changes how much of a node is kept free.
    pub fn set_watermarks(&mut self, node: NodeId, watermarks: Watermarks) {
        self.zones[node.index()].watermarks = watermarks;
    }

    /// Tells pageblocks that hold memory of both mobilities apart from now on, as Illuminator does (Panwar et al., ASPLOS
    /// 2018): unmovable memory that does not find room in its own pageblocks goes to these before it takes one from
    /// movable memory, and compaction passes them over.
    pub fn track_hybrids(&mut self) {
        for zone in &mut self.zones {
            zone.track_hybrids();
        }
    }

    /// How many pageblocks of a node are hybrid: none unless they are [tracked](Self::track_hybrids).
    pub fn hybrids(&self, node: NodeId) -> u64 {
        convert::count(self.zone(node).hybrids())
    }

    /// What the pageblock of a frame is for.
    pub fn pageblock(&self, at: Addr<L>) -> Option<Pageblock> {
        let (node, frame) = self.locate(at)?;
        Some(self.zones[node].pageblock(frame))
    }

    /// Whether the watermarks let a block of this order be taken from a node: memory for programs leaves at least
    /// `min` free, memory for the kernel may be the last. There need not be such a block.
    #[inline]
    pub fn has_room(&self, node: NodeId, order: Order, mobility: Mobility) -> bool {
        let zone = self.zone(node);
        let kept = match mobility {
            Mobility::Movable => zone.watermarks.min,
            Mobility::Unmovable => Bytes::ZERO,
        };
        bytes(zone.free_frames()) >= order.bytes() + kept
    }

    /// Takes a free block of a node, chosen as Linux does: the smallest that is large enough and whose pageblock has
    /// this mobility, else one of the other mobility. `None` if there is none, or if the watermarks do not let it be
    /// taken: a [`Movable`](Mobility::Movable) block (memory for programs) must leave `min` of the node free, an
    /// [`Unmovable`](Mobility::Unmovable) one (memory for the kernel) need not.
    ///
    /// The frames have no tag.
    #[inline]
    pub fn allocate(&mut self, node: NodeId, order: Order, mobility: Mobility) -> Option<Addr<L>> {
        if !self.has_room(node, order, mobility) {
            return None;
        }
        let zone = &mut self.zones[node.index()];
        zone.allocate(order, mobility).map(|at| address(zone, at))
    }

    /// Takes exactly the block at `at`, all of whose frames must be free. The watermarks are not asked: a caller who
    /// wants them kept asks [`has_room`](Self::has_room) first. The mobility of pageblocks stays as it is.
    ///
    /// # Errors
    /// If `at` is not aligned, or one of the frames is used, reserved or absent: the first that is.
    pub fn allocate_at(&mut self, at: Addr<L>, order: Order, mobility: Mobility) -> Result<(), Taken<L>> {
        let (node, first) = self.free_block(at, order)?;
        self.zones[node].allocate_at(first, order, mobility);
        Ok(())
    }

    /// Gives back a block, whose frames must be used; it need not have been taken as one. Frames that a reservation
    /// lent return to it as long as it lasts.
    ///
    /// # Panics
    /// If `at` is not aligned, or one of the frames is not used: a frame that is given back twice has two owners.
    #[track_caller]
    pub fn free(&mut self, at: Addr<L>, order: Order) {
        let Ok((node, first)) = self.block(at, order) else { panic!("{at:?} is no block of order {order}") };
        let zone = &mut self.zones[node];
        let range = first..first + order.length();
        assert!(zone.all_used(range.clone()), "{at:?}, of order {order}, is not all used");
        if zone.any_lent(range.clone()) {
            self.free_lent(node, range);
        } else {
            zone.give(first, order);
        }
    }

    /// Stores the owner's tag beside a used frame.
    ///
    /// # Panics
    /// If the frame is not used: nobody would find the tag again.
    #[inline]
    #[track_caller]
    pub fn set_tag(&mut self, at: Addr<L>, tag: Tag) {
        let found = self.locate(at).is_some_and(|(node, frame)| self.zones[node].set_tag(frame, tag));
        assert!(found, "{at:?} is not used and has no owner");
    }

    /// The owner's tag of a used frame, if the owner has stored one.
    #[inline]
    pub fn tag(&self, at: Addr<L>) -> Option<Tag> {
        let (node, frame) = self.locate(at)?;
        self.zones[node].used(frame)?.1
    }

    /// The mobility with which a used frame was taken.
    #[inline]
    pub fn mobility(&self, at: Addr<L>) -> Option<Mobility> {
        let (node, frame) = self.locate(at)?;
        Some(self.zones[node].used(frame)?.0)
    }

    /// What a frame is.
    #[inline]
    pub fn state(&self, at: Addr<L>) -> FrameState {
        let Some((node, frame)) = self.locate(at) else { return FrameState::Absent };
        match self.zones[node].kind(frame) {
            Kind::Inside | Kind::Head => FrameState::Free,
            Kind::Used => FrameState::Used,
            Kind::Reserved(id) => FrameState::Reserved(id),
        }
    }

    /// The node that a frame belongs to.
    pub fn node_of(&self, at: Addr<L>) -> Option<NodeId> {
        let (node, _) = self.locate(at)?;
        Some(NodeId::new(convert::low8(convert::count(node))))
    }

    pub(crate) fn zone(&self, node: NodeId) -> &Zone {
        &self.zones[node.index()]
    }

    /// The zone of a frame and its number there.
    #[inline(always)]
    fn locate(&self, at: Addr<L>) -> Option<(usize, usize)> {
        let frame = at.get() >> FRAME;
        self.zones.iter().enumerate().find_map(|(node, zone)| Some((node, zone.find(frame)?)))
    }

    /// The zone of a block, all of whose frames exist, and the number of its first frame there.
    fn block(&self, at: Addr<L>, order: Order) -> Result<(usize, usize), Taken<L>> {
        if at.get() & (order.bytes().get() - 1) != 0 {
            return Err(Taken::Misaligned { at, order });
        }
        let (node, first) = self.locate(at).ok_or(Taken::Absent(at))?;
        let end = self.zones[node].frames().end;
        if first + order.length() > end {
            return Err(Taken::Absent(address(&self.zones[node], end)));
        }
        Ok((node, first))
    }

    /// The zone of a block, all of whose frames are free, and the number of its first frame there.
    fn free_block(&self, at: Addr<L>, order: Order) -> Result<(usize, usize), Taken<L>> {
        let (node, first) = self.block(at, order)?;
        let zone = &self.zones[node];
        let taken = zone.map().next_gap(first);
        if taken >= first + order.length() {
            return Ok((node, first));
        }
        Err(match zone.kind(taken) {
            Kind::Reserved(id) => Taken::Reserved(id),
            Kind::Used | Kind::Inside | Kind::Head => Taken::Used(address(zone, taken)),
        })
    }
}

impl<L: Space> fmt::Debug for Memory<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sum = |of: fn(&Zone) -> usize| bytes(self.zones.iter().map(of).sum());
        let (free, total) = (sum(Zone::free_frames), sum(|zone| zone.frames().len()));
        write!(f, "{free} of {total} free in {} {} nodes", self.zones.len(), L::NAME)
    }
}

/// The address of frame `at` of a zone.
#[inline(always)]
pub(crate) fn address<L: Space>(zone: &Zone, at: usize) -> Addr<L> {
    Addr::truncate(zone.number(at) << FRAME)
}

/// The size of so many frames.
#[inline(always)]
pub(crate) fn bytes(frames: usize) -> Bytes {
    Bytes::new(convert::count(frames) << FRAME)
}

fn check<L: Space>(nodes: &[NodeSpec<L>]) -> Result<(), FramesError> {
    if nodes.is_empty() || nodes.len() > 256 {
        return Err(FramesError::NodeCount { found: nodes.len() });
    }
    let mut end_before = 0;
    for (node, spec) in nodes.iter().enumerate() {
        let (start, bytes) = (spec.start.get(), spec.bytes.get());
        if bytes == 0 || (start | bytes) & (PageSize::Size4K.bytes() - 1) != 0 {
            return Err(FramesError::NotFrames { node, start, bytes });
        }
        if spec.start.checked_add(bytes - 1).is_none() {
            return Err(FramesError::BeyondSpace { node, start, bytes, space: L::NAME });
        }
        let (frames, most) = (bytes >> FRAME, convert::count(MOST_FRAMES));
        if frames > most {
            return Err(FramesError::TooLarge { node, frames, most });
        }
        if start < end_before {
            return Err(FramesError::Overlap { node, start, end: end_before });
        }
        end_before = start + bytes;
    }
    Ok(())
}
