//! Direct segments.

use terrace_addr::{Addr, Bytes, Gva, PageSize, VirtualWidth};
use terrace_oracle::DirectSegment;

use crate::both::address;
use crate::draw::Draw;
use crate::history::{Place, Places};

/// One that is drawn: around a place, with its ends near pages of any size.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Direct {
    at: Place,
    /// It begins at the start of the page of this size around the place, or so many 4 KiB pages before.
    from: PageSize,
    before: u64,
    size: u64,
    /// Where in memory it leads to, unless that is its very end.
    base: Option<u64>,
    /// How far from where pages of all sizes would fit.
    skew: u64,
}

/// Behind all memory.
const END: u64 = 1 << 37;

const PAGE: u64 = PageSize::Size4K.bytes();

impl Direct {
    pub(crate) fn draw(draw: &mut Draw, places: &Places) -> Self {
        let from = draw.pick(&[PageSize::Size4K, PageSize::Size4K, PageSize::Size2M, PageSize::Size1G]);
        // Some pages of one size, or one 4 KiB page less or more.
        let unit = draw.pick(&[PageSize::Size4K, PageSize::Size2M, PageSize::Size2M, PageSize::Size1G]);
        let pages = 1 + if unit == PageSize::Size1G { draw.below(2) } else { draw.below(4) };
        let size = pages * unit.bytes() + draw.pick(&[0, 0, 1, 2]) * PAGE - draw.pick(&[0, 0, 1]) * PAGE;
        Self {
            at: places.draw(draw),
            from,
            before: draw.pick(&[0, 0, 0, 1, 2, 512]),
            size,
            // Where segments hold a guest's memory, among its frames, and where nothing else is.
            base: (!draw.percent(5)).then(|| draw.pick(&[0, 0, 4, 4, 8, 24, 100]) << 30),
            skew: draw.pick(&[0, 0, 0, 1, 512, 513]) * PAGE,
        }
    }

    /// In an address space of `width`; none if that leaves nothing of it.
    pub(crate) fn of(self, width: VirtualWidth) -> Option<DirectSegment> {
        let around: Addr<Gva> = address(self.at, width).align_down(self.from);
        let start = Addr::truncate(around.get().saturating_sub(self.before * PAGE));
        let size = self.size.min(u64::MAX - (PAGE - 1) - start.get());
        let to = self.base.map_or(END - size, |base| base + start.get() % (4 << 30) + self.skew);
        (size > 0).then_some(DirectSegment { start, size: Bytes::new(size), to })
    }
}
