//! All of it: the host, L1 and its two guests, and who drives them as a simulation would.

use std::fmt::Debug;

use terrace_addr::{Addr, Bytes, Ghpa, Gpa, Hpa, Hva, Page, PageSize, Span, Upper, convert};
use terrace_kernel::{KernelError, NotJoined, Vm};
use terrace_policy::{Abilities, Action, CollapseInto, Event, Heard, Layer, NestedUse, Policy};
use terrace_table::{Leaf, Levels};

use crate::cached::Cached;
use crate::contents::Contents;
use crate::guest::Guest;
use crate::history::{FRAMES, History, Layout, MEMORY, POOL};
use crate::policy::{Habit, Hostile, Mood};
use crate::seen::Seen;
use crate::world::{BLOCK, Host, base, kernel, number, pages};

#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) host: Host,
    /// L1 at the host, with EPT01.
    pub(crate) l1: Vm<Ghpa, Hpa>,
    /// What is cached of EPT01.
    pub(crate) l1_cached: Cached,
    /// Where the process of L1 has its memory.
    memory: Addr<Hva>,
    pub(crate) layout: Layout,
    /// Whether the host has less memory than it would need.
    tight: bool,
    /// Whether the host is asked for every pseudo huge page after every operation.
    pub(crate) eager: bool,
    /// Whether the host compares what it composed before it removes it, where something below changed.
    compares: bool,
    pub(crate) guests: [Guest; 2],
    pub(crate) policy: Hostile,
    pub(crate) contents: Contents,
    /// By page of L1's memory: its frame, when it was looked at last.
    pub(crate) backing: Vec<Option<u64>>,
    pub(crate) seen: Seen,
}

impl Machine {
    pub(crate) fn new(history: &History) -> Self {
        let mut host: Host = kernel(history.frames);
        host.record_contents();
        let l1 = Vm::new(&mut host, pages(MEMORY), Bytes::ZERO, Levels::Four).unwrap();
        let memory = host.space(l1.space()).unwrap().areas().next().unwrap().start;
        let mut guests =
            [0, 1].map(|guest| Guest::new(&mut host, history.places, 2 * POOL + guest * BLOCK / 2));
        for guest in &mut guests {
            guest.shadow.serve(Abilities::NESTED);
            if history.trap_tables {
                guest.shadow.trap_tables();
            }
        }
        host.pending().clear();
        Self {
            l1,
            l1_cached: Cached::new(MEMORY),
            memory,
            layout: history.layout,
            tight: history.frames < FRAMES,
            eager: history.eager,
            compares: history.compares,
            guests,
            policy: Hostile::new(),
            contents: Contents::new(history.frames, MEMORY),
            backing: vec![None; convert::index(MEMORY)],
            seen: Seen::default(),
            host,
        }
    }

    /// The host behaves so from now on, in what it does for this guest.
    pub(crate) fn mood(&mut self, guest: usize, mood: &Mood) {
        self.policy.change_mood(guest, mood);
    }

    /// The frame that backs a page of L1's memory.
    pub(crate) fn frame(&self, middle: u64) -> Option<u64> {
        self.backing.get(convert::index(middle)).copied().flatten()
    }

    /// What the host has left to be done is done at once: contents follow, what is below changed leaves both tables
    /// that were made of it, what that makes stale is flushed, joins are tried, and the policy hears of all that.
    pub(crate) fn settle(&mut self) {
        loop {
            let pending = std::mem::take(self.host.pending());
            for &content in &pending.contents {
                self.contents.follow(content);
            }
            let space = self.l1.space();
            for stale in pending.stale.iter().filter(|stale| stale.space == space) {
                self.l1.invalidate(stale.span);
                let Some(span) = self.l1.guest_span(stale.span) else { continue };
                for guest in &mut self.guests {
                    if self.compares {
                        guest.shadow.follow_lower(&self.host, &guest.ept12, &self.l1, span);
                    } else {
                        guest.shadow.lower_changed(span);
                    }
                }
            }
            for stale in &pending.stale {
                self.look_at_backing(stale.span);
            }
            for written in &pending.written {
                let size = if written.level == 1 { PageSize::Size4K } else { PageSize::Size2M };
                self.look_at_backing(Page::containing(written.addr, size).into());
            }
            self.flush();
            for join in &pending.joins {
                assert_eq!(join.space, self.l1.space());
                for guest in 0..2 {
                    self.join(guest, Addr::new(join.nested));
                }
            }
            let events = self.host.take_events();
            if !events.is_empty() {
                self.policy.on_events(&mut self.host, &events);
            }
            let pending = self.host.pending();
            if pending.stale.is_empty() && pending.contents.is_empty() && pending.joins.is_empty() {
                return;
            }
        }
    }

    /// Executes the flushes that were reported, and nothing else.
    fn flush(&mut self) {
        self.l1.take_written();
        for span in self.l1.take_stale() {
            self.l1_cached.flush(number(span.start)..number(span.start.offset_by(span.bytes)));
        }
        for guest in &mut self.guests {
            for span in guest.shadow.take_stale() {
                guest.places.within(span).for_each(|pages| guest.cached.flush(pages));
            }
            for page in guest.shadow.take_parted() {
                assert_eq!(page.size(), PageSize::Size2M);
                let block = guest.places.block_at(page.start()).expect("all pages lie in a block");
                assert!(guest.joined(block).is_none(), "{page:?} was parted and is there");
                self.seen.parted += 1;
                self.host.tell(Event::Parted { space: self.l1.space(), nested: page.start().get() });
            }
        }
    }

    /// Finds the frame of each page of L1's memory in a range of its process, as the host's kernel has it.
    fn look_at_backing(&mut self, span: Span<Hva>) {
        let start = self.memory.get();
        let place = |at: u64| convert::index((at.clamp(start, start + (MEMORY << 12)) - start) >> 12);
        let range =
            |span: Span<Hva>| place(span.start.get())..place(span.start.get().saturating_add(span.bytes));
        self.backing[range(span)].fill(None);
        for leaf in self.host.space(self.l1.space()).unwrap().table.leaves(span) {
            let parts = &mut self.backing[range(leaf.page.into())];
            for (place, frame) in parts.iter_mut().zip(number(leaf.frame)..) {
                *place = Some(frame);
            }
        }
    }

    /// The same for all of it: whether what is known from changes is so.
    pub(crate) fn check_backing(&mut self) {
        let known = self.backing.clone();
        self.look_at_backing(Span { start: self.memory, bytes: MEMORY << 12 });
        assert_eq!(known, self.backing, "the host's tables changed and nothing says so");
    }

    /// A guest's composed table is thrown away.
    pub(crate) fn clear(&mut self, guest: usize) {
        self.guests[guest].shadow.clear(&mut self.host);
        assert_eq!(self.guests[guest].shadow.table.all_leaves().count(), 0);
        self.settle();
    }

    /// Whether something was not done because the host has no memory left, which it may have.
    pub(crate) fn is_without_memory<T: Debug>(&mut self, came: &Result<T, KernelError>) -> bool {
        assert!(came.is_ok() || self.tight, "{came:?}");
        self.seen.without_memory += u64::from(came.is_err());
        came.is_err()
    }

    /// L1 gives back pages of its memory: they are cleared when it uses them again.
    pub(crate) fn give_back(&mut self, from: u64, count: u64) {
        let start = self.memory.offset_by(from << 12);
        crate::world::owner::renew(&mut self.host, self.l1.space(), start, count);
        self.settle();
        // Without memory for a table page no huge page can be split, and nothing is given back.
        let left = (from..from + count).any(|page| self.frame(page).is_some());
        assert!(!left || self.tight);
        if !left {
            self.contents.forget(from, count);
        }
    }

    /// The host puts a page into each block of memory, and then wants a free block.
    pub(crate) fn spread(&mut self, place: u64) {
        let space = self.l1.space();
        let small = |leaf: &Leaf<Hva, Hpa>| leaf.page.size() == PageSize::Size4K;
        let leaves: Vec<_> = self.host.space(space).unwrap().table.all_leaves().filter(small).collect();
        let upper = |leaf: &Leaf<Hva, Hpa>, size| Page::containing(leaf.page.start().reinterpret(), size);
        for (block, leaf) in (0..FRAMES / BLOCK).zip(leaves.iter().rev()) {
            let to = Some(base(block * BLOCK + place));
            let page = upper(leaf, PageSize::Size4K);
            let _may_be_refused = self.host.apply(&Action::Migrate { space, page, to });
        }
        if let Some(leaf) = leaves.first() {
            let page = upper(leaf, PageSize::Size2M);
            let collapse = Action::Collapse { space, page, into: CollapseInto::Any };
            let _may_be_refused = self.host.apply(&collapse);
        }
        self.settle();
    }

    /// The host will bring the pages of a block together elsewhere.
    pub(crate) fn forget_place(&mut self, guest: usize, block: u64) {
        self.policy.work_for(guest);
        self.policy.forget_target(&mut self.host, self.guests[guest].places.at(block * BLOCK).get());
    }

    /// The host brings the pages of a block together.
    pub(crate) fn gather(&mut self, guest: usize, block: u64) {
        self.policy.change_mood(guest, &Mood::of(Habit::Nema));
        for page in block * BLOCK..(block + 1) * BLOCK {
            let Some(now) = self.guests[guest].meant.now(page) else { continue };
            if now.middle < MEMORY && now.size == PageSize::Size4K && self.frame(now.middle).is_some() {
                let addr: Addr<Upper> = self.memory.offset_by(now.middle << 12).reinterpret();
                let (space, nested) = (self.l1.space(), self.guests[guest].places.at(page).get());
                let used = NestedUse { space, addr, nested, size: now.size, heard: Heard::Use };
                self.policy.on_nested_use(&mut self.host, &used);
                self.settle();
            }
        }
    }

    /// The host asks itself for a pseudo huge page.
    pub(crate) fn ask_for_join(&mut self, block: u64) {
        let nested = self.guests[0].places.at(block * BLOCK).get();
        let join = Action::Join { space: self.l1.space(), nested };
        let _free = self.host.apply(&join).unwrap();
        self.settle();
    }

    /// Tries a pseudo huge page, which comes about if and only if it may.
    fn join(&mut self, guest: usize, at: Addr<Gpa>) {
        let page = Page::containing(at, PageSize::Size2M);
        let Some(block) = self.guests[guest].places.block_at(at) else {
            let Self { guests, host, l1, .. } = self;
            let came = guests[guest].shadow.join(host, &guests[guest].ept12, l1, page);
            assert_eq!(came, Err(NotJoined::Absent { part: 0 }), "nothing is mapped there");
            return;
        };
        let may = self.may_be_joined(guest, block);
        if may {
            // What it replaces may have been used until now.
            self.walk_everything(guest);
        }
        let Self { guests, host, l1, .. } = self;
        let table = &mut guests[guest];
        let was = table.joined(block);
        let came = table.shadow.join(host, &table.ept12, l1, page);
        let is = table.joined(block);
        let joined = came.is_ok();
        if let Err(why) = came {
            assert!(
                was.is_some() || self.stands_against(guest, block, why),
                "{why:?} is not so in block {block}"
            );
            assert_eq!(was.is_some(), is.is_some(), "a join that is refused changes nothing");
            self.seen.refused += 1;
        } else {
            assert!(may, "block {block} of guest {guest} must not be joined");
            assert!(is.is_some(), "block {block} of guest {guest} was joined and is not there");
            self.seen.joined += 1;
        }
        self.host.tell(Event::Joined { space: self.l1.space(), nested: page.start().get(), joined });
        self.flush();
    }
}
