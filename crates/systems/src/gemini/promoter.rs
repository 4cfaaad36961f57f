//! MHPP, the promoter: khugepaged with another order.
//!
//! First the blocks that hold a type-2 misaligned huge page back, then those whose pages lie at their places, then the
//! rest as khugepaged goes through them. In place where that is possible, else by copying: into a kept block, which the
//! peer has as a huge page, or into any.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use terrace_addr::Nanos;
use terrace_policy::{Action, Advice, Block, Budget, CollapseInto, Layer, Refused, SpaceId, Values};

use super::allocator::count_use;
use super::block::{LowerBlock, PAGES, Place, UpperBlock};
use super::booking::{Booking, Used};
use super::census::{Census, Form, is_left, spend};
use super::counts::Counts;
use super::labels::Labels;

/// The promoter.
#[derive(Debug, Clone)]
pub(super) struct Promoter {
    blocks_to_scan: u64,
    sleep: Nanos,
    alloc_sleep: Nanos,
    max_absent: u64,
    /// When it goes on, and when it may copy again.
    wake: Nanos,
    copies_from: Nanos,
    /// Blocks of base pages: those that come first, those that need no copy, and all.
    type_2: BTreeSet<Place>,
    ready: BTreeSet<Place>,
    base: BTreeSet<Place>,
    /// Where it goes on among all.
    next: Place,
}

/// Which of the promoter's lists a block is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum List {
    Type2,
    Ready,
    Rest,
}

impl Promoter {
    pub(super) fn new(values: &Values) -> Self {
        Self {
            blocks_to_scan: values.count("pages_to_scan") / u64::from(PAGES),
            sleep: values.time("scan_sleep"),
            alloc_sleep: values.time("alloc_sleep"),
            max_absent: values.count("max_ptes_none"),
            wake: Nanos::ZERO,
            copies_from: Nanos::ZERO,
            type_2: BTreeSet::new(),
            ready: BTreeSet::new(),
            base: BTreeSet::new(),
            next: (SpaceId(0), UpperBlock::first_from(0)),
        }
    }

    /// Puts a block on the lists on which it belongs now.
    pub(super) fn sort(&mut self, place: Place, census: &Census, labels: &Labels) {
        let held = census.held(place).filter(|held| held.form != Form::Huge);
        let misaligned = held.is_some_and(|held| {
            labels.is_huge_above(place) || held.blocks().any(|block| labels.is_huge_below(block))
        });
        let ready = held.is_some_and(|held| held.form == Form::InPlace);
        for (list, belongs) in
            [(&mut self.type_2, misaligned), (&mut self.ready, ready), (&mut self.base, held.is_some())]
        {
            if belongs {
                list.insert(place);
            } else {
                list.remove(&place);
            }
        }
    }

    /// When it goes on.
    pub(super) const fn wake(&self) -> Nanos {
        self.wake
    }

    /// One scan, if it is time.
    pub(super) fn scan(
        &mut self,
        layer: &mut dyn Layer,
        budget: &mut Budget,
        booking: &mut Booking,
        counts: &mut Counts,
    ) {
        let now = layer.now();
        if now < self.wake {
            return;
        }
        self.wake = Nanos::new(now.get().saturating_add(self.sleep.get()));
        let all = terrace_addr::convert::count(self.base.len());
        let mut rest = 0;
        for _ in 0..self.blocks_to_scan {
            let (place, list) = if let Some(place) = self.type_2.pop_first() {
                self.ready.remove(&place);
                (place, List::Type2)
            } else if let Some(place) = self.ready.pop_first() {
                (place, List::Ready)
            } else {
                rest += 1;
                // Not more than once around.
                let Some(place) = self.next_of_rest().filter(|_| rest <= all) else { return };
                (place, List::Rest)
            };
            self.promote(layer, budget, booking, counts, place, list);
            if !is_left(*budget) {
                return;
            }
        }
    }

    fn next_of_rest(&mut self) -> Option<Place> {
        let place = *self.base.range(self.next..).next().or_else(|| self.base.first())?;
        self.next = (place.0, place.1.plus(1));
        Some(place)
    }

    /// Makes a huge page of a block, if it may: few enough of its pages are absent and, where they have to be copied,
    /// at least one was used (mm/khugepaged.c: `hpage_collapse_scan_pmd`); the other half of a type-2 block is
    /// huge because it was.
    fn promote(
        &mut self,
        layer: &mut dyn Layer,
        budget: &mut Budget,
        booking: &mut Booking,
        counts: &mut Counts,
        place: Place,
        list: List,
    ) {
        let (space, block) = place;
        let Ok(seen) = layer.block(space, block.start()) else { return };
        let Block::Base { present, accessed, in_place } = spend(budget, seen) else { return };
        if u64::from(PAGES.saturating_sub(present)) > self.max_absent || !permits(layer, place) {
            return;
        }
        if let Some(at) = in_place
            && collapse(layer, budget, place, CollapseInto::InPlace).is_ok()
        {
            count_use(booking.use_it(LowerBlock::of(at), Used::Whole), counts);
            match list {
                List::Type2 => counts.promoted_in_place_type_2 += 1,
                List::Ready | List::Rest => counts.promoted_in_place_other += 1,
            }
            return;
        }
        let worth = list == List::Type2 || accessed > 0;
        if !worth || layer.now() < self.copies_from {
            return;
        }
        let kept = booking.best_open(1).map(|(block, _)| block);
        if let Some(to) = kept
            && collapse(layer, budget, place, CollapseInto::At(to.start())).is_ok()
        {
            count_use(booking.use_it(to, Used::Whole), counts);
        } else {
            match collapse(layer, budget, place, CollapseInto::Any) {
                Ok(()) => {}
                Err(Refused::NoMemory) => {
                    self.copies_from = Nanos::new(layer.now().get().saturating_add(self.alloc_sleep.get()));
                    return;
                }
                Err(_) => return,
            }
        }
        match list {
            List::Type2 => counts.promoted_by_copy_type_2 += 1,
            List::Ready | List::Rest => counts.promoted_by_copy_other += 1,
        }
    }
}

/// Makes a huge page of a block.
pub(super) fn collapse(
    layer: &mut dyn Layer,
    budget: &mut Budget,
    (space, block): Place,
    into: CollapseInto,
) -> Result<(), Refused> {
    let applied = layer.apply(&Action::Collapse { space, page: block.page(), into })?;
    budget.spend(applied.cost);
    Ok(())
}

/// Whether huge pages may be used where a block is.
pub(super) fn permits(layer: &mut dyn Layer, (space, block): Place) -> bool {
    let mut regions = Vec::new();
    let _listed = layer.regions(space, &mut regions);
    let start = block.start();
    let behind = regions.partition_point(|region| region.span.start <= start);
    behind.checked_sub(1).is_some_and(|last| regions[last].advice != Advice::NoHugePage)
}
