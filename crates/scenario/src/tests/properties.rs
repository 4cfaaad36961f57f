//! What holds of every scenario and of every text.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;
use crate::{Host, Kernel, MachineChoice, Program, Record, Resize, Scenario, Timing, Vm};

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{0,8}", any::<String>()]
}

fn kernel() -> impl Strategy<Value = Kernel> {
    let linux = (select(vec!["always", "madvise", "never"]), 1000..=1_000_000_000_u64, text()).prop_map(
        |(thp, scan, tag)| {
            let values = [
                ("thp", Value::Text(thp.into())),
                ("scan", Value::Nanos(Nanos::new(scan))),
                ("tag", Value::Text(tag)),
            ];
            ("linux", values.map(|(name, value)| (name.to_owned(), value)).to_vec())
        },
    );
    let ingens = (0.0..=1.0_f64, -1e300..1e300_f64).prop_map(|(share, work)| {
        let values = [("share", Value::Number(share)), ("work", Value::Number(work))];
        ("ingens", values.map(|(name, value)| (name.to_owned(), value)).to_vec())
    });
    let memory = (0.0..=1.0_f64, any::<bool>(), any::<bool>());
    (prop_oneof![linux, ingens], memory).prop_map(|((system, values), memory)| Kernel {
        system: system.into(),
        fragmentation: memory.0,
        fragments_movable: memory.1,
        used: memory.2,
        parameters: values.into_iter().collect(),
    })
}

fn host() -> impl Strategy<Value = Host> {
    let nodes = proptest::collection::btree_set("[a-z0-9. ]{1,6}", 0..3);
    (kernel(), nodes, proptest::option::of(1..1_u64 << 40)).prop_map(|(kernel, nodes, pages)| Host {
        system: kernel.system,
        fragmentation: kernel.fragmentation,
        fragments_movable: kernel.fragments_movable,
        nodes: nodes.into_iter().collect(),
        memory: pages.map(|pages| Bytes::new(pages << 12)),
        parameters: kernel.parameters,
    })
}

fn program() -> impl Strategy<Value = Program> {
    let times = (1..=LIMITS.threads, 0..1_u64 << 50);
    let stated = (
        proptest::option::of(1e-300..1e300_f64),
        proptest::option::of(0.0..=4_294_967_296.0_f64),
        proptest::option::of(1.0..1e300_f64),
    );
    let parameters = (any::<bool>(), 4096..=1_u64 << 40, 1..=u64::MAX, 0.0..1e300_f64);
    (times, stated, parameters).prop_map(
        |((threads, start), (rate, core_cycles, parallelism), (store, footprint, passes, arrivals))| {
            let footprint = ("footprint".to_owned(), Value::Bytes(Bytes::new(footprint)));
            let other = if store {
                ("arrivals".to_owned(), Value::Number(arrivals))
            } else {
                ("passes".to_owned(), Value::Count(passes))
            };
            Program {
                workload: if store { "zipf-store" } else { "gups" }.into(),
                threads,
                start: Nanos::new(start),
                follows: false,
                rate: rate.filter(|_| store),
                core_cycles,
                parallelism,
                parameters: [footprint, other].into_iter().collect(),
            }
        },
    )
}

fn vm() -> impl Strategy<Value = Vm> {
    let mode = select(vec!["native", "2d", "shadow", "nested", "segment"]);
    let cpus = proptest::collection::btree_set(0..=u32::MAX, 0..4);
    let memory = (1..1_u64 << 36, 0..1_u64 << 36, 0..512_u64);
    let programs = proptest::collection::vec(program(), 1..3);
    let changes = proptest::collection::vec((0..1_u64 << 40, 1..1_u64 << 30), 0..4);
    (mode, 1..=u32::MAX, cpus, memory, (programs, changes, 0..9_u64)).prop_map(
        |(mode, vcpus, cpus, (memory, more, offset), (program, mut changes, hole))| Vm {
            name: String::new(),
            mode: mode.into(),
            vcpus: if cpus.is_empty() { vcpus } else { u32::try_from(cpus.len()).unwrap() },
            cpus: cpus.into_iter().collect(),
            memory: Bytes::new(memory << 12),
            hypervisor_memory: Bytes::new((memory + more) << 12),
            slot_offset: Bytes::new(offset << 12),
            // No machine of this file reaches so far.
            hole: Bytes::new(hole << 30),
            hole_at: Bytes::new(if hole % 2 == 0 { 3 << 30 } else { 1 << 50 }),
            resize: if mode == "2d" && (hole == 0 || hole % 2 == 1) {
                changes.sort_unstable();
                let change = |(at, memory)| Resize { at: Nanos::new(at), memory: Bytes::new(memory << 12) };
                changes.into_iter().map(change).collect()
            } else {
                Vec::new()
            },
            program,
        },
    )
}

/// A machine that there is not, whose values are anything.
fn machine() -> impl Strategy<Value = MachineChoice> {
    let value = prop_oneof![
        any::<i64>().prop_map(toml::Value::Integer),
        any::<bool>().prop_map(toml::Value::Boolean),
        text().prop_map(toml::Value::String),
    ];
    let changes = proptest::collection::vec(("[a-z]{1,5}([.][a-z]{1,5}){0,2}", value), 0..4);
    ("[a-z0-9/]{1,9}", changes).prop_map(|(name, changes)| {
        let changes = changes.into_iter().enumerate();
        let changes = changes.map(|(number, (path, value))| (format!("k{number}.{path}"), value)).collect();
        MachineChoice { name, changes }
    })
}

fn scenario() -> impl Strategy<Value = Scenario> {
    let head = ("[a-zA-Z0-9._-]{1,9}", text(), machine(), any::<u64>(), any::<[bool; 3]>());
    let time = (0..1_u64 << 50, 1..1_u64 << 50, any::<Index>(), 1..1_u64 << 50, 1..=u64::MAX);
    let vms = proptest::collection::vec(vm(), 1..4);
    (head, time, kernel(), kernel(), host(), vms).prop_map(|(head, time, guest, hypervisor, host, mut vm)| {
        for (index, vm) in vm.iter_mut().enumerate() {
            vm.name = format!("n-{index}");
        }
        let (name, description, machine, seed, [data_lines, series, events]) = head;
        let (warm_up, measure, interval, quantum, weight) = time;
        let interval = terrace_addr::convert::count(interval.index(usize::MAX)) % measure + 1;
        let time = Timing {
            warm_up: Nanos::new(warm_up),
            measure: Nanos::new(measure),
            interval: Nanos::new(interval),
            quantum: Nanos::new(quantum),
            weight,
        };
        let record = Record { series, events };
        Scenario { name, description, machine, seed, data_lines, time, record, guest, hypervisor, host, vm }
    })
}

proptest! {
    #[test]
    fn a_scenario_reads_back_from_its_own_text(scenario in scenario()) {
        let runs = read(&scenario.to_toml(), &[]);
        prop_assert_eq!(runs.unwrap(), [Run { labels: Vec::new(), scenario }]);
    }

    /// Whatever is damaged, there are runs or one error.
    #[test]
    fn a_damaged_file_never_panics(damage in proptest::collection::vec((any::<Index>(), any::<u8>()), 1..6)) {
        let mut bytes = FULL.as_bytes().to_vec();
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let _ = read(&String::from_utf8_lossy(&bytes), &["vm.memory=1 GiB"]);
    }

    /// Pieces of a good file in another order reach more of the reader than damaged bytes.
    #[test]
    fn lines_in_any_order_never_panic(lines in Just(FULL.lines().collect::<Vec<_>>()).prop_shuffle(), keep in 1..70_usize) {
        let text: Vec<&str> = lines.into_iter().take(keep).collect();
        let _ = read(&text.join("\n"), &["vm.0.cpus=0,1", "seed=1,2"]);
    }

    #[test]
    fn an_override_never_panics(path in "(vm|sweep|guest|host|time|name)(\\.(0|web|name|set|value|parameters|thp|cpus)){0,4}", value in ".{1,8}") {
        if let Ok(given) = format!("{path}={value}").parse::<Override>() {
            let _ = read(FULL, &[&given.to_string()]);
        }
    }
}
