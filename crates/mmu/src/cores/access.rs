//! Accesses: lookups, and what follows a miss.

use terrace_addr::{Access, AccessKind, Addr, Cycles, Gva, PageSize};

use super::foresee::{BATCH, WORTHWHILE};
use super::populate::{AsTheyAre, Ended, Populate};
use super::walk::Walked;
use super::{Core, Mmu};
use crate::cache::Caches;
use crate::translation::Packed;
use crate::{Below, Cause, Fault, Stack, Translation};

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

impl Mmu {
    /// Runs accesses on a core, in order, in its current context.
    ///
    /// # Errors
    /// At the first access that faults, or whose absent pages cannot be filled in; those before it are done.
    ///
    /// # Panics
    /// If there is no such core.
    pub fn run<B: Below, P: Populate<B>>(
        &mut self,
        core: usize,
        stack: &mut Stack<B>,
        accesses: &[Access],
        populate: &mut P,
    ) -> Result<(), Stopped<P::Error>> {
        let mut running = self.running(core, stack, populate);
        let mut at = 0;
        let mut walks = 0;
        for batch in accesses.chunks(BATCH) {
            if walks >= WORTHWHILE {
                running.foresee(batch);
            }
            let before = running.core.tally.stlb_misses;
            for access in batch {
                if let Err(ended) = running.access(*access) {
                    return Err(match ended {
                        Ended::Fault(fault) => Stopped::Fault { at, fault },
                        Ended::Populate(error) => Stopped::Populate { at, error },
                    });
                }
                at += 1;
            }
            walks = running.core.tally.stlb_misses - before;
        }
        Ok(())
    }

    /// Runs one access, and says where its first byte is and how large the entry was that served it.
    ///
    /// # Errors
    /// If it faults.
    ///
    /// # Panics
    /// If there is no such core.
    pub fn access<B: Below>(
        &mut self,
        core: usize,
        stack: &mut Stack<B>,
        access: Access,
    ) -> Result<Translation, Fault> {
        match self.running(core, stack, &mut AsTheyAre).access(access) {
            Ok(Piece { packed, size }) => {
                let frame = packed.address().align_down(size);
                Ok(Translation { addr: frame.offset_by(access.addr.offset_in(size)), size })
            }
            Err(Ended::Fault(fault)) => Err(fault),
        }
    }
}

/// A core at work: its structures, what it shares, and the tables that it walks.
pub(super) struct Running<'a, B: Below, P> {
    pub(super) core: &'a mut Core,
    pub(super) shared: &'a mut Caches,
    pub(super) memory: Cycles,
    pub(super) stack: &'a mut Stack<B>,
    pub(super) populate: &'a mut P,
}

impl<B: Below, P: Populate<B>> Running<'_, B, P> {
    /// One access; what served its first byte is returned.
    #[inline(always)]
    fn access(&mut self, access: Access) -> Result<Piece, Ended<P::Error>> {
        self.core.tally.references += 1;
        let first = self.piece(access.addr, access.kind)?;
        let last = access.last_byte();
        if (access.addr.get() ^ last.get()) >> PageSize::Size4K.shift() != 0 {
            self.crossing(access, first.size)?;
        }
        Ok(first)
    }

    /// The pages beyond the first of an access that crosses a boundary of 4 KiB.
    #[cold]
    fn crossing(&mut self, access: Access, first: PageSize) -> Result<(), Ended<P::Error>> {
        let last = access.last_byte();
        let (mut at, mut size) = (access.addr, first);
        while at.align_down(size) != last.align_down(size) {
            at = at.align_down(size).offset_by(size.bytes());
            size = self.piece(at, access.kind)?.size;
        }
        Ok(())
    }

    /// One lookup.
    #[inline(always)]
    fn piece(&mut self, addr: Addr<Gva>, kind: AccessKind) -> Result<Piece, Ended<P::Error>> {
        let core = &mut *self.core;
        core.tally.lookups[kind.index()] += 1;
        if let Some(hit) = core.first_level.lookup(addr, kind, core.tags) {
            if hit.packed.allows().permits(kind) {
                return Ok(Piece { packed: hit.packed, size: hit.size });
            }
            return self.upgrade(addr, kind);
        }
        if !self.stack.first.covers(addr) {
            // Such an address is in no TLB; that it was looked up there is taken back.
            core.tally.lookups[kind.index()] -= 1;
            core.tally.outside += 1;
            core.tally.page_faults += 1;
            return Err(Ended::Fault(Fault::Page { addr, cause: Cause::NotPresent }));
        }
        core.tally.misses[kind.index()] += 1;
        self.first_level_miss(addr, kind)
    }

    /// The second level, and a walk if it misses too.
    fn first_level_miss(&mut self, addr: Addr<Gva>, kind: AccessKind) -> Result<Piece, Ended<P::Error>> {
        let core = &mut *self.core;
        if let Some(hit) = core.second_level.lookup(addr, kind, core.tags) {
            core.tally.stlb_hits += 1;
            core.tally.stlb_cycles += hit.latency;
            if hit.packed.allows().permits(kind) {
                // The piece that holds the address, to 4 KiB: the first level may hold smaller pages.
                let offset = addr.offset_in(hit.size);
                let frame = hit.packed.address().offset_by(offset).align_down(PageSize::Size4K);
                let packed = Packed::new(frame, hit.packed.allows());
                core.first_level.insert(addr, packed, hit.size, kind, core.tags);
                return Ok(Piece { packed, size: hit.size });
            }
            return self.upgrade(addr, kind);
        }
        core.tally.stlb_misses += 1;
        self.fill(addr, kind)
    }

    /// A walk for an access that the cached entry does not allow. That entry goes first, with whatever else is
    /// found for its address: otherwise one of a smaller size would hide the new translation for ever.
    #[cold]
    fn upgrade(&mut self, addr: Addr<Gva>, kind: AccessKind) -> Result<Piece, Ended<P::Error>> {
        self.core.tally.upgrade_walks += 1;
        self.core.remove_found(addr);
        self.fill(addr, kind)
    }

    /// A walk, and the insertion of what it finds.
    #[inline(always)]
    fn fill(&mut self, addr: Addr<Gva>, kind: AccessKind) -> Result<Piece, Ended<P::Error>> {
        match self.walk(addr, kind) {
            Ok(Walked { packed, size }) => {
                let core = &mut *self.core;
                core.tally.translations[size.index()] += 1;
                core.second_level.insert(addr, packed, size, kind, core.tags);
                let held = core.first_level.insert(addr, packed, size, kind, core.tags);
                Ok(Piece { packed, size: held.unwrap_or(size) })
            }
            Err(ended) => {
                if let Ended::Fault(fault) = ended {
                    self.core.faulted(addr, fault);
                }
                Err(ended)
            }
        }
    }
}
