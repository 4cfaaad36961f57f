//! Against an ordered map that is searched from end to end, and what keeps a tree a tree.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Insert(u64, u64),
    Remove(u64),
    Change(u64, u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..256_u64, 0..20_u64).prop_map(|(key, value)| Step::Insert(key, value)),
        (0..256_u64).prop_map(Step::Remove),
        (0..256_u64, 0..20_u64).prop_map(|(key, value)| Step::Change(key, value)),
    ]
}

proptest! {
    /// The same as an ordered map that is searched from end to end.
    #[test]
    fn it_finds_what_a_scan_finds(steps in proptest::collection::vec(step(), 1..400), from in 0..256_u64, least in 0..22_u64) {
        let (mut tree, mut naive) = (OrderTree::new(), BTreeMap::new());
        for step in steps {
            match step {
                Step::Insert(key, value) => if let Entry::Vacant(vacant) = naive.entry(key) {
                    vacant.insert(value);
                    tree.insert(key, value);
                },
                Step::Remove(key) => prop_assert_eq!(tree.remove(key), naive.remove(&key)),
                Step::Change(key, value) => if let Some(old) = naive.get_mut(&key) {
                    *old = value;
                    tree.change(key, key, value);
                },
            }
            prop_assert_eq!(tree.len(), naive.len());
            prop_assert_eq!(tree.most(), naive.values().copied().max().unwrap_or(0));
            let first = naive.range(from..).find(|(_, value)| **value >= least).map(|(&key, &value)| (key, value));
            prop_assert_eq!(tree.first(from, least), first);
            let before = naive.range(..from).next_back().map(|(&key, &value)| (key, value));
            prop_assert_eq!(tree.before(from), before);
            prop_assert!(tree.iter().eq(naive.iter().map(|(&key, &value)| (key, value))));
        }
    }
}

/// Keys that come in order, and keys that go again from everywhere, are the worst cases of trees without balance.
#[test]
fn it_stays_shallow_and_full() {
    let mut tree = OrderTree::new();
    for key in 0..100_000_u64 {
        tree.insert(key, 1);
    }
    assert!(tree.height <= 5 && tree.nodes.len() < 100_000 / 6, "{} {}", tree.height, tree.nodes.len());
    for key in (0..100_000).filter(|key| key % 1000 > 1) {
        assert_eq!(tree.remove(key), Some(1));
    }
    let nodes = tree.nodes.len() - tree.free.len();
    assert!(tree.len() == 200 && tree.height <= 3 && nodes < 120, "{} {nodes}", tree.height);
}

/// A tree moves its keys as policies do: each leaves its place and comes back at another one.
#[test]
fn keys_that_move_for_long_are_found() {
    let (mut tree, mut naive, mut at) = (OrderTree::new(), BTreeMap::new(), 1_u64);
    for round in 0..60_000_u64 {
        at = at.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let key = (at >> 33) % 3000;
        match naive.entry(key) {
            Entry::Vacant(vacant) => {
                vacant.insert(round % 97);
                tree.insert(key, round % 97);
            }
            Entry::Occupied(occupied) => assert_eq!(tree.remove(key), Some(occupied.remove())),
        }
        if round % 64 == 0 {
            let (from, least) = ((at >> 20) % 3000, round % 100);
            let first = naive.range(from..).find(|(_, value)| **value >= least);
            assert_eq!(tree.first(from, least), first.map(|(&key, &value)| (key, value)));
        }
    }
    assert!(tree.iter().eq(naive.into_iter()));
}
