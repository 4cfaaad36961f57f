//! A machine with pages of data, and virtual CPUs on it.

use std::num::NonZeroU64;

use terrace_addr::{Access, AccessKind, Addr, Cycles, Gva, Hpa, Page, PageSize, convert};
use terrace_machine::{Machine, builtin};
use terrace_mmu::{Context, GuestTable, Identity, Intel, Invalidation, InvalidationKind, Layout, Mmu, Stack};
use terrace_sim::time::{Charge, Order, ShootDown};
use terrace_table::{FrameSource, LeafFlags, Levels, SimulatedMemory, Table, X86};

/// Sending 300 cycles, an interrupt 1050, INVLPG 260, INVPCID 789.
const INTEL: &str = "broadwell-e5-2620v4";
const DATA: u64 = 1 << 40;

struct Frames(u64);

impl FrameSource<Hpa> for Frames {
    fn take(&mut self) -> Option<Addr<Hpa>> {
        self.0 += 0x1000;
        Some(Addr::new(self.0))
    }
    fn give_back(&mut self, _: Addr<Hpa>) {}
}

/// A machine with pages of data, and an order of virtual CPUs on it.
pub(crate) struct World {
    pub(crate) mmu: Mmu,
    pub(crate) stack: Stack<Identity>,
    pub(crate) order: Order,
}

pub(crate) fn context(vcpu: usize) -> Context {
    Context { pcid: 1, vpid: convert::low16(convert::count(vcpu)) + 1, root: 0 }
}

pub(crate) fn page(number: u64) -> Addr<Gva> {
    Addr::new(DATA + (number << 12))
}

pub(crate) fn invlpg(number: u64) -> Invalidation {
    Invalidation::Intel(Intel::Invlpg(page(number)))
}

impl World {
    /// With virtual CPU *n* running on CPU *n*.
    pub(crate) fn new(machine: &Machine, quantum: u64, vcpus: usize) -> Self {
        let mmu = Mmu::new(machine, 1, &Layout::single(Addr::new(1 << 36))).unwrap();
        let mut frames = Frames(0x10_0000);
        let mut first: GuestTable<Hpa> =
            Table::new(X86::new(Levels::Four), SimulatedMemory::new(), &mut frames).unwrap();
        for number in 0..64 {
            let at = Page::containing(page(number), PageSize::Size4K);
            let frame = Addr::new((1 << 32) + (number << 12));
            let effects = first.map(at, frame, LeafFlags::everything(), &mut frames).unwrap();
            assert!(effects.stale_spans().is_empty());
        }
        let order = Order::new(machine, NonZeroU64::new(quantum).unwrap());
        let mut world = Self { mmu, stack: Stack { first, below: Identity }, order };
        for vcpu in 0..vcpus {
            let vpid = context(vcpu).vpid;
            let all = Invalidation::Intel(Intel::InvvpidContext { vpid });
            assert_eq!(world.order.add(context(vcpu), vec![all]), vcpu);
            assert_eq!(world.run(vcpu, vcpu).total(), Cycles::ZERO);
        }
        world
    }

    pub(crate) fn run(&mut self, vcpu: usize, cpu: usize) -> Charge {
        self.order.run(&mut self.mmu, vcpu, cpu, Cycles::ZERO).unwrap()
    }

    pub(crate) fn stop(&mut self, vcpu: usize) {
        self.order.stop(&self.mmu, vcpu).unwrap();
    }

    /// Loads from a page on the CPU of `vcpu`; the cycles of its translation.
    pub(crate) fn load(&mut self, vcpu: usize, number: u64) -> Cycles {
        let cpu = self.order.cpu(vcpu).unwrap();
        let before = self.mmu.counters(cpu).cycles;
        let access = Access { addr: page(number), size: 8, kind: AccessKind::Load };
        self.mmu.access(cpu, &mut self.stack, access).unwrap();
        Cycles::new(self.mmu.counters(cpu).cycles - before)
    }

    pub(crate) fn shoot_down(
        &mut self,
        initiator: usize,
        targets: &[usize],
        what: Invalidation,
    ) -> ShootDown {
        self.order.shoot_down(&mut self.mmu, initiator, targets, what).unwrap()
    }

    pub(crate) fn walks(&self, cpu: usize) -> u64 {
        self.mmu.counters(cpu).walks
    }

    /// Invalidations of a kind that a CPU has executed: its own, and those that others asked for.
    pub(crate) fn executed(&self, cpu: usize, kind: InvalidationKind) -> (u64, u64) {
        let (_, local, remote) =
            self.mmu.invalidations(cpu).iter().find(|(other, ..)| *other == kind).unwrap();
        (local, remote)
    }

    pub(crate) fn clocks(&self) -> Vec<u64> {
        (0..self.order.len()).map(|vcpu| self.order.clock(vcpu).get()).collect()
    }
}

pub(crate) fn intel() -> Machine {
    builtin(INTEL, &[]).unwrap()
}

pub(crate) fn cycles(count: u64) -> Cycles {
    Cycles::new(count)
}
