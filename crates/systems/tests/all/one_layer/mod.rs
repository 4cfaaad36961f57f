//! One kernel with the policy of a system, driven by hand.
#![allow(dead_code, reason = "each test uses some of it")]

use terrace_addr::{AccessKind, Addr, Bytes, Cycles, Gpa, Gva, Nanos, Page, PageSize};
use terrace_frames::fragment::{Fragmented, Fragmenter};
use terrace_frames::{FrameState, Mobility, NodeId, NodeSpec, Order};
use terrace_kernel::{Kernel, KernelCosts, Settings};
use terrace_policy::{Advice, Budget, Count, NextWake, Policy, Role, SpaceId, Value, Values};
use terrace_table::{Leaf, LeafFlags, Levels};

pub(crate) const NODE: NodeId = NodeId::new(0);
/// The bytes of a block of 2M.
pub(crate) const BLOCK: u64 = 2 << 20;
pub(crate) const BASE: u64 = 4096;
pub(crate) const SECOND: u64 = 1_000_000_000;
/// Where programs' addresses end under 4 levels (`TASK_SIZE_MAX`, `arch/x86/include/asm/page_64.h`).
const AREAS_END: u64 = (1 << 47) - 4096;

/// Looking at an entry costs something here, and changing one; nothing else does.
const SCAN: Cycles = Cycles::new(10);
const REMAP: Cycles = Cycles::new(500);

/// One kernel with the policy of a system.
#[derive(Debug)]
pub(crate) struct OneLayer {
    pub(crate) kernel: Kernel<Gva, Gpa>,
    pub(crate) policy: Box<dyn Policy>,
    now: u64,
    wake: NextWake,
}

impl OneLayer {
    /// A kernel with so many blocks of 2M, all free, and a system with these values beside its defaults.
    pub(crate) fn new(system: &str, values: &[(&str, Value)], blocks: u64) -> Self {
        let mut costs = KernelCosts::default();
        (costs.scan, costs.remap) = (SCAN, REMAP);
        let settings = Settings { role: Role::Guest, levels: Levels::Four, costs, areas_end: AREAS_END };
        let memory = NodeSpec { start: Addr::ZERO, bytes: Bytes::new(blocks * BLOCK) };
        let mut kernel = Kernel::new(settings, &[memory]).unwrap();
        let system = terrace_systems::registry().iter().find(|found| found.name == system).unwrap();
        let mut chosen = Values::defaults(system.parameters);
        for &(name, value) in values {
            chosen.set(system.parameters, name, value).unwrap();
        }
        let policy = (system.build)(Role::Guest, &chosen).unwrap();
        kernel.prepare(policy.requires());
        Self { kernel, policy, now: 0, wake: NextWake::At(Nanos::ZERO) }
    }

    pub(crate) fn tell(&mut self) {
        self.kernel.expire_reservations();
        let events = self.kernel.take_events();
        self.policy.on_events(&mut self.kernel, &events);
    }

    pub(crate) fn begin(&mut self) -> SpaceId {
        let space = self.kernel.begin_space().unwrap();
        self.tell();
        space
    }

    /// A region of so many blocks, which begins at a multiple of 2M.
    pub(crate) fn map(&mut self, space: SpaceId, blocks: u64) -> Addr<Gva> {
        let bytes = Bytes::new(blocks * BLOCK);
        let start = self.kernel.map(&mut *self.policy, space, bytes, Advice::Default).unwrap();
        assert!(start.is_aligned(PageSize::Size2M));
        start
    }

    /// A program uses an address: it is mapped and accessed then.
    pub(crate) fn touch(&mut self, space: SpaceId, at: Addr<Gva>) -> Leaf<Gva, Gpa> {
        self.try_touch(space, at).expect("memory for a page")
    }

    pub(crate) fn try_touch(&mut self, space: SpaceId, at: Addr<Gva>) -> Option<Leaf<Gva, Gpa>> {
        let Self { kernel, policy, .. } = self;
        kernel.set_now(Nanos::new(self.now));
        let leaf = match kernel.leaf(space, at) {
            Some(leaf) => leaf,
            None => kernel.fault(&mut **policy, space, at, AccessKind::Store).ok()?,
        };
        let used = leaf.flags | LeafFlags::ACCESSED | LeafFlags::DIRTY;
        let table = &mut kernel.space_mut(space)?.table;
        let _no_walk_makes_anything_stale = table.replace(leaf.page, leaf.frame, used).unwrap();
        kernel.pending().clear();
        Some(leaf)
    }

    /// The first so many base pages of a region.
    pub(crate) fn touch_pages(&mut self, space: SpaceId, start: Addr<Gva>, pages: u64) {
        for page in 0..pages {
            self.touch(space, start.offset_by(page * BASE));
        }
    }

    /// One tick, now, if the policy wants it; what it may cost, and what it cost.
    pub(crate) fn tick_with(&mut self, cycles: u64) -> u64 {
        self.kernel.set_now(Nanos::new(self.now));
        self.tell();
        self.kernel.pending().clear();
        let mut budget = Budget::new(Cycles::new(cycles));
        self.wake = self.policy.tick(&mut self.kernel, &mut budget);
        let cost = self.kernel.pending().cycles().get();
        self.kernel.pending().clear();
        cost
    }

    /// Lets time pass, and the policy work when it wants to; what it cost.
    pub(crate) fn run_for(&mut self, nanos: u64) -> u64 {
        let end = self.now + nanos;
        let mut cost = 0;
        for _ in 0..100_000 {
            match self.wake {
                NextWake::At(at) if at.get() <= end => {
                    self.now = self.now.max(at.get());
                    let before = self.now;
                    cost += self.tick_with(1 << 40);
                    let at_once = matches!(self.wake, NextWake::At(at) if at.get() <= before);
                    assert!(!at_once, "a policy that is never done: {:?}", self.wake);
                }
                _ => {
                    self.now = end;
                    return cost;
                }
            }
        }
        panic!("{:?} wants to work all the time", self.policy);
    }

    pub(crate) fn count(&self, name: &str) -> u64 {
        let mut counts: Vec<Count> = Vec::new();
        self.policy.counts(&mut counts);
        counts.iter().find(|count| count.name == name).unwrap_or_else(|| panic!("no count {name}")).value
    }

    /// The leaves of a range, in order.
    pub(crate) fn leaves(&self, space: SpaceId) -> Vec<Leaf<Gva, Gpa>> {
        self.kernel.space(space).unwrap().table.all_leaves().collect()
    }

    /// How many runs of pages lie in runs of memory: one where all is contiguous.
    pub(crate) fn runs(&self, space: SpaceId) -> usize {
        let leaves = self.leaves(space);
        let breaks = leaves.windows(2).filter(|pair| {
            let bytes = pair[1].page.start().get() - pair[0].page.start().get();
            pair[1].frame.get().wrapping_sub(pair[0].frame.get()) != bytes
        });
        breaks.count() + usize::from(!leaves.is_empty())
    }

    /// Which blocks of a region are huge pages.
    pub(crate) fn huge_blocks(&self, space: SpaceId, start: Addr<Gva>) -> Vec<u64> {
        let leaves = self.leaves(space);
        let huge = leaves.iter().filter(|leaf| leaf.page.size() == PageSize::Size2M);
        huge.map(|leaf| (leaf.page.start().get() - start.get()) / BLOCK).collect()
    }

    /// Takes frames that cannot be moved, so that this share of free memory is in no free block of 2M.
    pub(crate) fn fragment(&mut self, wish: f64) -> Fragmented<Gpa> {
        let fragmenter = Fragmenter { node: NODE, wish, seed: 7, mobility: Mobility::Unmovable };
        fragmenter.drive(self.kernel.memory_mut())
    }

    /// Somebody takes a frame.
    pub(crate) fn occupy(&mut self, at: Addr<Gpa>) {
        self.kernel.memory_mut().allocate_at(at, Order::BASE, Mobility::Unmovable).unwrap();
    }

    pub(crate) fn free_bytes(&self) -> u64 {
        self.kernel.memory().free_bytes(NODE).get()
    }

    /// Every frame is behind one page at most, and is used.
    pub(crate) fn check(&self) {
        let mut frames = std::collections::BTreeSet::new();
        for (_, space) in self.kernel.spaces() {
            for leaf in space.table.all_leaves() {
                for part in 0..leaf.page.size().base_pages() {
                    let frame = leaf.frame.offset_by(part * BASE);
                    assert_eq!(self.kernel.memory().state(frame), FrameState::Used, "{frame:?}");
                    assert!(frames.insert(frame), "{frame:?} is behind two pages");
                }
            }
        }
    }
}

/// A block as a page.
pub(crate) fn huge_page(at: Addr<Gva>) -> Page<terrace_addr::Upper> {
    Page::containing(at.reinterpret(), PageSize::Size2M)
}

/// The numbers from 0 to `count`, each once, in an order that jumps: `step` and `count` have no common divisor.
pub(crate) fn jumping(count: u64, step: u64) -> impl Iterator<Item = u64> {
    (0..count).map(move |number| number * step % count)
}

pub(crate) const fn word(word: &'static str) -> Value {
    Value::Word(word)
}

pub(crate) fn seconds(seconds: u64) -> Value {
    Value::Time(Nanos::new(seconds * SECOND))
}
