//! Grouped frames: that neighbours stay neighbours whoever touches memory meanwhile, and what happens without memory.

use crate::one_layer;

use one_layer::{BASE, BLOCK, OneLayer, jumping, word};
use proptest::prelude::*;

/// Of the groups of so many pages, those whose frames lie side by side in an aligned group.
fn grouped(layer: &OneLayer, space: terrace_policy::SpaceId, pages: u64) -> usize {
    let leaves = layer.leaves(space);
    let mut groups = std::collections::BTreeMap::<u64, std::collections::BTreeSet<u64>>::new();
    for leaf in &leaves {
        let (page, frame) = (leaf.page.start().get() / BASE, leaf.frame.get() / BASE);
        // Both have the same place in their groups.
        let place = if page % pages == frame % pages { frame / pages } else { u64::MAX };
        groups.entry(page / pages).or_default().insert(place);
    }
    groups.values().filter(|frames| frames.len() == 1 && !frames.contains(&u64::MAX)).count()
}

#[test]
fn pages_that_are_touched_in_turns_are_neighbours_all_the_same() {
    let run = |system| {
        let mut layer = OneLayer::new(system, &[], 32);
        let spaces = [layer.begin(), layer.begin(), layer.begin()];
        let starts = spaces.map(|space| layer.map(space, 2));
        for page in jumping(2 * 512, 701) {
            for (&space, start) in spaces.iter().zip(starts) {
                layer.touch(space, start.offset_by(page * BASE));
            }
        }
        layer.check();
        spaces.map(|space| grouped(&layer, space, 8))
    };
    assert_eq!(run("ptemagnet"), [128; 3]);
    assert_eq!(run("base-pages"), [0; 3]);
}

#[test]
fn short_memory_takes_back_what_was_put_aside() {
    let mut layer = OneLayer::new("ptemagnet", &[], 8);
    let space = layer.begin();
    let start = layer.map(space, 24);
    // One page of each group: before all are touched, everything that is left is put aside for the others.
    for group in 0..24 * 64 {
        layer.touch(space, start.offset_by(group * 8 * BASE));
    }
    assert_eq!(layer.leaves(space).len(), 24 * 64);
    assert!(layer.count("given_up") > 0);
    layer.check();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// In whatever order pages of several spaces are touched, each that was grouped lies at its place in its group, and
    /// no frame is behind two pages.
    #[test]
    fn any_order_keeps_groups_together(
        touches in proptest::collection::vec((0_usize..3, 0_u64..512), 1..600),
        group in proptest::sample::select(vec!["2", "8", "64"]),
    ) {
        let mut layer = OneLayer::new("ptemagnet", &[("group", word(group))], 16);
        let spaces = [layer.begin(), layer.begin(), layer.begin()];
        let starts = spaces.map(|space| layer.map(space, 1));
        for (which, page) in touches {
            layer.touch(spaces[which], starts[which].offset_by(page * BASE));
        }
        layer.check();
        let pages: u64 = group.parse().unwrap();
        for space in spaces {
            let leaves = layer.leaves(space);
            let groups: std::collections::BTreeSet<_> =
                leaves.iter().map(|leaf| leaf.page.start().get() / BASE / pages).collect();
            prop_assert_eq!(grouped(&layer, space, pages), groups.len());
        }
        prop_assert_eq!(layer.count("ungrouped"), 0);
        // What groups have not used is not free.
        let cut = layer.count("groups") * pages * BASE;
        prop_assert!(16 * BLOCK - layer.free_bytes() >= cut);
    }
}
