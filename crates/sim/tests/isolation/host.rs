//! The host: its kernel, the system that places machines, and CPUs that run them in turn.

use std::sync::LazyLock;

use terrace_addr::{Access, AccessKind, Addr, Bytes, Cycles, Gva, Hpa, Hva, Nanos, Page, PageSize, Span};
use terrace_frames::NodeSpec;
use terrace_kernel::{Kernel, KernelCosts, Pending, Settings, Vm};
use terrace_machine::{Machine, parse};
use terrace_mmu::{
    Context, Fault, Intel, Invalidation, Layout, Mmu, Origin, Segment, SegmentPair, Step, Tables,
};
use terrace_policy::{Action, Budget, CollapseInto, Layer, Policy, Role, Segments, Values};
use terrace_table::Levels;

use crate::guest::Guest;

/// What is done: which of all things, to whom, where, and with which bits.
pub(crate) type Attack = (u8, u8, u16, u64);

const GUESTS: u64 = 3;
const MIB: u64 = 1 << 20;
/// Not a multiple of 2 MiB, so that the last block of each is not whole.
const GUEST: u64 = 6 * MIB + 0x5000;
const HOST: u64 = 28 * MIB;

static MACHINE: LazyLock<Machine> = LazyLock::new(|| {
    let array = |path: &str, kind: &str| {
        format!("[{path}]\n{kind}\nentries = 8\nways = 8\nreplacement = \"lru\"\nsource = \"test\"\n")
    };
    let sizes = "pages = [\"4K\", \"2M\", \"1G\"]";
    let text = [
        "name = \"test\"\ndescription = \"for a test\"\nvendor = \"intel\"\n",
        "topology = { sockets = 1, cores = 2, threads = 1, source = \"test\" }\n",
        "clock = { frequency = \"1 GHz\", source = \"test\" }\n",
        "paging = { levels = 4, ept_levels = 4, accessed_dirty = true, ept_accessed_dirty = true, source = \"test\" }\n",
        "memory.dram0 = { kind = \"dram\", size = \"1 GiB\", latency = \"100 ns\", bandwidth = \"unlimited\", source = \"test\" }\n",
        &array("tlb.l1", &format!("level = 1\nserves = [\"fetch\", \"load\", \"store\"]\n{sizes}")),
        &array("walk_cache.pde", "level = 2"),
        &array("walk_cache.pdpte", "level = 3"),
        &array("nested_walk_cache.pde", "level = 2"),
        &array("nested_tlb.all", sizes),
    ]
    .concat();
    parse(&text, "test", &[]).unwrap()
});

pub(crate) struct Host {
    kernel: Kernel<Hva, Hpa>,
    policy: Box<dyn Policy>,
    mmu: Mmu,
    guests: Vec<Guest>,
    now: u64,
    pub(crate) reached: u64,
    pub(crate) stopped: u64,
}

impl Host {
    pub(crate) fn new() -> Self {
        let settings = Settings {
            role: Role::Host,
            levels: Levels::Four,
            costs: KernelCosts::default(),
            areas_end: 0x7fff_0000_0000,
        };
        let kernel =
            Kernel::new(settings, &[NodeSpec { start: Addr::ZERO, bytes: Bytes::new(HOST) }]).unwrap();
        let system = terrace_systems::registry().iter().find(|system| system.name == "contiguous").unwrap();
        let mut values = Values::defaults(system.parameters);
        values.set(system.parameters, "repair", terrace_policy::Value::Word("always")).unwrap();
        let policy = (system.build)(Role::Host, &values).unwrap();
        let mmu = Mmu::new(&MACHINE, 1, &Layout::single(Addr::new(HOST))).unwrap();
        let mut host = Self { kernel, policy, mmu, guests: Vec::new(), now: 0, reached: 0, stopped: 0 };
        for vpid in 1..=3 {
            // One has a hole, and so two segments; one lies askew in its process.
            let hole = (vpid == 2).then_some(Span { start: Addr::new(2 * MIB), bytes: 4 * MIB });
            let bytes = GUEST + hole.map_or(0, |hole| hole.bytes);
            let offset = Bytes::new(if vpid == 3 { 0x3000 } else { 0 });
            let vm = Vm::with_hole(&mut host.kernel, Bytes::new(bytes), hole, offset, Levels::Four).unwrap();
            host.kernel.allow_segments(vm.space());
            host.guests.push(Guest::new(vm, vpid));
            host.tell();
        }
        host
    }

    fn tell(&mut self) {
        let events = self.kernel.take_events();
        self.policy.on_events(&mut self.kernel, &events);
        self.settle();
    }

    /// What software must do after each change, as runs do it: load the segments and forget what was cached for the
    /// machine; take what changed out of extended page tables, and flush those.
    fn settle(&mut self) {
        let Pending { stale, segmented, .. } = std::mem::take(self.kernel.pending());
        for changed in segmented {
            let Some(guest) = self.guests.iter_mut().find(|guest| guest.space() == changed.space) else {
                continue;
            };
            guest.segments = changed.now.map(registers);
            let vpid = guest.vpid;
            self.flush(Intel::InvvpidContext { vpid });
        }
        for number in 0..self.guests.len() {
            let guest = &mut self.guests[number];
            let space = guest.space();
            for stale in stale.iter().filter(|stale| stale.space == space) {
                guest.vm.invalidate(stale.span);
            }
            if guest.vm.settle() {
                let root = guest.vpid;
                self.flush(Intel::InveptContext { root });
            }
        }
    }

    fn flush(&mut self, flush: Intel) {
        for cpu in 0..self.mmu.cpus() {
            let _removed = self.mmu.invalidate(cpu, Origin::Local, Invalidation::Intel(flush));
        }
    }

    /// Whether a frame is one of a machine's own.
    fn owns(&mut self, guest: usize, at: Addr<Hpa>) -> bool {
        let space = self.guests[guest].space();
        let holder = self.kernel.holder(at.align_down(PageSize::Size4K).reinterpret());
        matches!(holder, Ok(found) if found.value.is_some_and(|(of, _)| of == space))
    }

    pub(crate) fn attacked(&mut self, (what, who, place, bits): Attack) {
        let number = usize::from(who) % self.guests.len();
        let cpu = usize::from(who >> 7);
        let addr = Guest::addr(place);
        let others: Vec<_> = (0..HOST / (2 * MIB)).map(|block| block * 2 * MIB).collect();
        let wild = self.guests[number].wild(bits, &others);
        let guest = &mut self.guests[number];
        match what % 32 {
            0..=11 => self.access(cpu, number, addr, AccessKind::ALL[usize::from(what) % 3]),
            12..=17 => {
                let sizes = [
                    PageSize::Size4K,
                    PageSize::Size4K,
                    PageSize::Size4K,
                    PageSize::Size2M,
                    PageSize::Size2M,
                    PageSize::Size1G,
                ];
                guest.unmap(addr);
                guest.map(addr, sizes[usize::from(what % 32) - 12], wild);
                self.access(cpu, number, addr, AccessKind::Load);
            }
            18..=20 => guest.corrupt(addr, usize::from(place) % 4, wild),
            21 => guest.unmap(addr),
            // Most often back to a page table that works.
            22 | 23 => guest.move_tables(if bits >> 60 < 3 { wild } else { 0x1_0000 }),
            24 | 25 => self.shrink(number, (bits % (3 * MIB)) & !0xfff),
            26 => self.grow(number, (bits % (3 * MIB)) & !0xfff),
            27 => self.give_up_inside(number, wild),
            28 => self.tick(),
            _ => self.meddle(number, bits),
        }
    }

    fn access(&mut self, cpu: usize, number: usize, addr: Addr<Gva>, kind: AccessKind) {
        for _ in 0..4 {
            let Guest { vm, table, segments, vpid, pcid, .. } = &mut self.guests[number];
            let root = if segments.is_some() { 0 } else { *vpid };
            self.mmu.set_context(cpu, Context { pcid: *pcid, vpid: *vpid, root });
            let access = Access { addr, size: 8, kind };
            let (steps, found) = match segments {
                Some(below) => self.mmu.explain(cpu, Tables { first: table, below }, access),
                None => self.mmu.explain(cpu, Tables { first: table, below: &mut vm.ept }, access),
            };
            for step in steps {
                if let Step::Entry { entry, .. } = step {
                    assert!(self.owns(number, entry.at), "a walk of {number} read at {:?}", entry.at);
                }
            }
            match found {
                Ok(found) => {
                    self.reached += 1;
                    let piece = found.addr.align_down(found.size);
                    for part in [piece, found.addr, piece.offset_by(found.size.bytes() - 0x1000)] {
                        assert!(self.owns(number, part), "guest {number} reached {part:?}");
                    }
                    return;
                }
                Err(Fault::Segment { .. }) => {
                    self.stopped += 1;
                    return;
                }
                Err(Fault::Extended { addr, .. }) => {
                    let Self { kernel, policy, guests, .. } = self;
                    let served = guests[number].vm.violation(kernel, policy.as_mut(), addr, kind);
                    self.settle();
                    if !matches!(served, Ok(Ok(_))) {
                        return;
                    }
                }
                Err(Fault::Page { .. } | Fault::LogFull { .. }) => return,
            }
        }
    }

    /// The guest says that it gives up its end, and goes on to use it.
    fn shrink(&mut self, number: usize, bytes: u64) {
        let guest = &mut self.guests[number];
        if bytes == 0 || guest.memory < bytes + 3 * MIB {
            return;
        }
        guest.memory -= bytes;
        self.give_up(number, Span { start: Addr::truncate(self.guests[number].memory), bytes });
    }

    fn give_up_inside(&mut self, number: usize, at: u64) {
        self.give_up(number, Span { start: Addr::truncate(at), bytes: 0x1000 });
    }

    fn give_up(&mut self, number: usize, span: Span<terrace_addr::Gpa>) {
        let Self { kernel, policy, guests, .. } = self;
        let (space, bytes) = (guests[number].space(), span.bytes);
        let Some(at) = guests[number].vm.host_virtual(span.start) else { return };
        policy.on_given_up(kernel, space, &[Span { start: at.reinterpret(), bytes }]);
        self.settle();
        let Self { kernel, policy, .. } = self;
        let _refused_where_it_is_reached = kernel.discard(policy.as_mut(), space, Span { start: at, bytes });
        self.settle();
    }

    fn grow(&mut self, number: usize, bytes: u64) {
        let Self { kernel, policy, guests, .. } = self;
        let Guest { vm, memory, .. } = &mut guests[number];
        // What was given up comes back first.
        let back = bytes.min(vm.bytes().get() - *memory);
        let start = Addr::<terrace_addr::Gpa>::truncate(*memory);
        *memory += back;
        if back == 0
            && (bytes == 0 || vm.bytes().get() > 2 * GUEST || vm.grow(kernel, Bytes::new(bytes)).is_err())
        {
            return;
        }
        *memory = if back == 0 { vm.bytes().get() } else { *memory };
        let bytes = if back == 0 { bytes } else { back };
        let Some(at) = vm.host_virtual(start) else { return };
        policy.on_grown(kernel, vm.space(), &[Span { start: at.reinterpret(), bytes }]);
        self.settle();
    }

    fn tick(&mut self) {
        self.now += 100_000_000;
        self.kernel.set_now(Nanos::new(self.now));
        self.policy.tick(&mut self.kernel, &mut Budget::new(Cycles::new(1 << 40)));
        self.settle();
    }

    /// Somebody on the host wants to move a machine's page, or to take it away.
    fn meddle(&mut self, number: usize, bits: u64) {
        let guest = &self.guests[number];
        let (space, within) = (guest.space(), guest.vm.bytes().get());
        let at = Addr::<terrace_addr::Gpa>::truncate((bits >> 8) % within);
        let Some(at) = guest.vm.host_virtual(at) else { return };
        let Some(leaf) = self.kernel.leaf(space, at) else { return };
        let page = Page::containing(leaf.page.start().reinterpret(), leaf.page.size());
        let action = match bits % 5 {
            0 | 1 => Action::Migrate { space, page, to: None },
            2 => Action::Split { space, page },
            3 => {
                let page = Page::containing(page.start(), PageSize::Size2M);
                Action::Collapse { space, page, into: CollapseInto::Any }
            }
            _ => {
                let other = self.guests[(number + 1) % self.guests.len()].space();
                let segments = self.kernel.segments(space);
                // Somebody else's segments, which are not this machine's memory.
                Action::Segment { space: other, segments, reason: "an attack" }
            }
        };
        let takes = matches!(action, Action::Segment { segments: Some(_), .. });
        let applied = self.kernel.apply(&action);
        assert!(!takes || applied.is_err(), "a machine has another one's segments");
        if matches!(action, Action::Segment { .. }) && applied.is_ok() {
            // It is on its extended page table now; its system does not know.
            self.settle();
        }
        self.settle();
    }

    /// While a machine has segments, all that they hold is its own.
    pub(crate) fn nobody_shares(&mut self) {
        for number in 0..self.guests.len() {
            let Some(SegmentPair { low, high, .. }) = self.guests[number].segments else { continue };
            for block in [low, high] {
                // Every page is looked at once in the history of a few: one in each block of 2M, and both ends.
                let steps = (0..block.size.get()).step_by(2 << 20);
                let ends = [0, block.size.get().saturating_sub(0x1000)];
                for offset in steps.chain(ends.into_iter().filter(|_| block.size > Bytes::ZERO)) {
                    let at = block.base.offset_by(offset);
                    assert!(self.owns(number, at), "{at:?} in the block of {number} is not its own");
                }
            }
        }
        assert_eq!(self.guests.len(), usize::try_from(GUESTS).unwrap());
    }
}

fn registers(segments: Segments) -> SegmentPair {
    let load =
        |segment: terrace_policy::Segment| Segment { base: segment.base.reinterpret(), size: segment.bytes };
    match segments.high {
        None => SegmentPair::one(load(segments.low)),
        Some(high) => {
            SegmentPair { low: load(segments.low), split: Addr::truncate(high.guest), high: load(high) }
        }
    }
}
