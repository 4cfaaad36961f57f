//! Looking up in the third level (MODEL.md, "A third level of the TLB, in memory").

use terrace_addr::{Addr, Gva};

use super::Mmu;
use crate::tlb::Translated;

impl Mmu<'_> {
    /// Looks `va` up at both sizes, reading the line of the set before each. Without a third level nothing is found, or
    /// counted.
    pub(super) fn look_up_third_level(&mut self, va: Addr<Gva>) -> Option<Translated> {
        let sizes = self.core.third_level.as_mut()?.sizes(va);
        for size in sizes {
            let line = self.core.third_level.as_ref()?.line(va, size);
            let latency = self.refer_to_table(line).latency;
            self.cpu.counts.one("third_level_references");
            self.cpu.counts.add("third_level_cycles", latency);
            self.cpu.counts.add("cycles", latency);
            if let Some(found) = self.core.third_level.as_mut()?.look_up(va, size, self.context.own) {
                self.cpu.counts.one("third_level_hits");
                return Some(found);
            }
        }
        self.cpu.counts.one("third_level_misses");
        None
    }
}
