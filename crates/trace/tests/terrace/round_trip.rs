//! What is written is read.

use proptest::prelude::*;
use terrace_addr::{Access, AccessKind, Addr};
use terrace_trace::{Provenance, TerraceFile};

use crate::support::{Made, looping, made, read, rest, written};

#[test]
fn an_empty_trace() {
    let (_folder, path) = written(&[], &[], 10);
    assert_eq!(read(&path).unwrap(), (vec![], vec![]));
    assert_eq!(TerraceFile::open(&path).unwrap().blocks(), 0);
}

#[test]
fn a_loop_over_several_blocks() {
    let accesses = looping(30_000);
    let (_folder, path) = written(&accesses, &[], 1 << 16);
    let mut file = TerraceFile::open(&path).unwrap();
    assert_eq!((file.references(), file.blocks()), (150_000, 3));
    let thread = file.threads()[0];
    assert_eq!((thread.fetches, thread.loads, thread.stores), (90_000, 30_000, 30_000));
    assert_eq!(file.provenance().get(Provenance::TOOL), Some("a test"));
    assert_eq!(rest(&mut file).unwrap(), accesses);
    assert!(path.metadata().unwrap().len() < 4_000);
}

#[test]
fn straight_code_longer_than_a_run_may_be() {
    let straight: Vec<Made> =
        (0..10_000).map(|step| made(0x1000 + 4 * (step % 1000), 4, AccessKind::Fetch)).collect();
    let (_folder, path) = written(&straight, &[], 1 << 20);
    assert_eq!(read(&path).unwrap().0, straight);
}

#[test]
fn more_runs_than_two_bytes_count() {
    let scattered: Vec<Made> = (0..100_000_u64)
        .map(|step| made(step.wrapping_mul(0x9e37_79b9_7f4a_7c15), 1, AccessKind::Fetch))
        .flat_map(|fetch| [fetch, made(0, 2, AccessKind::Fetch)])
        .collect();
    let (_folder, path) = written(&scattered, &[], 1 << 20);
    assert_eq!(read(&path).unwrap().0, scattered);
}

#[test]
fn data_without_instructions_and_a_repetition() {
    let mut accesses: Vec<Made> = (0..500).map(|step| made(64 * step, 8, AccessKind::Load)).collect();
    accesses.push(made(0x1000, 2, AccessKind::Fetch));
    for step in 0..700 {
        accesses.push(made(0x10_0000 + step, 1, AccessKind::Load));
        accesses.push(made(0x20_0000 + step, 1, AccessKind::Store));
    }
    let (_folder, path) = written(&accesses, &[], 1 << 20);
    assert_eq!(read(&path).unwrap().0, accesses);
}

#[test]
fn threads_that_take_turns() {
    let turn = |turn: u32| {
        let thread = turn % 3;
        looping(7).into_iter().map(move |(_, _, access)| (thread, 100 + u64::from(thread), access))
    };
    let accesses: Vec<Made> = (0..200).flat_map(turn).collect();
    let (_folder, path) = written(&accesses, &[], 1 << 20);
    let mut file = TerraceFile::open(&path).unwrap();
    assert_eq!(file.threads().iter().map(|thread| thread.thread_id).collect::<Vec<_>>(), [100, 101, 102]);
    assert_eq!(file.threads()[2].references(), 66 * 35);
    assert_eq!(rest(&mut file).unwrap(), accesses);
    assert!(path.metadata().unwrap().len() < 2_000);
}

/// Accesses that are sometimes random, and sometimes such as programs make.
fn arbitrary() -> impl Strategy<Value = Vec<Made>> {
    let addr = prop_oneof![
        any::<u64>(),
        0..64_u64,
        (0..40_u64).prop_map(|step| 0x40_0000 + 4 * step),
        (0..40_u64).prop_map(|step| 0xffff_ffff_ffff_ff00_u64.wrapping_add(8 * step)),
    ];
    let size = prop_oneof![Just(4), 0..9_u16, any::<u16>()];
    let access = (addr, size, 0..3_usize).prop_map(|(addr, size, kind)| Access {
        addr: Addr::truncate(addr),
        size,
        kind: AccessKind::ALL[kind],
    });
    let thread = prop_oneof![3 => Just((0, 7)), 1 => (0..4_u32, any::<u64>())];
    let stretch = (thread, prop::collection::vec(access, 0..40), 1..4_usize);
    prop::collection::vec(stretch, 0..12).prop_map(|stretches| {
        let mut accesses = Vec::new();
        for ((thread, id), stretch, times) in stretches {
            for _ in 0..times {
                accesses.extend(stretch.iter().map(|access| (thread, id, *access)));
            }
        }
        accesses
    })
}

proptest! {
    #[test]
    fn arbitrary_accesses_of_several_threads(accesses in arbitrary(), block in prop_oneof![1..50_u32, Just(1 << 20)]) {
        let (_folder, path) = written(&accesses, &[], block);
        prop_assert_eq!(read(&path).unwrap().0, accesses);
    }
}
