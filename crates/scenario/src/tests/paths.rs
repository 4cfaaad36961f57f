//! The paths of sweeps and overrides.

use super::*;

fn one(overrides: &[&str]) -> crate::Scenario {
    let mut runs = read(FULL, overrides).unwrap();
    runs.remove(0).scenario
}

#[test]
fn a_list_is_entered_by_index_by_name_or_as_a_whole() {
    let memory = |overrides: &[&str]| one(overrides).vm.iter().map(|vm| vm.vcpus).collect::<Vec<_>>();
    let alone = "vm.cpus=";
    assert_eq!(memory(&["vm.1.vcpus=3"]), [2, 3]);
    assert_eq!(memory(&["vm.vm1.vcpus=3"]), [2, 3]);
    assert_eq!(memory(&["vm.vcpus=3", &format!("{alone}[]")]), [3, 3]);
    let threads = |given: &str| {
        let vms = one(&[given]).vm;
        vms.iter().flat_map(|vm| &vm.program).map(|program| program.threads).collect::<Vec<_>>()
    };
    assert_eq!(threads("vm.program.threads=5"), [5, 5, 5]);
    assert_eq!(threads("vm.1.program.threads=5"), [2, 5, 5]);
    assert_eq!(threads("vm.program.zipf-store.threads=5"), [5, 1, 5]);
    assert_eq!(threads("vm.1.program.zipf-store.threads=5"), [2, 1, 5]);
    assert_eq!(threads("vm.program.0.threads=5"), [5, 5, 1]);
}

/// TOML's own points join a path like those between quotes; a table in braces replaces the one that is there.
#[test]
fn paths_need_no_quotes() {
    let sweep = |set: &str| {
        let text = format!("{}[[sweep]]\nname = \"a\"\n[[sweep.value]]\nname = \"b\"\n{set}", alone());
        read(&text, &[]).unwrap().remove(0).scenario
    };
    let guest = |set: &str| {
        let crate::Kernel { system, fragmentation, parameters, .. } = sweep(set).guest;
        (system, fragmentation.to_bits(), parameters.text("thp").map(str::to_owned), parameters.nanos("scan"))
    };
    let changed =
        ("linux".to_owned(), 0.25_f64.to_bits(), Some("always".to_owned()), Some(Nanos::new(20_000_000)));
    for set in [
        "set = { \"guest.parameters.thp\" = \"always\" }",
        "set = { guest.parameters.thp = \"always\" }",
        "set.guest.parameters.thp = \"always\"",
        "[sweep.value.set]\nguest.parameters.thp = \"always\"",
        "[sweep.value.set.guest]\n\"parameters.thp\" = \"always\"",
    ] {
        assert_eq!(guest(set), changed, "{set}");
    }
    let replaced = ("ingens".to_owned(), 0.0_f64.to_bits(), None, None);
    assert_eq!(guest("set = { guest = { system = \"ingens\" } }"), replaced);
}

#[test]
fn a_list_of_values_is_an_axis_and_the_last_to_change_first() {
    let runs = read(LEAST, &["seed=1,2", "vm.memory=1 GiB, 2 GiB,3 GiB"]).unwrap();
    let found: Vec<_> =
        runs.iter().map(|run| (run.scenario.seed, run.scenario.vm[0].memory.get() >> 30)).collect();
    assert_eq!(found, [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3)]);
    assert_eq!(
        runs[5].labels,
        [("seed", "2"), ("memory", "3 GiB")].map(|(a, b)| (a.to_owned(), b.to_owned()))
    );
}

#[test]
fn where_the_key_is_a_list_so_is_the_value() {
    assert_eq!(one(&["vm.web.cpus=4,5"]).vm[0].cpus, [4, 5]);
    assert_eq!(one(&["vm.web.cpus=[4, 5]"]).vm[0].cpus, [4, 5]);
    assert_eq!(one(&["host.nodes=a"]).host.nodes, ["a"]);
    let runs = read(LEAST, &["vm.vcpus=2", "vm.cpus=[0,1],[0,2]"]).unwrap();
    assert_eq!(runs.iter().map(|run| run.scenario.vm[0].cpus[1]).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(runs[1].labels, [("cpus".to_owned(), "[0,2]".to_owned())]);
    assert_eq!(one(&["description=a, b"]).description, "a, b");
}

#[test]
fn an_override_has_the_last_word() {
    let runs = read(FULL, &["vm.web.memory=3 GiB", "guest={system=\"ingens\"}", "sweep=[]"]).unwrap();
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0].scenario.guest.parameters.number("share"), Some(0.9));
    let runs = read(FULL, &["vm.web.memory=3 GiB"]).unwrap();
    assert_eq!(
        runs.iter().map(|run| run.scenario.vm[0].memory.get() >> 30).collect::<Vec<_>>(),
        [3, 3, 3, 3]
    );
}

#[test]
fn a_path_that_leads_nowhere_is_an_error_of_what_asks_for_it() {
    for (given, fault) in [
        (
            "vm.2.memory=1 GiB",
            "found no `2` in vm; expected an index from 0 to 1, or one of web, vm1, name, mode, vcpus, cpus, memory, hypervisor_memory, slot_offset, hole, hole_at, resize, program",
        ),
        (
            "vm.wbe.memory=1 GiB",
            "found no `wbe` in vm; expected an index from 0 to 1, or one of web, vm1, name, mode, vcpus, cpus, memory, hypervisor_memory, slot_offset, hole, hole_at, resize, program\ndid you mean web?",
        ),
        ("seed.x=3", "found `seed`, which holds no keys; expected a shorter path"),
        ("vm.0.cpus.0.x=3", "found an element of vm.0.cpus, which holds no keys; expected a shorter path"),
        ("sweep=1,2", "found several values; expected one: a sweep cannot be swept"),
        ("seed=1,,2", "found an empty value; expected values with commas between them"),
        ("seed=1,1", "found the value 1 twice; expected values that differ"),
        ("vm.0.cpus=[0", "found unclosed array; expected `]`"),
    ] {
        assert_eq!(
            refused(&[given]).split("\nin the run").next().unwrap(),
            format!("--set {given}: {fault}")
        );
    }
    assert_eq!(
        refused(&["sweep=[]", "vm.mdoe=2d"]),
        "--set vm.mdoe=2d: found no `mdoe` in vm; expected an index from 0 to 1, or one of web, vm1, name, mode, \
         vcpus, cpus, memory, hypervisor_memory, slot_offset, hole, hole_at, resize, program\ndid you mean mode?"
    );
    assert_eq!(
        refused(&["sweep=[]", "tiem.measure=1 s"]),
        "--set tiem.measure=1 s: found the unknown key `tiem`; expected one of name, description, machine, seed, \
         data_lines, time, record, guest, hypervisor, host, vm, sweep\ndid you mean time?"
    );
    assert_eq!(
        refused(&["sweep=[]", "parameters.thp=always"]),
        "--set parameters.thp=always: found the unknown key `parameters`; expected one of name, description, \
         machine, seed, data_lines, time, record, guest, hypervisor, host, vm, sweep"
    );
}
