//! Tables for tests.

use terrace_addr::{Addr, Effects, Gpa, Gva, Hpa, Page, PageSize, Space};
use terrace_table::{Ept, Format, FrameSource, LeafFlags, Levels, SimulatedMemory, Table, TableMemory, X86};

use crate::Tables;

/// Hands out frames from one address on.
struct Bump(u64);

impl<L: Space> FrameSource<L> for Bump {
    fn take(&mut self) -> Option<Addr<L>> {
        self.0 += 0x1000;
        Some(Addr::new(self.0))
    }

    fn give_back(&mut self, _: Addr<L>) {}
}

/// Filling absent entries leaves nothing to invalidate.
fn nothing_is_stale<S: Space>(effects: &Effects<S>) {
    assert!(effects.stale_spans().is_empty());
}

/// Bit 1 of an entry, which both formats have for writing.
const WRITE: u64 = 1 << 1;

/// Forbids stores in the entry of `level` for `addr`.
pub(crate) fn forbid_stores<U: Space, F: Format, M: TableMemory>(
    table: &mut Table<U, F, M>,
    addr: u64,
    level: u32,
) {
    let step = table.path(Addr::new(addr)).find(|step| step.level == level).unwrap();
    table.memory_mut().write(step.node, step.index, step.entry.without(WRITE));
}

/// Bare metal.
pub(crate) struct Native {
    pub(crate) table: Table<Gva, X86, SimulatedMemory<Hpa>>,
    frames: Bump,
}

impl Native {
    pub(crate) fn new(levels: Levels) -> Self {
        let mut frames = Bump(0x10_0000);
        let table = Table::new(X86::new(levels), SimulatedMemory::new(), &mut frames).unwrap();
        Self { table, frames }
    }

    /// Maps the page of `size` at `va` to `hpa`, with everything allowed.
    pub(crate) fn map(&mut self, va: u64, hpa: u64, size: PageSize) {
        self.map_with(va, hpa, size, LeafFlags::everything());
    }

    pub(crate) fn map_with(&mut self, va: u64, hpa: u64, size: PageSize, flags: LeafFlags) {
        let page = Page::from_start(Addr::new(va), size).unwrap();
        nothing_is_stale(&self.table.map(page, Addr::new(hpa), flags, &mut self.frames).unwrap());
    }

    pub(crate) fn tables(&mut self) -> Tables<'_> {
        Tables::Native(&mut self.table)
    }
}

/// A guest and its EPT. Guest-physical addresses are host-physical ones less [`HOST`](Self::HOST).
pub(crate) struct TwoDimensional {
    pub(crate) guest: Table<Gva, X86, SimulatedMemory<Gpa>>,
    pub(crate) host: Table<Gpa, Ept, SimulatedMemory<Hpa>>,
    guest_frames: Bump,
    host_frames: Bump,
}

impl TwoDimensional {
    pub(crate) const HOST: u64 = 1 << 40;
    /// The guest's tables are in the first 64 KiB from here.
    pub(crate) const GUEST_TABLES: u64 = 0x10_0000;

    /// Empty guest tables, in memory that EPT maps with leaves of `host_size`.
    pub(crate) fn new(guest: Levels, host: Levels, host_size: PageSize) -> Self {
        let mut guest_frames = Bump(Self::GUEST_TABLES - 0x1000);
        let mut host_frames = Bump(0x10_0000);
        let guest = Table::new(X86::new(guest), SimulatedMemory::new(), &mut guest_frames).unwrap();
        let host = Table::new(Ept::new(host), SimulatedMemory::new(), &mut host_frames).unwrap();
        let mut tables = Self { guest, host, guest_frames, host_frames };
        let first = Self::GUEST_TABLES & !(host_size.bytes() - 1);
        for gpa in (first..Self::GUEST_TABLES + 0x1_0000).step_by(usize::try_from(host_size.bytes()).unwrap())
        {
            tables.map_host(gpa, host_size);
        }
        tables
    }

    /// Maps a page of the guest, with everything allowed.
    pub(crate) fn map_guest(&mut self, va: u64, gpa: u64, size: PageSize) {
        self.map_guest_with(va, gpa, size, LeafFlags::everything());
    }

    pub(crate) fn map_guest_with(&mut self, va: u64, gpa: u64, size: PageSize, flags: LeafFlags) {
        let page = Page::from_start(Addr::new(va), size).unwrap();
        nothing_is_stale(&self.guest.map(page, Addr::new(gpa), flags, &mut self.guest_frames).unwrap());
    }

    /// Maps a guest-physical page, with everything allowed.
    pub(crate) fn map_host(&mut self, gpa: u64, size: PageSize) {
        self.map_host_with(gpa, size, LeafFlags::everything());
    }

    pub(crate) fn map_host_with(&mut self, gpa: u64, size: PageSize, flags: LeafFlags) {
        let page = Page::from_start(Addr::new(gpa), size).unwrap();
        let frame = Addr::new(gpa + Self::HOST);
        nothing_is_stale(&self.host.map(page, frame, flags, &mut self.host_frames).unwrap());
    }

    pub(crate) fn tables(&mut self) -> Tables<'_> {
        Tables::TwoDimensional { guest: &mut self.guest, host: &mut self.host }
    }
}
