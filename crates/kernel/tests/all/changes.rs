//! Random histories of a kernel: every page's content stays its own, and every change is noted.
//!
//! Pages have no content here, but a page keeps its content if nothing but what was noted happened: a page that is
//! elsewhere afterwards was copied once (the copies are counted in bytes, and both frames were touched), no two pages
//! share a frame, and a page that is new was cleared.

use crate::world;

use proptest::prelude::*;
use terrace_addr::{Addr, Gpa, Gva, Nanos, Page, PageSize, Span, convert};
use terrace_frames::FrameState;
use terrace_kernel::{Kernel, KernelCounts, KernelError};
use terrace_policy::{Action, Advice, Applied, CollapseInto, Layer, Placement, Refused, SpaceId};
use world::change::{Change, change, make, placement, scatter};
use world::check::{Pages, appeared, changes_are_noted, consistent, moved, table_pages, vanished};
use world::{BLOCK, Told, base, fault, free, kernel, number, pages};

type Guest = Kernel<Gva, Gpa>;

/// Where the tests' areas begin.
const START: Addr<Gva> = Addr::new(0x4000_0000);
/// Pages that an area may have.
const PAGES: u64 = 4 * BLOCK;

fn at(page: u64) -> Addr<Gva> {
    START.offset_by(page << 12)
}

#[derive(Debug, Clone)]
enum Operation {
    Map {
        from: u64,
        count: u64,
    },
    Grow {
        by: u64,
    },
    Unmap {
        from: u64,
        count: u64,
    },
    Fault {
        page: u64,
        placement: Placement,
    },
    /// Base pages one after the other, at their places in a block if it is free.
    Fill {
        from: u64,
        count: u64,
        block: u64,
    },
    Change(Change),
    Populate {
        page: u64,
        frame: u64,
        huge: bool,
    },
    Compact,
    Reserve {
        block: u64,
    },
    Expire,
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        2 => (0..PAGES, 1..PAGES).prop_map(|(from, count)| Operation::Map { from, count }),
        1 => (1..BLOCK).prop_map(|by| Operation::Grow { by }),
        2 => (0..PAGES, 1..BLOCK).prop_map(|(from, count)| Operation::Unmap { from, count }),
        5 => (0..PAGES, placement()).prop_map(|(page, placement)| Operation::Fault { page, placement }),
        3 => (0..PAGES, 1..BLOCK, 0_u64..10)
            .prop_map(|(from, count, block)| Operation::Fill { from, count, block }),
        10 => change().prop_map(Operation::Change),
        2 => (0..PAGES, 0..10 * BLOCK, any::<bool>())
            .prop_map(|(page, frame, huge)| Operation::Populate { page, frame, huge }),
        1 => Just(Operation::Compact),
        1 => (0_u64..10).prop_map(|block| Operation::Reserve { block }),
        1 => Just(Operation::Expire),
    ]
}

/// Does it, and checks what only it may do.
fn apply(guest: &mut Guest, space: SpaceId, operation: &Operation, before: &Pages) {
    let counts = *guest.counts();
    match *operation {
        Operation::Map { from, count } => {
            let _may_overlap = guest.map_at(space, at(from), pages(count), Advice::Default, None);
        }
        Operation::Grow { by } => {
            let first = guest.space(space).unwrap().areas().next().map(|area| area.start);
            let _may_overlap = first.map(|start| guest.grow(space, start, pages(by)));
        }
        Operation::Unmap { from, count } => unmap(guest, space, from, count, before),
        Operation::Fault { page, placement } => {
            let _may_fail = served(guest, space, page, placement, before);
        }
        Operation::Fill { from, count, block } => {
            for page in from..(from + count).min(PAGES) {
                let frame = base(block * BLOCK + page % BLOCK);
                let _may_fail = fault(guest, space, at(page), Placement::Frame(frame));
            }
        }
        Operation::Change(ref change) => {
            if let Some((action, came)) = make(guest, space, change) {
                let after = world::check::all_pages(guest);
                check_action(&action, came, before, &after, guest.counts().since(&counts));
            }
        }
        Operation::Populate { page, frame, huge } => {
            let size = if huge { PageSize::Size2M } else { PageSize::Size4K };
            let page = Page::containing(at(page).reinterpret(), size);
            let action = Action::Populate { space, page, at: base(frame & !(size.base_pages() - 1)) };
            let came = guest.apply(&action).map(|applied| applied.value);
            let after = world::check::all_pages(guest);
            check_action(&action, came, before, &after, guest.counts().since(&counts));
        }
        Operation::Compact => {
            guest.compact_in_background();
            let after = world::check::all_pages(guest);
            assert!(before.keys().eq(after.keys()));
            assert_eq!(moved(before, &after), guest.counts().compaction_moved - counts.compaction_moved);
        }
        Operation::Reserve { block } => {
            let _may_be_used = guest.reserve(base(block * BLOCK), Nanos::new(guest.now().get() + 2));
        }
        Operation::Expire => {
            guest.set_now(Nanos::new(guest.now().get() + 1));
            guest.expire_reservations();
        }
    }
}

/// Exactly the pages of the range vanish, and their frames are no longer used.
fn unmap(guest: &mut Guest, space: SpaceId, from: u64, count: u64, before: &Pages) {
    let span = Span { start: at(from), bytes: count << 12 };
    let unmapped = guest.unmap(&mut Told::nothing(), space, span);
    let after = world::check::all_pages(guest);
    if let Err(error) = unmapped {
        assert!(
            matches!(error, KernelError::OutOfMemory { .. }) && before.keys().eq(after.keys()),
            "{error}"
        );
        return;
    }
    let range = number(at(from))..number(at(from + count));
    let inside = before.iter().filter(|((of, page), _)| *of == space && range.contains(page));
    assert!(inside.clone().map(|(page, _)| *page).eq(vanished(before, &after)));
    // A table page of a split may have taken the frame.
    let used = inside.filter(|(_, place)| guest.memory().state(base(place.frame)) == FrameState::Used);
    assert!(used.count() <= 2);
    assert_eq!((moved(before, &after), appeared(before, &after)), (0, vec![]));
}

/// A fault maps the page, or the block around it, and nothing else; what compaction moved stays mapped.
fn served(
    guest: &mut Guest,
    space: SpaceId,
    page: u64,
    placement: Placement,
    before: &Pages,
) -> Result<(), KernelError> {
    let served = fault(guest, space, at(page), placement);
    let after = world::check::all_pages(guest);
    assert_eq!(vanished(before, &after), []);
    let new = appeared(before, &after);
    match &served {
        Ok(leaf) => {
            assert_eq!(
                guest.leaf(space, at(page)).map(|leaf| (leaf.page, leaf.frame)),
                Some((leaf.page, leaf.frame))
            );
            let mine = number(leaf.page.start())..number(leaf.page.next().start());
            assert!(new.is_empty() || new.into_iter().eq(mine.map(|page| (space, page))));
        }
        Err(_) => assert_eq!(new, []),
    }
    served.map(|_| ())
}

/// What each action promises.
fn check_action(
    action: &Action,
    came: Result<Applied, Refused>,
    before: &Pages,
    after: &Pages,
    counts: KernelCounts,
) {
    let Ok(applied) = came else {
        assert!(before.keys().eq(after.keys()), "{action:?} was refused and changed what is mapped");
        assert_eq!(moved(before, after), counts.compaction_moved, "only compaction moves on the way");
        return;
    };
    assert_eq!(vanished(before, after), [], "{action:?}");
    let changed = |size| {
        let sizes =
            before.iter().filter(|(page, old)| old.size != after[*page].size && after[*page].size == size);
        convert::count(sizes.count())
    };
    let new = convert::count(appeared(before, after).len());
    let moved = moved(before, after);
    match *action {
        Action::Collapse { space, page, into } => {
            let parts = number(page.start())..number(page.start()) + BLOCK;
            let frame = number(applied.frame.unwrap());
            for (part, page) in (0..).zip(parts) {
                let place = after[&(space, page)];
                assert_eq!((place.size, place.frame), (PageSize::Size2M, frame + part));
            }
            assert_eq!((new, changed(PageSize::Size2M)), (u64::from(applied.cleared), BLOCK - new));
            match into {
                CollapseInto::InPlace => assert_eq!((moved, applied.copied), (0, 0)),
                CollapseInto::At(at) => assert_eq!(number(at), frame),
                // Into a free block each page is copied; but compaction may have put it there before.
                CollapseInto::Any => assert_eq!(u64::from(applied.copied), BLOCK - new),
            }
            assert!(moved <= u64::from(applied.copied) + counts.compaction_moved);
        }
        Action::Join { .. } | Action::Segment { .. } | Action::Direct { .. } => {
            assert_eq!((moved, new), (0, 0));
        }
        Action::Populate { space, page, at } => {
            assert_eq!((moved, new), (0, page.size().base_pages()));
            assert_eq!(after[&(space, number(page.start()))].frame, number(at));
        }
        Action::Split { .. } => assert_eq!((moved, new, changed(PageSize::Size4K)), (0, 0, BLOCK)),
        Action::Migrate { space, page, to } => {
            let place = after[&(space, number(page.start()))];
            assert_eq!((moved, new), (page.size().base_pages(), 0));
            assert_eq!(place.frame, number(applied.frame.unwrap()));
            assert!(to.is_none_or(|to| number(to) == place.frame));
        }
        Action::Exchange { space, pages } => {
            let [one, other] = pages.map(|page| (space, number(page.start())));
            assert_eq!([after[&one].frame, after[&other].frame], [before[&other].frame, before[&one].frame]);
            assert_eq!((moved, new), (2 * pages[0].size().base_pages(), 0));
            let frames = |pages: &Pages| {
                let mut frames: Vec<_> = pages.values().map(|place| place.frame).collect();
                frames.sort_unstable();
                frames
            };
            assert_eq!(frames(before), frames(after));
        }
    }
}

/// A history of two spaces in a memory in which somebody else has `step`-th frames.
fn run(operations: &[(bool, Operation)], step: Option<u64>) -> Result<(), TestCaseError> {
    let mut guest: Guest = kernel(10 * BLOCK);
    let all = free(&guest);
    let others = step.map_or(0, |step| scatter(&mut guest, 6, step));
    let spaces = [guest.begin_space().unwrap(), guest.begin_space().unwrap()];
    for space in spaces {
        guest.map_at(space, at(100), pages(3 * BLOCK), Advice::Default, None).unwrap();
    }
    let mut before = consistent(&guest, others);
    for (other, operation) in operations {
        guest.pending().clear();
        let (counts, tables) = (*guest.counts(), table_pages(&guest));
        apply(&mut guest, spaces[usize::from(*other)], operation, &before);
        let pending = std::mem::take(guest.pending());
        let after = consistent(&guest, others);
        changes_are_noted(&before, &after, &pending);
        // Pages that moved were copied, once, and whatever was cleared or copied was written.
        let counts = guest.counts().since(&counts);
        prop_assert!(moved(&before, &after) <= counts.copied_pages, "{:?}", operation);
        prop_assert_eq!(pending.copied.read, pages(counts.copied_pages));
        let new_tables = table_pages(&guest).saturating_sub(tables);
        let written = pending.copied.written.get() >> 12;
        prop_assert!(written >= counts.copied_pages + counts.cleared_pages + new_tables);
        let new = convert::count(appeared(&before, &after).len());
        prop_assert!(new <= counts.cleared_pages, "what is new was cleared");
        before = after;
    }
    for space in spaces {
        guest.end_space(&mut Told::nothing(), space).unwrap();
    }
    guest.set_now(Nanos::new(u64::MAX));
    guest.expire_reservations();
    prop_assert_eq!(free(&guest) + others, all);
    Ok(())
}

proptest! {
    #![proptest_config(world::config(64))]

    #[test]
    fn contents_stay_with_their_pages(
        operations in prop::collection::vec((any::<bool>(), operation()), 1..50),
        step in prop_oneof![Just(None), (3_u64..200).prop_map(Some)],
    ) {
        run(&operations, step)?;
    }
}
