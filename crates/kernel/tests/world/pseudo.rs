//! A guest hypervisor's table that is written by hand, what the host composes of it, and both layers by page numbers.

use std::collections::BTreeMap;

use terrace_addr::{AccessKind, Addr, Bytes, Ghpa, Gpa, Hpa, Hva, Page, PageSize, Span, Upper};
use terrace_frames::{Mobility, Order};
use terrace_kernel::{KernelCosts, NotJoined, Shadow, Synchronised, Trap, Vm};
use terrace_policy::{Abilities, Action, Fault, Layer, NestedUse, Placement, Policy};
use terrace_table::{Ept, FrameSource, Leaf, LeafFlags, Levels, SimulatedMemory, Table};

use super::{AREAS_END, BLOCK, Host, NODE, Told, base, number, pages, with_costs};

/// Pages of the guest hypervisor's memory. Its tables are elsewhere.
pub(crate) const MEMORY: u64 = 4 * BLOCK;
/// Blocks of the host's memory.
pub(crate) const HOST_BLOCKS: u64 = 10;

/// The block of the host that pages are gathered in.
pub(crate) const BEHIND: u64 = 3;

pub(crate) const JOINED: Option<(u64, PageSize)> = Some((BEHIND * BLOCK + 9, PageSize::Size2M));
pub(crate) const PARTED: Option<(u64, PageSize)> = Some((BEHIND * BLOCK + 9, PageSize::Size4K));

pub(crate) type Upper12 = Table<Gpa, Ept, SimulatedMemory<Ghpa>>;

/// Hands out the frames of the guest hypervisor's tables, behind its memory.
#[derive(Debug, Clone)]
pub(crate) struct Frames(u64);

impl FrameSource<Ghpa> for Frames {
    fn take(&mut self) -> Option<Addr<Ghpa>> {
        self.0 += 1;
        Some(base(MEMORY + self.0))
    }

    fn give_back(&mut self, _: Addr<Ghpa>) {}
}

/// A policy that moves the base pages that it hears of, as xGemini does.
#[derive(Debug, Clone)]
pub(crate) struct Mover {
    /// What serves faults.
    pub(crate) fault: Placement,
    /// Where the page goes; none is moved without it.
    pub(crate) to: Option<To>,
    pub(crate) heard: Vec<NestedUse>,
    /// For which pages of nested guests faults were.
    pub(crate) faults: Vec<Option<u64>>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum To {
    Frame(u64),
    /// To its place in this block, for pages of block 0.
    Block(u64),
}

impl Mover {
    pub(crate) const fn new(to: Option<To>) -> Self {
        Self { fault: Placement::Default, to, heard: Vec::new(), faults: Vec::new() }
    }
}

impl Policy for Mover {
    fn requires(&self) -> Abilities {
        Abilities::NESTED
    }

    fn on_fault(&mut self, _layer: &mut dyn Layer, fault: &Fault) -> Placement {
        self.faults.push(fault.nested);
        self.fault
    }

    fn on_nested_use(&mut self, layer: &mut dyn Layer, used: &NestedUse) {
        self.heard.push(*used);
        let to = match self.to {
            None => return,
            Some(To::Frame(frame)) => base(frame),
            Some(To::Block(block)) => base(block * BLOCK + (used.nested >> 12)),
        };
        let (space, page) = (used.space, Page::containing(used.addr, PageSize::Size4K));
        let _may_be_used = layer.apply(&Action::Migrate { space, page, to: Some(to) });
    }
}

/// EPT12, EPT01 and EPT02.
pub(crate) struct Layers {
    pub(crate) host: Host,
    pub(crate) vm: Vm<Ghpa, Hpa>,
    pub(crate) shadow: Shadow<Gpa, Ghpa, Ept, Hpa>,
    pub(crate) upper: Upper12,
    pub(crate) frames: Frames,
    memory: Addr<Hva>,
}

/// The page of 2M with this number.
pub(crate) fn huge(block: u64) -> Page<Gpa> {
    Page::from_start(base(block * BLOCK), PageSize::Size2M).unwrap()
}

/// The base page with this number.
pub(crate) fn small(page: u64) -> Page<Gpa> {
    Page::from_start(base(page), PageSize::Size4K).unwrap()
}

/// The middle page that a page is mapped to at first: the pages of a block are scattered over all blocks.
pub(crate) const fn scattered(page: u64) -> u64 {
    (page * 5 + 7) % (3 * BLOCK)
}

impl Layers {
    /// Nothing is mapped.
    pub(crate) fn empty() -> Self {
        Self::with_costs(KernelCosts::default())
    }

    /// The same, on a host whose work costs something.
    pub(crate) fn with_costs(costs: KernelCosts) -> Self {
        let mut host: Host = with_costs(HOST_BLOCKS * BLOCK, Levels::Four, AREAS_END, costs);
        let vm = Vm::new(&mut host, pages(MEMORY), Bytes::ZERO, Levels::Four).unwrap();
        let memory = host.space(vm.space()).unwrap().areas().next().unwrap().start;
        let shadow = Shadow::new(&mut host, Ept::new(Levels::Four)).unwrap();
        host.pending().clear();
        let mut frames = Frames(0);
        let upper = Table::new(Ept::new(Levels::Four), SimulatedMemory::new(), &mut frames).unwrap();
        Self { host, vm, shadow, upper, frames, memory }
    }

    /// The guest hypervisor maps the pages of so many blocks, scattered.
    pub(crate) fn mapped(blocks: u64) -> Self {
        let mut layers = Self::empty();
        for page in 0..blocks * BLOCK {
            layers.map(small(page), scattered(page), LeafFlags::everything());
        }
        layers
    }

    /// All pages of block 0 lie at their places in this block of the host, and were written.
    pub(crate) fn gathered(block: u64) -> Self {
        let mut layers = Self::mapped(2);
        layers.gather(0, block);
        layers
    }

    /// The same, joined; what became stale was flushed.
    pub(crate) fn joined(block: u64) -> Self {
        let mut layers = Self::gathered(block);
        layers.join(0).unwrap();
        layers.shadow.take_stale();
        layers.host.pending().clear();
        layers
    }

    /// The host's process's page of a middle page.
    pub(crate) fn process(&self, middle: u64) -> Addr<Hva> {
        self.memory.offset_by(middle << 12)
    }

    pub(crate) fn process_page(&self, middle: u64) -> Page<Upper> {
        Page::containing(self.process(middle).reinterpret(), PageSize::Size4K)
    }

    /// The guest hypervisor maps a page where nothing is mapped; the writes trap or not.
    pub(crate) fn map(&mut self, page: Page<Gpa>, middle: u64, flags: LeafFlags) -> Trap {
        let Self { upper, frames, shadow, .. } = self;
        let taken = frames.0;
        let _nothing_is_stale = upper.map(page, base(middle), flags, frames).unwrap();
        // With new tables the entry of a table that was there before is the one that refers to the first of them.
        let level = page.size().level() + terrace_addr::convert::low32(frames.0 - taken);
        shadow.written(page.start(), level)
    }

    pub(crate) fn unmap(&mut self, page: Page<Gpa>) -> Trap {
        let (_, _flushed_later) = self.upper.unmap(page).unwrap();
        self.shadow.written(page.start(), page.size().level())
    }

    /// The guest hypervisor writes another leaf where one is.
    pub(crate) fn replace(&mut self, page: u64, middle: u64, flags: LeafFlags) -> Trap {
        let leaf = self.upper.lookup(base(page)).unwrap();
        let _flushed_later = self.upper.replace(leaf.page, base(middle), flags).unwrap();
        self.shadow.written(base(page), leaf.page.size().level())
    }

    /// It changes the flags of a leaf.
    pub(crate) fn reflag(&mut self, page: u64, change: impl FnOnce(LeafFlags) -> LeafFlags) -> Trap {
        let leaf = self.upper.lookup(base(page)).unwrap();
        self.replace(page, number(leaf.frame), change(leaf.flags))
    }

    pub(crate) fn middle(&self, page: u64) -> Option<u64> {
        self.upper.lookup(base(page)).map(|leaf| number(leaf.translate(base(page))))
    }

    pub(crate) fn serve(
        &mut self,
        policy: &mut dyn Policy,
        page: u64,
        kind: AccessKind,
    ) -> Option<Synchronised> {
        let Self { host, vm, shadow, upper, .. } = self;
        shadow.violation(host, policy, upper, vm, base(page), kind).ok()
    }

    pub(crate) fn access(&mut self, page: u64, kind: AccessKind, lower: Placement) -> Option<Synchronised> {
        self.serve(&mut Told::fault(lower), page, kind)
    }

    /// Every page of a block is written, and brought to its place in a block of the host if that can be.
    pub(crate) fn gather(&mut self, block: u64, to: u64) {
        for part in 0..BLOCK {
            let (page, place) = (block * BLOCK + part, to * BLOCK + part);
            self.access(page, AccessKind::Store, Placement::Frame(base(place)));
            if self.leaf(page).is_some_and(|(frame, _)| frame != place) {
                self.migrate(page, place);
                self.access(page, AccessKind::Store, Placement::Default);
            }
        }
    }

    /// The host moves what is behind a page, if the frame is free.
    pub(crate) fn migrate(&mut self, page: u64, to: u64) -> bool {
        let Some(middle) = self.middle(page) else { return false };
        let (space, to) = (self.vm.space(), Some(base(to)));
        let moved = self.host.apply(&Action::Migrate { space, page: self.process_page(middle), to });
        self.lower_changed();
        moved.is_ok()
    }

    pub(crate) fn join(&mut self, block: u64) -> Result<(), NotJoined> {
        let Self { host, vm, shadow, upper, .. } = self;
        shadow.join(host, upper, vm, huge(block))
    }

    pub(crate) fn synchronise(&mut self) -> u64 {
        let Self { host, vm, shadow, upper, .. } = self;
        shadow.synchronise(host, upper, vm)
    }

    /// What the host changed goes at once.
    pub(crate) fn lower_changed(&mut self) {
        for span in self.changed() {
            self.shadow.lower_changed(span);
        }
    }

    /// What the host changed goes, after a look.
    pub(crate) fn follow_lower(&mut self) {
        for span in self.changed() {
            self.shadow.follow_lower(&self.host, &self.upper, &self.vm, span);
        }
    }

    fn changed(&mut self) -> Vec<Span<Ghpa>> {
        let stale = std::mem::take(self.host.pending()).stale;
        for stale in &stale {
            self.vm.invalidate(stale.span);
        }
        self.vm.settle();
        stale.iter().filter_map(|stale| self.vm.guest_span(stale.span)).collect()
    }

    /// Takes all free frames of the host.
    pub(crate) fn exhaust(&mut self) {
        let memory = self.host.memory_mut();
        while memory.allocate(NODE, Order::BASE, Mobility::Movable).is_some() {}
    }

    /// Where a page is composed to, and how large the leaf is.
    pub(crate) fn leaf(&self, page: u64) -> Option<(u64, PageSize)> {
        let leaf = self.shadow.table.lookup(base(page))?;
        Some((number(leaf.translate(base(page))), leaf.page.size()))
    }

    /// The base pages that are composed, and where to.
    pub(crate) fn composed(&self) -> BTreeMap<u64, (u64, LeafFlags)> {
        let parts = |leaf: Leaf<Gpa, Hpa>| {
            let parts = 0..leaf.page.size().base_pages();
            let (page, frame) = (number(leaf.page.start()), number(leaf.frame));
            parts.map(move |part| (page + part, (frame + part, leaf.flags & LeafFlags::PERMISSIONS)))
        };
        self.shadow.table.all_leaves().flat_map(parts).collect()
    }

    /// What both layers make of a page: the frame, and what is allowed there without the host's taking part.
    pub(crate) fn expected(&self, page: u64) -> Option<(u64, LeafFlags)> {
        let upper = self.upper.lookup(base(page))?;
        let lower = self.host.leaf(self.vm.space(), self.process(self.middle(page)?))?;
        let mut allowed = upper.flags & lower.flags & LeafFlags::PERMISSIONS;
        if !upper.flags.contains(LeafFlags::ACCESSED) {
            return None;
        }
        if !upper.flags.contains(LeafFlags::DIRTY) {
            allowed -= LeafFlags::WRITE;
        }
        Some((number(lower.translate(self.process(self.middle(page)?))), allowed))
    }
}
