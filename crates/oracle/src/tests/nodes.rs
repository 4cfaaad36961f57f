//! Memory nodes.

use terrace_addr::PageSize::Size4K;
use terrace_machine::PerSocket;
use terrace_table::Levels::Four;

use super::*;

pub(super) const FAR: &str = r#"[memory.far]
kind = "cxl"
size = "1 TiB"
latency = "40 ns"
bandwidth = "unlimited"
source = "test"
"#;

/// Tables in the first 16 MiB, data behind them.
fn native() -> Native {
    let mut native = Native::new(Four);
    native.map(0, 16 << 20, Size4K);
    native
}

/// Two sockets of one core: from socket 0 the far node, which is number 1, is 40 cycles away, from socket 1 it is 30.
fn two_sockets(layout: &[(u64, usize)]) -> Oracle {
    let mut machine = machine(FAR);
    machine.topology.sockets = 2;
    let latencies = ["40 ns", "30 ns"].map(|latency| latency.parse().unwrap());
    machine.memory.get_mut("far").unwrap().latency = PerSocket::Each(latencies.to_vec());
    assert_eq!(machine.nodes().iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["dram", "far"]);
    let layout: Vec<_> = layout.iter().map(|(end, node)| (Addr::new(*end), *node)).collect();
    let mut oracle = Oracle::new(&machine, 0, &layout);
    oracle.set_data_lines(true);
    oracle
}

#[test]
fn references_are_counted_by_node_tables_and_data_apart() {
    let mut oracle = two_sockets(&[(16 << 20, 0), (17 << 20, 1), (1 << 30, 0)]);
    let mut native = native();
    for cpu in 0..2 {
        oracle.access(cpu, TAG, &mut native.tables(), access(60, 8, AccessKind::Load)).unwrap();
        assert_eq!(oracle.node_references(cpu), [(4, 0), (0, 2)]);
    }
    let cycles = [0, 1].map(|cpu| (oracle.counts(cpu)["walk_cycles"], oracle.counts(cpu)["data_cycles"]));
    assert_eq!(cycles, [(40, 80), (40, 60)]);
}

#[test]
fn a_part_ends_before_its_end() {
    for (end, expected) in [(16 << 20, [(4, 0), (0, 1)]), ((16 << 20) + 64, [(4, 1), (0, 0)])] {
        let mut oracle = two_sockets(&[(end, 0), (1 << 30, 1)]);
        oracle.access(0, TAG, &mut native().tables(), access(0, 8, AccessKind::Load)).unwrap();
        assert_eq!(oracle.node_references(0), expected);
    }
}

#[test]
fn what_lies_behind_the_last_part_belongs_to_its_node() {
    let mut oracle = two_sockets(&[(1 << 12, 0), (2 << 12, 1)]);
    oracle.access(0, TAG, &mut native().tables(), access(0, 8, AccessKind::Load)).unwrap();
    assert_eq!(oracle.node_references(0), [(0, 0), (4, 1)]);
}

#[test]
fn what_a_cache_serves_no_node_does() {
    let mut oracle = One::new(&line_cache("l1", &["load"], 4));
    let mut native = native();
    for _ in 0..2 {
        oracle.load(&mut native.tables(), 0).unwrap();
    }
    assert_eq!(oracle.0.node_references(0), [(4, 0)]);
}
