//! Tables that processors walk in place of the one of a hypervisor's process, which has the memory of their machine.
//!
//! The accessed bits of a machine's memory are theirs: whoever asks a hypervisor which pages are used has to be answered
//! from them, too. Linux asks them as secondary MMUs (`mmu_notifier_test_young` and `mmu_notifier_clear_young`, which
//! come to `kvm_test_age_gfn` and `kvm_age_gfn` in virt/kvm and arch/x86/kvm/mmu).

use std::fmt;

use terrace_addr::{Addr, Hva, Page, PageSize, Space};
use terrace_policy::SpaceId;
use terrace_table::{Format, Leaf, LeafFlags};

use crate::{Shadow, Vm};

/// A table that is walked in place of that of an address space, whose leaves lie within its leaves and lead to the same
/// frames. What a leaf says of use is lost with it; KVM long handed it to the page (`kvm_set_pfn_accessed`), whose own
/// flag nobody asks here.
pub trait SecondaryTable<U: Space, L: Space>: fmt::Debug {
    /// The address space.
    fn space(&self) -> SpaceId;

    /// Whether a part of what a leaf of the space maps was used.
    fn is_used(&self, leaf: &Leaf<U, L>) -> bool;

    /// Clears the accessed bits of what a leaf of the space maps; with `flush`, whose bit was set is to be flushed.
    fn clear_used(&mut self, leaf: &Leaf<U, L>, flush: bool);
}

/// The extended page table of a machine.
impl<G: Space, L: Space> SecondaryTable<Hva, L> for &mut Vm<G, L> {
    fn space(&self) -> SpaceId {
        Vm::space(self)
    }

    fn is_used(&self, leaf: &Leaf<Hva, L>) -> bool {
        let span = self.guest_span(leaf.page.into());
        span.is_some_and(|span| self.ept.leaves(span).any(|leaf| leaf.flags.contains(LeafFlags::ACCESSED)))
    }

    fn clear_used(&mut self, leaf: &Leaf<Hva, L>, flush: bool) {
        self.clear_accessed(leaf.page.into(), flush);
    }
}

/// A table that is composed of a machine's own and the hypervisor's, with the machine.
#[derive(Debug)]
pub struct Composed<'a, U: Space, G: Space, F: Format, L: Space> {
    /// The table.
    pub shadow: &'a mut Shadow<U, G, F, L>,
    /// The machine.
    pub vm: &'a Vm<G, L>,
}

impl<U: Space, G: Space, F: Format, L: Space> Composed<'_, U, G, F, L> {
    /// The composed leaves that lie over what a leaf of the process maps, once for each base page. The reverse map may
    /// still lead to leaves that have since been put over other pages.
    fn leaves(&self, leaf: &Leaf<Hva, L>) -> impl Iterator<Item = Leaf<U, L>> {
        let leaf = *leaf;
        let guest = self.vm.guest_span(leaf.page.into());
        let start = guest.map_or(Addr::ZERO, |guest| guest.start);
        let pages = guest.map_or(0, |guest| guest.bytes >> PageSize::Size4K.shift());
        let middles = (0..pages).map(move |page| start.offset_by(page << PageSize::Size4K.shift()));
        let placed = middles.filter_map(move |at| Some((at, leaf.translate(self.vm.host_virtual(at)?))));
        placed.flat_map(|(middle, to)| {
            let over = self.shadow.over(Page::containing(middle, PageSize::Size4K));
            over.filter(move |(at, leaf)| leaf.translate(*at) == to).map(|(_, leaf)| leaf)
        })
    }
}

impl<U: Space, G: Space, F: Format, L: Space> SecondaryTable<Hva, L> for Composed<'_, U, G, F, L> {
    fn space(&self) -> SpaceId {
        self.vm.space()
    }

    fn is_used(&self, leaf: &Leaf<Hva, L>) -> bool {
        self.leaves(leaf).any(|leaf| leaf.flags.contains(LeafFlags::ACCESSED))
    }

    fn clear_used(&mut self, leaf: &Leaf<Hva, L>, flush: bool) {
        let used = self.leaves(leaf).filter(|leaf| leaf.flags.contains(LeafFlags::ACCESSED));
        let mut pages: Vec<_> = used.map(|leaf| leaf.page).collect();
        pages.dedup();
        for page in pages {
            self.shadow.clear_accessed(page, flush);
        }
    }
}
