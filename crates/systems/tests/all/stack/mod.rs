//! Kernels with their policies on top of each other, in time: what the tests run systems in.
#![allow(dead_code, reason = "each test uses some of it")]

pub(crate) mod machines;

use std::collections::BTreeSet;

use terrace_addr::{
    AccessKind, Addr, Bytes, Cycles, Gva, Hpa, Hva, Nanos, Page, PageSize, Space, Span, convert,
};
use terrace_frames::fragment::Fragmenter;
use terrace_frames::{FrameState, Mobility, NodeId, NodeSpec};
use terrace_kernel::{Kernel, KernelCosts, KernelError, Settings, Vm};
use terrace_policy::{
    Advice, Budget, Counters, Event, Message, NextWake, Policy, Role, SpaceId, System, Value, Values,
};
use terrace_table::{LeafFlags, Levels};

pub(crate) const MIB: u64 = 1 << 20;
pub(crate) const HUGE: u64 = PageSize::Size2M.bytes();
pub(crate) const BASE: u64 = PageSize::Size4K.bytes();
pub(crate) const NODE: NodeId = NodeId::new(0);
/// Where programs' addresses end under 4 levels (`TASK_SIZE_MAX`, `arch/x86/include/asm/page_64.h`).
const AREAS_END: u64 = (1 << 47) - 4096;

/// A kernel and its policy.
#[derive(Debug)]
pub(crate) struct Half<U: Space, L: Space> {
    pub(crate) kernel: Kernel<U, L>,
    pub(crate) policy: Box<dyn Policy>,
    wake: Nanos,
}

impl<U: Space, L: Space> Half<U, L> {
    /// A kernel with so much memory, ruled by a system with these values set.
    pub(crate) fn new(role: Role, bytes: u64, system: &System, set: &[(&str, Value)]) -> Self {
        let costs = KernelCosts::default();
        let settings = Settings { role, levels: Levels::Four, costs, areas_end: AREAS_END };
        let memory = NodeSpec { start: Addr::new(0), bytes: Bytes::new(bytes) };
        let mut values = Values::defaults(system.parameters);
        for &(name, value) in set {
            values.set(system.parameters, name, value).unwrap();
        }
        let policy = (system.build)(role, &values).unwrap();
        Self { kernel: Kernel::new(settings, &[memory]).unwrap(), policy, wake: Nanos::ZERO }
    }

    /// Drives its index of fragmentation up.
    pub(crate) fn fragment(&mut self, wish: f64) {
        if wish <= 0.0 {
            return;
        }
        let fragmenter = Fragmenter { node: NODE, wish, seed: 7, mobility: Mobility::Unmovable };
        let reached = fragmenter.drive(self.kernel.memory_mut()).reached;
        assert!((reached - wish).abs() < 0.05, "{reached}");
    }

    pub(crate) fn tell(&mut self) {
        self.kernel.expire_reservations();
        let events = self.kernel.take_events();
        if !events.is_empty() {
            self.policy.on_events(&mut self.kernel, &events);
        }
    }

    fn tick(&mut self, now: Nanos) {
        self.kernel.set_now(now);
        if now < self.wake {
            return;
        }
        self.tell();
        let mut budget = Budget::new(Cycles::new(200_000_000));
        self.wake = match self.policy.tick(&mut self.kernel, &mut budget) {
            NextWake::Never => Nanos::new(u64::MAX),
            NextWake::At(at) => at.max(Nanos::new(now.get() + 1)),
        };
    }

    /// One of the counts of its policy.
    pub(crate) fn count(&self, name: &str) -> u64 {
        let mut counts = Vec::new();
        self.policy.counts(&mut counts);
        counts.iter().find(|count| count.name == name).unwrap_or_else(|| panic!("no count {name}")).value
    }

    /// Every frame is behind one page at most, and used.
    pub(crate) fn check(&self) {
        let mut frames = BTreeSet::new();
        for (_, space) in self.kernel.spaces() {
            for leaf in space.table.all_leaves() {
                for part in 0..leaf.page.size().base_pages() {
                    let frame = leaf.frame.offset_by(part * BASE);
                    assert!(frames.insert(frame), "{frame:?} is behind two pages");
                    assert_eq!(self.kernel.memory().state(frame), FrameState::Used);
                }
            }
        }
    }

    /// Base frames that are put aside and not used.
    pub(crate) fn reserved(&self) -> u64 {
        let memory = self.kernel.memory();
        let frames = (0..memory.total(NODE).get()).step_by(4096).map(Addr::new);
        convert::count(frames.filter(|&at| matches!(memory.state(at), FrameState::Reserved(_))).count())
    }
}

/// What backs the memory of a kernel.
pub(crate) trait Below<G: Space> {
    /// Backs a range, so that it can be accessed.
    fn back(&mut self, span: Span<G>) -> Result<(), KernelError>;
    /// How large what backs an address is mapped, in all layers.
    fn size(&self, at: Addr<G>) -> PageSize;
    fn tick(&mut self, now: Nanos);
    fn role(&self) -> Option<Role>;
    /// Takes messages of the layer above.
    fn hear(&mut self, messages: Vec<Message>);
    /// Messages to layers above.
    fn say(&mut self) -> Vec<Message>;
}

/// Memory itself.
#[derive(Debug)]
pub(crate) struct Ground;

impl Below<Hpa> for Ground {
    fn back(&mut self, _: Span<Hpa>) -> Result<(), KernelError> {
        Ok(())
    }
    fn size(&self, _: Addr<Hpa>) -> PageSize {
        PageSize::Size1G
    }
    fn tick(&mut self, _: Nanos) {}
    fn role(&self) -> Option<Role> {
        None
    }
    fn hear(&mut self, _: Vec<Message>) {}
    fn say(&mut self) -> Vec<Message> {
        Vec::new()
    }
}

/// A hypervisor with one machine.
#[derive(Debug)]
pub(crate) struct Hypervisor<G: Space, L: Space, B> {
    pub(crate) half: Half<Hva, L>,
    pub(crate) vm: Vm<G, L>,
    pub(crate) below: B,
    up: Vec<Message>,
}

impl<G: Space, L: Space, B: Below<L>> Hypervisor<G, L, B> {
    /// A machine with so much memory on it.
    pub(crate) fn new(mut half: Half<Hva, L>, bytes: u64, below: B) -> Self {
        let vm = Vm::new(&mut half.kernel, Bytes::new(bytes), Bytes::ZERO, Levels::Four).unwrap();
        half.tell();
        let mut hypervisor = Self { half, vm, below, up: Vec::new() };
        hypervisor.settle().unwrap();
        hypervisor
    }

    /// What the kernel has left to be done.
    fn settle(&mut self) -> Result<(), KernelError> {
        let pending = std::mem::take(self.half.kernel.pending());
        for stale in &pending.stale {
            self.vm.invalidate(stale.span);
        }
        self.vm.settle();
        for &span in &pending.touched {
            self.below.back(span)?;
        }
        Ok(())
    }
}

impl<G: Space, L: Space, B: Below<L>> Below<G> for Hypervisor<G, L, B> {
    fn back(&mut self, span: Span<G>) -> Result<(), KernelError> {
        let end = span.start.get() + span.bytes;
        let mut next = span.start.get();
        while next < end {
            let at = Addr::<G>::new(next);
            let page = if let Some(leaf) = self.vm.ept.lookup(at) {
                leaf.page
            } else {
                let Half { kernel, policy, .. } = &mut self.half;
                let served = self.vm.violation(kernel, policy.as_mut(), at, AccessKind::Store)?;
                self.settle()?;
                served.expect("a guest stays inside its memory").page
            };
            next = page.next().start().get();
        }
        Ok(())
    }

    fn size(&self, at: Addr<G>) -> PageSize {
        let backed = self.vm.backing(&self.half.kernel, at);
        backed.map_or(PageSize::Size4K, |leaf| leaf.page.size().min(self.below.size(leaf.frame)))
    }

    fn tick(&mut self, now: Nanos) {
        self.half.tick(now);
        self.settle().unwrap();
        for mut message in self.half.kernel.take_messages() {
            if Some(message.peer) == self.below.role() {
                message.peer = self.half.kernel.settings().role;
                self.below.hear(vec![message]);
            } else {
                self.up.push(message);
            }
        }
        self.below.tick(now);
        for mut message in self.below.say() {
            message.peer = self.below.role().unwrap();
            self.half.kernel.tell(Event::Message(message));
        }
    }

    fn role(&self) -> Option<Role> {
        Some(self.half.kernel.settings().role)
    }

    fn hear(&mut self, messages: Vec<Message>) {
        for mut message in messages {
            message.space = self.vm.space();
            self.half.kernel.tell(Event::Message(message));
        }
    }

    fn say(&mut self) -> Vec<Message> {
        std::mem::take(&mut self.up)
    }
}

/// A guest on what is below it.
#[derive(Debug)]
pub(crate) struct Guest<G: Space, B> {
    pub(crate) half: Half<Gva, G>,
    pub(crate) below: B,
    pub(crate) now: Nanos,
    /// What the CPUs counted: tests say.
    pub(crate) counters: Counters,
}

impl<G: Space, B: Below<G>> Guest<G, B> {
    pub(crate) fn new(half: Half<Gva, G>, below: B) -> Self {
        Self { half, below, now: Nanos::ZERO, counters: Counters::default() }
    }

    /// A program with a region of so many bytes.
    pub(crate) fn begin(&mut self, bytes: u64) -> (SpaceId, Addr<Gva>) {
        self.try_begin(bytes).unwrap()
    }

    pub(crate) fn try_begin(&mut self, bytes: u64) -> Result<(SpaceId, Addr<Gva>), KernelError> {
        let space = self.half.kernel.begin_space()?;
        self.half.tell();
        Ok((space, self.map(space, bytes)))
    }

    pub(crate) fn map(&mut self, space: SpaceId, bytes: u64) -> Addr<Gva> {
        let Half { kernel, policy, .. } = &mut self.half;
        let start = kernel.map(policy.as_mut(), space, Bytes::new(bytes), Advice::Default).unwrap();
        self.settle().unwrap();
        start
    }

    /// Ends a program.
    pub(crate) fn end(&mut self, space: SpaceId) {
        let Half { kernel, policy, .. } = &mut self.half;
        kernel.end_space(policy.as_mut(), space).unwrap();
        self.settle().unwrap();
        self.half.tell();
    }

    /// Writes to a page.
    pub(crate) fn touch(&mut self, space: SpaceId, at: Addr<Gva>) -> Result<(), KernelError> {
        let leaf = if let Some(leaf) = self.half.kernel.leaf(space, at) {
            leaf
        } else {
            let Half { kernel, policy, .. } = &mut self.half;
            kernel.fault(policy.as_mut(), space, at, AccessKind::Store)?;
            self.settle()?;
            self.half.kernel.leaf(space, at).unwrap()
        };
        let table = &mut self.half.kernel.space_mut(space).unwrap().table;
        let used = leaf.flags | LeafFlags::ACCESSED | LeafFlags::DIRTY;
        let _no_walk_makes_anything_stale = table.replace(leaf.page, leaf.frame, used).unwrap();
        let base = Page::<G>::containing(leaf.translate(at), PageSize::Size4K);
        self.below.back(base.into())
    }

    /// Writes to every page of a range, in order.
    pub(crate) fn fill(&mut self, space: SpaceId, start: Addr<Gva>, bytes: u64) {
        for offset in (0..bytes).step_by(4096) {
            self.touch(space, start.offset_by(offset)).unwrap();
        }
    }

    fn settle(&mut self) -> Result<(), KernelError> {
        let pending = std::mem::take(self.half.kernel.pending());
        for &span in &pending.touched {
            self.below.back(span)?;
        }
        Ok(())
    }

    /// Lets time pass, a second at a time.
    pub(crate) fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.now = Nanos::new(self.now.get() + 1_000_000_000);
            self.half.kernel.set_counters(self.counters);
            self.half.tick(self.now);
            self.settle().unwrap();
            let messages = self.half.kernel.take_messages();
            let (down, lost): (Vec<_>, Vec<_>) =
                messages.into_iter().partition(|message| Some(message.peer) == self.below.role());
            assert_eq!(lost, [], "a guest has one peer");
            let own = self.half.kernel.settings().role;
            self.below.hear(down.into_iter().map(|message| Message { peer: own, ..message }).collect());
            self.below.tick(self.now);
            for message in self.below.say() {
                let message = Message { peer: self.below.role().unwrap(), ..message };
                self.half.kernel.tell(Event::Message(message));
            }
        }
    }

    /// How much of what programs have is huge in all layers.
    pub(crate) fn aligned_share(&self) -> f64 {
        let (mut aligned, mut all) = (0, 0);
        for (_, space) in self.half.kernel.spaces() {
            for leaf in space.table.all_leaves() {
                all += leaf.page.size().bytes();
                if leaf.page.size() >= PageSize::Size2M && self.below.size(leaf.frame) >= PageSize::Size2M {
                    aligned += leaf.page.size().bytes();
                }
            }
        }
        convert::ratio(aligned, all.max(1))
    }
}

/// The system of a name.
pub(crate) fn system(name: &str) -> &'static System {
    terrace_systems::registry().iter().find(|system| system.name == name).unwrap()
}
