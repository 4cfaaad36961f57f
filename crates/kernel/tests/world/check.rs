//! What must hold of a kernel at every moment, and what its changes must have said.

use std::collections::{BTreeMap, BTreeSet};

use terrace_addr::{PageSize, Space, convert};
use terrace_frames::FrameState;
use terrace_kernel::{Kernel, Pending};
use terrace_policy::SpaceId;
use terrace_table::LeafFlags;

use super::{NODE, base, free, number};

/// Where a base page is: its frame, the size of the leaf that maps it, and whether it was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) frame: u64,
    pub(crate) size: PageSize,
    pub(crate) accessed: bool,
}

/// Where every base page of every space is.
pub(crate) type Pages = BTreeMap<(SpaceId, u64), Place>;

/// Looks at all leaves of all spaces, one by one.
pub(crate) fn all_pages<U: Space, L: Space>(kernel: &Kernel<U, L>) -> Pages {
    let mut found = Pages::new();
    for (id, space) in kernel.spaces() {
        for leaf in space.table.all_leaves() {
            let (page, frame) = (number(leaf.page.start()), number(leaf.frame));
            let (size, accessed) = (leaf.page.size(), leaf.flags.contains(LeafFlags::ACCESSED));
            for part in 0..size.base_pages() {
                let place = Place { frame: frame + part, size, accessed };
                assert_eq!(found.insert((id, page + part), place), None);
            }
        }
    }
    found
}

/// Table pages of all spaces.
pub(crate) fn table_pages<U: Space, L: Space>(kernel: &Kernel<U, L>) -> u64 {
    kernel.spaces().map(|(_, space)| convert::count(space.table.memory().nodes())).sum()
}

/// The table, the memory and the counts agree; `others` frames are used by nobody who has an address space.
pub(crate) fn consistent<U: Space, L: Space>(kernel: &Kernel<U, L>, others: u64) -> Pages {
    let pages = all_pages(kernel);
    let mut frames = BTreeSet::new();
    for (&(id, page), place) in &pages {
        assert!(frames.insert(place.frame), "frame {:#x} is behind two pages", place.frame);
        assert_eq!(kernel.memory().state(base(place.frame)), FrameState::Used, "of page {page:#x}");
        let area = kernel.space(id).unwrap().area(base(page));
        assert!(area.is_some(), "page {page:#x} is mapped outside all areas");
    }
    for (_, space) in kernel.spaces() {
        for size in PageSize::ALL {
            let leaves = space.table.all_leaves().filter(|leaf| leaf.page.size() == size).count();
            assert_eq!(space.mapped().leaves(size), convert::count(leaves), "leaves of {size}");
        }
    }
    let reserved = reserved(kernel);
    let used = (kernel.memory().total(NODE).get() >> 12) - free(kernel) - reserved;
    assert_eq!(used, convert::count(pages.len()) + table_pages(kernel) + others, "used frames");
    pages
}

/// Frames that are reserved and not used.
fn reserved<U: Space, L: Space>(kernel: &Kernel<U, L>) -> u64 {
    let memory = kernel.memory();
    let blocks = memory.reservations().map(|held| (number(held.start), held.order.frames()));
    let frames = blocks.flat_map(|(start, frames)| start..start + frames);
    convert::count(frames.filter(|&at| matches!(memory.state(base(at)), FrameState::Reserved(_))).count())
}

/// What an entry of a level maps, in base pages.
const fn reach(level: u32) -> u64 {
    1 << (9 * (level - 1))
}

/// Every translation that is no longer what it was is noted as stale, every entry that is another as written, and every
/// frame whose content went elsewhere, or came, as touched.
pub(crate) fn changes_are_noted<U: Space, L: Space>(before: &Pages, after: &Pages, pending: &Pending<U, L>) {
    let is_stale = |space, page: u64| {
        let at = page << 12;
        pending
            .stale
            .iter()
            .any(|stale| stale.space == space && at.wrapping_sub(stale.span.start.get()) < stale.span.bytes)
    };
    let is_written = |space, page: u64| {
        let same = |written: &terrace_kernel::Written<U>| {
            number(written.addr) / reach(written.level) == page / reach(written.level)
        };
        pending.written.iter().any(|written| written.space == space && same(written))
    };
    let touched: BTreeSet<u64> = pending
        .touched
        .iter()
        .flat_map(|span| number(span.start)..number(span.start) + (span.bytes >> 12))
        .collect();
    for (&(space, page), old) in before {
        let new = after.get(&(space, page));
        let same = |place: &Place| (place.frame, place.size) == (old.frame, old.size);
        if !new.is_some_and(same) {
            assert!(is_stale(space, page), "page {page:#x} of {space:?} changed and is not stale");
            assert!(is_written(space, page), "page {page:#x} of {space:?} changed and no entry was written");
        }
        if let Some(new) = new.filter(|new| new.frame != old.frame) {
            assert!(
                touched.contains(&old.frame) && touched.contains(&new.frame),
                "a copy touches both frames"
            );
        }
        if new.is_some_and(|new| old.accessed && !new.accessed) {
            assert!(
                is_written(space, page),
                "page {page:#x} of {space:?}: a bit was cleared without a write"
            );
        }
    }
    for (&(space, page), place) in after {
        if !before.contains_key(&(space, page)) {
            assert!(is_written(space, page), "page {page:#x} of {space:?} is new and no entry was written");
            assert!(touched.contains(&place.frame), "page {page:#x} of {space:?} is new and was not cleared");
        }
    }
}

/// The base pages that were mapped before and after, and are elsewhere now.
pub(crate) fn moved(before: &Pages, after: &Pages) -> u64 {
    let elsewhere =
        |(page, old): &(&(SpaceId, u64), &Place)| after.get(page).is_some_and(|new| new.frame != old.frame);
    convert::count(before.iter().filter(elsewhere).count())
}

/// The base pages that are mapped now and were not before.
pub(crate) fn appeared(before: &Pages, after: &Pages) -> Vec<(SpaceId, u64)> {
    after.keys().filter(|page| !before.contains_key(page)).copied().collect()
}

/// The base pages that were mapped before and are not now.
pub(crate) fn vanished(before: &Pages, after: &Pages) -> Vec<(SpaceId, u64)> {
    appeared(after, before)
}
