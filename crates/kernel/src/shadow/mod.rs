//! A table that a hypervisor composes of two others, and keeps in step with both.
//!
//! Shadow paging composes a guest's page table and the hypervisor's own mapping; nested virtualization composes the
//! extended page table of a guest hypervisor (EPT12) and the host's mapping into the one that the processor walks
//! (EPT02). Both are the same work, as in KVM (arch/x86/kvm/mmu):
//!
//! - A leaf is made at a violation, as large as the smaller of its two parts (`paging_tmpl.h`: `FNAME(page_fault)`,
//!   `FNAME(fetch)`), with the permissions of both. The upper leaf becomes accessed, and dirty at a store; until then
//!   the composed leaf forbids stores.
//! - The upper tables that were read are write-protected. A write to one of level 2 or above is emulated: what it led
//!   to is removed at once. The first write to one of level 1 lets it go *unsync*: later writes do not trap, and what
//!   was composed of it may be stale until the guest invalidates, which the architecture requires of it. Then it is
//!   compared entry by entry, and protected again.
//! - What changes below is removed at once, found by a reverse map.
//!
//! What KVM does not do, and a hypervisor that wants it asks for: a *pseudo huge page* is one leaf of 2M over 512 upper
//! leaves of 4K ([`Shadow::join`]), whose table does not go unsync while it is there; a policy hears which pages a
//! nested guest uses ([`Shadow::serve`]); and no table goes unsync at all ([`Shadow::trap_tables`]).
//!
//! The rule: at every synchronisation point each leaf equals the composition of the two layers' leaves; between a
//! write and the invalidation that it requires a stale leaf may be used, after it never.

use std::collections::BTreeMap;

use terrace_addr::{AccessKind, Addr, Hva, Page, PageSize, Space, Span};
use terrace_policy::{Heard, Policy};
use terrace_table::{Format, Leaf, LeafFlags, SimulatedMemory, Table, compose};

use crate::vm::install;
use crate::{Kernel, KernelError, Vm};

mod below;
mod counts;
mod heard;
mod join;
mod reverse;
mod sync;
mod trap;

pub use counts::ShadowCounts;
use heard::nested;
pub use join::NotJoined;
use reverse::ReverseMap;
use trap::State;
pub use trap::Trap;

/// What came of a violation of a composed table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Synchronised {
    /// A leaf is there now, of this size.
    Mapped(PageSize),
    /// The upper layer has no leaf that permits the access: its owner has to serve the fault.
    Reflect,
    /// The upper leaf leads outside the memory of the machine.
    Outside,
}

/// A table that is composed of an upper layer `U` to `G` and a hypervisor's `G` to `L`, in the format `F`.
#[derive(Debug, Clone)]
pub struct Shadow<U: Space, G: Space, F: Format, L: Space> {
    /// The composed table. Walkers set bits in it; nothing else may change it.
    pub table: Table<U, F, SimulatedMemory<L>>,
    /// The upper tables that were read, by level and first address.
    nodes: BTreeMap<(u32, u64), State>,
    unsync: Vec<u64>,
    reverse: ReverseMap<U, G>,
    stale: Vec<Span<U>>,
    counts: ShadowCounts,
    /// Whether the policy is told of uses.
    hears: bool,
    /// Whether no table of level 1 goes unsync.
    traps: bool,
    /// How many pseudo huge pages there are.
    joined: usize,
    /// Frames for the tables of base pages that pseudo huge pages are parted into: one for each, and those of pages
    /// that went as a whole, until they are given back.
    deposit: Vec<Addr<L>>,
    parted: Vec<Page<U>>,
}

impl<U: Space, G: Space, F: Format, L: Space> Shadow<U, G, F, L> {
    /// An empty table.
    ///
    /// # Errors
    /// If the hypervisor has no memory for its root.
    pub fn new(hypervisor: &mut Kernel<Hva, L>, format: F) -> Result<Self, KernelError> {
        let table = hypervisor.with_table_pages(|pages| Table::new(format, SimulatedMemory::new(), pages));
        let table = table.map_err(|_| hypervisor.out_of_memory("a composed page table"))?;
        Ok(Self {
            table,
            nodes: BTreeMap::new(),
            unsync: Vec::new(),
            reverse: ReverseMap::new(),
            stale: Vec::new(),
            counts: ShadowCounts::default(),
            hears: false,
            traps: false,
            joined: 0,
            deposit: Vec::new(),
            parted: Vec::new(),
        })
    }

    /// Serves a violation: composes the leaf for an address, backing what is below it.
    ///
    /// # Errors
    /// If the hypervisor has no memory left.
    pub fn violation<V: Format>(
        &mut self,
        hypervisor: &mut Kernel<Hva, L>,
        policy: &mut dyn Policy,
        upper: &mut Table<U, V, SimulatedMemory<G>>,
        vm: &mut Vm<G, L>,
        addr: Addr<U>,
        kind: AccessKind,
    ) -> Result<Synchronised, KernelError> {
        let Some(part) = upper.lookup(addr).filter(|part| permits(part.flags, kind)) else {
            return Ok(Synchronised::Reflect);
        };
        if self.deposit.len() > self.joined {
            self.give_back_spare(hypervisor);
        }
        let part = mark_used(upper, part, kind);
        let state = self.protect(addr, part.page.size(), upper.level_count());
        if self.hears {
            Self::tell(hypervisor, policy, vm, &part, addr, Heard::Use);
        }
        let Ok(backed) = vm.back_for(hypervisor, policy, part.translate(addr), kind, nested(addr))? else {
            return Ok(Synchronised::Outside);
        };
        let leaf = composed(addr, part, backed);
        if state == State::Joined
            && let Some(joined) = self.table.lookup(addr)
        {
            if joined.translate(addr) == leaf.translate(addr) && permissions(&joined) == permissions(&leaf) {
                return Ok(Synchronised::Mapped(joined.page.size()));
            }
            self.part(joined.page);
        }
        let Self { table, stale, .. } = self;
        hypervisor
            .with_table_pages(|pages| install(table, &leaf, pages, stale))
            .map_err(|_| hypervisor.out_of_memory("a composed page table"))?;
        self.reverse.add(&self.table, part.translate(leaf.page.start()), leaf.page);
        self.counts.composed += 1;
        Ok(Synchronised::Mapped(leaf.page.size()))
    }

    /// Removes all leaves of a range.
    fn remove(&mut self, span: Span<U>) {
        let pages: Vec<Page<U>> = self.table.leaves(span).map(|leaf| leaf.page).collect();
        for page in pages {
            self.remove_page(page);
        }
    }

    fn remove_page(&mut self, page: Page<U>) {
        if self.table.unmap(page).is_ok() {
            self.stale.push(page.into());
            self.counts.removed += 1;
            if page.size() == PageSize::Size2M && self.is_joined(page.start()) {
                self.end_joined(page);
            }
        }
    }

    /// The leaves that lie over a base page of the middle space, each with the upper address that leads there.
    pub(crate) fn over(&self, middle: Page<G>) -> impl Iterator<Item = (Addr<U>, Leaf<U, L>)> {
        let frame = middle.start().get() >> PageSize::Size4K.shift();
        let found = self.reverse.find(&self.table, frame);
        found.filter_map(|at| Some((at, self.table.lookup(at)?)))
    }

    /// Clears the accessed bit of a leaf; with `flush` its translation is to be flushed.
    pub(crate) fn clear_accessed(&mut self, page: Page<U>, flush: bool) {
        let cleared = self.table.clear_used(page, LeafFlags::ACCESSED);
        debug_assert!(cleared.is_ok(), "{cleared:?}");
        if flush {
            self.stale.push(page.into());
        }
    }

    /// The upper table is gone, as a process that ended: everything goes.
    pub fn clear(&mut self, hypervisor: &mut Kernel<Hva, L>) {
        let pages: Vec<Page<U>> = self.table.all_leaves().map(|leaf| leaf.page).collect();
        for &page in &pages {
            self.remove_page(page);
        }
        for page in pages {
            let table = &mut self.table;
            let effects = hypervisor.with_table_pages(|pages| table.prune(page.start(), pages));
            self.stale.extend_from_slice(effects.stale_spans());
        }
        self.nodes.clear();
        self.unsync.clear();
        self.give_back_spare(hypervisor);
    }

    /// Translations that were removed, or whose accessed bits were cleared, since this was asked last: they are to be
    /// flushed on all CPUs that use them.
    pub fn take_stale(&mut self) -> Vec<Span<U>> {
        std::mem::take(&mut self.stale)
    }

    /// What it did.
    pub const fn counts(&self) -> ShadowCounts {
        self.counts
    }
}

/// What a leaf permits.
fn permissions<U: Space, L: Space>(leaf: &Leaf<U, L>) -> LeafFlags {
    leaf.flags & LeafFlags::PERMISSIONS
}

/// Whether flags permit an access.
const fn permits(flags: LeafFlags, kind: AccessKind) -> bool {
    match kind {
        AccessKind::Load => true,
        AccessKind::Store => flags.contains(LeafFlags::WRITE),
        AccessKind::Fetch => flags.contains(LeafFlags::EXECUTE),
    }
}

/// Sets the bits in an upper leaf that a walk would have set: hardware sets them in the composed table only.
fn mark_used<U: Space, V: Format, G: Space>(
    upper: &mut Table<U, V, SimulatedMemory<G>>,
    part: Leaf<U, G>,
    kind: AccessKind,
) -> Leaf<U, G> {
    let mut flags = part.flags | LeafFlags::ACCESSED;
    if kind == AccessKind::Store {
        flags |= LeafFlags::DIRTY;
    }
    if flags != part.flags {
        // Bits that are set make nothing stale.
        let replaced = upper.replace(part.page, part.frame, flags);
        debug_assert!(replaced.is_ok(), "{replaced:?}");
    }
    Leaf { flags, ..part }
}

/// The leaf of both parts: without permission to store while the upper leaf is not dirty.
fn composed<U: Space, G: Space, L: Space>(addr: Addr<U>, part: Leaf<U, G>, backed: Leaf<G, L>) -> Leaf<U, L> {
    let mut leaf = compose(addr, part, backed);
    if !part.flags.contains(LeafFlags::DIRTY) {
        leaf.flags -= LeafFlags::WRITE;
    }
    leaf
}
