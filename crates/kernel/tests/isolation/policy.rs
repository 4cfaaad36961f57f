//! A policy that does with its own host what no sane one would, and sometimes what xGemini does.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use terrace_addr::{Addr, Lower, Nanos, Page, PageSize, Upper};
use terrace_policy::{
    Abilities, Action, CollapseInto, Event, Fault, Layer, NestedUse, Placement, Policy, SpaceId,
};

use crate::world::change::Into;
use crate::world::{BLOCK, base};

/// What it does when it hears that a page is used for a guest.
#[derive(Debug, Clone)]
pub(crate) enum Deed {
    Nothing,
    /// Moves the page to the frame with this number, or to any.
    Move(Option<u64>),
    /// Exchanges it with a page so far behind it.
    Exchange(u64),
    Collapse(Into),
    Split,
    /// Moves it to its place, as NEMA does.
    Place,
    /// Asks for a pseudo huge page in this block.
    Join(u64),
    /// Has the block of memory with this number cleared for later.
    TakeCleared(u64),
    /// Gives it back, whether it has it or not.
    GiveCleared(u64),
}

/// What it does in general.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Habit {
    /// As Linux: nothing.
    Stock,
    /// As xGemini's NEMA: a block of memory for each block of a guest, each page to its place in it; and it asks for
    /// the pseudo huge page when all are there.
    Nema,
}

/// How it behaves for a while.
#[derive(Debug, Clone)]
pub(crate) struct Mood {
    pub(crate) habit: Habit,
    /// What serves faults that NEMA does not.
    pub(crate) fault: Placement,
    /// What it does first, in this order.
    pub(crate) deeds: Vec<Deed>,
    /// Whether it asks again for what was parted.
    pub(crate) insists: bool,
}

impl Mood {
    pub(crate) const fn of(habit: Habit) -> Self {
        Self { habit, fault: Placement::Default, deeds: Vec::new(), insists: false }
    }
}

/// A block of memory for a block of a guest.
#[derive(Debug, Clone)]
struct Target {
    start: Addr<Lower>,
    reservation: u64,
    /// The pages that were moved to their places once; they may be elsewhere by now.
    placed: BTreeSet<u64>,
}

#[derive(Debug, Clone)]
pub(crate) struct Hostile {
    mood: Mood,
    deeds: VecDeque<Deed>,
    /// The guest that it works for: a nested address does not say whose it is.
    guest: usize,
    /// By guest and block.
    targets: BTreeMap<(usize, u64), Target>,
    /// How often it was asked.
    pub(crate) uses: u64,
    /// What it was told of joins and partings.
    pub(crate) told: Vec<Event>,
}

impl Hostile {
    pub(crate) fn new() -> Self {
        let (targets, told) = (BTreeMap::new(), Vec::new());
        Self { mood: Mood::of(Habit::Stock), deeds: VecDeque::new(), guest: 0, targets, uses: 0, told }
    }

    /// From now on it behaves so, and works for this guest.
    pub(crate) fn change_mood(&mut self, guest: usize, mood: &Mood) {
        self.guest = guest;
        self.deeds = mood.deeds.iter().cloned().collect();
        self.mood = mood.clone();
    }

    /// From now on it works for this guest.
    pub(crate) const fn work_for(&mut self, guest: usize) {
        self.guest = guest;
    }

    /// The block of memory for the block of a page of the guest, if there is one.
    fn target(&mut self, layer: &mut dyn Layer, nested: u64) -> Option<&mut Target> {
        let key = (self.guest, nested / PageSize::Size2M.bytes());
        match self.targets.entry(key) {
            Entry::Occupied(target) => Some(target.into_mut()),
            Entry::Vacant(place) => {
                let found = layer.next_free(Addr::ZERO, PageSize::Size2M.size()).ok()?.value?;
                let reservation = layer.reserve(found.start, Nanos::new(u64::MAX)).ok()?.value;
                Some(place.insert(Target { start: found.start, reservation, placed: BTreeSet::new() }))
            }
        }
    }

    /// It finds another block of memory for the block of a page of the guest when it needs one.
    pub(crate) fn forget_target(&mut self, layer: &mut dyn Layer, nested: u64) {
        if let Some(target) = self.targets.remove(&(self.guest, nested / PageSize::Size2M.bytes())) {
            let _freed = layer.release(target.reservation);
        }
    }

    /// Where NEMA wants a page of the guest.
    fn place(&mut self, layer: &mut dyn Layer, nested: u64) -> Option<Addr<Lower>> {
        let target = self.target(layer, nested)?;
        Some(target.start.offset_by(nested % PageSize::Size2M.bytes()))
    }

    /// A page came to its place: when all have, they may be joined.
    fn is_placed(&mut self, layer: &mut dyn Layer, space: SpaceId, nested: u64) {
        let Some(target) = self.target(layer, nested) else { return };
        target.placed.insert(nested);
        if target.placed.len() == PLACES {
            target.placed.clear();
            let nested = nested / PageSize::Size2M.bytes() * PageSize::Size2M.bytes();
            let _asked = layer.apply(&Action::Join { space, nested });
        }
    }

    fn place_used(&mut self, layer: &mut dyn Layer, used: &NestedUse) {
        let Some(to) = self.place(layer, used.nested) else { return };
        let (space, page) = (used.space, Page::containing(used.addr, PageSize::Size4K));
        let split = Action::Split { space, page: Page::containing(used.addr, PageSize::Size2M) };
        let migrate = Action::Migrate { space, page, to: Some(to) };
        let mut done = layer.apply(&migrate);
        if done.is_err() && layer.apply(&split).is_ok() {
            done = layer.apply(&migrate);
        }
        // Another page may have the place, and has to go.
        if done.is_err()
            && let Ok(Some((_, other))) = layer.holder(to).map(|holder| holder.value)
        {
            let _may_be_refused = layer.apply(&Action::Exchange { space, pages: [page, other] });
        }
        self.is_placed(layer, used.space, used.nested);
    }

    fn act(&mut self, layer: &mut dyn Layer, used: &NestedUse, deed: &Deed) {
        let space = used.space;
        let small = Page::containing(used.addr, PageSize::Size4K);
        let block: Page<Upper> = Page::containing(used.addr, PageSize::Size2M);
        let _may_be_refused = match *deed {
            Deed::Nothing => return,
            Deed::Place => return self.place_used(layer, used),
            Deed::Move(to) => {
                let small_moved = layer.apply(&Action::Migrate { space, page: small, to: to.map(base) });
                let to = to.map(|to| base(to / BLOCK * BLOCK));
                small_moved.or_else(|_| layer.apply(&Action::Migrate { space, page: block, to }))
            }
            Deed::Exchange(behind) => {
                let other = small.start().offset_by(behind << 12);
                let pages = [small, Page::containing(other, PageSize::Size4K)];
                let small_exchanged = layer.apply(&Action::Exchange { space, pages });
                let pages = [block, Page::containing(other, PageSize::Size2M)];
                small_exchanged.or_else(|_| layer.apply(&Action::Exchange { space, pages }))
            }
            Deed::Collapse(into) => {
                let into = match into {
                    Into::InPlace => CollapseInto::InPlace,
                    Into::Any => CollapseInto::Any,
                    Into::At(number) => CollapseInto::At(base(number * BLOCK)),
                };
                layer.apply(&Action::Collapse { space, page: block, into })
            }
            Deed::Split => layer.apply(&Action::Split { space, page: block }),
            Deed::TakeCleared(block) => {
                let _may_be_refused = layer.take_cleared(base(block * BLOCK));
                return;
            }
            Deed::GiveCleared(block) => {
                let _may_be_refused = layer.give_cleared(base(block * BLOCK));
                return;
            }
            Deed::Join(block) => {
                layer.apply(&Action::Join { space, nested: block * PageSize::Size2M.bytes() })
            }
        };
    }
}

/// Blocks of memory that are cleared for later, if any.
pub(crate) const BLOCKS: u64 = 10;

/// Base pages of a block.
const PLACES: usize = 512;

impl Policy for Hostile {
    fn requires(&self) -> Abilities {
        Abilities::NESTED
    }

    fn on_fault(&mut self, layer: &mut dyn Layer, fault: &Fault) -> Placement {
        if let (Habit::Nema, Some(nested)) = (self.mood.habit, fault.nested) {
            let nested = nested & !(PageSize::Size4K.bytes() - 1);
            let place = self.place(layer, nested);
            self.is_placed(layer, fault.space, nested);
            return place.map_or(Placement::Default, Placement::Frame);
        }
        if let Placement::HugeAt(at) = self.mood.fault {
            // A block that it has no longer must be refused.
            let page = Page::containing(fault.addr, PageSize::Size2M);
            let _may_be_refused = layer.map_cleared(fault.space, page, at);
        }
        self.mood.fault
    }

    fn on_nested_use(&mut self, layer: &mut dyn Layer, used: &NestedUse) {
        self.uses += 1;
        assert!(used.addr.is_aligned(PageSize::Size4K), "{used:?} is not at the start of a page");
        assert_eq!(used.nested % PageSize::Size4K.bytes(), 0, "{used:?} is not at the start of a page");
        match (self.deeds.pop_front(), self.mood.habit) {
            (Some(deed), _) => self.act(layer, used, &deed),
            (None, Habit::Nema) => self.place_used(layer, used),
            (None, Habit::Stock) => {}
        }
    }

    fn on_events(&mut self, layer: &mut dyn Layer, events: &[Event]) {
        for event in events {
            match *event {
                Event::Pressure(_) => {
                    for target in std::mem::take(&mut self.targets).into_values() {
                        let _freed = layer.release(target.reservation);
                    }
                    for block in 0..BLOCKS {
                        let _may_be_refused = layer.give_cleared(base(block * BLOCK));
                    }
                }
                Event::Parted { space, nested } if self.mood.insists => {
                    let _asked = layer.apply(&Action::Join { space, nested });
                }
                _ => {}
            }
            self.told.push(event.clone());
        }
    }
}
