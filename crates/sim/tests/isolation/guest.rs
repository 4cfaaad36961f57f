//! A guest that writes whatever it likes into its page tables.

use terrace_addr::{Addr, Gpa, Gva, Hpa, Page, PageSize};
use terrace_kernel::Vm;
use terrace_mmu::{GuestTable, SegmentPair};
use terrace_policy::SpaceId;
use terrace_table::{
    Entry, Format, FrameSource, LeafFlags, Levels, SimulatedMemory, Table, TableMemory, X86,
};

/// Hands out table pages from any address on: also where the guest has no memory.
struct Tables {
    last: u64,
    /// Whether one came back.
    freed: bool,
}

impl Tables {
    const fn from(last: u64) -> Self {
        Self { last, freed: false }
    }
}

impl FrameSource<Gpa> for Tables {
    fn take(&mut self) -> Option<Addr<Gpa>> {
        self.last = (self.last + 0x1000) & ADDRESSES;
        Some(Addr::truncate(self.last))
    }
    fn give_back(&mut self, _: Addr<Gpa>) {
        self.freed = true;
    }
}

/// Physical addresses have 52 bits; table pages begin at multiples of 4 KiB.
const ADDRESSES: u64 = (1 << 52) - 0x1000;

/// A virtual machine and its guest.
pub(crate) struct Guest {
    pub(crate) vm: Vm<Gpa, Hpa>,
    pub(crate) table: GuestTable<Gpa>,
    tables: Tables,
    /// What the machine's CPUs hold.
    pub(crate) segments: Option<SegmentPair>,
    /// Its memory, as far as it has not given it up.
    pub(crate) memory: u64,
    pub(crate) vpid: u16,
    /// Each page table has its own: what is cached of another is not what this one's nodes are.
    pub(crate) pcid: u16,
}

impl Guest {
    pub(crate) fn new(vm: Vm<Gpa, Hpa>, vpid: u16) -> Self {
        let mut tables = Tables::from(0x1_0000);
        let table = empty(&mut tables);
        let memory = vm.bytes().get();
        Self { vm, table, tables, segments: None, memory, vpid, pcid: 0 }
    }

    pub(crate) fn space(&self) -> SpaceId {
        self.vm.space()
    }

    /// Its addresses: few, in a few tables.
    pub(crate) fn addr(choice: u16) -> Addr<Gva> {
        let choice = u64::from(choice);
        let (top, table, page) = (choice & 1, choice >> 1 & 1, choice >> 2 & 3);
        Addr::truncate((top << 39) + (table << 21) + (page << 12) + (choice >> 7 << 3))
    }

    /// A guest-physical address that might lead out: near the limit, where the sum with the base wraps around, where the
    /// sum is in another machine's memory, its own, or any.
    pub(crate) fn wild(&self, bits: u64, of_others: &[u64]) -> u64 {
        let low = self.segments.map_or(0, |segments| segments.low.base.get());
        let near = (bits >> 8 & 3).wrapping_sub(1).wrapping_mul(0x1000);
        let at = match bits & 15 {
            0..=2 => self.memory.wrapping_add(near),
            3 => self.vm.bytes().get().wrapping_add(near),
            4 => self.segments.map_or(0, |segments| segments.split.get()).wrapping_add(near),
            5 => 0_u64.wrapping_sub(low).wrapping_add(near),
            6 => (1_u64 << 52).wrapping_sub(low).wrapping_add(near),
            7..=9 => of_others
                .get(usize::from(bits.to_le_bytes()[2]) % of_others.len().max(1))
                .copied()
                .unwrap_or(0)
                .wrapping_sub(low),
            10 if bits & 0x70 == 0 => bits >> 7,
            _ => (bits >> 8) % self.memory.max(1),
        };
        at & ADDRESSES
    }

    /// Maps a page, at whatever frame.
    pub(crate) fn map(&mut self, addr: Addr<Gva>, size: PageSize, frame: u64) {
        let page = Page::containing(addr, size);
        let frame = Addr::<Gpa>::truncate(frame).align_down(size);
        let _may_be_mapped = self.table.map(page, frame, LeafFlags::everything(), &mut self.tables);
        // In the simulator a cached node that is another table's now is no memory at all; where it lies the walker checks.
        if std::mem::take(&mut self.tables.freed) {
            self.pcid = (self.pcid + 1) & 0xfff;
        }
    }

    pub(crate) fn unmap(&mut self, addr: Addr<Gva>) {
        if let Some(leaf) = self.table.lookup(addr) {
            let _not_flushed = self.table.unmap(leaf.page);
        }
    }

    /// Writes another frame number into an entry on the way to an address.
    pub(crate) fn corrupt(&mut self, addr: Addr<Gva>, level: usize, frame: u64) {
        let Some(step) = self.table.path(addr).nth(level) else { return };
        if X86::is_present(step.entry) {
            let flags = step.entry.0 & !ADDRESSES;
            self.table.memory_mut().write(step.node, step.index, Entry(flags | frame & ADDRESSES));
        }
    }

    /// Begins a new page table whose pages lie from any address on.
    pub(crate) fn move_tables(&mut self, to: u64) {
        self.tables = Tables::from(to & ADDRESSES);
        self.pcid = (self.pcid + 1) & 0xfff;
        self.table = empty(&mut self.tables);
    }
}

fn empty(tables: &mut Tables) -> GuestTable<Gpa> {
    Table::new(X86::new(Levels::Four), SimulatedMemory::new(), tables).expect("there is always a frame")
}
