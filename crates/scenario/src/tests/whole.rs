//! Whole files.

use super::*;
use crate::{Scenario, schema};

#[test]
fn a_file_describes_the_product_of_its_axes() {
    let runs = read(FULL, &[]).unwrap();
    let labels: Vec<Vec<(&str, &str)>> = runs
        .iter()
        .map(|run| run.labels.iter().map(|(axis, value)| (axis.as_str(), value.as_str())).collect())
        .collect();
    assert_eq!(
        labels,
        [
            [("pages", "base"), ("memory", "small")],
            [("pages", "base"), ("memory", "large")],
            [("pages", "huge"), ("memory", "small")],
            [("pages", "huge"), ("memory", "large")],
        ]
    );
    let thp = |run: &Run| {
        let text = |parameters: &crate::Parameters| parameters.text("thp").unwrap().to_owned();
        [text(&run.scenario.guest.parameters), text(&run.scenario.host.parameters)]
    };
    assert_eq!(thp(&runs[0]), ["never", "madvise"]);
    assert_eq!(thp(&runs[3]), ["always", "always"]);
    let memory = |run: &Run| {
        let vms = run.scenario.vm.iter();
        vms.map(|vm| (vm.memory.get() >> 20, vm.hypervisor_memory.get() >> 20)).collect::<Vec<_>>()
    };
    assert_eq!(memory(&runs[2]), [(2048, 2304), (512, 768)]);
    assert_eq!(memory(&runs[3]), [(8192, 9216), (1024, 1280)]);
}

#[test]
fn every_key_is_read() {
    let Scenario { name, description, machine, seed, data_lines, time, record, guest, hypervisor, host, vm } =
        read(FULL, &[]).unwrap().remove(1).scenario;
    assert_eq!((name.as_str(), description.as_str()), ("quickstart", "Two VMs, one of them nested."));
    assert_eq!((machine.name.as_str(), seed, data_lines), ("broadwell-e5-2620v4", 7, false));
    let nanos = [time.warm_up, time.measure, time.interval, time.quantum].map(Nanos::get);
    assert_eq!(nanos, [200_000_000, 2_000_000_000, 50_000_000, 20_000]);
    assert_eq!((time.weight, record.series, record.events), (4, false, true));
    assert_eq!((guest.system.as_str(), guest.fragmentation.to_bits()), ("linux", 0.25_f64.to_bits()));
    assert_eq!(guest.parameters.nanos("scan"), Some(Nanos::new(20_000_000)));
    assert_eq!((hypervisor.system.as_str(), hypervisor.parameters.number("share")), ("ingens", Some(0.5)));
    assert_eq!(host.nodes, ["dram0", "dram1"]);
    assert_eq!(host.memory, Some(Bytes::new(16 << 30)));
    assert_eq!(vm.iter().map(|vm| vm.name.as_str()).collect::<Vec<_>>(), ["web", "vm1"]);
    assert_eq!(
        (vm[0].vcpus, vm[0].cpus.as_slice(), vm[0].slot_offset),
        (2, [0, 1].as_slice(), Bytes::new(4096))
    );
    let program = &vm[0].program[0];
    assert_eq!((program.threads, program.start), (2, Nanos::new(1_500_000)));
    assert_eq!(
        (program.rate, program.core_cycles, program.parallelism),
        (Some(20_000.0), Some(5.0), Some(4.0))
    );
    assert_eq!(program.parameters.bytes("footprint"), Some(Bytes::new(1 << 30)));
    assert_eq!(vm[1].program[0].parameters.count("passes"), Some(3));
}

#[test]
fn what_is_left_out_has_its_default() {
    let scenario = read(LEAST, &[]).unwrap().remove(0).scenario;
    let expected = r#"name = "least"
description = ""
machine = "broadwell-e5-2620v4"
seed = 1
data_lines = true

[time]
warm_up = "0 s"
measure = "1 s"
interval = "100 ms"
quantum = "50 us"
weight = 1

[record]
series = true
events = false

[guest]
system = "linux"
fragmentation = 0.0
fragments_movable = false
used = false

[guest.parameters]
scan = "10 ms"
tag = ""
thp = "madvise"

[hypervisor]
system = "linux"
fragmentation = 0.0
fragments_movable = false
used = false

[hypervisor.parameters]
scan = "10 ms"
tag = ""
thp = "madvise"

[host]
system = "linux"
fragmentation = 0.0
fragments_movable = false

[host.parameters]
scan = "10 ms"
tag = ""
thp = "madvise"

[[vm]]
name = "vm0"
mode = "2d"
vcpus = 1
memory = "1 GiB"
hypervisor_memory = "1280 MiB"
slot_offset = "0 B"

[[vm.program]]
workload = "gups"
threads = 1
start = "0 s"

[vm.program.parameters]
footprint = "1 MiB"
passes = 3
"#;
    assert_eq!(scenario.to_toml(), expected);
    let short = read(LEAST, &["time.measure=1 ms"]).unwrap().remove(0).scenario;
    assert_eq!(short.time.interval, Nanos::new(1_000_000));
    assert_eq!(read(LEAST, &["vm.mode=native"]).unwrap()[0].scenario.vm[0].mode, "native");
}

#[test]
fn every_key_of_the_schema_has_a_description() {
    let schema = schema();
    let mut seen = 0;
    described(&schema, "", &mut seen);
    // As many as the structs have fields: a schema that lost some would be described too.
    assert_eq!(seen, 12 + 5 + 2 + 5 + 6 + 11 + 2 + 8 + 2 + 2);
    assert_eq!(schema["properties"]["time"]["default"]["quantum"], "50 us");
}

fn described(schema: &serde_json::Value, path: &str, seen: &mut usize) {
    let Some(object) = schema.as_object() else {
        return;
    };
    for (name, property) in object.get("properties").and_then(|it| it.as_object()).into_iter().flatten() {
        *seen += 1;
        assert!(property["description"].as_str().is_some_and(|text| text.len() > 10), "{path}.{name}");
    }
    for (key, below) in object {
        described(below, &format!("{path}.{key}"), seen);
    }
}
