//! What each operation of a history does.

use terrace_addr::{AccessKind, PageSize};
use terrace_table::LeafFlags;

use crate::guest::Written;
use crate::history::{Fill, Layout, MEMORY, Operation, Order, PAGES, Target};
use crate::machine::Machine;
use crate::policy::{Habit, Mood};
use crate::world::BLOCK;
use crate::world::change::make;

impl Machine {
    fn target(&self, guest: usize, target: Target) -> u64 {
        match target {
            Target::Own(place) => self.layout.middle(guest, place),
            Target::Shared { guest: other, page } => self.guests[other]
                .meant
                .now(page)
                .map_or(self.layout.middle(guest, page), |meaning| meaning.middle),
            Target::Outside => MEMORY,
        }
    }

    /// What is to be written into the entries of a block.
    fn entries(&self, guest: usize, fill: Fill) -> impl Fn(u64) -> Written + use<> {
        let layout = self.layout;
        move |place| (layout.middle(guest, fill.from * BLOCK + fill.order.place(place)), fill.flags)
    }

    fn fill(&mut self, guest: usize, block: u64, fill: Fill) {
        let entry = self.entries(guest, fill);
        for place in 0..BLOCK {
            self.write(guest, block * BLOCK + place, Some(entry(place)));
        }
    }

    fn sweep(&mut self, guest: usize, block: u64, order: Order, kind: AccessKind) {
        for number in 0..BLOCK {
            self.access(guest, block * BLOCK + order.place(number), kind, None);
        }
    }

    /// What L1 shares is used by both, which stays where it is, and asked for as pseudo huge pages.
    fn share(&mut self, guest: usize, block: u64, (other, from): (usize, u64), kind: AccessKind) {
        for place in 0..BLOCK {
            if let Some(meaning) = self.guests[other].meant.now(from * BLOCK + place) {
                let flags = meaning.flags - LeafFlags::ACCESSED - LeafFlags::DIRTY;
                self.write(guest, block * BLOCK + place, Some((meaning.middle, flags)));
            }
        }
        self.sweep(other, from, Order::RISING, kind);
        self.sweep(guest, block, Order::RISING, kind);
        self.ask_for_join(from);
        self.ask_for_join(block);
    }

    /// Does what an operation says, and checks all that must hold afterwards.
    pub(crate) fn apply(&mut self, operation: &Operation) {
        self.mood(0, &Mood::of(Habit::Stock));
        match *operation {
            Operation::Map { guest, page, target, flags } => {
                let middle = self.target(guest, target);
                self.write(guest, page, Some((middle, flags)));
            }
            Operation::Fill { guest, block, fill, ref mood } => {
                self.mood(guest, mood);
                self.fill(guest, block, fill);
            }
            Operation::Swing { guest, block, fill } => {
                let entry = self.entries(guest, fill);
                self.replace_block(guest, block, |table| Some(table.build(block, entry)));
            }
            Operation::Large { guest, block, fill } => {
                // Only where the whole block is for this guest.
                if self.layout == Layout::Apart {
                    let entry = (self.layout.middle(guest, fill.from * BLOCK), fill.flags);
                    self.replace_block(guest, block, |table| Some(table.build_large(block, entry)));
                }
            }
            Operation::Merge { guest, block, fill } => {
                if self.layout == Layout::Apart {
                    self.fill(guest, block, Fill { order: Order::RISING, ..fill });
                    self.merge(guest, block);
                }
            }
            Operation::Split { guest, block } => self.split(guest, block),
            Operation::Unmap { guest, page } => {
                let upper = self.guests[guest].upper(page);
                if upper.is_some_and(|leaf| leaf.page.size() != PageSize::Size4K) {
                    self.replace_block(guest, page / BLOCK, |_| None);
                } else {
                    self.write(guest, page, None);
                }
            }
            Operation::UnmapBlock { guest, block } => self.replace_block(guest, block, |_| None),
            Operation::Protect { guest, page, count, flags } => {
                let flags = flags & LeafFlags::PERMISSIONS;
                self.rewrite_all(guest, page, count, |old| (old - LeafFlags::PERMISSIONS) | flags);
            }
            Operation::ClearUsed { guest, page, count, which } => {
                self.rewrite_all(guest, page, count, |old| old - which);
            }
            Operation::Invalidate { guest } => self.invalidate(guest),
            Operation::InvalidatePage { guest, page } => self.invalidate_page(guest, page),
            Operation::Own { page, kind } => self.own(page, kind),
            Operation::GiveBack { from, count } => self.give_back(from, count.min(MEMORY - from)),
            Operation::Access { guest, page, kind, cached, given, ref mood } => {
                self.mood(guest, mood);
                if !cached.is_some_and(|which| self.access_cached(guest, page, kind, which)) {
                    let given = self.target(guest, given);
                    self.access(guest, page, kind, Some(given));
                }
            }
            Operation::Sweep { guest, block, order, kind, ref mood } => {
                self.mood(guest, mood);
                self.sweep(guest, block, order, kind);
            }
            Operation::Establish { guest, block, fill, order, kind, clears } => {
                self.mood(guest, &Mood::of(Habit::Nema));
                let entry = self.entries(guest, fill);
                for place in 0..BLOCK {
                    if clears {
                        self.own(entry(place).0, AccessKind::Store);
                    }
                }
                self.fill(guest, block, fill);
                self.sweep(guest, block, order, kind);
            }
            Operation::Share { guest, block, from, kind } => self.share(guest, block, from, kind),
            Operation::Host(ref change) => {
                let _came = make(&mut self.host, self.l1.space(), change);
                self.settle();
            }
            Operation::Spread { place } => self.spread(place),
            Operation::Gather { guest, block, anew } => {
                if anew {
                    self.forget_place(guest, block);
                }
                self.gather(guest, block);
            }
            Operation::Join { block } => self.ask_for_join(block),
            Operation::Clear { guest } => self.clear(guest),
        }
        if self.eager {
            (0..PAGES / BLOCK).for_each(|block| self.ask_for_join(block));
        }
        self.check();
    }
}
