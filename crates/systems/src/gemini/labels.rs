//! The channel: which blocks of the addresses between two layers are huge at the other one.
//!
//! Each half tells its peers what changed at its own layer since it last told, as numbers of blocks of the upper
//! layer's memory (guest-physical, where the peers are a guest and its host). Nothing else crosses. In the paper the
//! scanner in the host reads both tables and shares lists in memory: the content is the same, and here the cost of a
//! look is borne where the table is.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use terrace_addr::PageSize;
use terrace_policy::{Layer, Message, Refused, Region, Role, SpaceId};

use super::block::{LowerBlock, Place, UpperBlock};
use super::census::{Census, Form, Touched};

/// Blocks that are huge now.
pub(crate) const HUGE: u32 = 1;
/// Blocks that are huge no longer.
pub(crate) const NOT_HUGE: u32 = 2;

/// Who else takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Peers {
    /// Whose memory this layer backs.
    pub(crate) above: Option<Role>,
    /// Who backs this layer's memory.
    pub(crate) below: Option<Role>,
}

/// What became of a block of memory that is huge at the peer below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing of it is mapped here: type 1.
    Free,
    /// Some of it is in use: type 2, or aligned if that is by a huge page.
    Used,
}

/// What the peers have said, and were told.
#[derive(Debug, Clone, Default)]
pub(super) struct Labels {
    peers: Peers,
    /// Blocks of this layer's memory that are huge at the peer below.
    below: BTreeMap<LowerBlock, Standing>,
    /// Blocks that are huge at the peer above.
    above: BTreeSet<Place>,
    told_below: BTreeSet<LowerBlock>,
    told_above: BTreeSet<Place>,
    /// What may have to be told.
    below_news: BTreeSet<LowerBlock>,
    above_news: BTreeSet<Place>,
}

/// A part of a virtual machine's memory, as the hypervisor holds it: only where the addresses of both are congruent
/// modulo 2 MiB can a page be huge for both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Slot {
    /// The first whole block, and its number for the guest.
    first: UpperBlock,
    guest: LowerBlock,
    blocks: u64,
}

impl Slot {
    fn of(region: &Region) -> Option<Self> {
        let guest = region.guest_start?;
        let start = region.span.start.get();
        let size = PageSize::Size2M.bytes();
        if guest % size != start % size {
            return None;
        }
        let first = UpperBlock::first_from(start);
        let skipped = guest.checked_next_multiple_of(size)?;
        let end = UpperBlock::of(region.span.start.offset_by(region.span.bytes));
        Some(Self { first, guest: LowerBlock::numbered(skipped / size)?, blocks: end.after(first) })
    }

    fn guests(&self, block: UpperBlock) -> Option<LowerBlock> {
        if block < self.first {
            return None;
        }
        let nth = block.after(self.first);
        (nth < self.blocks).then(|| self.guest.plus(nth)).flatten()
    }

    fn own(&self, block: LowerBlock) -> Option<UpperBlock> {
        let nth = block.number().checked_sub(self.guest.number())?;
        (nth < self.blocks).then(|| self.first.plus(nth))
    }
}

/// Where a space holds the memory of a virtual machine.
fn slots(layer: &mut dyn Layer, space: SpaceId) -> Vec<Slot> {
    let mut regions = Vec::new();
    let _listed = layer.regions(space, &mut regions);
    regions.iter().filter_map(Slot::of).collect()
}

impl Labels {
    pub(super) fn new(peers: Peers) -> Self {
        Self { peers, ..Self::default() }
    }

    pub(super) fn is_huge_below(&self, block: LowerBlock) -> bool {
        self.below.contains_key(&block)
    }

    pub(super) fn is_huge_above(&self, place: Place) -> bool {
        self.above.contains(&place)
    }

    pub(super) fn standing(&mut self, block: LowerBlock) -> Option<&mut Standing> {
        self.below.get_mut(&block)
    }

    pub(super) fn below(&self) -> impl Iterator<Item = (LowerBlock, Standing)> {
        self.below.iter().map(|(&block, &standing)| (block, standing))
    }

    /// The blocks that are huge below, from one on.
    pub(super) fn below_from(&self, block: LowerBlock) -> impl Iterator<Item = (LowerBlock, Standing)> {
        self.below.range(block..).map(|(&block, &standing)| (block, standing))
    }

    pub(super) fn above(&self) -> impl Iterator<Item = Place> {
        self.above.iter().copied()
    }

    /// Takes in what a peer says. What is no block here is passed over, so that a peer cannot make the lists longer
    /// than there is memory.
    pub(super) fn hear(&mut self, layer: &mut dyn Layer, message: &Message, touched: &mut Touched) {
        let huge = match message.kind {
            HUGE => true,
            NOT_HUGE => false,
            _ => return,
        };
        let blocks = message.words.iter().filter_map(|&word| LowerBlock::numbered(word));
        if self.peers.below == Some(message.peer) {
            for block in blocks {
                if !huge {
                    if self.below.remove(&block).is_some() {
                        touched.lowers.insert(block);
                    }
                } else if !self.below.contains_key(&block) && is_memory(layer, block) {
                    self.below.insert(block, Standing::Used);
                    touched.lowers.insert(block);
                }
            }
        } else if self.peers.above == Some(message.peer) {
            let space = message.space;
            let slots = slots(layer, space);
            for block in blocks {
                let Some(own) = slots.iter().find_map(|slot| slot.own(block)) else { continue };
                let place = (space, own);
                let changed = if huge { self.above.insert(place) } else { self.above.remove(&place) };
                if changed {
                    touched.uppers.insert(place);
                }
            }
        }
    }

    /// These blocks may have changed: the peers have to be told if they did.
    pub(super) fn note(&mut self, touched: &Touched) {
        if self.peers.below.is_some() {
            self.below_news.extend(&touched.lowers);
        }
        if self.peers.above.is_some() {
            self.above_news.extend(&touched.uppers);
        }
    }

    /// Tells the peers what changed.
    pub(super) fn tell(&mut self, layer: &mut dyn Layer, census: &Census) {
        if let Some(peer) = self.peers.below {
            let Self { below_news, told_below, .. } = self;
            let lists = news(below_news, told_below, |block| census.is_huge(block));
            let numbers = |blocks: &[LowerBlock]| blocks.iter().map(|block| block.number()).collect();
            // The guest does not know what its memory is called below; the number is replaced on the way.
            if say(layer, peer, SpaceId(0), lists.each_ref().map(|list| numbers(list))) {
                learn(below_news, told_below, &lists);
            }
        }
        if let Some(peer) = self.peers.above {
            let Self { above_news, told_above, .. } = self;
            let huge = |place: Place| census.held(place).is_some_and(|held| held.form == Form::Huge);
            let lists = news(above_news, told_above, huge);
            let spaces: BTreeSet<SpaceId> = lists.iter().flatten().map(|place| place.0).collect();
            let mut heard = true;
            for space in spaces {
                let slots = slots(layer, space);
                let numbers = |places: &Vec<Place>| {
                    let own = places.iter().filter(|place| place.0 == space);
                    let guests = own.filter_map(|place| slots.iter().find_map(|slot| slot.guests(place.1)));
                    guests.map(LowerBlock::number).collect()
                };
                heard &= say(layer, peer, space, lists.each_ref().map(numbers));
            }
            if heard {
                learn(above_news, told_above, &lists);
            }
        }
    }

    /// A space ended: nobody above has memory there.
    pub(super) fn end_space(&mut self, space: SpaceId) {
        self.above.retain(|place| place.0 != space);
        self.told_above.retain(|place| place.0 != space);
        self.above_news.retain(|place| place.0 != space);
    }
}

/// Whether there is memory at a block.
fn is_memory(layer: &mut dyn Layer, block: LowerBlock) -> bool {
    layer.frame(block.start()).is_ok_and(|found| found.value != terrace_policy::FrameUse::Absent)
}

/// Of what may have changed: what is huge and was not told to be, and what was and is not.
fn news<T: Copy + Ord>(maybe: &BTreeSet<T>, told: &BTreeSet<T>, is_huge: impl Fn(T) -> bool) -> [Vec<T>; 2] {
    let mut lists = [Vec::new(), Vec::new()];
    for &block in maybe {
        match (is_huge(block), told.contains(&block)) {
            (true, false) => lists[0].push(block),
            (false, true) => lists[1].push(block),
            _ => {}
        }
    }
    lists
}

/// What was told is known.
fn learn<T: Copy + Ord>(news: &mut BTreeSet<T>, told: &mut BTreeSet<T>, [huge, not]: &[Vec<T>; 2]) {
    news.clear();
    told.extend(huge);
    for block in not {
        told.remove(block);
    }
}

/// Sends both lists; whether they were taken, or nobody will ever take any.
fn say(layer: &mut dyn Layer, peer: Role, space: SpaceId, lists: [Vec<u64>; 2]) -> bool {
    let mut taken = true;
    // What is no longer huge goes first: a page that moved is huge again elsewhere.
    for (kind, words) in [HUGE, NOT_HUGE].into_iter().zip(lists).rev() {
        if !words.is_empty() {
            let sent = layer.send(Message { peer, space, kind, words });
            taken &= matches!(sent, Ok(_) | Err(Refused::Unsupported(_)));
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::super::test::{kernel, region};
    use super::*;
    use alloc::vec;
    use terrace_addr::Span;
    use terrace_policy::Advice;

    fn slot(start: u64, bytes: u64, guest: u64) -> Option<Slot> {
        let span = Span { start: terrace_addr::Addr::new(start), bytes };
        Slot::of(&Region { span, advice: Advice::Default, guest_start: Some(guest) })
    }

    const MIB: u64 = 1 << 20;

    #[test]
    fn blocks_of_a_slot_have_a_number_for_the_guest() {
        let at = |address| UpperBlock::of(terrace_addr::Addr::new(address));
        let number = |slot: &Slot, address| slot.guests(at(address)).map(LowerBlock::number);
        let whole = slot(0x4000_0000, 8 * MIB, 0).unwrap();
        assert_eq!(number(&whole, 0x4000_0000), Some(0));
        assert_eq!(number(&whole, 0x4000_0000 + 7 * MIB), Some(3));
        assert_eq!(number(&whole, 0x4000_0000 + 8 * MIB), None);
        assert_eq!(number(&whole, 0x4000_0000 - 1), None);
        assert_eq!(whole.own(LowerBlock::numbered(3).unwrap()), Some(at(0x4000_0000 + 6 * MIB)));
        assert_eq!(whole.own(LowerBlock::numbered(4).unwrap()), None);
        // Equally displaced in both: the first and the last block are not whole.
        let shifted = slot(0x4000_0000 + MIB, 8 * MIB, 33 * MIB).unwrap();
        assert_eq!((shifted.blocks, number(&shifted, 0x4000_0000 + 2 * MIB)), (3, Some(17)));
        assert_eq!(number(&shifted, 0x4000_0000), None);
        assert_eq!(slot(0x4000_0000 + MIB, 8 * MIB, 0), None, "not congruent");
        assert_eq!(slot(0x4000_1000, 4096, 0x1000).unwrap().blocks, 0, "no whole block");
    }

    #[test]
    fn only_what_changed_is_told() {
        let mut kernel = kernel(24);
        let (space, start) = region(&mut kernel, 2);
        let mut labels = Labels::new(Peers { above: None, below: Some(Role::Host) });
        let mut census = Census::default();
        let mut said = |kernel: &mut super::super::test::Kernel, labels: &mut Labels| {
            let mut touched = Touched::default();
            let mut budget = terrace_policy::Budget::new(terrace_addr::Cycles::new(u64::MAX));
            census.pass(kernel, &mut budget, &mut touched);
            labels.note(&touched);
            labels.tell(kernel, &census);
            kernel
                .take_messages()
                .into_iter()
                .map(|message| (message.kind, message.words))
                .collect::<Vec<_>>()
        };
        let huge = terrace_policy::Placement::HugeAt(terrace_addr::Addr::new(14 << 21));
        super::super::test::fault(&mut kernel, space, start, huge);
        assert_eq!(said(&mut kernel, &mut labels), [(HUGE, vec![14])]);
        assert_eq!(said(&mut kernel, &mut labels), []);
        let page = UpperBlock::of(start.reinterpret()).page();
        let to = Some(terrace_addr::Addr::new(15 << 21));
        let _charged = kernel.apply(&terrace_policy::Action::Migrate { space, page, to }).unwrap();
        assert_eq!(said(&mut kernel, &mut labels), [(NOT_HUGE, vec![14]), (HUGE, vec![15])]);
        let _charged = kernel.apply(&terrace_policy::Action::Split { space, page }).unwrap();
        assert_eq!(said(&mut kernel, &mut labels), [(NOT_HUGE, vec![15])]);
    }
}
