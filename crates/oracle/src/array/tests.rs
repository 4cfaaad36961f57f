//! Replacement, by sequences worked out by hand.

use rand_core::Rng;

use super::*;

/// A full set of `ways` with the keys 0, 1, 2, … in that order of ways and of touches.
fn full(ways: u32, replacement: Replacement) -> Array<u64, ()> {
    let mut array = Array::new(1, ways, replacement, 7);
    for key in 0..u64::from(ways) {
        array.insert(0, key, ());
    }
    array
}

/// The ways that the next `count` inserts of new keys take.
fn victims(array: &mut Array<u64, ()>, count: u64) -> Vec<usize> {
    let insert = |key| {
        array.insert(0, key, ());
        array.sets[0].find(key).unwrap()
    };
    (1000..1000 + count).map(insert).collect()
}

#[test]
fn lru_gives_up_what_was_touched_longest_ago() {
    let mut array = full(3, Replacement::Lru);
    assert!(array.look_up(0, 0).is_some());
    assert_eq!(victims(&mut array, 4), [1, 2, 0, 1]);
}

#[test]
fn tree_plru_of_4_ways() {
    // Nodes: root, a (ways 0, 1), b (2, 3). After touching 0, 1, 2, 3 in order all point left: victim 0, which
    // points root and a right: then b, left: 2. Then root left, a right: 1; root right, b right: 3; and again.
    assert_eq!(victims(&mut full(4, Replacement::TreePlru), 6), [0, 2, 1, 3, 0, 2]);
    // A hit on 0 points root and a right instead.
    let mut array = full(4, Replacement::TreePlru);
    assert!(array.look_up(0, 0).is_some());
    assert_eq!(victims(&mut array, 2), [2, 1]);
}

#[test]
fn tree_plru_of_6_ways() {
    // root: a (0 to 2) and b (3 to 5); a: aa (0, 1) and way 2; b: bb (3, 4) and way 5. Full, all point left.
    // Victim   it sets                     so that next
    // 0        root r, a r, aa r           b l, bb l: 3
    // 3        root l, b r, bb r           a r: 2
    // 2        root r, a l                 b r: 5
    // 5        root l, b l                 a l, aa r: 1
    // 1        root r, a r, aa l           b l, bb r: 4
    // 4        root l, b r, bb l           a r: 2
    assert_eq!(victims(&mut full(6, Replacement::TreePlru), 7), [0, 3, 2, 5, 1, 4, 2]);
}

#[test]
fn tree_plru_of_12_ways() {
    // Two trees of 6 below the root, which alternates between them; in each, halves alternate, and in a half of
    // three the pair comes first, then the single way, then the pair's other way.
    let expected = [0, 6, 3, 9, 2, 8, 5, 11, 1, 7, 4, 10, 2, 8];
    assert_eq!(victims(&mut full(12, Replacement::TreePlru), 14), expected);
}

#[test]
fn one_way_is_always_the_victim() {
    for replacement in [Replacement::Lru, Replacement::TreePlru, Replacement::Random] {
        assert_eq!(victims(&mut full(1, replacement), 3), [0, 0, 0]);
    }
}

#[test]
fn random_draws_once_for_each_replaced_entry() {
    // Filling empty ways and inserting present keys draw nothing: the first victim is the stream's first number.
    let mut array = full(6, Replacement::Random);
    array.insert(0, 3, ());
    array.remove(|key, ()| key == 5);
    assert_eq!(victims(&mut array, 1), [5]);
    let mut stream = Xoshiro256PlusPlus::seed_from_u64(7);
    let mut draw = || {
        let number = u128::from(stream.next_u64() / (1 << 32));
        usize::try_from(number * 6 / (1 << 32)).unwrap()
    };
    let expected: Vec<_> = (0..20).map(|_| draw()).collect();
    // New keys again, so none is present.
    array.remove(|key, ()| key == 1000);
    array.insert(0, 5, ());
    assert_eq!(victims(&mut array, 20), expected);
}

#[test]
fn the_lowest_empty_way_is_filled_first_and_emptying_leaves_the_order() {
    let mut array = full(4, Replacement::Lru);
    array.remove(|key, ()| key == 1 || key == 2);
    // 1 and 2 are filled, and are then the last touched: 0 is the oldest, then 3.
    assert_eq!(victims(&mut array, 5), [1, 2, 0, 3, 1]);

    let mut array = full(4, Replacement::TreePlru);
    array.remove(|key, ()| key == 3);
    // Filling 3 points root and b left, as they already did.
    assert_eq!(victims(&mut array, 3), [3, 0, 2]);
}

#[test]
fn inserting_a_present_key_replaces_its_content_and_touches_it() {
    let mut array = Array::new(1, 2, Replacement::Lru, 0);
    array.insert(0, 1, 'a');
    array.insert(0, 2, 'b');
    array.insert(0, 1, 'c');
    assert_eq!(array.look_up(0, 1), Some('c'));
    array.insert(0, 3, 'd');
    assert_eq!((array.look_up(0, 1), array.look_up(0, 2)), (Some('c'), None));
}

#[test]
fn a_set_is_the_low_bits_of_the_index() {
    let mut array = Array::new(4, 1, Replacement::Lru, 0);
    array.insert(1, 1, ());
    array.insert(6, 6, ());
    array.insert(5, 5, ());
    assert_eq!(
        [(1, 1), (5, 5), (6, 6)].map(|(index, key)| array.look_up(index, key).is_some()),
        [false, true, true]
    );
}
