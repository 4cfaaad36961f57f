//! One page, mapped and looked up.

use terrace_addr::{Addr, Gva, Hpa, Page, PageSize};
use terrace_table::{FrameSource, LeafFlags, Levels, SimulatedMemory, Table, X86};

/// Hands out table pages one after the other.
struct Frames(u64);

impl FrameSource<Hpa> for Frames {
    fn take(&mut self) -> Option<Addr<Hpa>> {
        self.0 += 0x1000;
        Some(Addr::new(self.0))
    }

    fn give_back(&mut self, _: Addr<Hpa>) {}
}

/// Maps the page of `address` to the frame at 2 MiB, and looks `address` up.
pub(crate) fn through_one_page(address: u64) -> Option<u64> {
    let address = Addr::<Gva>::try_new(address).ok()?;
    let mut frames = Frames(0x10_0000);
    let memory = SimulatedMemory::<Hpa>::new();
    let mut table: Table<Gva, X86, _> = Table::new(X86::new(Levels::Four), memory, &mut frames).ok()?;
    let page = Page::containing(address, PageSize::Size4K);
    let effects = table.map(page, Addr::new(0x20_0000), LeafFlags::all_data(), &mut frames).ok()?;
    if !effects.stale_spans().is_empty() {
        return None;
    }
    Some(table.lookup(address)?.translate(address).get())
}
