//! Demotion under pressure: misaligned huge pages that are not used become base pages.
//!
//! Nothing is looked at before memory is short. Then accessed bits are cleared once, and what is still unused a scan
//! later is split.

use alloc::collections::BTreeSet;

use terrace_addr::{Bytes, Nanos, PageSize, Span};
use terrace_policy::{AccessedOp, Action, Budget, FlushScope, Layer, SpaceId};

use super::block::{Place, UpperBlock};
use super::census::{Census, Form, is_left};
use super::counts::Counts;
use super::labels::Labels;

/// What is known of the pressure, and of the pages.
#[derive(Debug, Clone)]
pub(super) struct Demotion {
    /// Blocks that are to be split.
    wanted: u64,
    /// Those whose accessed bits were cleared.
    cleared: BTreeSet<Place>,
    /// When those are looked at again.
    again: Nanos,
    wait: Nanos,
    next: Place,
    /// All were looked at since memory was short.
    all_seen: bool,
}

/// So many blocks are looked at in a tick: `assumed`, as many as khugepaged looks at, times eight, because nothing is
/// copied.
const LOOKS: usize = 64;

impl Demotion {
    pub(super) fn new(wait: Nanos) -> Self {
        let next = (SpaceId(0), UpperBlock::first_from(0));
        Self { wanted: 0, cleared: BTreeSet::new(), again: Nanos::ZERO, wait, next, all_seen: false }
    }

    /// Memory is short.
    pub(super) fn pressure(&mut self, wanted: Bytes) {
        if self.wanted == 0 {
            (self.next, self.all_seen) = ((SpaceId(0), UpperBlock::first_from(0)), false);
        }
        self.wanted = self.wanted.max(wanted.get().div_ceil(PageSize::Size2M.bytes()));
    }

    /// When it goes on, if it has something to do.
    pub(super) fn wake(&self) -> Option<Nanos> {
        (self.wanted > 0).then_some(self.again)
    }

    /// Looks at some huge pages, if memory was short: splits those that were not used since they were looked at.
    pub(super) fn work(
        &mut self,
        layer: &mut dyn Layer,
        budget: &mut Budget,
        census: &Census,
        labels: &Labels,
        counts: &mut Counts,
    ) {
        let now = layer.now();
        if self.wanted == 0 || now < self.again {
            return;
        }
        self.again = Nanos::new(now.get().saturating_add(self.wait.get()));
        for place in core::mem::take(&mut self.cleared) {
            if self.wanted > 0
                && is_left(*budget)
                && is_alone(census, labels, place)
                && used(layer, budget, place) == Some(false)
                && split(layer, budget, place)
            {
                counts.demoted += 1;
                self.wanted -= 1;
            }
        }
        if self.all_seen {
            self.wanted = 0;
        }
        if self.wanted == 0 {
            return;
        }
        let mut last = None;
        for (looks, (place, _)) in census.from(self.next).enumerate() {
            if looks == LOOKS || !is_left(*budget) {
                last = Some(place);
                break;
            }
            if is_alone(census, labels, place) && used(layer, budget, place).is_some() {
                self.cleared.insert(place);
            }
        }
        self.next = last.unwrap_or(self.next);
        self.all_seen = last.is_none();
    }
}

/// Whether a block is a huge page that is huge at no peer.
pub(super) fn is_alone(census: &Census, labels: &Labels, place: Place) -> bool {
    census.held(place).is_some_and(|held| {
        held.form == Form::Huge
            && !labels.is_huge_above(place)
            && !held.blocks().any(|block| labels.is_huge_below(block))
    })
}

/// Whether a block was used since this was asked last.
fn used(layer: &mut dyn Layer, budget: &mut Budget, (space, block): Place) -> Option<bool> {
    let mut used = alloc::vec::Vec::new();
    let span = Span { start: block.start(), bytes: PageSize::Size2M.bytes() };
    // Without a flush, a page whose translation stays cached would seem unused.
    let asked = layer.accessed(space, span, AccessedOp::ReadAndClear, FlushScope::Pages, &mut used);
    budget.spend(asked.ok()?.cost);
    Some(!used.is_empty())
}

fn split(layer: &mut dyn Layer, budget: &mut Budget, (space, block): Place) -> bool {
    match layer.apply(&Action::Split { space, page: block.page() }) {
        Ok(applied) => {
            budget.spend(applied.cost);
            true
        }
        Err(_) => false,
    }
}
