//! What faults and invalidations remove.

use terrace_addr::{Addr, Gva, PageSize};

use super::{Core, Mmu};
use crate::array::{Key, number_above};
use crate::translation::Packed;
use crate::{Fault, Invalidated, Invalidation};

impl Mmu {
    /// Executes an invalidation on a core, in its current context.
    ///
    /// # Panics
    /// If there is no such core.
    pub fn invalidate(&mut self, core: usize, invalidation: Invalidation) -> Invalidated {
        let core = self.core(core);
        let own = core.tags.own;
        let removed = match invalidation {
            Invalidation::Page(addr) => {
                core.remove_page(addr) + core.walk_caches.remove_if(|key| key.context() == own)
            }
            Invalidation::Space => {
                core.remove_translations(|key| key.context() == own)
                    + core.walk_caches.remove_if(|key| key.context() == own)
            }
            Invalidation::NestedRoot(root) => {
                let contexts = core.contexts.clone();
                let under = |key: Key| contexts.is_under(key.context(), root);
                core.remove_translations(under)
                    + core.walk_caches.remove_if(under)
                    + core.nested.remove_if(|key| key.context() == root)
            }
            Invalidation::All => {
                core.remove_translations(|_| true)
                    + core.walk_caches.remove_if(|_| true)
                    + core.nested.remove_if(|_| true)
            }
        };
        Invalidated { removed }
    }
}

impl Core {
    /// A fault drops what is cached for its address, so that the mended tables are walked anew.
    #[cold]
    pub(super) fn faulted(&mut self, addr: Addr<Gva>, fault: Fault) {
        match fault {
            Fault::Page { .. } => self.tally.page_faults += 1,
            // The guest-physical side was dropped where the fault arose.
            Fault::Extended { .. } => self.tally.ept_violations += 1,
        }
        self.remove_page(addr);
        self.walk_caches.remove(addr, self.tags.own);
    }

    /// Removes the translations of `addr`, whatever page of the first dimension it is in, and counts them.
    fn remove_page(&mut self, addr: Addr<Gva>) -> u64 {
        let mut removed = self.remove_found(addr);
        let tags = self.tags;
        for level in [&mut self.first_level, &mut self.second_level] {
            // Entries that are smaller than their page of the first dimension may stand for it elsewhere in it.
            if level.any_part() {
                removed += level
                    .arrays()
                    .map(|array| {
                        array.remove_if(|key, bits| {
                            let shift = Packed::from_bits(bits).allows().leaf().shift();
                            let seen = key.context() == tags.own || key.context() == tags.global;
                            seen && key.number_above(shift) == number_above(addr, shift)
                        })
                    })
                    .sum::<u64>();
            }
        }
        removed
    }

    /// Removes the entries that a lookup of `addr` may find, and counts them.
    pub(super) fn remove_found(&mut self, addr: Addr<Gva>) -> u64 {
        let mut removed = 0;
        for array in self.first_level.arrays().chain(self.second_level.arrays()) {
            for size in PageSize::ALL {
                for context in [self.tags.own, self.tags.global] {
                    removed += u64::from(array.remove(Key::page(addr, size, context)));
                }
            }
        }
        removed
    }

    /// Removes every translation whose key is `unwanted`, and counts them.
    fn remove_translations(&mut self, mut unwanted: impl FnMut(Key) -> bool) -> u64 {
        let arrays = self.first_level.arrays().chain(self.second_level.arrays());
        arrays.map(|array| array.remove_if(|key, _| unwanted(key))).sum()
    }
}
