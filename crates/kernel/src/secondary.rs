//! Tables that processors walk in place of the one of a hypervisor's process, which has the memory of their machine.
//!
//! The accessed bits of a machine's memory are theirs: whoever asks a hypervisor which pages are used has to be answered
//! from them, too. Linux asks them as secondary MMUs (`mmu_notifier_test_young` and `mmu_notifier_clear_young`, which
//! come to `kvm_test_age_gfn` and `kvm_age_gfn` in virt/kvm and arch/x86/kvm/mmu).

use std::fmt;

use terrace_addr::{Addr, Hva, Page, PageSize, Space, Span};
use terrace_policy::{Leaf, SpaceId};
use terrace_table::{Format, LeafFlags};

use crate::{Shadow, Vm};

/// A table that is walked in place of that of an address space, whose leaves lie within its leaves and lead to the same
/// frames. What a leaf says of use is lost with it; KVM long handed it to the page (`kvm_set_pfn_accessed`), whose own
/// flag nobody asks here.
pub trait SecondaryTable<U: Space, L: Space>: fmt::Debug {
    /// The address space.
    fn space(&self) -> SpaceId;

    /// Notes of which of these leaves of the space, in the order of their addresses, a part was used.
    fn note_used(&self, leaves: &mut [Leaf]);

    /// Clears the accessed bits of what a leaf of the space maps; with `flush`, whose bit was set is to be flushed.
    fn clear_used(&mut self, leaf: &Leaf, flush: bool);
}

/// The addresses of the process that a leaf maps.
fn span_of(leaf: &Leaf) -> Span<Hva> {
    Span { start: leaf.page.start().reinterpret(), bytes: leaf.size().bytes() }
}

/// The extended page table of a machine.
impl<G: Space, L: Space> SecondaryTable<Hva, L> for &mut Vm<G, L> {
    fn space(&self) -> SpaceId {
        Vm::space(self)
    }

    /// One pass over both tables.
    fn note_used(&self, leaves: &mut [Leaf]) {
        let (Some(first), Some(last)) = (leaves.first(), leaves.last()) else { return };
        let (start, end) = (first.page.start(), last.page.next().start());
        let whole = Span { start: start.reinterpret(), bytes: end.get() - start.get() };
        let Some(whole) = self.guest_span(whole) else { return };
        let mut used = self.used(whole).peekable();
        for leaf in leaves {
            let Some(part) = self.guest_span(span_of(leaf)) else { continue };
            while used.next_if(|page| page.next().start() <= part.start).is_some() {}
            leaf.accessed |= used.peek().is_some_and(|page| page.start() < part.start.offset_by(part.bytes));
        }
    }

    fn clear_used(&mut self, leaf: &Leaf, flush: bool) {
        self.clear_accessed(span_of(leaf), flush);
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
    fn over(&self, leaf: &Leaf) -> impl Iterator<Item = terrace_table::Leaf<U, L>> {
        let (span, frame) = (span_of(leaf), leaf.frame.reinterpret::<L>());
        let guest = self.vm.guest_span(span);
        let start = guest.map_or(Addr::ZERO, |guest| guest.start);
        let pages = guest.map_or(0, |guest| guest.bytes >> PageSize::Size4K.shift());
        let middles = (0..pages).map(move |page| start.offset_by(page << PageSize::Size4K.shift()));
        let place = move |at| Some(frame.offset_by(self.vm.host_virtual(at)?.get() - span.start.get()));
        let placed = middles.filter_map(move |at| Some((at, place(at)?)));
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

    fn note_used(&self, leaves: &mut [Leaf]) {
        for leaf in leaves {
            leaf.accessed =
                leaf.accessed || self.over(leaf).any(|over| over.flags.contains(LeafFlags::ACCESSED));
        }
    }

    fn clear_used(&mut self, leaf: &Leaf, flush: bool) {
        let used = self.over(leaf).filter(|leaf| leaf.flags.contains(LeafFlags::ACCESSED));
        let mut pages: Vec<_> = used.map(|leaf| leaf.page).collect();
        pages.dedup();
        for page in pages {
            self.shadow.clear_accessed(page, flush);
        }
    }
}
