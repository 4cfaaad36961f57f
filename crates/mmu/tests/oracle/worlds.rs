//! The engine and the oracle side by side, each with tables of its own that are changed alike.

use std::collections::BTreeMap;

use terrace_addr::{Access, Addr, Effects, Gpa, Gva, Hpa, Page, PageSize, Space};
use terrace_machine::Machine;
use terrace_mmu::{
    Below, Cause, Context, Extended, Fault, GuestTable, HostTable, Identity, Invalidation, Mmu, Stack,
};
use terrace_oracle::{Oracle, Tables, Tag};
use terrace_table::{
    Ept, Format, FrameSource, LeafFlags, Levels, SimulatedMemory, Table, TableError, TableMemory, X86,
};

use crate::history::{Change, Flush, Layer, Operation};

/// Hands out table pages: those that came back first.
#[derive(Default)]
struct Frames {
    next: u64,
    back: Vec<u64>,
}

impl<L: Space> FrameSource<L> for Frames {
    fn take(&mut self) -> Option<Addr<L>> {
        let frame = self.back.pop().unwrap_or_else(|| {
            self.next += 0x1000;
            self.next
        });
        Some(Addr::new(frame))
    }
    fn give_back(&mut self, frame: Addr<L>) {
        self.back.push(frame.get());
    }
}

/// A table twice: one copy for the engine, one for the oracle.
fn changed<U: Space, F: Format, M: TableMemory>(
    table: &mut Table<U, F, M>,
    frames: &mut Frames,
    at: u64,
    size: PageSize,
    change: Change,
) -> Result<Effects<U>, TableError>
where
    Frames: FrameSource<M::Space>,
{
    let page = Page::containing(place(table, at), size);
    match change {
        Change::Unmap => table.unmap(page).map(|(_, effects)| effects),
        Change::Protect(flags) => table.protect(page, flags),
        Change::ClearUsed(which) => table.clear_used(page, which).map(|(_, effects)| effects),
        Change::Split => table.split(page, frames),
        Change::Merge => table.merge(page, frames),
        Change::Prune => Ok(table.prune(page.start(), frames)),
    }
}

/// The address of `table`'s upper space for a place.
fn place<U: Space, F: Format, M: TableMemory>(table: &Table<U, F, M>, at: u64) -> Addr<U> {
    Addr::truncate(at).canonical_if_virtual(table.format().levels().width())
}

/// Where the page of `size` around `addr` is mapped to: few frames, so that pages share lines and tables.
fn frame_for<L: Space>(addr: u64, size: PageSize, base: u64) -> Addr<L> {
    Addr::new(base + ((addr >> size.shift()) % 4) * size.bytes())
}

pub(crate) trait World {
    fn new(machine: &Machine, seed: u64) -> Self;
    fn apply(&mut self, operation: &Operation) -> Result<(), String>;
    /// The counts of all cores, if they and the tables are equal.
    fn compare(&mut self) -> Result<BTreeMap<&'static str, u64>, String>;
}

/// Engine and oracle with their contexts.
struct Both {
    mmu: Mmu,
    oracle: Oracle,
    tags: [Tag; 2],
}

impl Both {
    fn new(machine: &Machine, seed: u64, tag: Tag) -> Self {
        let mmu = Mmu::new(machine, seed, Addr::new(1 << 37)).unwrap();
        let mut both = Self { mmu, oracle: Oracle::new(machine, seed), tags: [tag; 2] };
        for core in 0..2 {
            both.set(core, tag);
        }
        both
    }

    fn set(&mut self, core: usize, tag: Tag) {
        self.tags[core] = tag;
        self.mmu.set_context(core, Context { pcid: tag.pcid, vpid: tag.vpid, root: tag.root });
    }

    fn flush(&mut self, core: usize, flush: Flush) {
        let tag = self.tags[core];
        let invalidation = match flush {
            Flush::Page(at) => {
                let addr = Addr::truncate(at.0).canonical(terrace_addr::VirtualWidth::Bits48);
                self.oracle.invalidate_page(core, tag, addr);
                Invalidation::Page(addr)
            }
            Flush::Space => {
                self.oracle.invalidate_space(core, tag);
                Invalidation::Space
            }
            Flush::Root(root) => {
                self.oracle.invalidate_root(core, root);
                Invalidation::NestedRoot(root)
            }
            Flush::All => {
                self.oracle.invalidate_all(core);
                Invalidation::All
            }
        };
        let _removed = self.mmu.invalidate(core, invalidation);
    }

    /// Software that frees a table page must not leave it in any cache.
    fn flush_all(&mut self) {
        for core in 0..2 {
            self.flush(core, Flush::All);
        }
    }

    fn access<B: Below>(
        &mut self,
        core: usize,
        stack: &mut Stack<B>,
        tables: &mut Tables<'_>,
        access: Access,
    ) -> Result<Result<(), Fault>, String> {
        let ours = self.mmu.access(core, stack, access);
        let theirs = self.oracle.access(core, self.tags[core], tables, access);
        let translated = theirs.map(|found| terrace_mmu::Translation { addr: found.addr, size: found.size });
        let cause = |protection| if protection { Cause::Protection } else { Cause::NotPresent };
        let expected = translated.map_err(|fault| match fault {
            terrace_oracle::Fault::Page { addr, protection } => {
                Fault::Page { addr, cause: cause(protection) }
            }
            terrace_oracle::Fault::Ept { addr, protection } => {
                Fault::Extended { addr, cause: cause(protection) }
            }
        });
        same("result", &ours, &expected)?;
        Ok(ours.map(|_| ()))
    }

    fn counts(&self) -> Result<BTreeMap<&'static str, u64>, String> {
        let mut sums = BTreeMap::new();
        for core in 0..2 {
            let ours: BTreeMap<_, _> = self.mmu.counters(core).iter().collect();
            let theirs = self.oracle.counts(core);
            for (name, value) in &theirs {
                same(name, ours.get(name).unwrap_or(&u64::MAX), value)?;
                *sums.entry(*name).or_insert(0) += value;
            }
            same("number of counts", &ours.len(), &theirs.len())?;
        }
        Ok(sums)
    }
}

fn same<T: PartialEq + core::fmt::Debug>(what: &str, ours: &T, theirs: &T) -> Result<(), String> {
    if ours == theirs { Ok(()) } else { Err(format!("{what}: engine {ours:?}, oracle {theirs:?}")) }
}

fn equal_tables<U: Space, F: Format, L: Space>(
    ours: &Table<U, F, SimulatedMemory<L>>,
    theirs: &Table<U, F, SimulatedMemory<L>>,
) -> Result<(), String> {
    for (ours, theirs) in ours.all_leaves().zip(theirs.all_leaves()) {
        same("leaf", &ours, &theirs)?;
    }
    // The accessed bits of the entries above.
    for leaf in theirs.all_leaves() {
        let start = leaf.page.start();
        same("path", &ours.path(start).collect::<Vec<_>>(), &theirs.path(start).collect::<Vec<_>>())?;
    }
    same("leaves", &ours.all_leaves().count(), &theirs.all_leaves().count())
}

fn levels(count: u32) -> Levels {
    Levels::from_count(count).unwrap()
}

/// A table, and where its nodes come from.
type Copy<'a, U, F, L> = (&'a mut Table<U, F, SimulatedMemory<L>>, &'a mut Frames);

/// Maps the page of `size` around `addr`, or a smaller one where something is in the way, in both copies.
fn map_both<U: Space, F: Format, L: Space>(
    copies: [Copy<'_, U, F, L>; 2],
    addr: Addr<U>,
    size: PageSize,
    base: u64,
    flags: LeafFlags,
) -> bool {
    let mut freed = false;
    for (table, frames) in copies {
        let mut size = Some(size);
        while let Some(tried) = size {
            let page = Page::containing(addr, tried);
            match table.map(page, frame_for(page.start().get(), tried, base), flags, frames) {
                Ok(effects) => {
                    freed |= !effects.stale_spans().is_empty();
                    break;
                }
                Err(_) => size = tried.smaller(),
            }
        }
    }
    freed
}

pub(crate) struct Native {
    both: Both,
    ours: Stack<Identity>,
    our_frames: Frames,
    theirs: GuestTable<Hpa>,
    their_frames: Frames,
}

impl World for Native {
    fn new(machine: &Machine, seed: u64) -> Self {
        let format = X86::new(levels(machine.paging.levels));
        let new_table = || {
            let mut frames = Frames { next: 1 << 20, ..Frames::default() };
            let table: GuestTable<Hpa> = Table::new(format, SimulatedMemory::new(), &mut frames).unwrap();
            (table, frames)
        };
        let (first, our_frames) = new_table();
        let (theirs, their_frames) = new_table();
        let both = Both::new(machine, seed, Tag { pcid: 0, vpid: 0, root: 0 });
        Self { both, ours: Stack { first, below: Identity }, our_frames, theirs, their_frames }
    }

    fn apply(&mut self, operation: &Operation) -> Result<(), String> {
        match *operation {
            Operation::Access { core, at, size, kind, page, flags } => {
                let access = Access { addr: place(&self.theirs, at.0), size, kind };
                for _ in 0..3 {
                    let mut tables = Tables::Native(&mut self.theirs);
                    match self.both.access(core, &mut self.ours, &mut tables, access)? {
                        Err(Fault::Page { addr, cause: Cause::NotPresent }) if self.theirs.covers(addr) => {
                            let copies = [
                                (&mut self.ours.first, &mut self.our_frames),
                                (&mut self.theirs, &mut self.their_frames),
                            ];
                            if map_both(copies, addr, page, 4 << 30, flags) {
                                self.both.flush_all();
                            }
                        }
                        _ => break,
                    }
                }
            }
            Operation::Change { at, page, change, .. } => {
                let ours = changed(&mut self.ours.first, &mut self.our_frames, at.0, page, change);
                let theirs = changed(&mut self.theirs, &mut self.their_frames, at.0, page, change);
                same("change", &ours, &theirs)?;
                if matches!(change, Change::Merge | Change::Prune) {
                    self.both.flush_all();
                }
            }
            Operation::Flush { core, flush } => self.both.flush(core, flush),
            Operation::Context { core, pcid, .. } => self.both.set(core, Tag { pcid, vpid: 0, root: 0 }),
        }
        Ok(())
    }

    fn compare(&mut self) -> Result<BTreeMap<&'static str, u64>, String> {
        equal_tables(&self.ours.first, &self.theirs)?;
        self.both.counts()
    }
}

pub(crate) struct Virtual {
    both: Both,
    ours: Stack<Extended>,
    our_frames: [Frames; 2],
    their_guest: GuestTable<Gpa>,
    their_host: HostTable,
    their_frames: [Frames; 2],
}

impl World for Virtual {
    fn new(machine: &Machine, seed: u64) -> Self {
        let guest_format = X86::new(levels(machine.paging.levels));
        let host_format = Ept::new(levels(machine.paging.ept_levels));
        let new_tables = || {
            let mut frames = [1 << 20, 1 << 20].map(|next| Frames { next, ..Frames::default() });
            let [guest_frames, host_frames] = &mut frames;
            let guest: GuestTable<Gpa> =
                Table::new(guest_format, SimulatedMemory::new(), guest_frames).unwrap();
            let host: HostTable = Table::new(host_format, SimulatedMemory::new(), host_frames).unwrap();
            (guest, host, frames)
        };
        let (first, table, our_frames) = new_tables();
        let (their_guest, their_host, their_frames) = new_tables();
        let both = Both::new(machine, seed, Tag { pcid: 0, vpid: 1, root: 1 });
        let ours = Stack { first, below: Extended { table } };
        Self { both, ours, our_frames, their_guest, their_host, their_frames }
    }

    fn apply(&mut self, operation: &Operation) -> Result<(), String> {
        match *operation {
            Operation::Access { core, at, size, kind, page, flags } => {
                let access = Access { addr: place(&self.their_guest, at.0), size, kind };
                self.touch(core, access, page, flags)?;
            }
            Operation::Change { layer, at, page, change } => {
                if layer == Layer::First {
                    let ours = changed(&mut self.ours.first, &mut self.our_frames[0], at.0, page, change);
                    let theirs =
                        changed(&mut self.their_guest, &mut self.their_frames[0], at.0, page, change);
                    same("change", &ours, &theirs)?;
                } else {
                    // Guest memory is below 16 GiB.
                    let at = (4 << 30) + at.0 % (4 << 30);
                    let table = &mut self.ours.below.table;
                    let ours = changed(table, &mut self.our_frames[1], at, page, change);
                    let theirs = changed(&mut self.their_host, &mut self.their_frames[1], at, page, change);
                    same("change", &ours, &theirs)?;
                }
                if matches!(change, Change::Merge | Change::Prune) {
                    self.both.flush_all();
                }
            }
            Operation::Flush { core, flush } => self.both.flush(core, flush),
            Operation::Context { core, pcid, root } => self.both.set(core, Tag { pcid, vpid: 1, root }),
        }
        Ok(())
    }

    fn compare(&mut self) -> Result<BTreeMap<&'static str, u64>, String> {
        equal_tables(&self.ours.first, &self.their_guest)?;
        equal_tables(&self.ours.below.table, &self.their_host)?;
        self.both.counts()
    }
}

impl Virtual {
    /// An access, with what it misses mapped as it goes: now and then not, and then it stays a fault.
    fn touch(&mut self, core: usize, access: Access, page: PageSize, flags: LeafFlags) -> Result<(), String> {
        for _ in 0..12 {
            let mut tables =
                Tables::TwoDimensional { guest: &mut self.their_guest, host: &mut self.their_host };
            let freed = match self.both.access(core, &mut self.ours, &mut tables, access)? {
                Err(Fault::Page { addr, cause: Cause::NotPresent }) if self.their_guest.covers(addr) => {
                    self.map_guest(addr, page, flags)
                }
                Err(Fault::Extended { addr, cause: Cause::NotPresent }) if self.their_host.covers(addr) => {
                    // The host's page size follows from the address, so that all combinations occur.
                    let size = PageSize::ALL[usize::try_from((addr.get() >> 21) % 3).unwrap()];
                    self.map_host(addr, size, flags)
                }
                _ => return Ok(()),
            };
            if freed {
                self.both.flush_all();
            }
        }
        Ok(())
    }

    fn map_guest(&mut self, addr: Addr<Gva>, size: PageSize, flags: LeafFlags) -> bool {
        let ours = (&mut self.ours.first, &mut self.our_frames[0]);
        let theirs = (&mut self.their_guest, &mut self.their_frames[0]);
        map_both([ours, theirs], addr, size, 4 << 30, flags)
    }

    fn map_host(&mut self, addr: Addr<Gpa>, size: PageSize, flags: LeafFlags) -> bool {
        let ours = (&mut self.ours.below.table, &mut self.our_frames[1]);
        let theirs = (&mut self.their_host, &mut self.their_frames[1]);
        map_both([ours, theirs], addr, size, 8 << 30, flags)
    }
}
