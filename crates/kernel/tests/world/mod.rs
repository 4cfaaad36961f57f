//! What the tests share: small kernels, a policy that does as it is told, random changes, and what must always hold.
#![allow(dead_code, reason = "each test uses some of it")]

pub(crate) mod change;
pub(crate) mod check;
pub(crate) mod composed;
pub(crate) mod owner;
pub(crate) mod pseudo;

use terrace_addr::{AccessKind, Addr, Bytes, Hpa, Hva, Nanos, Space};
use terrace_frames::{NodeId, NodeSpec, Watermarks};
use terrace_kernel::{Kernel, KernelCosts, KernelError, Settings};
use terrace_policy::{
    Abilities, Extent, Fault, Layer, MapRequest, Placement, Policy, Role, SpaceId, VirtualPlacement,
};
use terrace_table::{Leaf, Levels};

/// A host's kernel.
pub(crate) type Host = Kernel<Hva, Hpa>;

pub(crate) const NODE: NodeId = NodeId::new(0);
/// Frames of a block of 2M.
pub(crate) const BLOCK: u64 = 512;
/// Where programs' addresses end under 4 levels (`TASK_SIZE_MAX`, `arch/x86/include/asm/page_64.h`).
pub(crate) const AREAS_END: u64 = (1 << 47) - 4096;

/// A kernel with so many frames from address 0 on, without watermarks: every frame can be had.
pub(crate) fn kernel<U: Space, L: Space>(frames: u64) -> Kernel<U, L> {
    with_levels(frames, Levels::Four, AREAS_END)
}

pub(crate) fn with_levels<U: Space, L: Space>(frames: u64, levels: Levels, areas_end: u64) -> Kernel<U, L> {
    with_costs(frames, levels, areas_end, KernelCosts::default())
}

pub(crate) fn with_costs<U: Space, L: Space>(
    frames: u64,
    levels: Levels,
    areas_end: u64,
    costs: KernelCosts,
) -> Kernel<U, L> {
    let settings = Settings { role: Role::Guest, levels, costs, areas_end };
    let memory = NodeSpec { start: Addr::new(0), bytes: pages(frames) };
    let mut kernel = Kernel::new(settings, &[memory]).unwrap();
    let none = Watermarks { min: Bytes::ZERO, low: Bytes::ZERO, high: Bytes::ZERO };
    kernel.memory_mut().set_watermarks(NODE, none);
    kernel
}

/// So many base pages.
pub(crate) const fn pages(count: u64) -> Bytes {
    Bytes::new(count << 12)
}

/// The address of a base frame or base page with this number.
pub(crate) const fn base<S: Space>(number: u64) -> Addr<S> {
    Addr::new(number << 12)
}

/// The number of the base page at an address.
pub(crate) const fn number<S: Space>(at: Addr<S>) -> u64 {
    at.get() >> 12
}

/// Free frames.
pub(crate) fn free<U: Space, L: Space>(kernel: &Kernel<U, L>) -> u64 {
    kernel.memory().free_bytes(NODE).get() >> 12
}

/// A policy that answers as it was told.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) fault: Placement,
    pub(crate) map: VirtualPlacement,
    /// Until when blocks that are given up are put aside.
    pub(crate) keep: Option<Nanos>,
    /// What it was asked at faults.
    pub(crate) asked: Vec<Fault>,
}

impl Told {
    pub(crate) const fn nothing() -> Self {
        Self::fault(Placement::Default)
    }

    pub(crate) const fn fault(fault: Placement) -> Self {
        Self { fault, map: VirtualPlacement::Default, keep: None, asked: Vec::new() }
    }

    pub(crate) const fn map(map: VirtualPlacement) -> Self {
        Self { fault: Placement::Default, map, keep: None, asked: Vec::new() }
    }
}

impl Policy for Told {
    fn requires(&self) -> Abilities {
        Abilities::empty()
    }

    fn on_map(&mut self, _layer: &mut dyn Layer, _request: &MapRequest) -> VirtualPlacement {
        self.map
    }

    fn on_fault(&mut self, _layer: &mut dyn Layer, fault: &Fault) -> Placement {
        self.asked.push(*fault);
        self.fault
    }

    fn on_freed(&mut self, layer: &mut dyn Layer, _space: SpaceId, freed: Extent) {
        if let Some(until) = self.keep {
            let _reserved = layer.reserve(freed.start, until).unwrap();
        }
    }
}

/// A fault by a store, served as told.
pub(crate) fn fault<U: Space, L: Space>(
    kernel: &mut Kernel<U, L>,
    space: SpaceId,
    at: Addr<U>,
    placement: Placement,
) -> Result<Leaf<U, L>, KernelError> {
    kernel.fault(&mut Told::fault(placement), space, at, AccessKind::Store)
}

/// How property tests run: a case that failed is kept beside the test.
pub(crate) fn config(cases: u32) -> proptest::test_runner::Config {
    use proptest::test_runner::{Config, FileFailurePersistence};
    let kept = FileFailurePersistence::WithSource("regressions");
    Config { cases, failure_persistence: Some(Box::new(kept)), ..Config::default() }
}
