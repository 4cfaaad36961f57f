//! Synchronisation points: where a guest invalidates.

use terrace_addr::{Addr, Hva, PageSize, Space, Span};
use terrace_table::{Format, Leaf, LeafFlags, SimulatedMemory, Table};

use super::{Shadow, State, composed, reach};
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
            if !is_current(hypervisor, upper, vm, &leaf) {
                self.remove_page(leaf.page);
            }
        }
    }
}

/// Whether a leaf lies inside the composition of both layers: the same frame, not larger, nothing more allowed. None is
/// where the upper leaf is not accessed: its next use has to come here to set the bit (`paging_tmpl.h`:
/// `FNAME(prefetch_invalid_gpte)`).
fn is_current<U: Space, G: Space, L: Space, V: Format>(
    hypervisor: &Kernel<Hva, L>,
    upper: &Table<U, V, SimulatedMemory<G>>,
    vm: &Vm<G, L>,
    leaf: &Leaf<U, L>,
) -> bool {
    let at = leaf.page.start();
    let Some(part) = upper.lookup(at) else { return false };
    let Some(backed) = vm.backing(hypervisor, part.translate(at)) else { return false };
    let expected = composed(at, part, backed);
    part.flags.contains(LeafFlags::ACCESSED)
        && leaf.page.size() <= expected.page.size()
        && leaf.frame == expected.translate(at)
        && expected.flags.contains(leaf.flags & LeafFlags::PERMISSIONS)
}
