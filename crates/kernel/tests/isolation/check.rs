//! What must hold: of each access, of each translation that is cached, and of all memory.

use terrace_addr::{AccessKind, PageSize};
use terrace_kernel::NotJoined;
use terrace_table::LeafFlags;

use crate::cached::Translation;
use crate::history::PAGES;
use crate::machine::Machine;
use crate::meaning::{Meaning, needed};
use crate::world::{BLOCK, free, number};

impl Machine {
    /// A guest reaches memory by a translation: the byte that L1 means, or meant since it last invalidated; and a store
    /// changes that and no other.
    pub(crate) fn reach(&mut self, guest: usize, page: u64, translation: &Translation, kind: AccessKind) {
        let frame = translation.frame_of(page);
        assert!(translation.permissions.contains(needed(kind)));
        let meaning = self.meaning_of(guest, page, translation);
        let Some(meaning) = meaning else { panic!("{}", self.complaint(guest, page, translation)) };
        assert!(
            meaning.permits(kind),
            "a {kind} of page {page:#x} of guest {guest}, which L1 never permitted"
        );
        let middle = meaning.middle;
        assert!(
            self.contents.is_last(middle, frame),
            "guest {guest} finds at page {page:#x} what was not written to L1's page {middle:#x} last"
        );
        let home = self.contents.home(frame);
        assert!(
            home.is_none_or(|home| self.guests[guest].was_given(home)),
            "guest {guest} finds at page {page:#x} what was written to L1's page {home:x?}, which it was never given"
        );
        if kind == AccessKind::Store {
            self.contents.write(middle, frame);
        }
        self.seen.accesses += 1;
        self.seen.stale +=
            u64::from(self.guests[guest].meant.now(page).map(|now| now.middle) != Some(middle));
        let small = self.guests[guest].upper(page).is_some_and(|leaf| leaf.page.size() == PageSize::Size4K);
        self.seen.through_joined += u64::from(small && translation.size == PageSize::Size2M);
    }

    /// L1 reads its own memory: it finds what was written last.
    pub(crate) fn check_own(&self, page: u64, frame: u64) {
        assert_eq!(Some(frame), self.frame(page), "L1's page {page:#x} is not where its own table has it");
        assert!(
            self.contents.is_last(page, frame),
            "L1 does not find at {page:#x} what was written there last"
        );
    }

    /// What L1 means, or meant, that permits a translation of a page.
    fn meaning_of(&self, guest: usize, page: u64, translation: &Translation) -> Option<Meaning> {
        let frame = Some(translation.frame_of(page));
        let means_it = |meaning: &&Meaning| {
            self.frame(meaning.middle) == frame && meaning.allows(translation.permissions)
        };
        self.guests[guest].meant.all(page).find(means_it).copied()
    }

    /// What is wrong with a translation.
    fn complaint(&self, guest: usize, page: u64, translation: &Translation) -> String {
        let means: Vec<_> = self.guests[guest].meant.all(page).collect();
        let frames: Vec<_> = means.iter().map(|meaning| self.frame(meaning.middle)).collect();
        let frame = translation.frame_of(page);
        let holder = self.backing.iter().position(|&backing| backing == Some(frame));
        let home = self.contents.home(frame);
        format!(
            "guest {guest} may use {translation:x?} for page {page:#x}; L1 means {means:x?} at {frames:x?}; the frame \
             {frame:#x} backs L1's page {holder:x?} and holds what was written to {home:x?}"
        )
    }

    /// All that must hold between two operations.
    pub(crate) fn check(&mut self) {
        self.check_backing();
        let mut joined = Vec::new();
        for guest in 0..2 {
            self.check_meaning(guest);
            self.walk_everything(guest);
            self.check_cached(guest);
            for block in 0..PAGES / BLOCK {
                self.check_size(guest, block);
                if let Some(leaf) = self.guests[guest].joined(block) {
                    self.check_joined(guest, block);
                    self.seen.aliased += u64::from(joined.contains(&leaf.frame));
                    joined.push(leaf.frame);
                }
            }
        }
        for leaf in self.l1.ept.all_leaves() {
            self.l1_cached.add(Translation::of(number(leaf.page.start()), &leaf));
        }
        for translation in self.l1_cached.all() {
            for (page, frame) in translation.parts() {
                assert_eq!(
                    self.frame(page),
                    Some(frame),
                    "L1 may use {translation:x?}, where {page:#x} is no longer"
                );
            }
        }
        self.check_contents();
    }

    /// A processor may walk at any time, for what nobody accesses, too: all that EPT02 of a guest has is cached.
    pub(crate) fn walk_everything(&mut self, guest: usize) {
        let table = &mut self.guests[guest];
        for leaf in table.shadow.table.all_leaves() {
            table.cached.add(Translation::of(table.places.number(leaf.page.start()), &leaf));
        }
    }

    /// EPT12 is what L1 wrote: the host sets the bits of use there, where its guest used the page, and nothing else.
    fn check_meaning(&self, guest: usize) {
        let table = &self.guests[guest];
        let mut mapped = 0;
        for leaf in table.ept12.all_leaves() {
            for part in 0..leaf.page.size().base_pages() {
                let page = table.places.number(leaf.page.start()) + part;
                let is =
                    Meaning { middle: number(leaf.frame) + part, flags: leaf.flags, size: leaf.page.size() };
                assert_eq!(table.meant.now(page), Some(is), "EPT12 of guest {guest} at page {page:#x}");
                mapped += 1;
            }
        }
        let meant = (0..PAGES).filter(|&page| table.meant.now(page).is_some()).count();
        assert_eq!(mapped, meant, "pages that EPT12 of guest {guest} maps");
    }

    /// Each cached translation is one that L1 means, or meant since it last invalidated.
    fn check_cached(&self, guest: usize) {
        for translation in self.guests[guest].cached.all() {
            for (page, _) in translation.parts() {
                let meant = self.meaning_of(guest, page, translation);
                assert!(meant.is_some(), "{}", self.complaint(guest, page, translation));
            }
        }
    }

    /// A leaf is not larger than what it is made of, joined ones apart.
    fn check_size(&self, guest: usize, block: u64) {
        let table = &self.guests[guest];
        let upper = table.upper(block * BLOCK).filter(|leaf| leaf.page.size() == PageSize::Size2M);
        let composed = table.composed(block * BLOCK).filter(|leaf| leaf.page.size() == PageSize::Size2M);
        if let (Some(upper), Some(_)) = (upper, composed) {
            let below = self.l1.backing(&self.host, upper.frame).map(|leaf| leaf.page.size());
            assert_eq!(below, Some(PageSize::Size2M), "below block {block} of guest {guest}");
        }
    }

    /// A joined leaf is the composition of both layers at every moment, and all its parts are.
    fn check_joined(&self, guest: usize, block: u64) {
        let leaf = self.guests[guest].joined(block).expect("it was asked for");
        assert!(self.may_be_joined(guest, block), "block {block} of guest {guest} is joined and must not be");
        let first = self.guests[guest].meant.now(block * BLOCK).expect("all parts are there");
        assert_eq!(Some(number(leaf.frame)), self.frame(first.middle));
        assert_eq!(leaf.flags & LeafFlags::PERMISSIONS, first.flags & LeafFlags::PERMISSIONS);
        let table = &self.guests[guest];
        let leaves = table.shadow.table.leaves(leaf.page.into()).count();
        assert_eq!(leaves, 1);
        assert_eq!(table.upper(block * BLOCK).map(|leaf| leaf.page.size()), Some(PageSize::Size4K));
    }

    /// What was written to each page of L1's memory is there, wherever that is by now.
    fn check_contents(&self) {
        for (page, &frame) in (0..).zip(&self.backing) {
            match frame {
                Some(frame) => assert!(
                    self.contents.is_last(page, frame),
                    "L1's page {page:#x} is not what was written last; its frame {frame:#x} holds what was written to \
                     {:x?}",
                    self.contents.home(frame)
                ),
                None => assert!(self.contents.is_cleared(page), "what was written to {page:#x} is gone"),
            }
        }
    }

    /// Whether a block of a guest may be one leaf although L1 maps base pages there: all conditions, one by one.
    pub(crate) fn may_be_joined(&self, guest: usize, block: u64) -> bool {
        block < PAGES / BLOCK && {
            let parts: Vec<_> =
                (0..BLOCK).map(|place| self.guests[guest].meant.now(block * BLOCK + place)).collect();
            let Some(Some(first)) = parts.first() else { return false };
            let Some(start) = self.frame(first.middle) else { return false };
            start % BLOCK == 0
                && (start..).zip(&parts).all(|(frame, part)| {
                    part.is_some_and(|part| {
                        part.size == PageSize::Size4K
                            && self.frame(part.middle) == Some(frame)
                            && part.flags & LeafFlags::PERMISSIONS == first.flags & LeafFlags::PERMISSIONS
                            && part.flags.contains(LeafFlags::ACCESSED)
                            && (!part.permits(AccessKind::Store) || part.flags.contains(LeafFlags::DIRTY))
                    })
                })
        }
    }

    /// Whether what a join was refused for is so.
    pub(crate) fn stands_against(&self, guest: usize, block: u64, why: NotJoined) -> bool {
        let at = |part: u64| (block * BLOCK + part < PAGES).then_some(block * BLOCK + part);
        let now = |part| at(part).and_then(|page| self.guests[guest].meant.now(page));
        let frame = |part| now(part).and_then(|meaning| self.frame(meaning.middle));
        let has = |part, flag| now(part).is_some_and(|meaning| meaning.flags.contains(flag));
        let permissions = |part| now(part).map(|meaning| meaning.flags & LeafFlags::PERMISSIONS);
        match why {
            NotJoined::Absent { part } => now(u64::from(part)).is_none(),
            NotJoined::Unbacked { part } => {
                now(u64::from(part)).is_some() && frame(u64::from(part)).is_none()
            }
            NotJoined::Scattered { part } => {
                let place = |part: u64| frame(part).and_then(|frame| frame.checked_sub(part));
                let first = place(0);
                place(u64::from(part)) != first || first.is_none_or(|first| first % BLOCK != 0)
            }
            NotJoined::Permissions { part } => permissions(u64::from(part)) != permissions(0),
            NotJoined::NotAccessed { part } => !has(u64::from(part), LeafFlags::ACCESSED),
            NotJoined::NotDirty { part } => {
                has(u64::from(part), LeafFlags::WRITE) && !has(u64::from(part), LeafFlags::DIRTY)
            }
            NotJoined::Ordinary => now(0).is_some_and(|meaning| meaning.size != PageSize::Size4K),
            NotJoined::NoMemory => free(&self.host) == 0,
        }
    }
}
