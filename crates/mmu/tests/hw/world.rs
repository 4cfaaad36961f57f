//! Machines and tables for tests.

use terrace_addr::{Access, AccessKind, Addr, Gpa, Hpa, Page, PageSize, Space};
use terrace_machine::{Machine, parse};
use terrace_mmu::{Counters, Extended, GuestTable, Identity, Layout, Mmu, Stack};
use terrace_table::{Ept, FrameSource, LeafFlags, Levels, SimulatedMemory, Table, X86};

/// A machine with TLBs of 16 entries that hold all sizes, and whatever `more` adds.
pub(crate) fn machine(more: &str) -> Machine {
    let text = format!(
        r#"
        name = "test"
        description = "for a test"
        topology = {{ sockets = 1, cores = 2, threads = 1, source = "test" }}
        clock = {{ frequency = "1 GHz", source = "test" }}
        paging = {{ levels = 4, ept_levels = 4, accessed_dirty = true, ept_accessed_dirty = false, source = "test" }}
        vendor = "intel"
        memory.dram0 = {{ kind = "dram", size = "64 GiB", latency = "100 ns", bandwidth = "unlimited", source = "test" }}
        [tlb.l1i]
        level = 1
        serves = ["fetch"]
        pages = ["4K", "2M", "1G"]
        entries = 4
        ways = 4
        replacement = "lru"
        source = "test"
        [tlb.l1d]
        level = 1
        serves = ["load", "store"]
        pages = ["4K", "2M", "1G"]
        entries = 4
        ways = 4
        replacement = "lru"
        source = "test"
        [tlb.stlb]
        level = 2
        serves = ["fetch", "load", "store"]
        pages = ["4K", "2M", "1G"]
        entries = 16
        ways = 16
        replacement = "lru"
        latency = 7
        source = "test"
        {more}"#
    );
    parse(&text, "test", &[]).unwrap()
}

/// Hands out frames from one address on.
pub(crate) struct Bump(pub(crate) u64);

impl<L: Space> FrameSource<L> for Bump {
    fn take(&mut self) -> Option<Addr<L>> {
        self.0 += 0x1000;
        Some(Addr::new(self.0))
    }
    fn give_back(&mut self, _: Addr<L>) {}
}

/// Where the test's program has its data.
pub(crate) const DATA: u64 = 0x7f00_0000_0000;

pub(crate) fn access(kind: AccessKind, at: u64, size: u16) -> Access {
    Access { addr: Addr::new(at), size, kind }
}

pub(crate) fn load(at: u64) -> Access {
    access(AccessKind::Load, at, 8)
}

pub(crate) fn store(at: u64) -> Access {
    access(AccessKind::Store, at, 8)
}

pub(crate) fn fetch(at: u64) -> Access {
    access(AccessKind::Fetch, at, 8)
}

pub(crate) fn mmu(machine: &Machine) -> Mmu {
    Mmu::new(machine, 1, &Layout::single(Addr::new(1 << 42))).unwrap()
}

/// Bare metal: virtual pages from [`DATA`] on are mapped to frames from 1 TiB on.
pub(crate) struct Native {
    pub(crate) mmu: Mmu,
    pub(crate) stack: Stack<Identity>,
    pub(crate) frames: Bump,
}

pub(crate) const FRAMES: u64 = 1 << 40;

impl Native {
    pub(crate) fn new(machine: &Machine) -> Self {
        let mut frames = Bump(0x10_0000);
        let levels = Levels::from_count(machine.paging.levels).unwrap();
        let first: GuestTable<Hpa> =
            Table::new(X86::new(levels), SimulatedMemory::new(), &mut frames).unwrap();
        Self { mmu: mmu(machine), stack: Stack { first, below: Identity }, frames }
    }

    /// Maps `count` pages of `size`, one after the other.
    pub(crate) fn with_pages(mut self, count: u64, size: PageSize) -> Self {
        for page in 0..count {
            self.map(DATA + page * size.bytes(), FRAMES + page * size.bytes(), size, LeafFlags::everything());
        }
        self
    }

    pub(crate) fn map(&mut self, at: u64, frame: u64, size: PageSize, flags: LeafFlags) {
        let page = Page::from_start(Addr::new(at), size).unwrap();
        let effects = self.stack.first.map(page, Addr::new(frame), flags, &mut self.frames).unwrap();
        assert!(effects.stale_spans().is_empty());
    }

    pub(crate) fn run(&mut self, access: Access) -> Result<terrace_mmu::Translation, terrace_mmu::Fault> {
        self.mmu.access(0, &mut self.stack, access)
    }

    pub(crate) fn counts(&self) -> Counters {
        self.mmu.counters(0)
    }
}

/// A guest on a host.
pub(crate) struct Virtual {
    pub(crate) mmu: Mmu,
    pub(crate) stack: Stack<Extended>,
    pub(crate) guest_frames: Bump,
    pub(crate) host_frames: Bump,
}

/// Guest-physical addresses of the guest's data start here; host-physical ones at [`FRAMES`] plus it.
pub(crate) const GUEST_DATA: u64 = 8 << 30;

impl Virtual {
    /// A guest with a page of `guest_size` at [`DATA`], on a host that backs everything with pages of `host_size`.
    pub(crate) fn new(machine: &Machine, guest_size: PageSize, host_size: PageSize) -> Self {
        let (mut guest_frames, mut host_frames) = (Bump(0x10_0000), Bump(0x10_0000));
        let levels = Levels::from_count(machine.paging.levels).unwrap();
        let ept_levels = Levels::from_count(machine.paging.ept_levels).unwrap();
        let first: GuestTable<Gpa> =
            Table::new(X86::new(levels), SimulatedMemory::new(), &mut guest_frames).unwrap();
        let table: Extended =
            Table::new(Ept::new(ept_levels), SimulatedMemory::new(), &mut host_frames).unwrap();
        let stack = Stack { first, below: table };
        let mut world = Self { mmu: mmu(machine), stack, guest_frames, host_frames };
        world.map_guest(DATA, GUEST_DATA, guest_size);
        // The guest's tables, within its first 2 MiB, and its data.
        for (start, bytes) in [(0, 2 << 20), (GUEST_DATA, guest_size.bytes().min(4 << 20))] {
            let mut at = start;
            while at < start + bytes {
                world.map_host(at, host_size);
                at += host_size.bytes();
            }
        }
        world
    }

    pub(crate) fn map_guest(&mut self, at: u64, frame: u64, size: PageSize) {
        let page = Page::from_start(Addr::new(at), size).unwrap();
        let frames = &mut self.guest_frames;
        let effects = self.stack.first.map(page, Addr::new(frame), LeafFlags::everything(), frames).unwrap();
        assert!(effects.stale_spans().is_empty());
    }

    pub(crate) fn map_host(&mut self, at: u64, size: PageSize) {
        let page = Page::containing(Addr::new(at), size);
        let frame = Addr::new(FRAMES).offset_by(page.start().get());
        let frames = &mut self.host_frames;
        let effects = self.stack.below.map(page, frame, LeafFlags::everything(), frames).unwrap();
        assert!(effects.stale_spans().is_empty());
    }

    pub(crate) fn run(&mut self, access: Access) -> Result<terrace_mmu::Translation, terrace_mmu::Fault> {
        self.mmu.access(0, &mut self.stack, access)
    }

    pub(crate) fn counts(&self) -> Counters {
        self.mmu.counters(0)
    }
}
