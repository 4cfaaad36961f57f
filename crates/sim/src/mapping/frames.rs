//! Frames of a lower space, handed out in the order of first touch.

use core::marker::PhantomData;

use terrace_addr::{Addr, Bytes, PageSize, Space};
use terrace_table::FrameSource;

use super::Placement;
use super::rule::mix;

/// The share of a part that table pages lie in: enough for tables of 4K pages that fill the part.
const TABLE_SHARE: u64 = 256;

/// The frames of a lower space: four parts, for table pages and each page size.
#[derive(Debug, Clone)]
pub(super) struct Frames<L> {
    /// What is given by hand lies below.
    start: u64,
    /// For table pages, then each page size.
    parts: [Part; 4],
    placement: Placement,
    seed: u64,
    space: PhantomData<L>,
}

/// Room for frames of one size.
#[derive(Debug, Clone, Copy)]
struct Part {
    start: u64,
    /// The length of what frames are handed out of.
    length: u64,
    /// Frames handed out.
    taken: u64,
}

/// More was touched than there is memory for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryFull {
    /// The space.
    pub space: &'static str,
    /// The size of the frames that are used up; none for table pages.
    pub size: Option<PageSize>,
    /// The length of that part of the memory.
    pub memory: Bytes,
}

impl<L: Space> Frames<L> {
    /// Four parts of the length `memory`, the first of them at `start`; no frame handed out. Table pages use
    /// only the beginning of theirs: kernels keep such pages together too (Linux groups what cannot be
    /// moved).
    pub(super) fn equal(start: Addr<L>, memory: Bytes, placement: Placement, seed: u64) -> Self {
        let length = memory.get();
        debug_assert!(length.is_power_of_two() && length >= PageSize::Size1G.bytes());
        let part = |number| Part { start: start.get() + number * length, length, taken: 0 };
        let tables = Part { length: length / TABLE_SHARE, ..part(0) };
        let seed = mix(seed ^ length);
        let parts = [tables, part(1), part(2), part(3)];
        Self { start: start.get(), parts, placement, seed, space: PhantomData }
    }

    /// Parts that are just as long as backing `backed`, whole gigabytes of the space above, may need: for the
    /// page sizes that are `used` so much each, for others nothing. The table part has room for the tables of
    /// this layer, and as much for tables composed of the layers above.
    pub(super) fn fitting(
        start: Addr<L>,
        backed: Bytes,
        used: impl Fn(PageSize) -> bool,
        placement: Placement,
        seed: u64,
    ) -> Self {
        let tables = backed.get() / (TABLE_SHARE / 2);
        let mut at = start.get() + whole_gigabytes(tables);
        let tables = Part { start: start.get(), length: tables, taken: 0 };
        let [small, middle, large] = PageSize::ALL.map(|size| {
            let part = Part { start: at, length: if used(size) { backed.get() } else { 0 }, taken: 0 };
            at += part.length;
            part
        });
        let seed = mix(seed ^ backed.get());
        let parts = [tables, small, middle, large];
        Self { start: start.get(), parts, placement, seed, space: PhantomData }
    }

    /// The first address behind all parts.
    pub(super) fn end(&self) -> Addr<L> {
        let [.., last] = self.parts;
        Addr::new(last.start + last.length)
    }

    /// How much of the space may be in use, counted in whole gigabytes, if frames of the sizes `used` are
    /// taken: what lies below the parts, the table part, and the parts of those sizes.
    pub(super) fn reach(&self, used: impl Fn(PageSize) -> bool) -> Bytes {
        let [tables, pages @ ..] = self.parts;
        let pages = PageSize::ALL.into_iter().zip(pages).filter(|&(size, _)| used(size));
        let pages = pages.map(|(_, part)| part.length).sum::<u64>();
        Bytes::new(self.start + whole_gigabytes(tables.length) + pages)
    }

    /// The next frame of this size.
    ///
    /// # Errors
    /// If all are handed out.
    pub(super) fn take_page(&mut self, size: PageSize) -> Result<Addr<L>, MemoryFull> {
        self.next(1 + size.index(), size, Some(size))
    }

    /// The next table page.
    ///
    /// # Errors
    /// If all are handed out.
    pub(super) fn take_table(&mut self) -> Result<Addr<L>, MemoryFull> {
        self.next(0, PageSize::Size4K, None)
    }

    /// That no table page is left.
    pub(super) fn tables_full(&self) -> MemoryFull {
        MemoryFull { space: L::NAME, size: None, memory: Bytes::new(self.parts[0].length) }
    }

    fn next(&mut self, part: usize, frame: PageSize, size: Option<PageSize>) -> Result<Addr<L>, MemoryFull> {
        let Part { start, length, taken } = &mut self.parts[part];
        let count = *length >> frame.shift();
        if *taken >= count {
            return Err(MemoryFull { space: L::NAME, size, memory: Bytes::new(*length) });
        }
        let place = self.placement.place(*taken, count, self.seed);
        *taken += 1;
        Ok(Addr::new(*start + (place << frame.shift())))
    }
}

impl<L: Space> FrameSource<L> for Frames<L> {
    fn take(&mut self) -> Option<Addr<L>> {
        self.take_table().ok()
    }

    /// Replay gives no table page back.
    fn give_back(&mut self, _: Addr<L>) {
        debug_assert!(false, "replay never removes a table");
    }
}

/// `length`, rounded up to whole gigabytes.
pub(super) const fn whole_gigabytes(length: u64) -> u64 {
    length.next_multiple_of(PageSize::Size1G.bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use terrace_addr::Hpa;

    #[test]
    fn parts_do_not_overlap_and_end() {
        let memory = Bytes::new(1 << 30);
        let mut frames = Frames::<Hpa>::equal(Addr::ZERO, memory, Placement::Scattered, 3);
        assert!(frames.take_table().unwrap().get() < 1 << 30);
        assert_eq!(frames.take_page(PageSize::Size4K).unwrap().get() >> 30, 1);
        assert_eq!(frames.take_page(PageSize::Size2M).unwrap().get() >> 30, 2);
        assert_eq!(frames.take_page(PageSize::Size1G), Ok(Addr::new(3 << 30)));
        let full = MemoryFull { space: "HPA", size: Some(PageSize::Size1G), memory };
        assert_eq!(frames.take_page(PageSize::Size1G), Err(full));
        assert_eq!(frames.end().get(), 4 << 30);
    }

    #[test]
    fn fitting_parts_are_of_the_sizes_in_use() {
        let start = Addr::<Hpa>::new(7 << 30);
        let large = |size| size == PageSize::Size1G;
        let mut frames = Frames::fitting(start, Bytes::new(3 << 30), large, Placement::Scattered, 3);
        assert_eq!(frames.take_table().unwrap().get() >> 30, 7);
        let taken: BTreeSet<_> =
            (0..3).map(|_| frames.take_page(PageSize::Size1G).unwrap().get() >> 30).collect();
        assert_eq!(taken, BTreeSet::from([8, 9, 10]));
        assert!(frames.take_page(PageSize::Size1G).is_err() && frames.take_page(PageSize::Size4K).is_err());
        assert_eq!((frames.end().get(), frames.reach(large).get()), (11 << 30, 11 << 30));
        assert_eq!(frames.reach(|_| false).get(), 8 << 30);
    }
}
