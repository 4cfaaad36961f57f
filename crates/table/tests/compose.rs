//! Composed leaves, held against translating twice.

use proptest::prelude::*;
use terrace_addr::{Addr, Ghpa, Gpa, Gva, Hpa, Page, PageSize, Space};
use terrace_table::{Leaf, LeafFlags, compose};

/// A leaf around `addr`, its frame chosen by `frame`.
fn leaf<U: Space, L: Space>(addr: Addr<U>, size: PageSize, frame: u64, flags: u8) -> Leaf<U, L> {
    Leaf {
        page: Page::containing(addr, size),
        frame: Addr::truncate(frame).align_down(size),
        flags: LeafFlags::from_bits_truncate(flags),
    }
}

fn size() -> impl Strategy<Value = PageSize> {
    prop::sample::select(PageSize::ALL.to_vec())
}

proptest! {
    #[test]
    fn one_composed_leaf_translates_as_both(
        raw: u64,
        frames: (u64, u64),
        (upper_size, lower_size) in (size(), size()),
        flags: (u8, u8),
        offsets in prop::collection::vec(any::<u64>(), 1..50),
    ) {
        let addr = Addr::<Gva>::truncate(raw);
        let upper: Leaf<Gva, Gpa> = leaf(addr, upper_size, frames.0, flags.0);
        let lower: Leaf<Gpa, Hpa> = leaf(upper.translate(addr), lower_size, frames.1, flags.1);
        let composed = compose(addr, upper, lower);

        prop_assert!(composed.page.contains(addr));
        prop_assert_eq!(composed.page.size(), upper_size.min(lower_size));
        prop_assert!(composed.frame.is_aligned(composed.page.size()));
        let first = composed.page.start();
        let last = first.offset_by(composed.page.size().bytes() - 1);
        for byte in offsets.into_iter().map(|offset| offset % composed.page.size().bytes()) {
            for at in [first, first.offset_by(byte), addr, last] {
                prop_assert!(upper.page.contains(at), "the composed page lies inside the upper one");
                prop_assert_eq!(composed.translate(at), lower.translate(upper.translate(at)));
            }
        }
    }

    #[test]
    fn a_composed_leaf_allows_what_both_allow_and_is_not_used_yet(upper_flags: u8, lower_flags: u8) {
        let addr = Addr::<Gva>::ZERO;
        let upper: Leaf<Gva, Gpa> = leaf(addr, PageSize::Size4K, 0, upper_flags);
        let lower: Leaf<Gpa, Hpa> = leaf(Addr::ZERO, PageSize::Size4K, 0, lower_flags);
        let composed = compose(addr, upper, lower).flags;
        for flag in LeafFlags::all().iter() {
            let used = flag == LeafFlags::ACCESSED || flag == LeafFlags::DIRTY;
            let expected = !used && upper.flags.contains(flag) && lower.flags.contains(flag);
            prop_assert_eq!(composed.contains(flag), expected, "{:?}", flag);
        }
    }

    #[test]
    fn three_layers_give_one_leaf_whichever_two_are_taken_first(
        raw: u64,
        frames: (u64, u64, u64),
        (first_size, second_size, third_size) in (size(), size(), size()),
        flags: (u8, u8, u8),
    ) {
        let addr = Addr::<Gva>::truncate(raw);
        let first: Leaf<Gva, Gpa> = leaf(addr, first_size, frames.0, flags.0);
        let middle = first.translate(addr);
        let second: Leaf<Gpa, Ghpa> = leaf(middle, second_size, frames.1, flags.1);
        let third: Leaf<Ghpa, Hpa> = leaf(second.translate(middle), third_size, frames.2, flags.2);
        let upper_two_first = compose(addr, compose(addr, first, second), third);
        prop_assert_eq!(upper_two_first, compose(addr, first, compose(middle, second, third)));
    }
}
