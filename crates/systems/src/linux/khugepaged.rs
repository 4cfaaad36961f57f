//! khugepaged (mm/khugepaged.c).

use alloc::vec::Vec;

use terrace_addr::{Addr, Nanos, Page, PageSize, Upper};
use terrace_policy::{
    Action, Advice, Block, Budget, CollapseInto, Layer, NextWake, Refused, Region, SpaceId, Values,
};

/// The daemon: it goes through all address spaces, block by block, and begins anew at the end.
#[derive(Debug, Clone)]
pub(super) struct Khugepaged {
    pages_to_scan: u64,
    scan_sleep: Nanos,
    alloc_sleep: Nanos,
    max_absent: u64,
    /// When it goes on.
    wake: Nanos,
    /// The space that it is in, and the address that comes next.
    at: Option<(SpaceId, u64)>,
}

/// The base pages of a block: what looking at one counts as, whatever it holds.
const PAGES: u64 = 512;

/// What a look at a block led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Looked {
    /// Nothing that ends the scan.
    On,
    /// There is no free block of 2M.
    NoBlock,
    /// The budget is used up.
    Spent,
}

impl Khugepaged {
    pub(super) fn new(values: &Values) -> Self {
        Self {
            pages_to_scan: values.count("pages_to_scan"),
            scan_sleep: values.time("scan_sleep"),
            alloc_sleep: values.time("alloc_sleep"),
            max_absent: values.count("max_ptes_none"),
            wake: Nanos::ZERO,
            at: None,
        }
    }

    /// A space ended: what comes next is in the one behind it.
    pub(super) fn forget(&mut self, space: SpaceId) {
        if let Some((at, next)) = &mut self.at
            && *at == space
        {
            *next = u64::MAX;
        }
    }

    /// One scan (`khugepaged_do_scan`), if it is time.
    pub(super) fn wake(
        &mut self,
        layer: &mut dyn Layer,
        budget: &mut Budget,
        permits: impl Fn(Advice) -> bool,
    ) -> NextWake {
        let now = layer.now();
        if now < self.wake {
            return NextWake::At(self.wake);
        }
        let mut scanned = 0;
        let mut sleep = self.scan_sleep;
        // It may come to its beginning once, so that a short list is not scanned over and over.
        let mut rounds = 0;
        let mut regions = Vec::new();
        while scanned < self.pages_to_scan && rounds < 2 {
            let Some((space, from)) = self.place(layer) else {
                self.at = None;
                rounds += 1;
                continue;
            };
            regions.clear();
            if layer.regions(space, &mut regions).is_err() {
                self.at = Some((space, u64::MAX));
                continue;
            }
            let Some(block) = next_block(&regions, from, &permits) else {
                self.at = Some((space, u64::MAX));
                continue;
            };
            let last = last_of_run(&regions, block, &permits);
            let mut at = block;
            while at <= last && scanned < self.pages_to_scan {
                let looked = self.look(layer, budget, (space, at));
                at += PageSize::Size2M.bytes();
                scanned += PAGES;
                self.at = Some((space, at));
                match looked {
                    Looked::On => {}
                    Looked::NoBlock => {
                        sleep = self.alloc_sleep;
                        scanned = self.pages_to_scan;
                    }
                    Looked::Spent => scanned = self.pages_to_scan,
                }
            }
        }
        self.wake = Nanos::new(now.get() + sleep.get());
        NextWake::At(self.wake)
    }

    /// The space to go on in, and where; `None` after the last one.
    fn place(&self, layer: &mut dyn Layer) -> Option<(SpaceId, u64)> {
        let mut spaces = Vec::new();
        let _listed = layer.spaces(&mut spaces);
        match self.at {
            None => spaces.first().map(|&space| (space, 0)),
            Some((space, u64::MAX)) => spaces.into_iter().find(|&next| next > space).map(|space| (space, 0)),
            Some(at) => Some(at),
        }
    }

    /// Looks at a block, and makes a huge page of it if it may (`hpage_collapse_scan_pmd`): few enough pages are
    /// absent, and at least one was used.
    fn look(&self, layer: &mut dyn Layer, budget: &mut Budget, (space, block): (SpaceId, u64)) -> Looked {
        let start = Addr::<Upper>::truncate(block);
        let Ok(seen) = layer.block(space, start) else { return Looked::On };
        let left = budget.spend(seen.cost);
        let Block::Base { present, accessed, .. } = seen.value else {
            return if left { Looked::On } else { Looked::Spent };
        };
        if PAGES - u64::from(present) > self.max_absent || accessed == 0 {
            return if left { Looked::On } else { Looked::Spent };
        }
        let page = Page::containing(start, PageSize::Size2M);
        match layer.apply(&Action::Collapse { space, page, into: CollapseInto::Any }) {
            Ok(applied) if budget.spend(applied.cost) => Looked::On,
            Ok(_) => Looked::Spent,
            Err(Refused::NoMemory) => Looked::NoBlock,
            Err(_) => Looked::On,
        }
    }
}

/// The first whole block at or behind an address that lies in a region where huge pages may be used.
fn next_block(regions: &[Region], from: u64, permits: &impl Fn(Advice) -> bool) -> Option<u64> {
    let size = PageSize::Size2M.bytes();
    regions.iter().filter(|region| permits(region.advice)).find_map(|region| {
        let (start, end) = (region.span.start.get(), region.span.start.get() + region.span.bytes);
        let block = start.max(from).checked_next_multiple_of(size)?;
        (block.checked_add(size)? <= end).then_some(block)
    })
}

/// The last whole block of the region that holds a block.
fn last_of_run(regions: &[Region], block: u64, permits: &impl Fn(Advice) -> bool) -> u64 {
    let size = PageSize::Size2M.bytes();
    let holds = |region: &&Region| {
        permits(region.advice)
            && (region.span.start.get()..region.span.start.get() + region.span.bytes).contains(&block)
    };
    regions.iter().find(holds).map_or(block, |region| {
        let end = region.span.start.get() + region.span.bytes;
        end / size * size - size
    })
}
