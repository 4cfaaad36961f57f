//! Errors of single values, each with its whole message.

use super::*;

#[test]
fn a_wrong_name_is_an_error_with_the_nearest_one() {
    for (from, to, message) in [
        (
            "seed = 7",
            "sede = 7",
            "my.toml:4:1: sede: found the unknown key `sede`; expected one of name, description, machine, seed, data_lines, time, record, guest, hypervisor, host, vm, sweep\ndid you mean seed?",
        ),
        (
            r#"system = "linux""#,
            r#"system = "linx""#,
            r#"my.toml:19:10: guest.system: found "linx"; expected one of linux, ingens
did you mean linux?"#,
        ),
        (
            r#"workload = "gups""#,
            r#"workload = "gusp""#,
            r#"my.toml:56:12: vm.1.program.0.workload: found "gusp"; expected one of zipf-store, gups
did you mean gups?"#,
        ),
        (
            r#"mode = "2d""#,
            r#"mode = "3d""#,
            r#"my.toml:37:8: vm.0.mode: found "3d"; expected one of native, 2d, shadow, nested, segment
did you mean 2d?"#,
        ),
        (
            r#"thp = "never""#,
            r#"tph = "never""#,
            "my.toml:22:1: guest.parameters.tph: found the unknown parameter `tph` of linux; expected one of thp, scan, tag\ndid you mean thp?",
        ),
        (
            r#"thp = "never""#,
            r#"thp = "nevr""#,
            r#"my.toml:22:7: guest.parameters.thp: found string "nevr"; expected one of always, madvise, never
did you mean never?"#,
        ),
        (
            "[time]",
            "[tiem]",
            "my.toml:7:2: tiem: found the unknown key `tiem`; expected one of name, description, machine, seed, data_lines, time, record, guest, hypervisor, host, vm, sweep\ndid you mean time?",
        ),
        (
            "[record]",
            "[swepe]",
            "my.toml:14:2: swepe: found the unknown key `swepe`; expected one of name, description, machine, seed, data_lines, time, record, guest, hypervisor, host, vm, sweep\ndid you mean sweep?",
        ),
    ] {
        assert_eq!(edited(alone(), from, to), message);
    }
}

#[test]
fn a_value_of_the_wrong_kind_is_an_error() {
    for (from, to, message) in [
        (
            "share = 0.5",
            r#"share = "half""#,
            r#"my.toml:28:9: hypervisor.parameters.share: found string "half"; expected a number"#,
        ),
        (
            r#"scan = "20 ms""#,
            r#"scan = "20""#,
            r#"my.toml:23:8: guest.parameters.scan: found "20" without a unit; expected a time in ps, ns, us, ms or s"#,
        ),
        (
            r#"scan = "20 ms""#,
            "scan = 20",
            r#"my.toml:23:8: guest.parameters.scan: found integer `20`; expected a time with its unit, such as "80 ns""#,
        ),
        (
            r#"scan = "20 ms""#,
            r#"scan = "0.5 ns""#,
            r#"my.toml:23:8: guest.parameters.scan: found "0.5 ns"; expected a whole number of ns"#,
        ),
        (
            r#"memory = "8 GiB""#,
            r#"memory = "8""#,
            r#"my.toml:40:10: vm.0.memory: found "8" without a unit; expected a size in B, KiB, MiB, GiB or TiB"#,
        ),
        (
            r#"memory = "8 GiB""#,
            "memory = 8",
            r#"my.toml:40:10: vm.0.memory: found integer `8`; expected a size with its unit, such as "20 MiB""#,
        ),
        (
            r#"memory = "8 GiB""#,
            r#"memory = "8 GB""#,
            r#"my.toml:40:10: vm.0.memory: found the unit "GB"; expected a size in B, KiB, MiB, GiB or TiB"#,
        ),
        (
            r#"memory = "8 GiB"
"#,
            "",
            "my.toml:35:1: vm.0: found no key `memory`; expected `memory` in this table",
        ),
        (
            r#"warm_up = "200 ms""#,
            "warm_up = 200",
            r#"my.toml:8:11: time.warm_up: found integer `200`; expected a time with its unit, such as "80 ns""#,
        ),
        (
            r#"quantum = "20 us""#,
            r#"quantum = "20.5 ns""#,
            r#"my.toml:11:11: time.quantum: found "20.5 ns"; expected a whole number of ns"#,
        ),
        (
            "weight = 4",
            "weight = -1",
            "my.toml:12:10: time.weight: found integer `-1`; expected a whole number below 2^64",
        ),
        (
            r#"name = "web""#,
            r#"name = "mode""#,
            r#"my.toml:36:8: vm.0.name: found "mode"; expected a name that is no number and no key of a VM: paths name VMs by it"#,
        ),
        (
            r#"name = "web""#,
            r#"name = "7""#,
            r#"my.toml:36:8: vm.0.name: found "7"; expected a name that is no number and no key of a VM: paths name VMs by it"#,
        ),
        (r#"name = "quickstart""#, "", "my.toml: found no key `name`; expected `name` in this table"),
        (
            "events = true",
            r#"events = "yes""#,
            r#"my.toml:16:10: record.events: found string "yes"; expected true or false"#,
        ),
        (
            r#"[[vm]]
name = "web""#,
            r#"[vm]
name = "web""#,
            "my.toml:52:3: found duplicate key; expected valid TOML",
        ),
        ("[time]", "[time", "my.toml:7:6: found unclosed table; expected `]`"),
        (
            "seed = 7",
            "seed = 18446744073709551616",
            "my.toml:4:8: seed: found integer `18446744073709551616` as i128; expected a whole number below 2^64",
        ),
        (
            "seed = 7",
            "seed = nan",
            "my.toml:4:8: seed: found floating point `NaN`; expected a whole number below 2^64",
        ),
    ] {
        assert_eq!(edited(alone(), from, to), message);
    }
}

#[test]
fn parameters_are_those_that_are_declared() {
    for (from, to, message) in [
        (
            r#"thp = "never""#,
            "thp = 3",
            "my.toml:22:7: guest.parameters.thp: found integer `3`; expected one of always, madvise, never",
        ),
        (
            "share = 0.5",
            "share = 1.5",
            "my.toml:28:9: hypervisor.parameters.share: found 1.5; expected 0 to 1",
        ),
        (
            r#"scan = "20 ms""#,
            r#"scan = "1 ns""#,
            "my.toml:23:8: guest.parameters.scan: found 1 ns; expected 1 us to 1 s",
        ),
        (
            r#"footprint = "1 GiB""#,
            r#"footprint = "1 KiB""#,
            "my.toml:50:13: vm.0.program.0.parameters.footprint: found 1 KiB; expected 4 KiB to 1 TiB",
        ),
        (
            r#"footprint = "1 GiB""#,
            r#"footprint = "1 GiB"
passes = 3"#,
            "my.toml:51:1: vm.0.program.0.parameters.passes: found the unknown parameter `passes` of zipf-store; expected one of footprint, arrivals",
        ),
    ] {
        assert_eq!(edited(alone(), from, to), message);
    }
}

#[test]
fn what_cannot_be_is_an_error() {
    for (from, to, message) in [
        (
            r#"system = "linux""#,
            r#"system = "kvm""#,
            r#"my.toml:19:10: guest.system: found "kvm"; expected one of linux, ingens"#,
        ),
        (
            r#"memory = "8 GiB""#,
            r#"memory = "1 KiB""#,
            "my.toml:40:10: vm.0.memory: found 1 KiB; expected a multiple of 4 KiB, and not none",
        ),
        (
            r#"memory = "8 GiB""#,
            r#"memory = "8192 TiB""#,
            "my.toml:40:10: vm.0.memory: found 8192 TiB; expected at most 4096 TiB, all that can be addressed",
        ),
        (
            r#"memory = "8 GiB""#,
            r#"memory = "4096 TiB""#,
            "my.toml:52:1: vm.1.hypervisor_memory: found 4294968576 MiB of all VMs up to this one; expected at most 4096 TiB, all that can be addressed",
        ),
        (
            r#"quantum = "20 us""#,
            r#"quantum = "0 s""#,
            "my.toml:11:11: time.quantum: found no time; expected at least 1 ns",
        ),
        (
            r#"interval = "50 ms""#,
            r#"interval = "3 s""#,
            "my.toml:10:12: time.interval: found 3 s; expected at most the measured time of 2 s",
        ),
        ("weight = 4", "weight = 0", "my.toml:12:10: time.weight: found 0; expected at least 1"),
        (
            "fragmentation = 0.25",
            "fragmentation = 25",
            "my.toml:20:17: guest.fragmentation: found 25; expected a share from 0 to 1",
        ),
        (
            r#"nodes = ["dram0", "dram1"]"#,
            r#"nodes = ["dram0", "dram0"]"#,
            r#"my.toml:32:19: host.nodes.1: found the node "dram0" twice; expected nodes that differ"#,
        ),
        (
            r#"memory = "16 GiB""#,
            r#"memory = "0 B""#,
            "my.toml:33:10: host.memory: found 0 B; expected a multiple of 4 KiB, and not none",
        ),
    ] {
        assert_eq!(edited(alone(), from, to), message);
    }
}

#[test]
fn a_vm_or_program_that_cannot_be_is_an_error() {
    for (from, to, message) in [
        ("vcpus = 2", "vcpus = 0", "my.toml:38:9: vm.0.vcpus: found 0 vCPUs; expected at least 1"),
        (
            "vcpus = 2",
            "vcpus = 3",
            "my.toml:39:8: vm.0.cpus: found 2 CPUs; expected one for each of the 3 vCPUs",
        ),
        (
            "cpus = [0, 1]",
            "cpus = [1, 1]",
            "my.toml:39:12: vm.0.cpus.1: found the CPU 1 twice; expected CPUs that differ",
        ),
        (
            r#"slot_offset = "4 KiB""#,
            r#"slot_offset = "2 MiB""#,
            "my.toml:41:15: vm.0.slot_offset: found 2 MiB; expected a multiple of 4 KiB below 2 MiB",
        ),
        (
            r#"slot_offset = "4 KiB""#,
            r#"slot_offset = "1 KiB""#,
            "my.toml:41:15: vm.0.slot_offset: found 1 KiB; expected a multiple of 4 KiB below 2 MiB",
        ),
        (
            "threads = 2",
            "threads = 0",
            "my.toml:44:11: vm.0.program.0.threads: found 0 threads; expected 1 to 1024",
        ),
        (
            "threads = 2",
            "threads = 2\nfollows = true",
            "my.toml:45:11: vm.0.program.0.follows: found true for a VM's first program; expected a program before it in the list, or no `follows`",
        ),
        (
            r#"workload = "gups""#,
            r#"workload = "gups"

[[vm.program]]
workload = "gups"
follows = true"#,
            "my.toml:60:11: vm.1.program.1.follows: found true after gups, which never ends; expected `operations` among that one's parameters, or no `follows`",
        ),
        (
            "rate = 20000",
            "rate = 0",
            "my.toml:46:8: vm.0.program.0.rate: found 0; expected more than 0 requests a second",
        ),
        (
            r#"workload = "gups""#,
            r#"workload = "gups"
rate = 5"#,
            "my.toml:57:1: vm.1.program.0.rate: found a rate of gups, which serves no requests; expected no `rate`",
        ),
        (
            "core_cycles = 5.0",
            "core_cycles = -1.0",
            "my.toml:47:15: vm.0.program.0.core_cycles: found -1; expected a number of cycles from 0 to 4294967296",
        ),
        (
            "parallelism = 4",
            "parallelism = 0.5",
            "my.toml:48:15: vm.0.program.0.parallelism: found 0.5; expected at least 1 miss",
        ),
        (
            r#"name = "web""#,
            r#"name = "vm1""#,
            r#"my.toml:52:1: vm.1.name: found a second VM "vm1"; expected a name that no other VM has"#,
        ),
        (
            r#"name = "web""#,
            r#"name = "the web""#,
            r#"my.toml:36:8: vm.0.name: found "the web"; expected letters, digits and - _"#,
        ),
        (
            r#"name = "quickstart""#,
            r#"name = """#,
            r#"my.toml:1:8: name: found ""; expected letters, digits and - _ ."#,
        ),
        (
            r#"machine = "broadwell-e5-2620v4""#,
            r#"machine = """#,
            "my.toml:3:11: machine: found an empty text; expected a machine",
        ),
        (
            r#"memory = "1 GiB""#,
            r#"memory = "1 GiB"
hypervisor_memory = "512 MiB""#,
            "my.toml:55:21: vm.1.hypervisor_memory: found 512 MiB; expected at least the 1 GiB of its guest",
        ),
    ] {
        assert_eq!(edited(alone(), from, to), message);
    }
}

#[test]
fn a_sweep_at_fault_is_named() {
    for (from, to, message) in [
        (
            r#""vm.1.memory" = "512 MiB""#,
            r#""vm.5.memory" = "512 MiB""#,
            "my.toml:74:36: vm.5.memory: found no `5` in vm; expected an index from 0 to 1, or one of web, vm1, name, mode, vcpus, cpus, memory, hypervisor_memory, slot_offset, hole, hole_at, resize, program",
        ),
        (
            r#""vm.1.memory" = "512 MiB""#,
            r#""vm.1.memry" = "512 MiB""#,
            "my.toml:74:36: vm.1.memry: found the unknown key `memry`; expected one of name, mode, vcpus, cpus, memory, hypervisor_memory, slot_offset, hole, hole_at, resize, program\ndid you mean memory?",
        ),
        (
            r#""vm.1.memory" = "512 MiB""#,
            r#""vm..memory" = "512 MiB""#,
            r#"my.toml:74:36: sweep.1.value.0.set.vm..memory: found "vm..memory"; expected keys joined by points"#,
        ),
        (
            r#""vm.web.memory" = "2 GiB""#,
            r#""vm.web.memory" = 2"#,
            r#"my.toml:74:27: vm.0.memory: found integer `2`; expected a size with its unit, such as "20 MiB""#,
        ),
        (
            r#""guest.parameters.thp" = "never""#,
            r#""guest.parameters.thp" = "nver""#,
            r#"my.toml:65:26: guest.parameters.thp: found string "nver"; expected one of always, madvise, never
did you mean never?"#,
        ),
        (
            r#"name = "memory""#,
            r#"name = "pages""#,
            r#"my.toml:71:8: sweep.1.name: found a second axis "pages"; expected a name that no other axis has"#,
        ),
        (
            r#"name = "large""#,
            r#"name = "small""#,
            r#"my.toml:76:8: sweep.1.value.1.name: found a second value "small"; expected a name that no other value of "memory" has"#,
        ),
        (
            r#"name = "memory""#,
            r#"name = " ""#,
            "my.toml:71:8: sweep.1.name: found an empty text; expected the name of the axis",
        ),
        (
            r#"name = "large""#,
            r#"label = "large""#,
            "my.toml:76:1: sweep.1.value.1.label: found the unknown key `label`; expected one of name, set",
        ),
    ] {
        assert_eq!(edited(FULL, from, to), message);
    }
}

/// What is wrong with changes of memory and holes.
#[test]
fn memory_that_cannot_change_so_is_an_error() {
    for (to, message) in [
        (
            r#"memory = "8 GiB"
resize = [{ at = "2 s", memory = "1 GiB" }, { at = "1 s", memory = "2 GiB" }]"#,
            "my.toml:41:52: vm.0.resize.1.at: found 1 s; expected 2 s or later: changes are in the order of their times",
        ),
        (
            r#"memory = "8 GiB"
resize = [{ at = "2 s", memory = "3 KiB" }]"#,
            "my.toml:41:34: vm.0.resize.0.memory: found 3 KiB; expected a multiple of 4 KiB, and not none",
        ),
        (
            r#"memory = "8 GiB"
resize = [{ memory = "1 GiB" }]"#,
            "my.toml:41:11: vm.0.resize.0: found no key `at`; expected `at` in this table",
        ),
        (
            r#"memory = "8 GiB"
resize = [{ at = "2 s", memory = "1 GiB", by = 2 }]"#,
            "my.toml:41:43: vm.0.resize.0.by: found the unknown key `by`; expected one of at, memory",
        ),
        (
            r#"memory = "8 GiB"
hole = "1 MiB""#,
            "my.toml:41:8: vm.0.hole: found 1 MiB; expected a multiple of 2 MiB, and not none",
        ),
        (
            r#"memory = "1 GiB"
hole = "1 GiB"
resize = [{ at = "2 s", memory = "4 GiB" }]"#,
            "my.toml:40:10: vm.0.memory: found 1 GiB, which grows beyond the hole at 3 GiB; expected memory behind the hole from the beginning, or never",
        ),
    ] {
        assert_eq!(edited(alone(), r#"memory = "8 GiB""#, to), message);
    }
    let change = "mode = \"shadow\"\nresize = [{ at = \"2 s\", memory = \"1 GiB\" }]";
    assert_eq!(
        edited(alone(), r#"mode = "2d""#, change),
        "my.toml:38:1: vm.0.resize: found a change of memory in mode shadow; expected mode 2d, where a hypervisor changes it"
    );
}
