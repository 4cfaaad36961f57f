use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use terrace_addr::{Bytes, Cycles};
use terrace_machine::{Override, builtin};
use terrace_mmu::NodeReferences;

use super::super::number;
use super::*;

/// Two sockets of 8 cores with a node each, and a clock and bandwidths that make the figures round: a line takes 1
/// cycle from a node, and 2 on the way to the other socket.
fn server(more: &[&str]) -> Machine {
    let round = [
        "clock.frequency=1 GHz",
        "memory.dram0.bandwidth=[\"64 GB/s\", \"32 GB/s\"]",
        "memory.dram1.bandwidth=[\"32 GB/s\", \"64 GB/s\"]",
    ];
    let overrides: Vec<Override> = round.iter().chain(more).map(|text| text.parse().unwrap()).collect();
    builtin("broadwell-e5-2620v4", &overrides).unwrap()
}

/// A virtual CPU that reads so many lines of node 0, at its idle latency from socket 0, and nothing else.
fn reader(machine: &Machine, cpu: usize, lines: u64, parallelism: f64) -> Vcpu {
    let latency = machine.node_latency(machine.nodes()[0].1, 0).get();
    let interval = Interval {
        accesses: lines,
        data_references: lines,
        // 4 cycles of a first-level hit are no stall.
        data_cycles: lines * (latency + 4),
        nodes: vec![NodeReferences { table: 0, data: lines }],
        ..Interval::default()
    };
    Vcpu { cpu, program: Program::new(0.0, parallelism).unwrap(), interval }
}

fn total(time: &CoreTime) -> f64 {
    time.modelled.total()
}

/// The duration for readers of a node, from the quadratic equation that the model comes to: with the idle time a, the
/// traffic's cycles D, and the references that one has to wait for c, T = a + c × service × u ÷ 2(1 − u) with u = D ÷ T.
#[test]
fn equal_readers_take_the_time_of_the_closed_form() {
    let machine = server(&[]);
    for readers in [1_u32, 2, 7, 8] {
        for parallelism in [1.0, 4.0, 16.0, 64.0] {
            let vcpus: Vec<_> = (0..8)
                .take(convert::index32(readers))
                .map(|cpu| reader(&machine, cpu, 1_000_000, parallelism))
                .collect();
            let shared = share(&machine, &vcpus);
            let idle = 95.0 * 1e6 / parallelism;
            let traffic = f64::from(readers) * 1e6;
            let waited_for = 1e6 / parallelism;
            let expected =
                ((idle + traffic) + ((idle - traffic).powi(2) + 2.0 * waited_for * traffic).sqrt()) / 2.0;
            let error = (shared.duration / expected - 1.0).abs();
            assert!(error < 1e-12, "{readers} {parallelism}: {} and not {expected}", shared.duration);
            let longest = shared.vcpus.iter().map(total).fold(0.0, f64::max);
            assert!(longest <= shared.duration && longest > shared.duration * (1.0 - 1e-9));
        }
    }
}

/// From (T − a)(T − D) = c × service × D ÷ 2 follows T ≤ D (1 + √(1 ÷ 2NM)) for N readers of parallelism M that saturate
/// the node, and it cannot be less than D: so each of twice as many takes twice as long, the more exactly the more.
#[test]
fn readers_of_a_saturated_node_slow_each_other_in_proportion() {
    let machine = server(&[]);
    let lines = 1_000_000;
    for readers in [1, 2, 4, 8_u32] {
        let parallelism = 128.0;
        let vcpus: Vec<_> = (0..8)
            .take(convert::index32(readers))
            .map(|cpu| reader(&machine, cpu, lines, parallelism))
            .collect();
        let shared = share(&machine, &vcpus);
        let traffic = f64::from(readers) * number(lines);
        let most = traffic * (1.0 + (1.0 / (2.0 * f64::from(readers) * parallelism)).sqrt());
        for time in &shared.vcpus {
            assert!(
                (traffic..=most).contains(&total(time)),
                "{readers}: {} not {traffic} to {most}",
                total(time)
            );
        }
        assert!(shared.nodes[0].utilisation > 0.93 && shared.nodes[0].utilisation <= 1.0);
    }
}

#[test]
fn an_idle_machine_has_the_latencies_of_its_file() {
    let machine = server(&[]);
    let busy = Interval { accesses: 1000, walks: 3, walk_cycles: 99, ..Interval::default() };
    let vcpu = Vcpu { cpu: 3, program: Program::new(1.5, 2.0).unwrap(), interval: busy };
    let shared = share(&machine, std::slice::from_ref(&vcpu));
    assert_eq!(shared.vcpus, [CoreModel::new(&machine).time(vcpu.program, &vcpu.interval)]);
    assert_eq!(shared.duration.to_bits(), total(&shared.vcpus[0]).to_bits());
    let latencies: Vec<_> = shared.nodes.iter().map(|node| node.latency.clone()).collect();
    assert_eq!(latencies, [[95.0, 145.0], [145.0, 95.0]]);
    let nothing = share(&machine, &[]);
    assert_eq!((nothing.duration.to_bits(), nothing.vcpus.len(), nothing.nodes[1].bytes), (0, 0, 0));
}

/// CPUs 0 to 7 and 16 to 23 are of socket 0.
#[test]
fn a_node_is_as_far_and_as_wide_as_it_is_from_the_socket() {
    let machine = server(&[]);
    let topology = &machine.topology;
    assert_eq!([0, 7, 8, 15, 16, 24].map(|cpu| socket_of(topology, cpu)), [0, 0, 1, 1, 0, 1]);
    let duration = |cpus: &[usize]| {
        let vcpus: Vec<_> = cpus.iter().map(|&cpu| reader(&machine, cpu, 1_000_000, 1e6)).collect();
        share(&machine, &vcpus).duration
    };
    // So much parallelism that only the bandwidth counts: 1 cycle a line, and 2 on the way to socket 1.
    for (cpus, traffic) in [(&[0][..], 1e6), (&[8], 2e6), (&[0, 16], 2e6), (&[8, 24], 4e6), (&[0, 8], 2e6)] {
        let found = duration(cpus);
        assert!((traffic..traffic * 1.001).contains(&found), "{cpus:?}: {found} and not {traffic}");
    }
    // The node as a whole, and not a way, is what five and one share.
    let found = duration(&[0, 1, 2, 3, 4, 8]);
    assert!((6e6..6.006e6).contains(&found), "{found}");
}

/// Each socket moves a quarter of what the node can: half of it together, and half of what the way to socket 1 can.
#[test]
fn a_reference_waits_for_the_node_or_the_way_whichever_is_longer() {
    let copied = vec![Bytes::new(16_000)];
    let interval = Interval { serial: Cycles::new(1000), copied, ..Interval::default() };
    let vcpus =
        [0, 8].map(|cpu| Vcpu { cpu, program: Program::new(0.0, 1.0).unwrap(), interval: interval.clone() });
    let shared = share(&server(&[]), &vcpus);
    assert_eq!(shared.duration.to_bits(), f64::to_bits(1000.0));
    assert_eq!(shared.nodes[0].utilisation.to_bits(), f64::to_bits(0.5));
    assert_eq!(shared.nodes[0].latency, [95.0 + 0.5, 145.0 + 1.0]);
}

#[test]
fn copies_take_bandwidth_and_stretch_the_interval_to_fit() {
    let machine = server(&[]);
    let copied = vec![Bytes::new(64_000), Bytes::new(640)];
    let interval = Interval { serial: Cycles::new(10), copied, ..Interval::default() };
    let daemon = Vcpu { cpu: 0, program: Program::new(0.0, 1.0).unwrap(), interval };
    let shared = share(&machine, std::slice::from_ref(&daemon));
    assert_eq!(shared.duration.to_bits(), f64::to_bits(1000.0));
    assert_eq!(total(&shared.vcpus[0]).to_bits(), f64::to_bits(10.0));
    assert_eq!((shared.nodes[0].bytes, shared.nodes[1].bytes), (64_000, 640));
    assert_eq!(shared.nodes[0].utilisation.to_bits(), f64::to_bits(1.0));
    // A reader beside it waits for its lines longer.
    let reader = reader(&machine, 1, 1000, 10.0);
    let alone = share(&machine, std::slice::from_ref(&reader));
    let beside = share(&machine, &[daemon, reader]);
    assert!(beside.duration > alone.duration && total(&beside.vcpus[1]) > total(&alone.vcpus[0]));
}

fn any_vcpu() -> impl Strategy<Value = Vcpu> {
    let count = || prop_oneof![Just(0), 0..100_u64, 0..1_u64 << 24];
    let node = || (count(), count()).prop_map(|(table, data)| NodeReferences { table, data });
    let did = (
        count(),
        count(),
        count(),
        proptest::collection::vec(node(), 0..3),
        proptest::collection::vec(count(), 0..3),
    );
    (0..32_usize, 0.0..10.0, prop_oneof![Just(1.0), 1.0..32.0], did).prop_map(
        |(cpu, core, parallelism, (accesses, walks, serial, nodes, copied))| {
            let table: u64 = nodes.iter().map(|node| node.table).sum();
            let data: u64 = nodes.iter().map(|node| node.data).sum();
            let interval = Interval {
                accesses,
                walks,
                walk_cycles: walks * 20 + table * 95,
                data_references: data + accesses,
                data_cycles: (data + accesses) * 4 + data * 95,
                nodes,
                copied: copied.into_iter().map(Bytes::new).collect(),
                serial: Cycles::new(serial),
                ..Interval::default()
            };
            Vcpu { cpu, program: Program::new(core, parallelism).unwrap(), interval }
        },
    )
}

fn any_vcpus() -> impl Strategy<Value = Vec<Vcpu>> {
    proptest::collection::vec(any_vcpu(), 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::with_cases(1000)
    })]

    #[test]
    fn unlimited_bandwidth_changes_nothing(vcpus in any_vcpus()) {
        let machine = server(&["memory.dram0.bandwidth=unlimited", "memory.dram1.bandwidth=unlimited"]);
        let model = CoreModel::new(&machine);
        let alone: Vec<_> = vcpus.iter().map(|vcpu| model.time(vcpu.program, &vcpu.interval)).collect();
        let shared = share(&machine, &vcpus);
        prop_assert_eq!(shared.duration.to_bits(), alone.iter().map(total).fold(0.0, f64::max).to_bits());
        prop_assert_eq!(shared.vcpus, alone);
        let latencies: Vec<_> = shared.nodes.iter().map(|node| node.latency.clone()).collect();
        prop_assert_eq!(latencies, [[95.0, 145.0], [145.0, 95.0]]);
    }

    /// The bandwidths are powers of two of bytes in a cycle, so the sums here are exact.
    #[test]
    fn traffic_fits_the_bandwidth_and_all_are_done_in_time(vcpus in any_vcpus()) {
        let machine = server(&[]);
        let shared = share(&machine, &vcpus);
        for node in 0..2 {
            let mut to = [0, 0];
            for vcpu in &vcpus {
                let references = vcpu.interval.nodes.get(node).map_or(0, |served| served.table + served.data);
                let copied = vcpu.interval.copied.get(node).map_or(0, |bytes| bytes.get());
                to[vcpu.cpu / 8 % 2] += 64 * references + copied;
            }
            prop_assert_eq!(shared.nodes[node].bytes, to[0] + to[1]);
            prop_assert!(number(to[0] + to[1]) <= 64.0 * shared.duration);
            prop_assert!(number(to[1 - node]) <= 32.0 * shared.duration);
            prop_assert!((0.0..=1.0).contains(&shared.nodes[node].utilisation));
        }
        let model = CoreModel::new(&machine);
        for (vcpu, time) in vcpus.iter().zip(&shared.vcpus) {
            prop_assert!(total(time) <= shared.duration);
            prop_assert!(total(time) >= total(&model.time(vcpu.program, &vcpu.interval)));
        }
    }

    /// More traffic on the only node that has any: nothing gets faster.
    #[test]
    fn latency_rises_with_load(
        lines in proptest::collection::vec(1..1_000_000_u64, 1..4),
        parallelism in 1.0..32.0,
        steps in proptest::collection::vec(1000..1_000_000_u64, 1..5),
    ) {
        let machine = server(&[]);
        let mut vcpus: Vec<_> = lines
            .iter()
            .enumerate()
            .map(|(cpu, &lines)| reader(&machine, cpu, lines, parallelism))
            .collect();
        let mut before = share(&machine, &vcpus);
        let mut copied = 0;
        for step in steps {
            copied += step * 64;
            vcpus[0].interval.copied = vec![Bytes::new(copied)];
            let after = share(&machine, &vcpus);
            prop_assert!(after.nodes[0].latency[0] > before.nodes[0].latency[0]);
            prop_assert!(after.nodes[0].utilisation > before.nodes[0].utilisation);
            prop_assert!(after.duration > before.duration);
            for (slow, fast) in after.vcpus.iter().zip(&before.vcpus) {
                prop_assert!(total(slow) > total(fast));
            }
            before = after;
        }
    }

    #[test]
    fn who_is_named_first_does_not_matter(vcpus in any_vcpus(), turn in 0..6_usize) {
        let machine = server(&[]);
        let mut turned = vcpus.clone();
        turned.rotate_left(turn % vcpus.len().max(1));
        let mut shared = share(&machine, &vcpus);
        shared.vcpus.rotate_left(turn % vcpus.len().max(1));
        prop_assert_eq!(share(&machine, &turned), shared);
    }
}
