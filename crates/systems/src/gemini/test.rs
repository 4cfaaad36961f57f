//! What unit tests share: a small kernel, and a policy that places what a test says.

pub(super) use terrace_addr::Upper;

use terrace_addr::{AccessKind, Addr, Bytes, Hpa, Hva, Lower, Span};
use terrace_frames::{NodeId, NodeSpec, Watermarks};
use terrace_kernel::{KernelCosts, Settings};
use terrace_policy::{Abilities, Advice, Fault, Layer, Placement, Policy, Role, SpaceId};
use terrace_table::Levels;

pub(super) type Kernel = terrace_kernel::Kernel<Hva, Hpa>;

#[derive(Debug, Clone)]
struct Told(Placement);

impl Policy for Told {
    fn requires(&self) -> Abilities {
        Abilities::empty()
    }

    fn on_fault(&mut self, _: &mut dyn Layer, _: &Fault) -> Placement {
        self.0
    }
}

/// A kernel with so many blocks of memory, where looking at an entry costs something.
pub(super) fn kernel(blocks: u64) -> Kernel {
    let mut costs = KernelCosts::default();
    costs.scan = terrace_addr::Cycles::new(1);
    let settings = Settings { role: Role::Guest, levels: Levels::Four, costs, areas_end: 1 << 46 };
    let memory = NodeSpec { start: Addr::new(0), bytes: Bytes::new(blocks << 21) };
    let mut kernel = Kernel::new(settings, &[memory]).unwrap();
    let none = Watermarks { min: Bytes::ZERO, low: Bytes::ZERO, high: Bytes::ZERO };
    kernel.memory_mut().set_watermarks(NodeId::new(0), none);
    kernel
}

/// A region of so many whole blocks.
pub(super) fn region(kernel: &mut Kernel, blocks: u64) -> (SpaceId, Addr<Hva>) {
    let space = kernel.begin_space().unwrap();
    let start = Addr::new(0x4000_0000);
    kernel.map_at(space, start, Bytes::new(blocks << 21), Advice::Default, None).unwrap();
    (space, start)
}

/// A page is touched, and placed like this.
pub(super) fn fault(kernel: &mut Kernel, space: SpaceId, at: Addr<Hva>, placement: Placement) {
    kernel.fault(&mut Told(placement), space, at, AccessKind::Store).unwrap();
}

/// A block is unmapped, and a new region of one block is there.
pub(super) fn replace(kernel: &mut Kernel, space: SpaceId, at: Addr<Hva>) {
    let span = Span { start: at, bytes: 1 << 21 };
    kernel.unmap(&mut Told(Placement::Default), space, span).unwrap();
    kernel.map_at(space, at, Bytes::new(1 << 21), Advice::Default, None).unwrap();
}

/// The frame with this number.
pub(super) fn frame(number: u64) -> Addr<Lower> {
    Addr::new(number << 12)
}
