//! Synchronisation points: where a guest invalidates.

use terrace_addr::{Addr, Hva, PageSize, Space, Span};
use terrace_table::{Format, Leaf, LeafFlags, SimulatedMemory, Table};

use super::trap::reach;
use super::{Shadow, State, composed, permissions};
use crate::{Kernel, Vm};

impl<U: Space, G: Space, F: Format, L: Space> Shadow<U, G, F, L> {
    /// Everything is compared that may be stale: at INVEPT, INVVPID of all, MOV to CR3 (KVM: `kvm_mmu_sync_roots`).
    /// How many tables were compared.
    pub fn synchronise<V: Format>(
        &mut self,
        hypervisor: &Kernel<Hva, L>,
        upper: &Table<U, V, SimulatedMemory<G>>,
        vm: &Vm<G, L>,
    ) -> u64 {
        let unsync = std::mem::take(&mut self.unsync);
        for &start in &unsync {
            self.compare(hypervisor, upper, vm, Span { start: Addr::truncate(start), bytes: reach(2) });
            if let Some(state) = self.nodes.get_mut(&(1, start)) {
                *state = State::Protected;
            }
            self.counts.resynchronised += 1;
        }
        terrace_addr::convert::count(unsync.len())
    }

    /// What was composed for one address is compared: at INVLPG (KVM: `kvm_mmu_invlpg`).
    pub fn synchronise_address<V: Format>(
        &mut self,
        hypervisor: &Kernel<Hva, L>,
        upper: &Table<U, V, SimulatedMemory<G>>,
        vm: &Vm<G, L>,
        addr: Addr<U>,
    ) {
        let page = terrace_addr::Page::containing(addr, PageSize::Size4K);
        self.compare(hypervisor, upper, vm, page.into());
    }

    /// Removes the leaves of a range that are no longer the composition of both layers.
    fn compare<V: Format>(
        &mut self,
        hypervisor: &Kernel<Hva, L>,
        upper: &Table<U, V, SimulatedMemory<G>>,
        vm: &Vm<G, L>,
        span: Span<U>,
    ) {
        let leaves: Vec<Leaf<U, L>> = self.table.leaves(span).collect();
        for leaf in leaves {
            if self.is_joined(leaf.page.start()) && leaf.page.size() == PageSize::Size2M {
                self.compare_parts(hypervisor, upper, vm, &leaf, span);
            } else {
                let at = leaf.page.start();
                let current = composition(hypervisor, upper, vm, &leaf, at);
                if current.is_none_or(|(_, size)| size < leaf.page.size()) {
                    self.remove_page(leaf.page);
                }
            }
        }
    }

    /// Compares the parts of a pseudo huge page that lie in a range.
    fn compare_parts<V: Format>(
        &mut self,
        hypervisor: &Kernel<Hva, L>,
        upper: &Table<U, V, SimulatedMemory<G>>,
        vm: &Vm<G, L>,
        joined: &Leaf<U, L>,
        span: Span<U>,
    ) {
        for part in 0..joined.page.size().base_pages() {
            let at = joined.page.start().offset_by(part * PageSize::Size4K.bytes());
            let asked = at.get().wrapping_sub(span.start.get()) < span.bytes;
            if asked && composition(hypervisor, upper, vm, joined, at).is_none() {
                self.remove_part(at);
            }
        }
    }
}

/// Where `at` goes and how large a leaf for it may be, if a leaf has there what both layers make: the same frame,
/// nothing more allowed. None is where the upper leaf is not accessed: its next use has to come here to set the bit
/// (`paging_tmpl.h`: `FNAME(prefetch_invalid_gpte)`).
pub(super) fn composition<U: Space, G: Space, L: Space, V: Format>(
    hypervisor: &Kernel<Hva, L>,
    upper: &Table<U, V, SimulatedMemory<G>>,
    vm: &Vm<G, L>,
    leaf: &Leaf<U, L>,
    at: Addr<U>,
) -> Option<(Addr<G>, PageSize)> {
    let part = upper.lookup(at)?;
    let middle = part.translate(at);
    let expected = composed(at, part, vm.backing(hypervisor, middle)?);
    let same = part.flags.contains(LeafFlags::ACCESSED)
        && leaf.translate(at) == expected.translate(at)
        && expected.flags.contains(permissions(leaf));
    same.then_some((middle, expected.page.size()))
}
