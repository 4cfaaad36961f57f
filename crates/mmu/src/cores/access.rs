//! Accesses: lookups, and what follows a miss.

use terrace_addr::{Access, AccessKind, Addr, Gva, PageSize, convert};
use terrace_raw::vector::{BASELINE, Vector};
use terrace_raw::{Vectors, Work};

use super::below::{Found, Nested};
use super::foresee::{Ahead, FARTHEST, NEAR, SPARSE};
use super::populate::{AsTheyAre, Ended, Fill, Filling, Populate};
use super::references::References;
use super::walk::Walked;
use super::{Mmu, Structures, Thread};
use crate::cache::Hierarchy;
use crate::context::Tags;
use crate::translation::{Allows, Packed};
use crate::watch::{Step, Unwatched, Watch};
use crate::{Below, Cause, Fault, Tables, Translation};

/// Why a run of accesses ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped<E> {
    /// The access with this number faulted. Software may mend the cause and run the rest, that access first.
    Fault {
        /// Its place in the batch.
        at: usize,
        /// Why.
        fault: Fault,
    },
    /// Filling in an absent entry failed.
    Populate {
        /// The place of the access in the batch.
        at: usize,
        /// Its error.
        error: E,
    },
}

/// What served a lookup: where its page is, and the page's size.
#[derive(Clone, Copy)]
struct Piece {
    packed: Packed,
    size: PageSize,
}

impl Piece {
    /// Where `addr`, an address of the page, is in memory.
    #[inline(always)]
    fn translation(self, addr: Addr<Gva>) -> Translation {
        let frame = self.packed.address().align_down(self.size);
        Translation { addr: frame.offset_by(addr.offset_in(self.size)), size: self.size }
    }
}

impl Mmu {
    /// Runs accesses on a CPU, in order, in its current context.
    ///
    /// # Errors
    /// At the first access that faults, or whose absent pages cannot be filled in; those before it are done.
    ///
    /// # Panics
    /// If there is no such CPU.
    pub fn run<'t, B: Below + 't, P: Populate<B>>(
        &mut self,
        cpu: usize,
        stack: impl Into<Tables<'t, B>>,
        accesses: &[Access],
        populate: &mut P,
    ) -> Result<(), Stopped<P::Error>> {
        let mut filling = Filling { populate, error: None };
        let mut at = 0;
        let ended =
            B::run(self, Batch { cpu, tables: stack.into(), accesses, fill: &mut filling, done: &mut at });
        match (ended, filling.error) {
            (Ok(()), _) => Ok(()),
            (Err(Ended::Fault(fault)), _) => Err(Stopped::Fault { at, fault }),
            (Err(Ended::Populate), Some(error)) => Err(Stopped::Populate { at, error }),
            (Err(Ended::Populate), None) => unreachable!("whoever fills in keeps its error"),
        }
    }

    /// Runs one access, and says where its first byte is and how large the entry was that served it.
    ///
    /// # Errors
    /// If it faults.
    ///
    /// # Panics
    /// If there is no such CPU.
    pub fn access<'t, B: Below + 't>(
        &mut self,
        cpu: usize,
        stack: impl Into<Tables<'t, B>>,
        access: Access,
    ) -> Result<Translation, Fault> {
        B::access(self, cpu, stack.into(), access)
    }

    /// The same, and every step of it.
    ///
    /// # Panics
    /// If there is no such CPU.
    pub fn explain<'t, B: Below + 't>(
        &mut self,
        cpu: usize,
        stack: impl Into<Tables<'t, B>>,
        access: Access,
    ) -> (Vec<Step>, Result<Translation, Fault>) {
        let mut steps = Vec::new();
        let result = B::explain(self, cpu, stack.into(), access, &mut steps);
        (steps, result)
    }

    /// One access, watched or not.
    #[inline(always)]
    pub(super) fn watched<B: Below, W: Watch>(
        &mut self,
        cpu: usize,
        stack: Tables<'_, B>,
        access: Access,
        watch: &mut W,
    ) -> Result<Translation, Fault> {
        let fill = &mut AsTheyAre;
        let mut running = self.running(BASELINE, cpu, stack, fill, watch);
        let ended = running.access_in_full(access);
        running.settle();
        match ended {
            Ok(piece) => {
                running.thread.tally.references += 1;
                Ok(piece.translation(access.addr))
            }
            Err(Ended::Fault(fault)) => Err(fault),
            Err(Ended::Populate) => unreachable!("nothing is filled in"),
        }
    }

    /// Accesses of a batch, as [`run`](Self::run) says.
    #[inline(always)]
    pub(super) fn run_batch<B: Below>(&mut self, batch: Batch<'_, B>) -> Result<(), Ended> {
        self.vectors.run(Run { mmu: self, batch })
    }
}

/// Accesses to run.
pub struct Batch<'a, B: Below> {
    cpu: usize,
    tables: Tables<'a, B>,
    accesses: &'a [Access],
    fill: &'a mut dyn Fill<B>,
    /// How many are done.
    done: &'a mut usize,
}

/// What [`Mmu::run`] does.
struct Run<'m, 'a, B: Below> {
    mmu: &'m mut Mmu,
    batch: Batch<'a, B>,
}

impl<B: Below> Work for Run<'_, '_, B> {
    type Output = Result<(), Ended>;

    #[inline(always)]
    fn run<V: Vector>(self, vector: V) -> Self::Output {
        let Self { mmu, batch: Batch { cpu, tables, accesses, fill, done } } = self;
        let farthest = mmu.look_ahead.clamp(1, FARTHEST);
        let mut nobody = Unwatched;
        let mut running = mmu.running(vector, cpu, tables, fill, &mut nobody);
        let mut at = 0;
        let ended = running.batches(accesses, farthest, &mut at);
        running.settle();
        running.thread.tally.references += convert::count(at);
        *done = at;
        ended
    }
}

impl<B: Below, V: Vector> Running<'_, B, V, Unwatched> {
    /// Accesses, in batches of at most `farthest`. The number of those that are done is added to `done`.
    #[inline(always)]
    fn batches(&mut self, accesses: &[Access], farthest: usize, done: &mut usize) -> Result<(), Ended> {
        let mut window = farthest.min(NEAR);
        let mut walks = 0;
        let mut ahead = None;
        let mut rest = accesses;
        while !rest.is_empty() {
            let (batch, later) = rest.split_at(window.min(rest.len()));
            rest = later;
            if walks > 0 {
                let ahead = ahead.get_or_insert_with(Ahead::new);
                // Where every access walked, looking them up beforehand is not worth its time.
                let all = walks >= convert::count(window);
                self.vector.apart(LookAhead { running: self, batch, all, ahead });
            }
            let before = self.thread.tally.stlb_misses;
            for access in batch {
                self.access(*access)?;
                *done += 1;
            }
            self.settle();
            walks = self.thread.tally.stlb_misses - before;
            // As many walks as overlap well, but not so many that what was asked for is gone when it is needed.
            window = farthest.min(if walks * SPARSE < convert::count(batch.len()) { FARTHEST } else { NEAR });
        }
        Ok(())
    }
}

/// One access, in full.
struct InFull<'a, 'r, B: Below, V, W> {
    running: &'a mut Running<'r, B, V, W>,
    access: Access,
}

impl<B: Below, U: Vector, W: Watch> Work for InFull<'_, '_, B, U, W> {
    type Output = Result<(), Ended>;

    #[inline(always)]
    fn run<V: Vector>(self, _: V) -> Self::Output {
        self.running.access_in_full(self.access).map(|_| ())
    }
}

/// A walk.
struct Walk<'a, 'r, B: Below, V, W> {
    running: &'a mut Running<'r, B, V, W>,
    addr: Addr<Gva>,
    kind: AccessKind,
}

impl<B: Below, U: Vector, W: Watch> Work for Walk<'_, '_, B, U, W> {
    type Output = Result<Walked, Ended>;

    #[inline(always)]
    fn run<V: Vector>(self, _: V) -> Self::Output {
        self.running.walk(self.addr, self.kind)
    }
}

/// Looking ahead over a batch.
struct LookAhead<'a, 'r, 'b, B: Below, V, W> {
    running: &'a mut Running<'r, B, V, W>,
    batch: &'b [Access],
    all: bool,
    ahead: &'b mut Ahead<B::Space>,
}

impl<B: Below, U: Vector, W> Work for LookAhead<'_, '_, '_, B, U, W> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self, _: V) {
        self.running.foresee(self.batch, self.all, self.ahead);
    }
}

/// A CPU at work: its structures, what it shares, and the tables that it walks.
pub(super) struct Running<'a, B: Below, V, W> {
    pub(super) vector: V,
    pub(super) core: &'a mut Structures,
    pub(super) thread: &'a mut Thread,
    pub(super) hierarchy: Hierarchy<'a>,
    pub(super) stack: Tables<'a, B>,
    pub(super) fill: &'a mut dyn Fill<B>,
    pub(super) watch: &'a mut W,
}

impl<B: Below, V: Vector, W: Watch> Running<'_, B, V, W> {
    /// References that wait go, and are counted.
    #[inline(always)]
    fn settle(&mut self) {
        self.hierarchy.settle(self.vector, &mut self.thread.tally);
    }

    /// Lets references go before a walk makes more, if many wait.
    #[inline(always)]
    fn make_room(&mut self) {
        if self.hierarchy.waiting().is_nearly_full() {
            self.settle();
        }
    }

    /// One access.
    #[inline(always)]
    fn access(&mut self, access: Access) -> Result<(), Ended> {
        // The short way: a hit on the entry that its set was asked for last, within one page of 4K. Whatever is not
        // that simple starts again from the beginning, the short way having left no trace.
        let Access { addr, kind, .. } = access;
        let recent = self.core.first_level.lookup_most_recent(addr, kind, self.thread.tags);
        if let Some(recent) = recent
            && recent.packed.allows().permits(kind)
            && (addr.get() ^ access.last_byte().get()) >> PageSize::Size4K.shift() == 0
        {
            self.thread.tally.lookups[kind.index()] += 1;
            if self.core.data_lines {
                let piece = Piece { packed: recent.packed, size: PageSize::ALL[recent.size] };
                self.data(addr, convert::wide(access.size.max(1)), piece, kind);
            }
            return Ok(());
        }
        self.vector.apart(InFull { running: self, access })
    }

    /// One access; what served its first byte is returned.
    #[inline(always)]
    fn access_in_full(&mut self, access: Access) -> Result<Piece, Ended> {
        let first = self.piece(access.addr, access.kind)?;
        let last = access.last_byte();
        if self.core.data_lines {
            self.data(access.addr, convert::wide(access.size.max(1)), first, access.kind);
        }
        if (access.addr.get() ^ last.get()) >> PageSize::Size4K.shift() != 0 {
            self.crossing(access, first.size)?;
        }
        Ok(first)
    }

    /// The pages beyond the first of an access that crosses a boundary of 4 KiB.
    #[cold]
    #[inline(never)]
    fn crossing(&mut self, access: Access, first: PageSize) -> Result<(), Ended> {
        let last = access.last_byte();
        let (mut at, mut size) = (access.addr, first);
        while at.align_down(size) != last.align_down(size) {
            at = at.align_down(size).offset_by(size.bytes());
            let piece = self.piece(at, access.kind)?;
            size = piece.size;
            if self.core.data_lines {
                let left = last.get().wrapping_sub(at.get()) + 1;
                self.data(at, left, piece, access.kind);
            }
        }
        Ok(())
    }

    /// Refers to the data of an access from `addr` on, as far as `piece` reaches: of `left` bytes in all.
    #[inline(always)]
    fn data(&mut self, addr: Addr<Gva>, left: u64, piece: Piece, kind: AccessKind) {
        let mut references = References {
            vector: self.vector,
            hierarchy: &mut self.hierarchy,
            tally: &mut self.thread.tally,
            watch: &mut Unwatched,
        };
        let bytes = left.min(piece.size.bytes() - addr.offset_in(piece.size));
        references.data(piece.translation(addr).addr, bytes, kind);
    }

    /// One lookup.
    #[inline(always)]
    fn piece(&mut self, addr: Addr<Gva>, kind: AccessKind) -> Result<Piece, Ended> {
        let tally = &mut self.thread.tally;
        let hit = self.core.first_level.lookup(self.vector, addr, kind, self.thread.tags);
        tally.lookups[kind.index()] += 1;
        if let Some(hit) = hit {
            if W::WATCHES {
                self.watch.note(Step::Tlb { level: 1, hit: Some(hit.size) });
            }
            if hit.packed.allows().permits(kind) {
                return Ok(Piece { packed: hit.packed, size: hit.size });
            }
            return self.upgrade(addr, kind);
        }
        if !self.stack.first.covers(addr) {
            // Such an address is in no TLB; that it was looked up there is taken back.
            tally.lookups[kind.index()] -= 1;
            tally.outside += 1;
            tally.page_faults += 1;
            return Err(Ended::Fault(Fault::Page { addr, cause: Cause::NotPresent }));
        }
        tally.misses[kind.index()] += 1;
        if W::WATCHES {
            self.watch.note(Step::Tlb { level: 1, hit: None });
        }
        self.make_room();
        self.first_level_miss(addr, kind)
    }

    /// The second level, and a walk if it misses too.
    #[inline(always)]
    fn first_level_miss(&mut self, addr: Addr<Gva>, kind: AccessKind) -> Result<Piece, Ended> {
        if !B::TABLES
            && let Some(direct) = self.direct(addr)
        {
            return self.fill_directly(addr, kind, direct);
        }
        let (core, thread) = (&mut *self.core, &mut *self.thread);
        let hit = core.second_level.lookup(self.vector, addr, kind, thread.tags);
        if W::WATCHES {
            self.watch.note(Step::Tlb { level: 2, hit: hit.map(|hit| hit.size) });
        }
        if let Some(hit) = hit {
            thread.tally.stlb_hits += 1;
            thread.tally.stlb_cycles += hit.latency;
            if hit.packed.allows().permits(kind) {
                let packed = hit.piece(addr);
                core.first_level.insert(addr, packed, hit.size, kind, thread.tags);
                return Ok(Piece { packed, size: hit.size });
            }
            return self.upgrade(addr, kind);
        }
        thread.tally.stlb_misses += 1;
        self.hierarchy.waiting().walk_begins();
        if self.core.third_level.is_some()
            && let Some(served) = self.third_level(addr, kind)
        {
            return served;
        }
        self.fill(addr, kind)
    }

    /// The third level: `None` if it does not hold the page.
    #[cold]
    fn third_level(&mut self, addr: Addr<Gva>, kind: AccessKind) -> Option<Result<Piece, Ended>> {
        let Self { vector, core, thread, hierarchy, watch, .. } = self;
        let mut references =
            References { vector: *vector, hierarchy, tally: &mut thread.tally, watch: *watch };
        let hit = core.third_level.as_mut()?.lookup(&mut references, addr, kind, thread.tags);
        if W::WATCHES {
            watch.note(Step::Tlb { level: 3, hit: hit.as_ref().map(|hit| hit.size) });
        }
        let Some(hit) = hit else {
            thread.tally.third_level_misses += 1;
            return None;
        };
        thread.tally.third_level_hits += 1;
        if !hit.packed.allows().permits(kind) {
            return Some(self.upgrade(addr, kind));
        }
        let packed = hit.piece(addr);
        core.second_level.insert(addr, packed, hit.size, kind, thread.tags);
        let held = core.first_level.insert(addr, packed, hit.size, kind, thread.tags);
        Some(Ok(Piece { packed, size: held.unwrap_or(hit.size) }))
    }

    /// Where the CPU's direct segment has `addr`, if it does.
    #[inline(always)]
    fn direct(&self, addr: Addr<Gva>) -> Option<(Addr<B::Space>, PageSize)> {
        self.thread.direct.as_ref()?.place(addr)
    }

    /// The direct segment in place of the first dimension's tables.
    #[cold]
    fn fill_directly(
        &mut self,
        addr: Addr<Gva>,
        kind: AccessKind,
        (at, page): (Addr<B::Space>, PageSize),
    ) -> Result<Piece, Ended> {
        let Self { vector, core, thread, hierarchy, stack, watch, .. } = self;
        let tags = thread.tags;
        thread.tally.direct_translations += 1;
        let mut references =
            References { vector: *vector, hierarchy, tally: &mut thread.tally, watch: *watch };
        let mut nested = Nested {
            structures: &mut core.nested,
            references: &mut references,
            guest: tags.guest,
            log: &mut thread.log,
        };
        match stack.below.translate(&mut nested, at, kind, page) {
            Ok(Found { packed, size }) => {
                let size = size.min(page);
                let packed = packed.allowing(Allows::EVERYTHING.and(packed.allows()).of_leaf(page));
                if B::TABLES {
                    thread.tally.translations[size.index()] += 1;
                    core.insert_beyond_first(addr, packed, size, kind, tags);
                }
                let held = core.first_level.insert(addr, packed, size, kind, tags);
                Ok(Piece { packed, size: held.unwrap_or(size) })
            }
            Err(fault) => {
                core.faulted(addr, fault, thread, None);
                Err(fault.into())
            }
        }
    }

    /// A walk for an access that the cached entry does not allow. That entry goes first, with whatever else is
    /// found for its address: otherwise one of a smaller size would hide the new translation for ever.
    #[cold]
    fn upgrade(&mut self, addr: Addr<Gva>, kind: AccessKind) -> Result<Piece, Ended> {
        self.thread.tally.upgrade_walks += 1;
        self.make_room();
        self.hierarchy.waiting().walk_begins();
        self.core.remove_found(addr, self.thread.tags);
        self.fill(addr, kind)
    }

    /// A walk, and the insertion of what it finds.
    #[inline(always)]
    fn fill(&mut self, addr: Addr<Gva>, kind: AccessKind) -> Result<Piece, Ended> {
        if let Some(direct) = self.direct(addr) {
            return self.fill_directly(addr, kind, direct);
        }
        match self.vector.apart(Walk { running: self, addr, kind }) {
            Ok(Walked { packed, size }) => {
                let (core, thread) = (&mut *self.core, &mut *self.thread);
                thread.tally.translations[size.index()] += 1;
                core.insert_beyond_first(addr, packed, size, kind, thread.tags);
                let held = core.first_level.insert(addr, packed, size, kind, thread.tags);
                Ok(Piece { packed, size: held.unwrap_or(size) })
            }
            Err(ended) => {
                if let Ended::Fault(fault) = ended {
                    self.core.faulted(addr, fault, self.thread, Some(kind));
                }
                Err(ended)
            }
        }
    }
}

impl Structures {
    /// Inserts what a walk has found into the third level, if there is one, and the second.
    #[inline(always)]
    fn insert_beyond_first(
        &mut self,
        addr: Addr<Gva>,
        packed: Packed,
        size: PageSize,
        kind: AccessKind,
        tags: Tags,
    ) {
        if let Some(third_level) = &mut self.third_level {
            third_level.insert(addr, packed, size, kind, tags);
        }
        self.second_level.insert(addr, packed, size, kind, tags);
    }
}

impl Mmu {
    /// Uses these vector instructions from now on; the best ones that the processor has until then. No count
    /// depends on them.
    pub const fn set_vectors(&mut self, vectors: Vectors) {
        self.vectors = vectors;
    }

    /// Looks ahead over at most so many accesses (at least 1, at most 256). No count depends on it.
    pub const fn set_look_ahead(&mut self, accesses: usize) {
        self.look_ahead = accesses;
    }
}
