//! What a hypervisor's policy hears of the pages that a nested guest uses.

use terrace_addr::{Addr, Hva, Space, Validity};
use terrace_policy::{Abilities, Heard, NestedUse, Policy};
use terrace_table::{Format, Leaf, SimulatedMemory, Table};

use super::Shadow;
use crate::{Kernel, Vm};

impl<U: Space, G: Space, F: Format, L: Space> Shadow<U, G, F, L> {
    /// Does what a policy requires of it: tells it of uses, and has all writes trapped.
    pub const fn serve(&mut self, required: Abilities) {
        if required.contains(Abilities::NESTED) {
            self.hears = true;
        }
        if required.contains(Abilities::TRAP_TABLES) {
            self.trap_tables();
        }
    }

    /// A write that trapped was emulated: if the entry is a leaf now, the policy is told for which page it is.
    pub fn heard<V: Format>(
        &self,
        hypervisor: &mut Kernel<Hva, L>,
        policy: &mut dyn Policy,
        upper: &Table<U, V, SimulatedMemory<G>>,
        vm: &Vm<G, L>,
        addr: Addr<U>,
        level: u32,
    ) {
        if !self.hears {
            return;
        }
        let Some(part) = upper.lookup(addr).filter(|part| part.page.size().level() == level) else { return };
        Self::tell(hypervisor, policy, vm, &part, addr, Heard::Write);
    }

    /// Tells the policy of a page that something backs already where `addr` leads. It may move it.
    pub(super) fn tell(
        hypervisor: &mut Kernel<Hva, L>,
        policy: &mut dyn Policy,
        vm: &Vm<G, L>,
        part: &Leaf<U, G>,
        addr: Addr<U>,
        heard: Heard,
    ) {
        let (Some(start), Some(at)) = (vm.host_virtual(part.frame), vm.host_virtual(part.translate(addr)))
        else {
            return;
        };
        let space = vm.space();
        if hypervisor.leaf(space, at).is_none() {
            return;
        }
        let nested = part.page.start().get();
        let used = NestedUse { space, addr: start.reinterpret(), nested, size: part.page.size(), heard };
        policy.on_nested_use(hypervisor, &used);
    }
}

/// The address at the nested guest, for faults: where the upper space is virtual there is no nested guest.
pub(super) const fn nested<U: Space>(addr: Addr<U>) -> Option<u64> {
    match U::VALIDITY {
        Validity::Below(_) => Some(addr.get()),
        Validity::Canonical(_) => None,
    }
}
