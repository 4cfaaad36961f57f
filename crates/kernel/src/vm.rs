//! A virtual machine at its hypervisor: a memory slot, and the extended page table that is filled from it.
//!
//! The hypervisor's process holds the machine's memory in its own address space, and the extended page table follows
//! that, as in KVM: it is filled at violations, and what the kernel changes is removed from it (MMU notifiers).

use terrace_addr::{AccessKind, Addr, Bytes, Hva, Page, Space, Span};
use terrace_policy::{Advice, Policy, SpaceId};
use terrace_table::{Ept, Leaf, LeafFlags, Levels, SimulatedMemory, Table, TableError};

use crate::tables::TablePages;
use crate::{Kernel, KernelError};

/// A virtual machine at its hypervisor. `G` is the guest's physical space, `L` the hypervisor's.
#[derive(Debug, Clone)]
pub struct Vm<G: Space, L: Space> {
    /// The extended page table. Walkers set bits in it; nothing else may change it but the hypervisor.
    pub ept: Table<G, Ept, SimulatedMemory<L>>,
    space: SpaceId,
    start: Addr<Hva>,
    /// The first guest-physical address behind its memory.
    bytes: Bytes,
    /// Where it has none in between, for devices.
    hole: Option<Span<G>>,
    /// Translations to be flushed.
    stale: Vec<Span<G>>,
    /// Entries of the extended page table that were written: an address that each is for, and its level.
    written: Vec<(Addr<G>, u32)>,
    violations: u64,
    zapped: u64,
}

/// An address outside a machine's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outside;

/// What backs a guest-physical page: where it is, as large as an extended page table may map it.
pub type Backed<G, L> = Leaf<G, L>;

/// Where a hypervisor's process has the memory of its machine; 2M-aligned, in the middle of what programs may use.
const MEMORY_START: u64 = 0x7000_0000_0000;

impl<G: Space, L: Space> Vm<G, L> {
    /// A machine with so much memory, from guest-physical address 0 on, at `offset` bytes behind an address of the
    /// process that is a multiple of 1 GiB: where `offset` is no multiple of 2 MiB, no page of the process can be one
    /// of 2M of the guest.
    ///
    /// # Errors
    /// If there is no memory for the first tables.
    pub fn new(
        hypervisor: &mut Kernel<Hva, L>,
        bytes: Bytes,
        offset: Bytes,
        levels: Levels,
    ) -> Result<Self, KernelError> {
        Self::with_hole(hypervisor, bytes, None, offset, levels)
    }

    /// The same with a hole, where the machine has no memory: `bytes` counts it. The process has an area there too, which
    /// backs nothing of the machine, so that a policy may hold the memory that a segment over both sides wastes.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_hole(
        hypervisor: &mut Kernel<Hva, L>,
        bytes: Bytes,
        hole: Option<Span<G>>,
        offset: Bytes,
        levels: Levels,
    ) -> Result<Self, KernelError> {
        let space = hypervisor.begin_space()?;
        let start = Addr::<Hva>::truncate(MEMORY_START + offset.get());
        // QEMU asks for huge pages for the memory of its guests (system/physmem.c: `ram_block_add`).
        let advice = Advice::HugePage;
        if let Some(hole) = hole {
            let (from, to) = (hole.start.get(), hole.start.get() + hole.bytes);
            hypervisor.map_at(space, start, Bytes::new(from), advice, Some(0))?;
            hypervisor.map_at(space, start.offset_by(from), Bytes::new(hole.bytes), advice, None)?;
            let above = Bytes::new(bytes.get() - to);
            hypervisor.map_at(space, start.offset_by(to), above, advice, Some(to))?;
        } else {
            hypervisor.map_at(space, start, bytes, advice, Some(0))?;
        }
        let ept =
            hypervisor.with_table_pages(|pages| Table::new(Ept::new(levels), SimulatedMemory::new(), pages));
        let ept = ept.map_err(|_| hypervisor.out_of_memory("an extended page table"))?;
        Ok(Self {
            ept,
            space,
            start,
            bytes,
            hole,
            stale: Vec::new(),
            written: Vec::new(),
            violations: 0,
            zapped: 0,
        })
    }

    /// The address space of the process that holds its memory.
    pub const fn space(&self) -> SpaceId {
        self.space
    }

    /// The first guest-physical address behind its memory.
    pub const fn bytes(&self) -> Bytes {
        self.bytes
    }

    /// More memory at its end.
    ///
    /// # Errors
    /// If the process has no room behind it.
    pub fn grow(&mut self, hypervisor: &mut Kernel<Hva, L>, by: Bytes) -> Result<(), KernelError> {
        let above = self.hole.map_or(0, |hole| hole.start.get() + hole.bytes);
        hypervisor.grow(self.space, self.start.offset_by(above), by)?;
        self.bytes += by;
        Ok(())
    }

    /// Where the process has a guest-physical address.
    pub fn host_virtual(&self, addr: Addr<G>) -> Option<Addr<Hva>> {
        let in_hole = |hole: Span<G>| addr >= hole.start && addr.get() - hole.start.get() < hole.bytes;
        let outside = addr.get() >= self.bytes.get() || self.hole.is_some_and(in_hole);
        (!outside).then(|| self.start.offset_by(addr.get()))
    }

    /// What backs an address now, at the largest size at which the extended page table may map it: not larger than
    /// the process's page, equally aligned in both spaces, and inside the slot (KVM: `kvm_mmu_max_mapping_level` and
    /// `kvm_arch_create_memslot`, arch/x86/kvm).
    pub fn backing(&self, hypervisor: &Kernel<Hva, L>, addr: Addr<G>) -> Option<Backed<G, L>> {
        let at = self.host_virtual(addr)?;
        self.limited(addr, at, hypervisor.leaf(self.space, at)?)
    }

    /// What a leaf of the process that holds `at` gives the guest at `addr`.
    fn limited(&self, addr: Addr<G>, at: Addr<Hva>, leaf: Leaf<Hva, L>) -> Option<Backed<G, L>> {
        let mut size = leaf.page.size();
        loop {
            let page = Page::containing(addr, size);
            let congruent = addr.offset_in(size) == at.offset_in(size);
            if congruent && page.start().get() + size.bytes() <= self.bytes.get() {
                let frame = leaf.translate(at).align_down(size);
                return Some(Leaf { page, frame, flags: leaf.flags });
            }
            size = size.smaller()?;
        }
    }

    /// Backs an address that nothing backs yet, or finds what does.
    ///
    /// # Errors
    /// If it lies outside the machine's memory, or the hypervisor has no more.
    pub fn back(
        &mut self,
        hypervisor: &mut Kernel<Hva, L>,
        policy: &mut dyn Policy,
        addr: Addr<G>,
        kind: AccessKind,
    ) -> Result<Result<Backed<G, L>, Outside>, KernelError> {
        self.back_for(hypervisor, policy, addr, kind, None)
    }

    /// The same for a page of a nested guest, which touched this guest-physical address of its own.
    ///
    /// # Errors
    /// As [`back`](Self::back).
    pub fn back_for(
        &mut self,
        hypervisor: &mut Kernel<Hva, L>,
        policy: &mut dyn Policy,
        addr: Addr<G>,
        kind: AccessKind,
        nested: Option<u64>,
    ) -> Result<Result<Backed<G, L>, Outside>, KernelError> {
        let Some(at) = self.host_virtual(addr) else { return Ok(Err(Outside)) };
        let leaf = match hypervisor.leaf(self.space, at) {
            Some(leaf) => leaf,
            None => hypervisor.fault_for(policy, self.space, at, kind, nested)?,
        };
        Ok(self.limited(addr, at, leaf).ok_or(Outside))
    }

    /// Serves a violation of the extended page table: backs the address, and maps it.
    ///
    /// # Errors
    /// As [`back`](Self::back).
    pub fn violation(
        &mut self,
        hypervisor: &mut Kernel<Hva, L>,
        policy: &mut dyn Policy,
        addr: Addr<G>,
        kind: AccessKind,
    ) -> Result<Result<Backed<G, L>, Outside>, KernelError> {
        self.violations += 1;
        let backed = match self.back(hypervisor, policy, addr, kind)? {
            Ok(backed) => backed,
            Err(outside) => return Ok(Err(outside)),
        };
        if self.ept.lookup(addr).is_some_and(|leaf| (leaf.page, leaf.frame) == (backed.page, backed.frame)) {
            return Ok(Ok(backed));
        }
        let (ept, stale) = (&mut self.ept, &mut self.stale);
        let removed = stale.len();
        let installed = hypervisor.with_table_pages(|pages| install(ept, &backed, pages, stale));
        let level = installed.map_err(|error| {
            debug_assert!(matches!(error, TableError::NoFrame), "{error:?}");
            hypervisor.out_of_memory("an extended page table")
        })?;
        self.written.extend(self.stale[removed..].iter().map(|span| (span.start, level_of(span.bytes))));
        self.written.push((backed.page.start(), level));
        Ok(Ok(backed))
    }

    /// Removes from the extended page table what lies in a range of the process's addresses, whose mapping changed. The
    /// tables that become empty stay, as in KVM (`kvm_tdp_mmu_unmap_gfn_range`): a larger leaf takes their place later.
    pub fn invalidate(&mut self, span: Span<Hva>) {
        let Some(span) = self.guest_span(span) else { return };
        let pages: Vec<_> = self.ept.leaves(span).map(|leaf| leaf.page).collect();
        for page in pages {
            if self.ept.unmap(page).is_ok() {
                self.zapped += 1;
                self.stale.push(page.into());
                self.written.push((page.start(), page.size().level()));
            }
        }
    }

    /// The pages of a part of the guest's memory that were used, in the order of their addresses.
    pub(crate) fn used(&self, span: Span<G>) -> impl Iterator<Item = Page<G>> {
        let leaves = self.ept.leaves(span);
        leaves.filter(|leaf| leaf.flags.contains(LeafFlags::ACCESSED)).map(|leaf| leaf.page)
    }

    /// Clears the accessed bits of what a range of the process's addresses holds; with `flush` the translations whose bits
    /// were set are to be flushed.
    pub(crate) fn clear_accessed(&mut self, span: Span<Hva>, flush: bool) {
        let Some(span) = self.guest_span(span) else { return };
        let pages: Vec<_> = self.used(span).collect();
        for page in pages {
            let cleared = self.ept.clear_used(page, LeafFlags::ACCESSED);
            debug_assert!(cleared.is_ok(), "{cleared:?}");
            self.written.push((page.start(), page.size().level()));
            if flush {
                self.stale.push(page.into());
            }
        }
    }

    /// The part of the guest's memory that a range of the process's addresses holds.
    pub fn guest_span(&self, span: Span<Hva>) -> Option<Span<G>> {
        let end = (span.start.get().saturating_add(span.bytes)).min(self.start.get() + self.bytes.get());
        let start = span.start.get().max(self.start.get());
        let bytes = end.checked_sub(start).filter(|&bytes| bytes > 0)?;
        Some(Span { start: Addr::truncate(start - self.start.get()), bytes })
    }

    /// Translations that were removed, or whose accessed bits were cleared, since this was asked last: they are to be
    /// flushed on all its CPUs.
    pub fn take_stale(&mut self) -> Vec<Span<G>> {
        std::mem::take(&mut self.stale)
    }

    /// Forgets what is to be flushed and what was written since this was asked last: whether what was translated through
    /// the extended page table has to be flushed.
    pub fn settle(&mut self) -> bool {
        self.written.clear();
        let flush = !self.stale.is_empty();
        self.stale.clear();
        flush
    }

    /// Entries of the extended page table that were written since this was asked last, in tables that were there
    /// before: an address that each is for, and its level.
    pub fn take_written(&mut self) -> Vec<(Addr<G>, u32)> {
        std::mem::take(&mut self.written)
    }

    /// Violations that were served, and leaves that were removed because the kernel changed what was below.
    pub const fn counts(&self) -> (u64, u64) {
        (self.violations, self.zapped)
    }
}

/// The level of an entry that maps so many bytes.
pub(crate) const fn level_of(bytes: u64) -> u32 {
    (bytes.trailing_zeros() - 12) / 9 + 1
}

/// Maps what backs a page; smaller pages that are in its way go. The level of the entry that was written in a table
/// that was there before.
pub(crate) fn install<U: Space, F: terrace_table::Format, L: Space, P: Space>(
    table: &mut Table<U, F, SimulatedMemory<L>>,
    leaf: &Leaf<U, L>,
    pages: &mut TablePages<'_, P, L>,
    stale: &mut Vec<Span<U>>,
) -> Result<u32, TableError> {
    let flags = leaf.flags & LeafFlags::PERMISSIONS;
    let taken = pages.taken;
    let mut mapped = table.map(leaf.page, leaf.frame, flags, pages);
    if let Err(TableError::Mapped { .. }) = mapped {
        let in_the_way: Vec<_> = table.leaves(leaf.page.into()).map(|leaf| leaf.page).collect();
        for page in in_the_way {
            let (_, effects) = table.unmap(page)?;
            stale.extend_from_slice(effects.stale_spans());
        }
        mapped = table.map(leaf.page, leaf.frame, flags, pages);
    }
    let effects = mapped?;
    stale.extend_from_slice(effects.stale_spans());
    Ok(leaf.page.size().level() + pages.taken - taken)
}

impl<U: Space, L: Space> Kernel<U, L> {
    /// Work on a table whose pages come from this kernel's memory.
    pub(crate) fn with_table_pages<T>(&mut self, work: impl FnOnce(&mut TablePages<'_, U, L>) -> T) -> T {
        work(&mut self.table_pages())
    }
}
