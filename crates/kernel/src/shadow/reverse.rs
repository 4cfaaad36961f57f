//! Which composed leaves a frame of the middle space is under.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use terrace_addr::{Addr, Page, PageSize, Space, Span, convert};
use terrace_table::{Format, SimulatedMemory, Table};

/// For each base frame of the middle space a base page of the upper space whose composed leaf covers it: the low 32 bits
/// of the page's number, plus 1. The few frames that several pages lead to have a list beside it. Base pages and no
/// larger ones: a leaf may be divided, and each part is still found.
///
/// An entry may outlive its leaf; what it leads to is looked up before it is believed.
#[derive(Debug, Clone)]
pub(super) struct ReverseMap<U, G> {
    first: Vec<u32>,
    more: BTreeMap<u64, Vec<u64>>,
    spaces: PhantomData<(U, G)>,
}

/// Page numbers of 36 bits (48 of address) are looked for: 16 of them share their low 32 bits.
const WINDOWS: u64 = 16;
const NUMBER_BITS: u32 = 36;

impl<U: Space, G: Space> ReverseMap<U, G> {
    pub(super) const fn new() -> Self {
        Self { first: Vec::new(), more: BTreeMap::new(), spaces: PhantomData }
    }

    /// The frames from `middle` on are under a composed page.
    pub(super) fn add<F: Format, L: Space>(
        &mut self,
        table: &Table<U, F, SimulatedMemory<L>>,
        middle: Addr<G>,
        page: Page<U>,
    ) {
        let start = middle.get() >> PageSize::Size4K.shift();
        let last = convert::index(start + page.size().base_pages());
        if self.first.len() < last {
            self.first.resize(last.next_power_of_two(), 0);
        }
        let upper = page.start().get() >> PageSize::Size4K.shift();
        for part in 0..page.size().base_pages() {
            let wanted = convert::low32(upper + part).wrapping_add(1);
            if upper >> NUMBER_BITS != 0 || wanted == 0 {
                self.list(start + part, page.start().offset_by(part << PageSize::Size4K.shift()));
                continue;
            }
            let place = &mut self.first[convert::index(start + part)];
            let old = std::mem::replace(place, wanted);
            if old != 0 && old != wanted {
                for at in mapped(table, old) {
                    self.list(start + part, at);
                }
            }
        }
    }

    fn list(&mut self, frame: u64, at: Addr<U>) {
        let pages = self.more.entry(frame).or_default();
        if !pages.contains(&at.get()) {
            pages.push(at.get());
        }
    }

    /// The base pages whose composed leaves lie over a base frame.
    pub(super) fn find<F: Format, L: Space>(
        &self,
        table: &Table<U, F, SimulatedMemory<L>>,
        frame: u64,
    ) -> impl Iterator<Item = Addr<U>> {
        let first = self.first.get(convert::index(frame)).copied().filter(|&place| place != 0);
        let more = self.more.get(&frame).into_iter().flatten().map(|&at| Addr::truncate(at));
        let first = first.into_iter().flat_map(|place| mapped(table, place));
        first.chain(more.filter(|&at| table.maps(at)))
    }

    /// The base pages whose composed leaves lie over a range, which are no longer known to.
    pub(super) fn take<F: Format, L: Space>(
        &mut self,
        table: &Table<U, F, SimulatedMemory<L>>,
        span: Span<G>,
    ) -> Vec<Addr<U>> {
        let shift = PageSize::Size4K.shift();
        let (start, end) = (span.start.get() >> shift, (span.start.get() + span.bytes).div_ceil(1 << shift));
        let mut found = Vec::new();
        for frame in start..end {
            found.extend(self.find(table, frame));
            if let Some(place) = self.first.get_mut(convert::index(frame)) {
                *place = 0;
            }
            self.more.remove(&frame);
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// The base pages that an entry may mean and that a leaf maps.
fn mapped<U: Space, F: Format, L: Space>(
    table: &Table<U, F, SimulatedMemory<L>>,
    entry: u32,
) -> impl Iterator<Item = Addr<U>> {
    let low = u64::from(entry.wrapping_sub(1));
    (0..WINDOWS).filter_map(move |window| {
        let addr = Addr::try_new((window << 32 | low) << PageSize::Size4K.shift()).ok()?;
        (table.covers(addr) && table.maps(addr)).then_some(addr)
    })
}
