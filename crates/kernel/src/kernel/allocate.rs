//! Taking memory.

use terrace_addr::{Addr, Bytes, Space};
use terrace_frames::{Mobility, Order};
use terrace_policy::{Abilities, Effort, Event, Policy};
use terrace_table::Leaf;

use super::compaction::DIRECT;
use super::{Kernel, KernelError};

impl<U: Space, L: Space> Kernel<U, L> {
    /// A policy rules from now on that needs these abilities: does what has to be done beforehand for them.
    pub fn prepare(&mut self, required: Abilities) {
        if required.contains(Abilities::HYBRID_BLOCKS) {
            self.memory.track_hybrids();
        }
    }

    /// So many of its nodes, the first ones, are near its processors: huge pages of others are not taken before base
    /// pages of these. At first all are.
    pub const fn set_near(&mut self, nodes: usize) {
        self.near = nodes;
    }

    /// A base frame for a program: from the first node that is above its watermark.
    ///
    /// # Errors
    /// If there is none, even after the policy has given up what it keeps back. There is no swap: what programs have
    /// written stays.
    pub(super) fn take_base(&mut self, policy: &mut dyn Policy) -> Result<Addr<L>, KernelError> {
        if let Some(frame) = self.take(Order::BASE) {
            return Ok(frame);
        }
        self.pressure(policy, Order::BASE.bytes());
        self.take(Order::BASE).ok_or_else(|| self.out_of_memory("a page"))
    }

    /// A free block of 2M, if one is free or can be had with this effort. One that is not near is taken only with the
    /// effort of compaction (`alloc_pages_mpol` in `mm/mempolicy.c`: the own node first, and the others if the request
    /// may reclaim directly).
    pub(super) fn take_huge(&mut self, effort: Effort) -> Option<Addr<L>> {
        let Self { memory, nodes, near, .. } = self;
        let mut nearer = nodes.iter().take(*near);
        let block = nearer.find_map(|&node| memory.allocate(node, Order::HUGE, Mobility::Movable));
        if block.is_some() {
            return block;
        }
        match effort {
            Effort::Light => None,
            Effort::Wake => {
                self.huge_wanted = true;
                None
            }
            Effort::Direct => {
                self.compact_directly();
                self.take(Order::HUGE)
            }
        }
    }

    /// A free block of 2M to gather these pages in, with the effort of compaction: of the node that holds most of them, or
    /// of those that hold as many, and of no other (mm/khugepaged.c: `hpage_collapse_find_target_node`, and the mask of
    /// nodes in `alloc_charge_folio`).
    pub(super) fn take_huge_for(&mut self, parts: &[Leaf<U, L>]) -> Option<Addr<L>> {
        let mut held = vec![0_u32; self.nodes.len()];
        for part in parts {
            let node = self.memory.node_of(part.frame);
            if let Some(place) = self.nodes.iter().position(|&own| Some(own) == node) {
                held[place] += 1;
            }
        }
        let most = held.iter().max().copied()?;
        let most_hold: Vec<usize> = (0..held.len()).filter(|&place| held[place] == most).collect();
        let take = |kernel: &mut Self| {
            let Self { memory, nodes, .. } = kernel;
            most_hold.iter().find_map(|&place| memory.allocate(nodes[place], Order::HUGE, Mobility::Movable))
        };
        take(self).or_else(|| {
            let _one_is_free = most_hold.iter().any(|&place| self.compact_node(place, DIRECT));
            take(self)
        })
    }

    /// Exactly this block.
    pub(super) fn take_at(&mut self, at: Addr<L>, order: Order) -> bool {
        if self.memory.allocate_at(at, order, Mobility::Movable).is_ok() {
            return true;
        }
        // Who names a frame of a reservation has it from the policy that made the reservation.
        let Some(id) = self.memory.reservation_at(at).map(|reservation| reservation.id) else { return false };
        self.memory.allocate_reserved(id, at, order, Mobility::Movable).is_ok()
    }

    pub(super) fn take(&mut self, order: Order) -> Option<Addr<L>> {
        let Self { memory, nodes, .. } = self;
        nodes.iter().find_map(|&node| memory.allocate(node, order, Mobility::Movable))
    }

    fn pressure(&mut self, policy: &mut dyn Policy, wanted: Bytes) {
        policy.on_events(self, &[Event::Pressure(wanted)]);
    }
}
