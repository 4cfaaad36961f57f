//! What faults and invalidations remove.

use terrace_addr::{AccessKind, Addr, Gva, PageSize};
use terrace_machine::Vendor;

use super::{Mmu, Structures, Thread};
use crate::array::{Array, Key, number_above};
use crate::context::{Meaning, Selected, Tags};
use crate::invalidate::{Addresses, Removal, Tagged};
use crate::translation::Packed;
use crate::{Fault, Invalidated, Invalidation, Origin};

impl Mmu {
    /// Executes an invalidation on a CPU, in its current context; INVLPGB on all of them.
    ///
    /// # Panics
    /// If there is no such CPU, or the machine's vendor does not have the instruction.
    pub fn invalidate(&mut self, cpu: usize, origin: Origin, invalidation: Invalidation) -> Invalidated {
        let known = match invalidation {
            Invalidation::Intel(_) => self.machine.vendor == Vendor::Intel,
            Invalidation::Amd(_) => self.machine.vendor == Vendor::Amd,
            Invalidation::Everything => true,
        };
        assert!(known, "{invalidation:?} is not an instruction of the machine's vendor");
        let kind = invalidation.kind();
        let removal = Removal::of(invalidation, self.threads[cpu].context);
        self.threads[cpu].invalidations.note(kind, origin);
        let mut removed = 0;
        if invalidation.is_broadcast() {
            for other in (0..self.cpus()).filter(|&other| other != cpu) {
                self.threads[other].invalidations.note(kind, Origin::Remote);
            }
            for core in self.cores.iter_mut().flatten() {
                removed += core.structures.remove(&removal, |_| true);
            }
        } else {
            let (core, thread) = (self.core_of(cpu), self.thread_of(cpu));
            let everything = invalidation == Invalidation::Everything;
            if let Some(core) = &mut self.cores[core] {
                removed = core.structures.remove(&removal, |meaning| everything || meaning.thread == thread);
            }
        }
        Invalidated { kind, origin, removed }
    }
}

impl Structures {
    /// Removes what `removal` says, of the tags that are `chosen`, and counts it.
    fn remove(&mut self, removal: &Removal, chosen: impl Fn(&Meaning) -> bool) -> u64 {
        let mut removed = 0;
        if let Some((addresses, tagged)) = &removal.translations {
            let tags = self.contexts.select(|meaning| chosen(meaning) && tagged.includes(meaning));
            removed += self.remove_translations(*addresses, &tags);
        }
        if let Some((addresses, tagged)) = &removal.upper {
            let tags = self.contexts.select(|meaning| chosen(meaning) && tagged.includes(meaning));
            removed += self.remove_upper(*addresses, &tags);
        }
        if let Some(guests) = &removal.guests {
            let tags = self.contexts.select(|meaning| chosen(meaning) && guests.includes(meaning));
            removed += self.nested.remove_all(&tags);
        }
        removed
    }

    fn remove_translations(&mut self, addresses: Addresses, tags: &Selected) -> u64 {
        match addresses {
            Addresses::One(addr) => self.remove_page(addr, tags),
            _ => self.scan_translations(addresses, tags),
        }
    }

    /// Looks at every translation.
    fn scan_translations(&mut self, addresses: Addresses, tags: &Selected) -> u64 {
        let unwanted = |key: Key, bits: u64| {
            tags.contains(key.context()) && {
                let page = Packed::from_bits(bits).allows().leaf();
                let start = key.number_above(page.shift()) << page.shift();
                addresses.meet(start, page.bytes())
            }
        };
        self.translations().map(|array| array.remove_if(unwanted)).sum()
    }

    /// All arrays of translations.
    fn translations(&mut self) -> impl Iterator<Item = &mut Array<u64>> {
        let third_level = self.third_level.iter_mut().flat_map(|third| third.arrays());
        self.first_level.arrays().chain(self.second_level.arrays()).chain(third_level)
    }

    fn remove_upper(&mut self, addresses: Addresses, tags: &Selected) -> u64 {
        self.walk_caches.remove_if(|level, key| {
            let shift = 12 + 9 * (level - 1);
            tags.contains(key.context()) && addresses.meet(key.number() << shift, 1 << shift)
        })
    }

    /// Removes the translations of `addr`, whatever page of the first dimension it is in, and counts them.
    fn remove_page(&mut self, addr: Addr<Gva>, tags: &Selected) -> u64 {
        let removed: u64 = tags.iter().map(|tag| self.remove_tagged(addr, tag, None)).sum();
        removed + self.remove_parts(addr, tags)
    }

    /// Removes entries that are smaller than their page of the first dimension, and stand for it at `addr`.
    fn remove_parts(&mut self, addr: Addr<Gva>, tags: &Selected) -> u64 {
        let mut removed = 0;
        let third_level = self.third_level.as_mut().map(|third| third.tlb());
        for level in [&mut self.first_level, &mut self.second_level].into_iter().chain(third_level) {
            if level.any_part() {
                let part = |key: Key, bits: u64| {
                    let shift = Packed::from_bits(bits).allows().leaf().shift();
                    tags.contains(key.context()) && key.number_above(shift) == number_above(addr, shift)
                };
                removed += level.arrays().map(|array| array.remove_if(part)).sum::<u64>();
                level.recheck_parts();
            }
        }
        removed
    }

    /// Removes the entries of `addr` that have this tag, and counts them. Where lookups for accesses of the kind `missed`
    /// look, none is.
    fn remove_tagged(&mut self, addr: Addr<Gva>, tag: u16, missed: Option<AccessKind>) -> u64 {
        let third_level = self.third_level.as_mut().map(|third| (third.tlb(), None));
        let levels = [(&mut self.first_level, missed), (&mut self.second_level, missed)];
        let mut removed = 0;
        for (level, missed) in levels.into_iter().chain(third_level) {
            for size in PageSize::ALL {
                removed += level.remove_page(addr, size, tag, missed);
            }
        }
        removed
    }

    /// Whether an entry may have a tag of global translations.
    fn any_global(&self) -> bool {
        let third_level = self.third_level.as_ref().is_some_and(|third| third.any_global());
        third_level || self.first_level.any_global() || self.second_level.any_global()
    }

    /// Removes the entries that a lookup of `addr` may find.
    pub(super) fn remove_found(&mut self, addr: Addr<Gva>, tags: Tags) {
        for tag in [tags.own, tags.global] {
            self.remove_tagged(addr, tag, None);
        }
    }

    /// A fault drops what is cached for its address, so that the mended tables are walked anew. Lookups for accesses of
    /// the kind `missed` found nothing, if it is known.
    #[cold]
    pub(super) fn faulted(
        &mut self,
        addr: Addr<Gva>,
        fault: Fault,
        thread: &mut Thread,
        missed: Option<AccessKind>,
    ) {
        let Thread { tags, tally, context, .. } = thread;
        match fault {
            Fault::Page { .. } => {
                tally.page_faults += 1;
                let space = Tagged::space_of(*context);
                let of_space = self.contexts.select_for(tags.own, |contexts| {
                    let number = contexts.thread_of(tags.own);
                    contexts.select(|meaning| Some(meaning.thread) == number && space.includes(meaning))
                });
                let any_global = self.any_global();
                for tag in of_space.iter().filter(|&tag| any_global || tag != tags.global) {
                    let missed = missed.filter(|_| tag == tags.own || tag == tags.global);
                    self.remove_tagged(addr, tag, missed);
                    self.walk_caches.remove(addr, tag);
                }
                self.remove_parts(addr, &of_space);
                return;
            }
            Fault::Extended { addr, .. } => {
                tally.ept_violations += 1;
                self.nested.remove(addr, tags.guest);
            }
            Fault::Segment { .. } => tally.segment_violations += 1,
            Fault::LogFull { .. } => {
                tally.log_full_exits += 1;
                return;
            }
        }
        let mut current = Selected::default();
        for tag in [tags.own, tags.global] {
            current.add(tag);
            self.remove_tagged(addr, tag, missed);
        }
        self.remove_parts(addr, &current);
        self.walk_caches.remove(addr, tags.own);
    }

    /// Gives back the numbers of contexts that no entry has, and no thread runs in.
    pub(super) fn forget_unused_contexts(&mut self, current: impl Iterator<Item = Tags>) {
        let mut used = Selected::default();
        for Tags { own, global, guest } in current {
            for tag in [own, global, guest] {
                used.add(tag);
            }
        }
        for array in self.translations() {
            array.iter().for_each(|(key, _)| used.add(key.context()));
        }
        self.walk_caches.keys().chain(self.nested.keys()).for_each(|key| used.add(key.context()));
        self.contexts.retain(&used);
    }
}
