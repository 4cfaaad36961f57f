//! What is counted.

use terrace_addr::PageSize;

use crate::cache::{MEMORY, Served, Servers, Sums};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// The counts of one CPU. Those of several CPUs add up.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub struct Counters {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Counters {
            /// Every count with its name.
            pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name),)*].into_iter()
            }

            /// Adds the counts of another CPU.
            pub fn add(&mut self, other: &Self) {
                $(self.$name += other.$name;)*
            }

            /// As if everything had been counted so many times over.
            pub fn times(&self, times: u64) -> Self {
                Self { $($name: self.$name * times,)* }
            }

            /// What was counted after `earlier`, which was taken from the same CPUs.
            pub fn since(&self, earlier: &Self) -> Self {
                Self { $($name: self.$name - earlier.$name,)* }
            }
        }
    };
}

counters! {
    /// Accesses of the program that were completed.
    references,
    /// Pages looked up: references, once more for each further page that one touches, and once more for each time
    /// that a faulting access is run again.
    accesses,
    /// Lookups of fetches.
    itlb_accesses,
    /// Of these, misses of the first level.
    itlb_misses,
    /// Lookups of loads and stores.
    dtlb_accesses,
    /// Of these, misses of the first level.
    dtlb_misses,
    /// First-level misses that the second level holds.
    stlb_hits,
    /// First-level misses that the second level does not hold.
    stlb_misses,
    /// Walks for an access that the cached entry does not allow, most often a first store.
    upgrade_walks,
    /// Second-level misses that a third level holds, where there is one.
    third_level_hits,
    /// Second-level misses that it does not hold.
    third_level_misses,
    /// Lines of the third level referred to.
    third_level_references,
    /// Their latencies, added up.
    third_level_cycles,
    /// Lookups in which a direct segment took the place of the first dimension's tables.
    direct_translations,
    /// Walks started: `stlb_misses` less `third_level_hits`, and `upgrade_walks`.
    walks,
    /// Table entries read by walks.
    walk_references,
    /// Of these, entries of EPT.
    nested_references,
    /// Of `walk_references`, served by the first cache level.
    walk_references_l1,
    /// Served by the second.
    walk_references_l2,
    /// Served by the third.
    walk_references_l3,
    /// Served by memory.
    walk_references_memory,
    /// The latencies of `walk_references`, added up; of entries that were asked for before, what was left to wait.
    walk_cycles,
    /// The latencies of `stlb_hits`, added up.
    stlb_cycles,
    /// Entries that walks asked for before they came to them, where they do that.
    prefetch_references,
    /// Translation cycles: `walk_cycles`, `stlb_cycles` and `third_level_cycles`.
    cycles,
    /// Page faults: walks that ended in the first dimension, and accesses to addresses outside its levels.
    page_faults,
    /// EPT violations: walks that ended in the second dimension.
    ept_violations,
    /// Walks that left the guest's segment.
    segment_violations,
    /// Walks that found the page-modification log full.
    log_full_exits,
    /// Walks that started from a paging-structure cache.
    walk_cache_hits,
    /// Guest-physical addresses translated by the nested TLB.
    nested_tlb_hits,
    /// Guest-physical addresses for which EPT was walked, whether or not it translates them.
    nested_tlb_misses,
    /// EPT walks that started from a paging-structure cache.
    nested_walk_cache_hits,
    /// Walks that ended in a translation of 4K.
    translations_4k,
    /// Walks that ended in a translation of 2M.
    translations_2m,
    /// Walks that ended in a translation of 1G.
    translations_1g,
    /// Lines of data referred to, where data lines are modelled.
    data_references,
    /// Of these, served by the first cache level.
    data_references_l1,
    /// Served by the second.
    data_references_l2,
    /// Served by the third.
    data_references_l3,
    /// Served by memory.
    data_references_memory,
    /// The latencies of `data_references`, added up.
    data_cycles,
}

/// Counts in the form that the hot path keeps; the sums are made when they are asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    pub(crate) references: u64,
    /// Lookups by kind of access.
    pub(crate) lookups: [u64; 3],
    /// First-level misses by kind of access.
    pub(crate) misses: [u64; 3],
    pub(crate) stlb_hits: u64,
    pub(crate) stlb_misses: u64,
    pub(crate) stlb_cycles: u64,
    pub(crate) third_level_hits: u64,
    pub(crate) third_level_misses: u64,
    pub(crate) third_level_cycles: u64,
    pub(crate) direct_translations: u64,
    pub(crate) upgrade_walks: u64,
    pub(crate) nested_references: u64,
    pub(crate) walk_cycles: u64,
    /// What a walk's cycles are compared with: see [`Tally::walk_begins`].
    lead: u64,
    /// The sum over walks that are over, each with its lookup of the third level, of the lesser of their cycles and the
    /// lead.
    within_lead: u64,
    /// The cycles of walks and of the third level when the last walk began.
    walk_began: u64,
    pub(crate) page_faults: u64,
    pub(crate) ept_violations: u64,
    pub(crate) segment_violations: u64,
    pub(crate) log_full_exits: u64,
    /// Accesses outside what the tables translate: they reach no TLB.
    pub(crate) outside: u64,
    pub(crate) walk_cache_hits: u64,
    pub(crate) nested_tlb_hits: u64,
    pub(crate) nested_tlb_misses: u64,
    pub(crate) nested_walk_cache_hits: u64,
    pub(crate) translations: [u64; 3],
    pub(crate) served: Served,
}

/// References that a memory node served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NodeReferences {
    /// Table entries.
    pub table: u64,
    /// Lines of data.
    pub data: u64,
}

impl Tally {
    /// A walk begins: the one before it is over.
    #[inline(always)]
    pub(crate) fn walk_begins(&mut self) {
        let waited = self.waited();
        self.within_lead += (waited - self.walk_began).min(self.lead);
        self.walk_began = waited;
    }

    /// The sum over all walks of the lesser of their cycles and the lead.
    pub(crate) fn within_lead(&self) -> u64 {
        self.within_lead + (self.waited() - self.walk_began).min(self.lead)
    }

    /// The time of everything that comes after a miss of the second level.
    const fn waited(&self) -> u64 {
        self.walk_cycles + self.third_level_cycles
    }

    /// Walks from now on have this lead.
    pub(crate) fn set_lead(&mut self, lead: u64) {
        if lead != self.lead {
            self.walk_begins();
            self.lead = lead;
        }
    }

    /// Nothing counted, of a CPU whose references these serve.
    pub(crate) fn new(servers: &Servers) -> Self {
        Self { served: servers.nothing(), ..Self::default() }
    }

    /// The lead of walks.
    pub(crate) const fn lead(&self) -> u64 {
        self.lead
    }

    /// The cycles of the last walk until now.
    pub(crate) const fn walk_so_far(&self) -> u64 {
        self.waited() - self.walk_began
    }

    /// Walks took so many cycles, and so many of those that are over were within the lead; the last one has taken
    /// `last` until now.
    pub(crate) const fn walked(&mut self, cycles: u64, within_lead: u64, last: u64) {
        self.walk_cycles += cycles;
        self.within_lead += within_lead;
        self.walk_began = self.waited() - last;
    }

    /// The references that each memory node served.
    pub(crate) fn by_node(&self, servers: &Servers) -> Vec<NodeReferences> {
        servers.by_node(&self.served)
    }

    /// All counts, by name.
    pub(crate) fn counters(&self, servers: &Servers) -> Counters {
        let Sums { entries, data, data_cycles, asked, third_level } = servers.sums(&self.served);
        let [fetches, loads, stores] = self.lookups;
        let [fetch_misses, load_misses, store_misses] = self.misses;
        Counters {
            references: self.references,
            accesses: fetches + loads + stores + self.outside,
            itlb_accesses: fetches,
            itlb_misses: fetch_misses,
            dtlb_accesses: loads + stores,
            dtlb_misses: load_misses + store_misses,
            stlb_hits: self.stlb_hits,
            stlb_misses: self.stlb_misses,
            upgrade_walks: self.upgrade_walks,
            third_level_hits: self.third_level_hits,
            third_level_misses: self.third_level_misses,
            third_level_references: third_level,
            third_level_cycles: self.third_level_cycles,
            direct_translations: self.direct_translations,
            walks: self.stlb_misses - self.third_level_hits + self.upgrade_walks,
            walk_references: entries.iter().sum(),
            nested_references: self.nested_references,
            walk_references_l1: entries[0],
            walk_references_l2: entries[1],
            walk_references_l3: entries[2],
            walk_references_memory: entries[terrace_addr::convert::index32(MEMORY)],
            walk_cycles: self.walk_cycles,
            stlb_cycles: self.stlb_cycles,
            prefetch_references: asked,
            cycles: self.walk_cycles + self.stlb_cycles + self.third_level_cycles,
            page_faults: self.page_faults,
            ept_violations: self.ept_violations,
            segment_violations: self.segment_violations,
            log_full_exits: self.log_full_exits,
            walk_cache_hits: self.walk_cache_hits,
            nested_tlb_hits: self.nested_tlb_hits,
            nested_tlb_misses: self.nested_tlb_misses,
            nested_walk_cache_hits: self.nested_walk_cache_hits,
            translations_4k: self.translations[PageSize::Size4K.index()],
            translations_2m: self.translations[PageSize::Size2M.index()],
            translations_1g: self.translations[PageSize::Size1G.index()],
            data_references: data.iter().sum(),
            data_references_l1: data[0],
            data_references_l2: data[1],
            data_references_l3: data[2],
            data_references_memory: data[terrace_addr::convert::index32(MEMORY)],
            data_cycles,
        }
    }
}
