//! Page-table pages come from the layer's own memory.

use terrace_addr::{Addr, PageSize, Space};
use terrace_frames::{Memory, Mobility, NodeId, Order};
use terrace_table::FrameSource;

use crate::KernelCosts;
use crate::pending::{Pending, Work};

/// Hands out table pages from a kernel's memory, and notes what that leaves to be done.
pub(crate) struct TablePages<'a, U: Space, L: Space> {
    pub(crate) memory: &'a mut Memory<L>,
    pub(crate) nodes: &'a [NodeId],
    pub(crate) costs: &'a KernelCosts,
    pub(crate) pending: &'a mut Pending<U, L>,
    /// How many were taken.
    pub(crate) taken: u32,
}

impl<U: Space, L: Space> FrameSource<L> for TablePages<'_, U, L> {
    fn take(&mut self) -> Option<Addr<L>> {
        let memory = &mut *self.memory;
        let frame =
            self.nodes.iter().find_map(|&node| memory.allocate(node, Order::BASE, Mobility::Unmovable))?;
        self.taken += 1;
        self.pending.charge(Work::Clear, self.costs.clear(PageSize::Size4K));
        self.pending.copied.written += PageSize::Size4K.size();
        self.pending.touch(frame, PageSize::Size4K.bytes());
        Some(frame)
    }

    fn give_back(&mut self, frame: Addr<L>) {
        self.memory.free(frame, Order::BASE);
    }
}
