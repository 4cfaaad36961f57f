//! Who writes the upper of two tables that are composed: a guest's kernel, or a guest hypervisor.

use terrace_addr::{AccessKind, Addr, Bytes, Ghpa, Gpa, Gva, Hva, Space, Span};
use terrace_kernel::{Kernel, Vm};
use terrace_policy::{Advice, Placement, SpaceId};
use terrace_table::{Ept, Format, Levels, SimulatedMemory, Table, X86};

use super::change::{Change, make};
use super::{BLOCK, Told, kernel, pages};

/// Pages that the upper layer may map.
pub(crate) const PAGES: u64 = 3 * BLOCK;
/// Pages of the machine whose memory the upper layer maps to: room for its tables, too.
pub(crate) const MEMORY: u64 = 5 * BLOCK;

/// Who writes the upper tables.
pub(crate) trait Owner<U: Space, G: Space> {
    type Format: Format;
    fn table(&mut self) -> &mut Table<U, Self::Format, SimulatedMemory<G>>;
    /// Where the pages begin that tests are about.
    fn start(&self) -> Addr<U>;
    /// Serves a fault, if there is memory.
    fn serve(&mut self, at: Addr<U>, kind: AccessKind, placement: Placement);
    fn change(&mut self, change: &Change);
    /// Takes pages away, and lets them be used again.
    fn renew(&mut self, from: u64, count: u64);
    /// The entries of the table that were written since this was asked last.
    fn written(&mut self) -> Vec<(Addr<U>, u32)>;
}

/// Takes pages from an area and maps one there again.
pub(crate) fn renew<U: Space, L: Space>(
    kernel: &mut Kernel<U, L>,
    space: SpaceId,
    start: Addr<U>,
    count: u64,
) {
    let span = Span { start, bytes: count << 12 };
    if kernel.unmap(&mut Told::nothing(), space, span).is_ok() {
        kernel.map_at(space, start, pages(count), Advice::Default, None).unwrap();
    }
}

/// A guest's kernel under shadow paging.
pub(crate) struct Guest {
    pub(crate) kernel: Kernel<Gva, Gpa>,
    pub(crate) space: SpaceId,
}

impl Guest {
    pub(crate) const START: Addr<Gva> = Addr::new(0x4000_0000);

    pub(crate) fn new() -> Self {
        let mut kernel: Kernel<Gva, Gpa> = kernel(MEMORY);
        let space = kernel.begin_space().unwrap();
        kernel.map_at(space, Self::START, pages(PAGES), Advice::Default, None).unwrap();
        kernel.pending().clear();
        Self { kernel, space }
    }
}

impl Owner<Gva, Gpa> for Guest {
    type Format = X86;

    fn table(&mut self) -> &mut Table<Gva, X86, SimulatedMemory<Gpa>> {
        &mut self.kernel.space_mut(self.space).unwrap().table
    }

    fn start(&self) -> Addr<Gva> {
        Self::START
    }

    fn serve(&mut self, at: Addr<Gva>, kind: AccessKind, placement: Placement) {
        let _without_memory = self.kernel.fault(&mut Told::fault(placement), self.space, at, kind);
    }

    fn change(&mut self, change: &Change) {
        make(&mut self.kernel, self.space, change);
    }

    fn renew(&mut self, from: u64, count: u64) {
        renew(&mut self.kernel, self.space, Self::START.offset_by(from << 12), count);
    }

    fn written(&mut self) -> Vec<(Addr<Gva>, u32)> {
        let pending = std::mem::take(self.kernel.pending());
        pending.written.iter().map(|written| (written.addr, written.level)).collect()
    }
}

/// A guest hypervisor: its extended page table (EPT12) maps what its own guest takes for memory.
pub(crate) struct GuestHypervisor {
    kernel: Kernel<Hva, Ghpa>,
    vm: Vm<Gpa, Ghpa>,
    memory: Addr<Hva>,
}

impl GuestHypervisor {
    pub(crate) fn new() -> Self {
        let mut kernel: Kernel<Hva, Ghpa> = kernel(MEMORY);
        let vm = Vm::new(&mut kernel, pages(PAGES), Bytes::ZERO, Levels::Four).unwrap();
        kernel.pending().clear();
        let memory = kernel.space(vm.space()).unwrap().areas().next().unwrap().start;
        Self { kernel, vm, memory }
    }
}

impl Owner<Gpa, Ghpa> for GuestHypervisor {
    type Format = Ept;

    fn table(&mut self) -> &mut Table<Gpa, Ept, SimulatedMemory<Ghpa>> {
        &mut self.vm.ept
    }

    fn start(&self) -> Addr<Gpa> {
        Addr::ZERO
    }

    fn serve(&mut self, at: Addr<Gpa>, kind: AccessKind, placement: Placement) {
        let _without_memory = self.vm.violation(&mut self.kernel, &mut Told::fault(placement), at, kind);
    }

    fn change(&mut self, change: &Change) {
        make(&mut self.kernel, self.vm.space(), change);
    }

    fn renew(&mut self, from: u64, count: u64) {
        renew(&mut self.kernel, self.vm.space(), self.memory.offset_by(from << 12), count);
    }

    fn written(&mut self) -> Vec<(Addr<Gpa>, u32)> {
        for stale in std::mem::take(self.kernel.pending()).stale {
            self.vm.invalidate(stale.span);
        }
        self.kernel.pending().clear();
        self.vm.take_written()
    }
}
