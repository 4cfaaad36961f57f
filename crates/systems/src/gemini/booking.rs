//! Memory that is kept for alignment: huge booking (HB) and the huge bucket.
//!
//! The rule: a kept block is a reservation of the layer. Only what names its frames is placed there, and when memory is
//! short all of it goes back. The policy ends each at its time; the layer's own end comes one scan later, so that
//! nothing stays reserved for a policy that is not called any more.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use terrace_addr::{Bytes, Cycles, Nanos, PageSize};
use terrace_policy::{Layer, SpaceId};

use super::block::{LowerBlock, Place};
use super::runs::Runs;

/// Why a block is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// The peer has a huge page there, and nothing is mapped here: type 1.
    Booked,
    /// It was given up, and the peer still has a huge page there.
    Bucket,
}

/// How much of a kept block was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Used {
    Not,
    /// Base pages were placed in it.
    Pages,
    /// A huge page was.
    Whole,
}

/// A block that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kept {
    reservation: u64,
    pub(super) until: Nanos,
    pub(super) why: Why,
    /// For which block of an address space, once that is known.
    pub(super) claim: Option<Place>,
    pub(super) used: Used,
}

/// Whom a kept block is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// Whoever comes.
    Open,
    /// Whoever has an offset that leads there.
    Promised,
    /// A block of an address space.
    Claimed(Place),
}

/// All blocks that are kept.
#[derive(Debug, Clone)]
pub(super) struct Booking {
    /// How much later than the policy the layer ends a reservation.
    grace: Nanos,
    kept: BTreeMap<LowerBlock, Kept>,
    claims: BTreeMap<Place, LowerBlock>,
    /// Those that are offered: nobody has claimed them, and no offset leads there.
    open: Runs,
    ends: BTreeSet<(Nanos, LowerBlock)>,
    numbers: BTreeMap<u64, LowerBlock>,
    /// Those in which a huge page was placed: nothing is left of them to keep.
    whole: Vec<LowerBlock>,
}

impl Booking {
    pub(super) fn new(grace: Nanos) -> Self {
        Self {
            grace,
            kept: BTreeMap::new(),
            claims: BTreeMap::new(),
            open: Runs::default(),
            ends: BTreeSet::new(),
            numbers: BTreeMap::new(),
            whole: Vec::new(),
        }
    }

    /// Puts a free block aside until a time; what that cost, if it could be. The layer ends it after a grace.
    pub(super) fn keep(
        &mut self,
        layer: &mut dyn Layer,
        block: LowerBlock,
        why: Why,
        whose: Whose,
        until: Nanos,
    ) -> Option<Cycles> {
        let claim = match whose {
            Whose::Claimed(place) => Some(place),
            Whose::Open | Whose::Promised => None,
        };
        if self.kept.contains_key(&block) || claim.is_some_and(|place| self.claims.contains_key(&place)) {
            return None;
        }
        let limit = Nanos::new(until.get().saturating_add(self.grace.get()).saturating_add(1));
        let reserved = layer.reserve(block.start(), limit).ok()?;
        let reservation = reserved.value;
        self.kept.insert(block, Kept { reservation, until, why, claim, used: Used::Not });
        self.numbers.insert(reservation, block);
        self.ends.insert((until, block));
        match whose {
            Whose::Claimed(place) => {
                self.claims.insert(place, block);
            }
            Whose::Open => self.open.add(block),
            Whose::Promised => {}
        }
        Some(reserved.cost)
    }

    /// A run of blocks has an offset now, and is no longer offered; the first page of each claims it.
    pub(super) fn promise(&mut self, first: LowerBlock, blocks: u64) {
        for block in (0..blocks).filter_map(|nth| first.plus(nth)) {
            self.open.remove(block);
        }
    }

    pub(super) fn is_kept(&self, block: LowerBlock) -> bool {
        self.kept.contains_key(&block)
    }

    /// Whether a block is kept, and nothing was placed in it.
    pub(super) fn is_unused(&self, block: LowerBlock) -> bool {
        self.kept.get(&block).is_some_and(|kept| kept.used == Used::Not)
    }

    pub(super) fn is_claimed(&self, block: LowerBlock) -> bool {
        self.kept.get(&block).is_some_and(|kept| kept.claim.is_some())
    }

    /// All kept memory, as if none of it were used.
    pub(super) fn bytes(&self) -> Bytes {
        PageSize::Size2M.size().times(terrace_addr::convert::count(self.kept.len()))
    }

    /// The block that is kept for a block of an address space.
    pub(super) fn claimed(&self, place: Place) -> Option<LowerBlock> {
        self.claims.get(&place).copied()
    }

    /// Runs of blocks that are offered: the shortest that has so many, or else the longest, and how many of it.
    pub(super) fn best_open(&self, blocks: u64) -> Option<(LowerBlock, u64)> {
        self.open.best(blocks)
    }

    /// The index of fragmentation (FMFI) where kept memory counts as what it is for who asks here: free blocks. The
    /// layer's own index does not count it as free, so that keeping blocks alone would raise it.
    pub(super) fn fragmentation(&self, layer: &mut dyn Layer) -> f64 {
        let Ok(found) = layer.fragmentation() else { return 1.0 };
        let free = found.value.free.get();
        let all = free.saturating_add(self.bytes().get());
        if all == 0 { 1.0 } else { found.value.unusable * terrace_addr::convert::ratio(free, all) }
    }

    /// Claims a block for one of an address space; whether it is kept and nobody has claimed it.
    pub(super) fn claim(&mut self, block: LowerBlock, place: Place) -> bool {
        if self.claims.contains_key(&place) {
            return false;
        }
        let Some(kept) = self.kept.get_mut(&block).filter(|kept| kept.claim.is_none()) else { return false };
        kept.claim = Some(place);
        self.claims.insert(place, block);
        self.open.remove(block);
        true
    }

    /// Notes that a kept block is used now: why it was kept, if this is the first time.
    pub(super) fn use_it(&mut self, block: LowerBlock, used: Used) -> Option<Why> {
        let kept = self.kept.get_mut(&block)?;
        let first = kept.used == Used::Not;
        if used == Used::Whole && kept.used != Used::Whole {
            self.whole.push(block);
        }
        kept.used = used;
        if kept.claim.is_none() {
            self.open.remove(block);
        }
        first.then_some(kept.why)
    }

    /// Lets a block go: what is not used of it is free.
    pub(super) fn let_go(&mut self, layer: &mut dyn Layer, block: LowerBlock) -> Option<Kept> {
        let kept = self.forget(block)?;
        let _released = layer.release(kept.reservation);
        Some(kept)
    }

    fn forget(&mut self, block: LowerBlock) -> Option<Kept> {
        let kept = self.kept.remove(&block)?;
        self.numbers.remove(&kept.reservation);
        self.ends.remove(&(kept.until, block));
        match kept.claim {
            Some(place) => {
                self.claims.remove(&place);
            }
            None => self.open.remove(block),
        }
        Some(kept)
    }

    /// The layer ended a reservation by itself.
    pub(super) fn ended(&mut self, reservation: u64) -> Option<Kept> {
        let block = self.numbers.get(&reservation).copied()?;
        self.forget(block)
    }

    /// Lets everything go; how many blocks that were, and how many of them were of the bucket.
    pub(super) fn let_all_go(&mut self, layer: &mut dyn Layer) -> (u64, u64) {
        let kept = core::mem::take(&mut self.kept);
        (self.claims, self.numbers, self.ends) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        self.open.clear();
        self.whole.clear();
        let mut gone = (0, 0);
        for kept in kept.values() {
            let _released = layer.release(kept.reservation);
            gone.0 += 1;
            gone.1 += u64::from(kept.why == Why::Bucket);
        }
        gone
    }

    /// Those whose blocks of memory became huge pages are kept no longer.
    pub(super) fn settle(&mut self, layer: &mut dyn Layer) {
        for block in core::mem::take(&mut self.whole) {
            if self.kept.get(&block).is_some_and(|kept| kept.used == Used::Whole) {
                let _kept = self.let_go(layer, block);
            }
        }
    }

    /// A block whose time is over.
    pub(super) fn due(&self, now: Nanos) -> Option<(LowerBlock, Kept)> {
        let &(until, block) = self.ends.first()?;
        let kept = self.kept.get(&block).filter(|_| until <= now)?;
        Some((block, *kept))
    }

    /// When the next one's time is over.
    pub(super) fn next_end(&self) -> Option<Nanos> {
        self.ends.first().map(|end| end.0)
    }

    /// The blocks that are kept for this reason and not used yet.
    pub(super) fn unused(&self, why: Why) -> impl Iterator<Item = LowerBlock> {
        let unused = move |kept: &Kept| kept.why == why && kept.used == Used::Not;
        self.kept.iter().filter(move |(_, kept)| unused(kept)).map(|(&block, _)| block)
    }

    /// A space ended: what it had claimed is open again, and what it had placed is free.
    pub(super) fn end_space(&mut self, space: SpaceId) {
        let from = (space, super::block::UpperBlock::first_from(0));
        let claims: Vec<_> = self
            .claims
            .range(from..)
            .take_while(|(place, _)| place.0 == space)
            .map(|(_, &block)| block)
            .collect();
        for block in claims {
            let Some(kept) = self.kept.get_mut(&block).filter(|kept| kept.used != Used::Whole) else {
                continue;
            };
            kept.used = Used::Not;
            if let Some(place) = kept.claim.take() {
                self.claims.remove(&place);
            }
            self.open.add(block);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::block::UpperBlock;
    use super::super::test::kernel;
    use super::*;
    use proptest::prelude::*;

    const BLOCKS: u64 = 16;

    fn block(number: u64) -> LowerBlock {
        LowerBlock::numbered(number).unwrap()
    }

    fn consistent(booking: &Booking) {
        for (&block, kept) in &booking.kept {
            assert_eq!(booking.numbers.get(&kept.reservation), Some(&block));
            assert!(booking.ends.contains(&(kept.until, block)));
            if let Some(place) = kept.claim {
                assert_eq!(booking.claims.get(&place), Some(&block));
            }
        }
        let sizes = [booking.numbers.len(), booking.ends.len()];
        assert_eq!(sizes, [booking.kept.len(); 2]);
        assert_eq!(booking.claims.len(), booking.kept.values().filter(|kept| kept.claim.is_some()).count());
        if let Some((first, blocks)) = booking.open.best(1) {
            assert!(blocks == 1 && booking.kept[&first].claim.is_none());
        }
    }

    proptest! {
        /// Whatever is done, the lists agree with each other and with what the layer has put aside.
        #[test]
        fn what_is_kept_is_what_is_reserved(
            steps in prop::collection::vec((0_u8..9, 0..BLOCKS, 0_u64..4, 0_u64..100), 0..100),
        ) {
            let mut kernel = kernel(BLOCKS);
            let mut booking = Booking::new(Nanos::new(5));
            for (step, number, other, time) in steps {
                let at = block(number);
                let place = (SpaceId(0), UpperBlock::first_from(0).plus(other));
                match step {
                    0 | 1 => {
                        let whose = [Whose::Open, Whose::Promised, Whose::Claimed(place)];
                        let whose = whose[terrace_addr::convert::index(other % 3)];
                        let why = if time % 2 == 0 { Why::Booked } else { Why::Bucket };
                        booking.keep(&mut kernel, at, why, whose, Nanos::new(time));
                    }
                    2 => drop(booking.claim(at, place)),
                    3 => drop(booking.use_it(at, if time % 2 == 0 { Used::Pages } else { Used::Whole })),
                    4 => drop(booking.let_go(&mut kernel, at)),
                    5 => booking.promise(at, other),
                    6 => booking.settle(&mut kernel),
                    7 => booking.end_space(SpaceId(0)),
                    _ if time == 0 => drop(booking.let_all_go(&mut kernel)),
                    _ => {
                        if let Some((due, kept)) = booking.due(Nanos::new(time)) {
                            prop_assert!(kept.until <= Nanos::new(time));
                            booking.let_go(&mut kernel, due);
                        }
                    }
                }
                consistent(&booking);
                prop_assert_eq!(kernel.memory().reservations().count(), booking.kept.len());
            }
            booking.let_all_go(&mut kernel);
            prop_assert_eq!(kernel.memory().reservations().count(), 0);
        }
    }

    #[test]
    fn the_layers_own_end_is_later_than_the_policys() {
        let mut kernel = kernel(4);
        let mut booking = Booking::new(Nanos::new(5));
        booking.keep(&mut kernel, block(2), Why::Booked, Whose::Open, Nanos::new(10));
        kernel.set_now(Nanos::new(15));
        kernel.expire_reservations();
        assert_eq!((kernel.take_events(), booking.next_end()), (Vec::new(), Some(Nanos::new(10))));
        kernel.set_now(Nanos::new(16));
        kernel.expire_reservations();
        let events = kernel.take_events();
        let [terrace_policy::Event::ReservationEnded(number)] = events[..] else { panic!("{events:?}") };
        assert!(booking.ended(number).is_some());
        assert!(booking.ended(number).is_none());
        assert_eq!(booking.bytes(), Bytes::ZERO);
    }
}
