//! One core's MMU, and one access of it (MODEL.md, "Looking up").

mod nested;
mod remove;
mod walk;

use terrace_addr::{Access, AccessKind, Addr, Gpa, Gva, Hpa, PageSize, convert};

use crate::counts::Counts;
use crate::lines::Lines;
use crate::nested_tlb::NestedTlbs;
use crate::tlb::Tlbs;
use crate::walk_cache::WalkCaches;
use crate::{Tables, Tag};

/// Where an access went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Translation {
    /// The final address.
    pub addr: Addr<Hpa>,
    /// The size of the entry that served: the TLB entry's on a hit; after a walk the size that was inserted into
    /// level 1, or the translation's own if none was.
    pub size: PageSize,
}

/// Why an access went nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A page fault.
    Page {
        /// The virtual address that was looked up.
        addr: Addr<Gva>,
        /// Whether entries are there and forbid the access.
        protection: bool,
    },
    /// An EPT violation.
    Ept {
        /// The guest-physical address that was being translated.
        addr: Addr<Gpa>,
        /// Whether entries are there and forbid the access.
        protection: bool,
    },
}

/// What a core has to itself.
pub(crate) struct Core {
    /// TLBs of both levels.
    pub(crate) tlbs: Tlbs,
    /// Paging-structure caches of the first dimension.
    pub(crate) walk_caches: WalkCaches<Tag>,
    /// Guest-physical translations.
    pub(crate) nested_tlbs: NestedTlbs,
    /// Paging-structure caches of EPT, by its root.
    pub(crate) nested_walk_caches: WalkCaches<u16>,
    /// What was counted.
    pub(crate) counts: Counts,
}

/// In which dimensions the walker keeps accessed and dirty bits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keeps {
    /// In page tables.
    pub(crate) first: bool,
    /// In EPT.
    pub(crate) second: bool,
}

/// A core at work in a context.
pub(crate) struct Mmu<'a> {
    /// The core.
    pub(crate) core: &'a mut Core,
    /// Its number.
    pub(crate) core_number: usize,
    /// The context.
    pub(crate) tag: Tag,
    /// The bits that walks keep.
    pub(crate) keeps: Keeps,
    /// The caches behind the walker.
    pub(crate) lines: &'a mut Lines,
}

impl Mmu<'_> {
    /// "Crossing": looks up the first byte, then the first byte after the page that served, as long as bytes are
    /// left.
    pub(crate) fn access(&mut self, tables: &mut Tables<'_>, access: Access) -> Result<Translation, Fault> {
        let first = self.piece(tables, access.addr, access.kind)?;
        let mut va = access.addr;
        let mut page = first.size;
        let mut bytes_left = convert::wide(access.size.max(1));
        loop {
            let bytes_in_page = page.bytes() - va.offset_in(page);
            if bytes_left <= bytes_in_page {
                return Ok(first);
            }
            bytes_left -= bytes_in_page;
            va = va.offset_by(bytes_in_page);
            page = self.piece(tables, va, access.kind)?.size;
        }
    }

    /// Looks one address up: level 1, level 2, walk.
    fn piece(
        &mut self,
        tables: &mut Tables<'_>,
        va: Addr<Gva>,
        kind: AccessKind,
    ) -> Result<Translation, Fault> {
        self.core.counts.one("accesses");
        if !tables.cover(va) {
            self.core.counts.one("page_faults");
            return Err(Fault::Page { addr: va, protection: false });
        }
        let (level_1_accesses, level_1_misses) = match kind {
            AccessKind::Fetch => ("itlb_accesses", "itlb_misses"),
            AccessKind::Load | AccessKind::Store => ("dtlb_accesses", "dtlb_misses"),
        };

        self.core.counts.one(level_1_accesses);
        if let Some(hit) = self.core.tlbs.look_up(1, kind, va, self.tag) {
            if hit.translated.rights.allow(kind) {
                return Ok(Translation { addr: hit.translated.addr, size: hit.translated.size });
            }
            return self.upgrade(tables, va, kind);
        }
        self.core.counts.one(level_1_misses);

        if let Some(hit) = self.core.tlbs.look_up(2, kind, va, self.tag) {
            self.core.counts.one("stlb_hits");
            self.core.counts.add("stlb_cycles", hit.latency);
            self.core.counts.add("cycles", hit.latency);
            if hit.translated.rights.allow(kind) {
                self.core.tlbs.insert(1, kind, va, self.tag, hit.translated);
                return Ok(Translation { addr: hit.translated.addr, size: hit.translated.size });
            }
            return self.upgrade(tables, va, kind);
        }
        self.core.counts.one("stlb_misses");
        self.walk_and_insert(tables, va, kind)
    }

    /// An upgrade walk: the entry that forbids the access goes, and whatever else is found for its address.
    fn upgrade(
        &mut self,
        tables: &mut Tables<'_>,
        va: Addr<Gva>,
        kind: AccessKind,
    ) -> Result<Translation, Fault> {
        self.core.counts.one("upgrade_walks");
        self.core.tlbs.remove_found(va, self.tag);
        self.walk_and_insert(tables, va, kind)
    }

    /// Walks, and inserts the translation into level 2, then level 1; or removes what a fault removes.
    fn walk_and_insert(
        &mut self,
        tables: &mut Tables<'_>,
        va: Addr<Gva>,
        kind: AccessKind,
    ) -> Result<Translation, Fault> {
        self.core.counts.one("walks");
        match self.walk(tables, va, kind) {
            Ok(translated) => {
                self.core.counts.translation(translated.size);
                self.core.tlbs.insert(2, kind, va, self.tag, translated);
                let inserted = self.core.tlbs.insert(1, kind, va, self.tag, translated);
                Ok(Translation { addr: translated.addr, size: inserted.unwrap_or(translated.size) })
            }
            Err(fault) => {
                self.core.remove_for_fault(self.tag, va, fault);
                Err(fault)
            }
        }
    }

    /// A walk reads the table entry at `addr`.
    fn refer(&mut self, addr: Addr<Hpa>) {
        let found = self.lines.refer(self.core_number, addr);
        self.core.counts.one("walk_references");
        self.core.counts.one(found.count);
        self.core.counts.add("walk_cycles", found.latency);
        self.core.counts.add("cycles", found.latency);
    }
}
