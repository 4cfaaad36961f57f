//! How fragmented free memory is: the indices of `mm/vmstat.c`.

use terrace_addr::{Space, convert};

use super::Memory;
use crate::zone::Zone;
use crate::{NodeId, Order};

/// What the indices are made of (`fill_contig_page_info`).
#[derive(Default)]
struct Free {
    frames: u64,
    blocks: u64,
    /// How many blocks of the wanted order could be had.
    suitable: u64,
}

impl Free {
    fn add(mut self, zone: &Zone, wanted: Order) -> Self {
        self.frames += convert::count(zone.free_frames());
        for order in Order::all() {
            let blocks = zone.blocks(order);
            self.blocks += blocks;
            if order >= wanted {
                self.suitable += blocks * (order.frames() / wanted.frames());
            }
        }
        self
    }
}

impl<L: Space> Memory<L> {
    /// The share of the free memory, of one node or of all, that lies in blocks too small for `order`: 0 if all of it
    /// can serve such an allocation, 1 if none can or if there is no free memory (`unusable_free_index` in
    /// `mm/vmstat.c`; with [`Order::HUGE`] the "FMFI" of Ingens, `HawkEye` and Gemini). Reserved memory is not free.
    pub fn unusable_index(&self, node: Option<NodeId>, order: Order) -> f64 {
        let zones = match node {
            Some(node) => core::slice::from_ref(self.zone(node)),
            None => &self.zones,
        };
        let free = zones.iter().fold(Free::default(), |free, zone| free.add(zone, order));
        if free.frames == 0 {
            return 1.0;
        }
        convert::ratio(free.frames - free.suitable * order.frames(), free.frames)
    }

    /// Why an allocation of `order` would fail in a node, in thousandths: towards 0 for lack of memory, towards 1000 by
    /// fragmentation; −1000 if it would not fail (`__fragmentation_index` in `mm/vmstat.c`). 0 if no memory is free.
    pub fn fragmentation_index(&self, node: NodeId, order: Order) -> i32 {
        let free = Free::default().add(self.zone(node), order);
        if free.blocks == 0 {
            return 0;
        }
        if free.suitable > 0 {
            return -1000;
        }
        let of_blocks = (1000 + free.frames * 1000 / order.frames()) / free.blocks;
        // No block reaches the order, so that this is at most 1000 + 1000.
        1000 - i32::try_from(of_blocks).unwrap_or(i32::MAX)
    }

    /// How many free blocks of a node have exactly this order.
    pub fn free_blocks(&self, node: NodeId, order: Order) -> u64 {
        self.zone(node).blocks(order)
    }
}
