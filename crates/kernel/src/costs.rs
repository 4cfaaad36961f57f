//! What a kernel's work costs.

use terrace_addr::{Cycles, PageSize};
use terrace_machine::Costs;

/// What a kernel's work costs, in cycles of the machine; nothing on a machine without `[cost]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KernelCosts {
    /// A page fault, without clearing the page.
    pub fault: Cycles,
    clear: [Cycles; 2],
    copy: [Cycles; 2],
    /// Looking at one table entry or one frame in a scan.
    pub scan: Cycles,
    /// Changing the mapping of a page that is moved, beside its copy: the reverse map, the entry, the lists.
    pub remap: Cycles,
}

/// Cycles of one step of a scan: `assumed`: an entry in a cache line that holds eight, most of them read in order.
const SCAN: u64 = 10;

/// Cycles of changing one mapping: `assumed`: as a quarter of a fault, which does the same and enters and leaves the
/// kernel.
const REMAP_SHARE: u64 = 4;

impl KernelCosts {
    /// Those of a machine.
    pub fn new(costs: Option<&Costs>) -> Self {
        let Some(costs) = costs else { return Self::default() };
        Self {
            fault: Cycles::new(costs.fault),
            clear: [Cycles::new(costs.clear_4k), Cycles::new(costs.clear_2m)],
            copy: [Cycles::new(costs.copy_4k), Cycles::new(costs.copy_2m)],
            scan: Cycles::new(SCAN),
            remap: Cycles::new(costs.fault / REMAP_SHARE),
        }
    }

    /// Clearing a page.
    pub const fn clear(&self, size: PageSize) -> Cycles {
        Self::of(self.clear, size)
    }

    /// Copying a page.
    pub const fn copy(&self, size: PageSize) -> Cycles {
        Self::of(self.copy, size)
    }

    /// A page of 1G is 512 of 2M.
    const fn of(costs: [Cycles; 2], size: PageSize) -> Cycles {
        match size {
            PageSize::Size4K => costs[0],
            PageSize::Size2M => costs[1],
            PageSize::Size1G => costs[1].times(512),
        }
    }
}
