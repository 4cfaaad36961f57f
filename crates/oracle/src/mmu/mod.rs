//! One CPU's MMU, and one access of it (MODEL.md, "Looking up").

mod below;
mod direct;
mod nested;
mod prefetch;
mod remove;
mod third_level;
mod walk;

use terrace_addr::{Access, AccessKind, Addr, Gpa, Gva, Hpa, PageSize, convert};

use crate::context::{Context, Guest, Own};
use crate::counts::Counts;
use crate::lines::{Found, LINE, Lines, Server};
use crate::log::Log;
use crate::nested_tlb::NestedTlbs;
use crate::third_level::ThirdLevel;
use crate::tlb::{Tlbs, Translated};
use crate::walk_cache::WalkCaches;
use crate::{DirectSegment, Tables};
use prefetch::Asked;

/// Where an access went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Translation {
    /// The final address.
    pub addr: Addr<Hpa>,
    /// The size of the entry that served: the TLB entry's on a hit in level 1 or 2; otherwise the size that was inserted
    /// into level 1, or the translation's own if none was.
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
        /// What was to be done there.
        kind: AccessKind,
        /// Whether entries are there and forbid the access.
        protection: bool,
    },
    /// A segment violation.
    Segment {
        /// The guest-physical address, of a table's entry or of data, that lies outside.
        addr: Addr<Gpa>,
    },
    /// A log-full exit.
    LogFull {
        /// What was to be logged.
        addr: Addr<Gpa>,
    },
}

/// What the threads of a core share.
pub(crate) struct Core {
    /// TLBs of levels 1 and 2.
    pub(crate) tlbs: Tlbs,
    /// The third level, in memory, if the machine has one.
    pub(crate) third_level: Option<ThirdLevel>,
    /// Paging-structure caches of the first dimension.
    pub(crate) walk_caches: WalkCaches<Own>,
    /// Guest-physical translations.
    pub(crate) nested_tlbs: NestedTlbs,
    /// Paging-structure caches of EPT.
    pub(crate) nested_walk_caches: WalkCaches<Guest>,
}

/// What a CPU has to itself.
pub(crate) struct Cpu {
    /// What was counted.
    pub(crate) counts: Counts,
    /// For each memory node the references that it served: table entries, data.
    pub(crate) nodes: Vec<(u64, u64)>,
    /// The page-modification log.
    pub(crate) log: Log,
    /// What takes the place of the first dimension's tables for some addresses.
    pub(crate) direct: Option<DirectSegment>,
}

/// In which dimensions the walker keeps accessed and dirty bits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keeps {
    /// In page tables.
    pub(crate) first: bool,
    /// In EPT.
    pub(crate) second: bool,
}

/// A CPU at work in a context.
pub(crate) struct Mmu<'a> {
    /// Its core.
    pub(crate) core: &'a mut Core,
    /// The core's number.
    pub(crate) core_number: usize,
    /// What it does not share.
    pub(crate) cpu: &'a mut Cpu,
    /// The tags of the context.
    pub(crate) context: Context,
    /// The bits that walks keep.
    pub(crate) keeps: Keeps,
    /// The caches behind the walker.
    pub(crate) lines: &'a mut Lines,
    /// Whether data lines are modelled.
    pub(crate) data_lines: bool,
    /// From which level on walks of two dimensions read the guest's own tables.
    pub(crate) switch_level: Option<u32>,
    /// The levels whose entries are asked for when a walk starts.
    pub(crate) prefetch: &'a [u32],
}

impl Mmu<'_> {
    /// "Crossing": looks up the first byte, then the first byte after the page that served, as long as bytes are
    /// left.
    pub(crate) fn access(&mut self, tables: &mut Tables<'_>, access: Access) -> Result<Translation, Fault> {
        let mut first = None;
        let mut va = access.addr;
        let mut bytes_left = convert::wide(access.size.max(1));
        loop {
            let found = self.piece(tables, va, access.kind)?;
            let bytes_in_page = (found.size.bytes() - va.offset_in(found.size)).min(bytes_left);
            if self.data_lines {
                self.refer_to_data(found.addr, bytes_in_page, access.kind);
            }
            let first = *first.get_or_insert(found);
            bytes_left -= bytes_in_page;
            if bytes_left == 0 {
                self.cpu.counts.one("references");
                return Ok(first);
            }
            va = va.offset_by(bytes_in_page);
        }
    }

    /// Looks one address up: level 1, level 2, level 3, walk.
    fn piece(
        &mut self,
        tables: &mut Tables<'_>,
        va: Addr<Gva>,
        kind: AccessKind,
    ) -> Result<Translation, Fault> {
        self.cpu.counts.one("accesses");
        if !tables.cover(va) {
            self.cpu.counts.one("page_faults");
            return Err(Fault::Page { addr: va, protection: false });
        }
        let (level_1_accesses, level_1_misses) = match kind {
            AccessKind::Fetch => ("itlb_accesses", "itlb_misses"),
            AccessKind::Load | AccessKind::Store => ("dtlb_accesses", "dtlb_misses"),
        };

        self.cpu.counts.one(level_1_accesses);
        if let Some(hit) = self.core.tlbs.look_up(1, kind, va, self.context.own) {
            if hit.translated.rights.allow(kind) {
                return Ok(Translation { addr: hit.translated.addr, size: hit.translated.size });
            }
            return self.upgrade(tables, va, kind);
        }
        self.cpu.counts.one(level_1_misses);

        if self.direct_alone(tables, va) {
            let result = self.translate(tables, va, kind);
            return self.insert(tables, va, kind, result);
        }
        if let Some(hit) = self.core.tlbs.look_up(2, kind, va, self.context.own) {
            self.cpu.counts.one("stlb_hits");
            self.cpu.counts.add("stlb_cycles", hit.latency);
            self.cpu.counts.add("cycles", hit.latency);
            if hit.translated.rights.allow(kind) {
                self.core.tlbs.insert(1, kind, va, self.context.own, hit.translated);
                return Ok(Translation { addr: hit.translated.addr, size: hit.translated.size });
            }
            return self.upgrade(tables, va, kind);
        }
        self.cpu.counts.one("stlb_misses");

        if let Some(found) = self.look_up_third_level(va) {
            if found.rights.allow(kind) {
                self.core.tlbs.insert(2, kind, va, self.context.own, found);
                let inserted = self.core.tlbs.insert(1, kind, va, self.context.own, found);
                return Ok(Translation { addr: found.addr, size: inserted.unwrap_or(found.size) });
            }
            return self.upgrade(tables, va, kind);
        }
        self.walk_and_insert(tables, va, kind)
    }

    /// An upgrade walk: the entry that forbids the access goes, and whatever else is found for its address.
    fn upgrade(
        &mut self,
        tables: &mut Tables<'_>,
        va: Addr<Gva>,
        kind: AccessKind,
    ) -> Result<Translation, Fault> {
        self.cpu.counts.one("upgrade_walks");
        self.core.remove_found(va, self.context.own);
        self.walk_and_insert(tables, va, kind)
    }

    /// Walks, and inserts the translation or removes what a fault removes. Where a direct segment translates alone the
    /// walk is one in name.
    fn walk_and_insert(
        &mut self,
        tables: &mut Tables<'_>,
        va: Addr<Gva>,
        kind: AccessKind,
    ) -> Result<Translation, Fault> {
        self.cpu.counts.one("walks");
        let result = self.translate(tables, va, kind);
        if let Ok(translated) = result
            && !self.direct_alone(tables, va)
        {
            self.cpu.counts.translation(translated.size);
        }
        self.insert(tables, va, kind, result)
    }

    /// Inserts a translation that was made into level 3, level 2, then level 1, or into level 1 alone if a direct segment
    /// made it alone; or removes what a fault removes.
    fn insert(
        &mut self,
        tables: &Tables<'_>,
        va: Addr<Gva>,
        kind: AccessKind,
        result: Result<Translated, Fault>,
    ) -> Result<Translation, Fault> {
        match result {
            Ok(translated) => {
                let own = self.context.own;
                if !self.direct_alone(tables, va) {
                    if let Some(third_level) = &mut self.core.third_level {
                        third_level.insert(va, own, translated);
                    }
                    self.core.tlbs.insert(2, kind, va, own, translated);
                }
                let inserted = self.core.tlbs.insert(1, kind, va, own, translated);
                Ok(Translation { addr: translated.addr, size: inserted.unwrap_or(translated.size) })
            }
            Err(fault) => {
                self.remove_for_fault(va, fault);
                Err(fault)
            }
        }
    }

    /// Reads a line of a table, or of what lies in memory as tables do.
    fn refer_to_table(&mut self, addr: Addr<Hpa>) -> Found {
        let found = self.lines.refer(self.core_number, AccessKind::Load, addr);
        if let Server::Node(node) = found.by {
            self.cpu.nodes[node].0 += 1;
        }
        found
    }

    /// A walk that `asked` ahead reads the entry at `addr`, of a table of `level`.
    fn refer(&mut self, addr: Addr<Hpa>, level: u32, asked: &Asked) {
        let found = self.refer_to_table(addr);
        self.cpu.counts.one("walk_references");
        match found.by {
            Server::Level(level) => self.cpu.counts.one(&format!("walk_references_l{level}")),
            Server::Node(_) => self.cpu.counts.one("walk_references_memory"),
        }
        let cycles = found.latency.max(asked.left(level, &self.cpu.counts));
        self.cpu.counts.add("walk_cycles", cycles);
        self.cpu.counts.add("cycles", cycles);
    }

    /// An access of `kind` touches each line of the `bytes` from `addr` on.
    fn refer_to_data(&mut self, addr: Addr<Hpa>, bytes: u64, kind: AccessKind) {
        for line in addr.get() / LINE..=(addr.get() + bytes - 1) / LINE {
            let found = self.lines.refer(self.core_number, kind, Addr::new(line * LINE));
            self.cpu.counts.one("data_references");
            match found.by {
                Server::Level(level) => self.cpu.counts.one(&format!("data_references_l{level}")),
                Server::Node(node) => {
                    self.cpu.counts.one("data_references_memory");
                    self.cpu.nodes[node].1 += 1;
                }
            }
            self.cpu.counts.add("data_cycles", found.latency);
        }
    }
}
