//! Whatever happens, no policy of a baseline panics, loses memory or breaks a mapping.

use crate::one_layer;

use one_layer::{BASE, BLOCK, OneLayer, SECOND};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use terrace_addr::{Addr, Bytes, Gva, Span};
use terrace_policy::{Advice, Event, Message, Role, SpaceId};

const SYSTEMS: [&str; 5] = ["ca-paging", "ranger", "ingens", "hawkeye", "illuminator"];

#[derive(Debug, Clone)]
enum Operation {
    Begin,
    End(usize),
    Map { space: usize, pages: u64, advice: Advice },
    Unmap { region: usize, from: u64, pages: u64 },
    Touch { region: usize, from: u64, pages: u64 },
    Tick { after: u64, cycles: u64 },
    Tell(Event),
}

fn event() -> impl Strategy<Value = Event> {
    let space = || (0_u32..6).prop_map(SpaceId);
    let words = proptest::collection::vec(any::<u64>(), 0..4);
    let message = (space(), any::<u32>(), words);
    prop_oneof![
        space().prop_map(Event::SpaceBegins),
        space().prop_map(Event::SpaceEnds),
        any::<u64>().prop_map(|bytes| Event::Pressure(Bytes::new(bytes))),
        any::<u64>().prop_map(Event::ReservationEnded),
        message.prop_map(|(space, kind, words)| Event::Message(Message {
            peer: Role::Host,
            space,
            kind,
            words
        })),
        (space(), any::<u64>(), any::<bool>()).prop_map(|(space, nested, joined)| Event::Joined {
            space,
            nested,
            joined
        }),
        (space(), any::<u64>()).prop_map(|(space, nested)| Event::Parted { space, nested }),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    let advice = prop_oneof![Just(Advice::Default), Just(Advice::HugePage), Just(Advice::NoHugePage)];
    let pages = || prop_oneof![1..64_u64, 400..1600_u64];
    let cycles = prop_oneof![Just(0), 0..20_000_u64, Just(1 << 40)];
    prop_oneof![
        1 => Just(Operation::Begin),
        1 => any::<usize>().prop_map(Operation::End),
        3 => (any::<usize>(), pages(), advice)
            .prop_map(|(space, pages, advice)| Operation::Map { space, pages, advice }),
        2 => (any::<usize>(), 0..1600_u64, pages())
            .prop_map(|(region, from, pages)| Operation::Unmap { region, from, pages }),
        6 => (any::<usize>(), 0..1600_u64, pages())
            .prop_map(|(region, from, pages)| Operation::Touch { region, from, pages }),
        6 => (0..40 * SECOND, cycles).prop_map(|(after, cycles)| Operation::Tick { after, cycles }),
        1 => event().prop_map(Operation::Tell),
    ]
}

/// What there is.
struct World {
    layer: OneLayer,
    spaces: Vec<SpaceId>,
    regions: Vec<(SpaceId, Span<Gva>)>,
}

impl World {
    fn apply(&mut self, operation: &Operation) {
        let Self { layer, spaces, regions } = self;
        let pick = |regions: &[(SpaceId, Span<Gva>)], region: usize| {
            regions.get(region % regions.len().max(1)).copied()
        };
        match *operation {
            Operation::Begin if spaces.len() < 4 => spaces.push(layer.begin()),
            Operation::Begin => {}
            Operation::End(space) => {
                if spaces.is_empty() {
                    return;
                }
                let space = spaces.swap_remove(space % spaces.len());
                regions.retain(|region| region.0 != space);
                let OneLayer { kernel, policy, .. } = layer;
                kernel.end_space(&mut **policy, space).unwrap();
                layer.tell();
            }
            Operation::Map { space, pages, advice } => {
                let Some(&space) = spaces.get(space % spaces.len().max(1)) else { return };
                let bytes = Bytes::new(pages * BASE);
                let OneLayer { kernel, policy, .. } = layer;
                let start = kernel.map(&mut **policy, space, bytes, advice).unwrap();
                regions.push((space, Span { start, bytes: bytes.get() }));
            }
            Operation::Unmap { region, from, pages } => {
                let Some((space, span)) = pick(regions, region) else { return };
                let start = span.start.offset_by(from * BASE % span.bytes);
                let OneLayer { kernel, policy, .. } = layer;
                // There may be no memory for the table page of a huge page that is split.
                let _maybe = kernel.unmap(&mut **policy, space, Span { start, bytes: pages * BASE });
            }
            Operation::Touch { region, from, pages } => {
                let Some((space, span)) = pick(regions, region) else { return };
                for page in from..from + pages {
                    let at: Addr<Gva> = span.start.offset_by(page * BASE % span.bytes);
                    let _maybe = layer.try_touch(space, at);
                }
            }
            Operation::Tick { after, cycles } => {
                layer.tick_with(cycles);
                layer.run_for(after);
            }
            Operation::Tell(ref event) => {
                let OneLayer { kernel, policy, .. } = layer;
                policy.on_events(kernel, std::slice::from_ref(event));
            }
        }
    }
}

/// A case that failed is kept beside the test.
fn config(cases: u32) -> ProptestConfig {
    let kept = FileFailurePersistence::WithSource("regressions");
    ProptestConfig { cases, failure_persistence: Some(Box::new(kept)), ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(150))]

    #[test]
    fn whatever_happens_no_memory_is_lost(
        system in 0..SYSTEMS.len(),
        fragmented in any::<bool>(),
        operations in proptest::collection::vec(operation(), 1..40),
    ) {
        let mut layer = OneLayer::new(SYSTEMS[system], &[], 20);
        let crumbs = fragmented.then(|| layer.fragment(0.7));
        let free = layer.free_bytes();
        let mut world = World { layer, spaces: Vec::new(), regions: Vec::new() };
        for space in 0..2 {
            world.apply(&Operation::Begin);
            world.apply(&Operation::Map { space, pages: 1500, advice: Advice::Default });
        }
        for operation in &operations {
            world.apply(operation);
            world.layer.check();
        }
        while !world.spaces.is_empty() {
            world.apply(&Operation::End(0));
        }
        world.apply(&Operation::Tell(Event::Pressure(Bytes::new(BLOCK))));
        prop_assert_eq!(world.layer.free_bytes(), free);
        drop(crumbs);
    }
}
