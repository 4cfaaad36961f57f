//! Line caches.

use super::*;
use crate::tests::machine;

fn lines(caches: &[&str]) -> Lines {
    let mut machine = machine(&caches.concat());
    (machine.topology.sockets, machine.topology.cores) = (2, 2);
    Lines::new(&machine, 0, &[(Addr::new(1 << 40), 0)])
}

const L1: &str = r#"[cache.l1]
level = 1
size = "128 B"
ways = 2
slices = 1
shared_by = "core"
latency = 4
replacement = "lru"
source = "test"
"#;

const L2: &str = r#"[cache.l2]
level = 2
size = "768 B"
ways = 1
slices = 3
shared_by = "socket"
latency = 14
replacement = "lru"
source = "test"
"#;

fn latencies<const N: usize>(lines: &mut Lines, accesses: [(usize, u64); N]) -> [u64; N] {
    accesses.map(|(core, addr)| lines.refer(core, AccessKind::Load, Addr::new(addr)).latency)
}

#[test]
fn the_first_level_that_holds_the_line_gives_the_latency() {
    // L1 holds two lines. After lines 0, 1, 3 it holds 1 and 3; 0 is found in L2 and takes the place of 1.
    let mut lines = lines(&[L1, L2]);
    let accesses = [(0, 0), (0, 63), (0, 64), (0, 192), (0, 0), (0, 192), (0, 64)];
    assert_eq!(latencies(&mut lines, accesses), [10, 4, 10, 10, 14, 4, 14]);
}

#[test]
fn sockets_share_what_cores_have_apart() {
    // Cores 0 and 1 are of socket 0, core 2 of socket 1.
    let mut lines = lines(&[L1, L2]);
    assert_eq!(latencies(&mut lines, [(0, 0), (1, 0), (2, 0), (1, 0), (3, 0)]), [10, 14, 10, 4, 14]);
}

#[test]
fn slices_are_chosen_by_the_hash_and_sets_by_the_line() {
    // 768 B are 12 lines: 3 slices of 4 sets. The hash is line × 0.6180339…, the fraction of it: 0.618, 0.236,
    // 0.854, 0.472 for lines 1 to 4; three times that gives slices 1, 0, 2, 1.
    let lines = lines(&[L1, L2]);
    assert_eq!([0, 1, 2, 3, 4].map(|line| lines.caches[1].set_of(line)), [0, 4 + 1, 2, 8 + 3, 4]);
    assert_eq!([0, 1, 2].map(|line| lines.caches[0].set_of(line)), [0, 0, 0]);
}

#[test]
fn without_caches_memory_answers() {
    let mut lines = lines(&[]);
    let memory = Found { by: Server::Node(0), latency: 10 };
    assert_eq!([(); 2].map(|()| lines.refer(0, AccessKind::Load, Addr::ZERO)), [memory; 2]);
}
