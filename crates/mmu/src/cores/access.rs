//! Accesses: lookups, and what follows a miss.

use terrace_addr::{Access, AccessKind, Addr, Cycles, Gva, PageSize};

use super::foresee::{BATCH, WORTHWHILE};
use super::walk::Walked;
use super::{Core, Mmu};
use crate::cache::Caches;
use crate::translation::Packed;
use crate::{Below, Cause, Fault, Stack, Translation};

/// Software that fills in what a walk finds absent in the first dimension, as if it had always been there.
///
/// A replay of a trace, whose pages are mapped when they are first touched, has no other sign of a touch than a
/// walk that finds nothing. Whatever is filled in lies at or below the absent entry, so the walk goes on there,
/// and every count is that of tables that were complete from the start.
pub trait Populate<B: Below> {
    /// What can go wrong.
    type Error;

    /// A walk for `addr` met an entry that is not present.
    ///
    /// # Errors
    /// Whatever ends the run.
    fn populate(&mut self, stack: &mut Stack<B>, addr: Addr<Gva>) -> Result<Absent, Self::Error>;
}

/// What became of an absent entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// The page is mapped now, and all that lies below it.
    Mapped,
    /// Nothing was changed: the walk faults.
    Stays,
}

/// Nothing is filled in: absent entries fault.
#[derive(Debug, Clone, Copy, Default)]
pub struct AsTheyAre;

impl<B: Below> Populate<B> for AsTheyAre {
    type Error = core::convert::Infallible;

    #[inline(always)]
    fn populate(&mut self, _: &mut Stack<B>, _: Addr<Gva>) -> Result<Absent, Self::Error> {
        Ok(Absent::Stays)
    }
}

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

/// Why one access ended early.
pub(super) enum Ended<E> {
    Fault(Fault),
    Populate(E),
}

impl<E> From<Fault> for Ended<E> {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
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
        let (core, shared, memory) = self.split(core);
        let mut at = 0;
        let mut walks = 0;
        for batch in accesses.chunks(BATCH) {
            if walks >= WORTHWHILE {
                core.foresee(shared, memory, stack, batch);
            }
            let before = core.tally.stlb_misses;
            for access in batch {
                if let Err(ended) = core.access(shared, memory, stack, *access, populate) {
                    return Err(match ended {
                        Ended::Fault(fault) => Stopped::Fault { at, fault },
                        Ended::Populate(error) => Stopped::Populate { at, error },
                    });
                }
                at += 1;
            }
            walks = core.tally.stlb_misses - before;
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
        let (core, shared, memory) = self.split(core);
        match core.access(shared, memory, stack, access, &mut AsTheyAre) {
            Ok(Piece { packed, size }) => {
                let frame = packed.address().align_down(size);
                Ok(Translation { addr: frame.offset_by(access.addr.offset_in(size)), size })
            }
            Err(Ended::Fault(fault)) => Err(fault),
        }
    }
}

impl Core {
    /// One access; what served its first byte is returned.
    #[inline(always)]
    fn access<B: Below, P: Populate<B>>(
        &mut self,
        shared: &mut Caches,
        memory: Cycles,
        stack: &mut Stack<B>,
        access: Access,
        populate: &mut P,
    ) -> Result<Piece, Ended<P::Error>> {
        self.tally.references += 1;
        let first = self.piece(shared, memory, stack, access.addr, access.kind, populate)?;
        let last = access.last_byte();
        if (access.addr.get() ^ last.get()) >> PageSize::Size4K.shift() != 0 {
            self.crossing(shared, memory, stack, access, first.size, populate)?;
        }
        Ok(first)
    }

    /// The pages beyond the first of an access that crosses a boundary of 4 KiB.
    #[cold]
    fn crossing<B: Below, P: Populate<B>>(
        &mut self,
        shared: &mut Caches,
        memory: Cycles,
        stack: &mut Stack<B>,
        access: Access,
        first: PageSize,
        populate: &mut P,
    ) -> Result<(), Ended<P::Error>> {
        let last = access.last_byte();
        let (mut at, mut size) = (access.addr, first);
        while at.align_down(size) != last.align_down(size) {
            at = at.align_down(size).offset_by(size.bytes());
            size = self.piece(shared, memory, stack, at, access.kind, populate)?.size;
        }
        Ok(())
    }

    /// One lookup.
    #[inline(always)]
    fn piece<B: Below, P: Populate<B>>(
        &mut self,
        shared: &mut Caches,
        memory: Cycles,
        stack: &mut Stack<B>,
        addr: Addr<Gva>,
        kind: AccessKind,
        populate: &mut P,
    ) -> Result<Piece, Ended<P::Error>> {
        self.tally.lookups[kind.index()] += 1;
        if let Some(hit) = self.first_level.lookup(addr, kind, self.tags) {
            if hit.packed.allows().permits(kind) {
                return Ok(Piece { packed: hit.packed, size: hit.size });
            }
            return self.upgrade(shared, memory, stack, addr, kind, populate);
        }
        if !stack.first.covers(addr) {
            // Such an address is in no TLB; that it was looked up there is taken back.
            self.tally.lookups[kind.index()] -= 1;
            self.tally.outside += 1;
            self.tally.page_faults += 1;
            return Err(Ended::Fault(Fault::Page { addr, cause: Cause::NotPresent }));
        }
        self.tally.misses[kind.index()] += 1;
        self.first_level_miss(shared, memory, stack, addr, kind, populate)
    }

    /// The second level, and a walk if it misses too.
    fn first_level_miss<B: Below, P: Populate<B>>(
        &mut self,
        shared: &mut Caches,
        memory: Cycles,
        stack: &mut Stack<B>,
        addr: Addr<Gva>,
        kind: AccessKind,
        populate: &mut P,
    ) -> Result<Piece, Ended<P::Error>> {
        if let Some(hit) = self.second_level.lookup(addr, kind, self.tags) {
            self.tally.stlb_hits += 1;
            self.tally.stlb_cycles += hit.latency;
            if hit.packed.allows().permits(kind) {
                // The piece that holds the address, to 4 KiB: the first level may hold smaller pages.
                let offset = addr.offset_in(hit.size);
                let frame = hit.packed.address().offset_by(offset).align_down(PageSize::Size4K);
                let packed = Packed::new(frame, hit.packed.allows());
                self.first_level.insert(addr, packed, hit.size, kind, self.tags);
                return Ok(Piece { packed, size: hit.size });
            }
            return self.upgrade(shared, memory, stack, addr, kind, populate);
        }
        self.tally.stlb_misses += 1;
        self.fill(shared, memory, stack, addr, kind, populate)
    }

    /// A walk for an access that the cached entry does not allow. That entry goes first, with whatever else is
    /// found for its address: otherwise one of a smaller size would hide the new translation for ever.
    #[cold]
    fn upgrade<B: Below, P: Populate<B>>(
        &mut self,
        shared: &mut Caches,
        memory: Cycles,
        stack: &mut Stack<B>,
        addr: Addr<Gva>,
        kind: AccessKind,
        populate: &mut P,
    ) -> Result<Piece, Ended<P::Error>> {
        self.tally.upgrade_walks += 1;
        self.remove_found(addr);
        self.fill(shared, memory, stack, addr, kind, populate)
    }

    /// A walk, and the insertion of what it finds.
    #[inline(always)]
    fn fill<B: Below, P: Populate<B>>(
        &mut self,
        shared: &mut Caches,
        memory: Cycles,
        stack: &mut Stack<B>,
        addr: Addr<Gva>,
        kind: AccessKind,
        populate: &mut P,
    ) -> Result<Piece, Ended<P::Error>> {
        match self.walk(shared, memory, stack, addr, kind, populate) {
            Ok(Walked { packed, size }) => {
                self.tally.translations[size.index()] += 1;
                self.second_level.insert(addr, packed, size, kind, self.tags);
                let held = self.first_level.insert(addr, packed, size, kind, self.tags);
                Ok(Piece { packed, size: held.unwrap_or(size) })
            }
            Err(Ended::Fault(fault)) => {
                self.faulted(addr, fault);
                Err(Ended::Fault(fault))
            }
            Err(ended) => Err(ended),
        }
    }
}
