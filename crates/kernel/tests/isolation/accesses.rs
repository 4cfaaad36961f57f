//! Accesses: of L1 through EPT01, of its guests through EPT02 or what is cached of it.

use terrace_addr::AccessKind;
use terrace_kernel::{KernelError, Synchronised};
use terrace_table::LeafFlags;

use crate::cached::Translation;
use crate::history::{MEMORY, PAGES};
use crate::machine::Machine;
use crate::meaning::needed;
use crate::world::{base, number};

/// How often an access may have to be served: L1 maps it, the host composes it, the policy's moves take it away again
/// a few times, the entry becomes dirty.
const ROUNDS: usize = 12;

impl Machine {
    /// L1 accesses its own memory.
    pub(crate) fn own(&mut self, page: u64, kind: AccessKind) {
        for _ in 0..ROUNDS {
            if let Some(leaf) = self.l1.ept.lookup(base(page)) {
                self.l1_cached.add(Translation::of(number(leaf.page.start()), &leaf));
                let frame = number(leaf.translate(base(page)));
                self.check_own(page, frame);
                if kind == AccessKind::Store {
                    self.contents.write(page, frame);
                }
                return;
            }
            let Self { l1, host, policy, .. } = self;
            let served = l1.violation(host, policy, base(page), kind);
            self.settle();
            if self.is_without_memory(&served) {
                return;
            }
        }
        panic!("L1's page {page:#x} is never backed");
    }

    /// A guest accesses a page by a translation that is cached, if there is one that permits it.
    pub(crate) fn access_cached(&mut self, guest: usize, page: u64, kind: AccessKind, which: usize) -> bool {
        let found: Vec<Translation> = self.guests[guest].cached.of(page, needed(kind)).copied().collect();
        let Some(translation) = found.get(which % found.len().max(1)) else { return false };
        self.seen.cached += 1;
        self.reach(guest, page, translation, kind);
        true
    }

    /// A guest accesses a page by a walk of EPT02, which is served until it finds a leaf. Where EPT12 has none that
    /// permits it L1 gives one, to this page of its memory, or else the access is given up.
    pub(crate) fn access(&mut self, guest: usize, page: u64, kind: AccessKind, given: Option<u64>) {
        self.policy.work_for(guest);
        for _ in 0..ROUNDS {
            let table = &mut self.guests[guest];
            if let Some(leaf) = table.composed(page).filter(|leaf| leaf.flags.contains(needed(kind))) {
                // What hardware sets in the table that it walks.
                let mut flags = leaf.flags | LeafFlags::ACCESSED;
                flags.set(
                    LeafFlags::DIRTY,
                    leaf.flags.contains(LeafFlags::DIRTY) || kind == AccessKind::Store,
                );
                drop(table.shadow.table.replace(leaf.page, leaf.frame, flags).unwrap());
                let translation = Translation::of(table.places.number(leaf.page.start()), &leaf);
                table.cached.add(translation);
                self.reach(guest, page, &translation, kind);
                return;
            }
            let came = self.violation(guest, page, kind);
            if self.is_without_memory(&came) {
                return self.settle();
            }
            match came.unwrap() {
                Synchronised::Mapped(_) => {}
                Synchronised::Outside => return,
                Synchronised::Reflect => {
                    let entry = match (self.guests[guest].meant.now(page), given) {
                        (_, None) => return,
                        (Some(now), _) => (now.middle, now.flags | needed(kind)),
                        (None, Some(middle)) => (middle, LeafFlags::everything()),
                    };
                    self.write(guest, page, Some(entry));
                }
            }
            self.settle();
        }
        panic!("page {page:#x} of guest {guest} is never composed");
    }

    /// A violation of EPT02: the host composes the leaf, or L1 has to do something first.
    fn violation(&mut self, guest: usize, page: u64, kind: AccessKind) -> Result<Synchronised, KernelError> {
        let Self { guests, host, l1, policy, .. } = self;
        let table = &mut guests[guest];
        let at = table.places.at(page);
        let came = table.shadow.violation(host, policy, &mut table.ept12, l1, at, kind);
        let now = table.meant.now(page);
        match came {
            // Whether bits of use are set then is no matter.
            Err(_) => table.now_means(0, PAGES),
            Ok(Synchronised::Mapped(size)) => {
                let now = now.expect("what is composed is mapped");
                let leaf = table.composed(page).expect("it was composed");
                assert_eq!(leaf.page.size(), size);
                assert!(leaf.flags.contains(needed(kind)), "{leaf:?} does not permit a {kind}");
                let backed = l1.backing(host, base(now.middle)).expect("what is composed is backed");
                let frames = [leaf.translate(at), backed.translate(base(now.middle))];
                assert_eq!(frames[0], frames[1], "page {page:#x} is composed of what is not below it");
                let mut used = LeafFlags::ACCESSED;
                used.set(LeafFlags::DIRTY, kind == AccessKind::Store);
                table.was_used(page, used);
            }
            Ok(Synchronised::Reflect) => {
                assert!(
                    !now.is_some_and(|now| now.permits(kind)),
                    "L1 permits a {kind} of {page:#x}: {now:?}"
                );
            }
            Ok(Synchronised::Outside) => {
                assert!(
                    now.is_some_and(|now| now.middle >= MEMORY),
                    "{now:?} of page {page:#x} is L1's memory"
                );
                table.now_means(page, 1);
            }
        }
        came
    }
}
