//! Errors of whole files and of runs, and what is none.

use super::*;

#[test]
fn nothing_to_run_is_an_error() {
    assert_eq!(
        read("# Nothing yet.\n", &[]).unwrap_err().to_string(),
        "my.toml: found an empty file; expected a scenario\n`terrace list scenarios` shows examples to start from"
    );
    assert_eq!(
        read("name = \"a\"\nvm = []\n", &[]).unwrap_err().to_string(),
        "my.toml:2:6: vm: found no VM; expected at least one [[vm]]"
    );
    assert_eq!(
        read("name = \"a\"\n[[vm]]\nmemory = \"4 KiB\"\n", &[]).unwrap_err().to_string(),
        "my.toml:2:1: vm.0.program: found no program; expected at least one [[vm.program]]"
    );
    assert_eq!(
        edited(LEAST, "name = ", "sweep = [{ name = \"a\", value = [] }]\nname = "),
        "my.toml:1:32: sweep.0.value: found no value; expected at least one [[sweep.value]]"
    );
}

#[test]
fn too_many_runs_are_an_error() {
    let axis = |last: u32| (1..=last).map(|number| number.to_string()).collect::<Vec<_>>().join(",");
    let (hundred, more) = (format!("seed={}", axis(100)), format!("vm.vcpus={}", axis(101)));
    assert_eq!(
        read(LEAST, &[&hundred, &more]).unwrap_err().to_string(),
        "my.toml: sweep: found 10100 runs; expected at most 10000"
    );
    let most = format!("time.weight={}", axis(100));
    assert_eq!(read(LEAST, &[&hundred, &most]).unwrap().len(), 10_000);
}

#[test]
fn an_error_of_a_later_run_says_of_which() {
    assert_eq!(
        edited(FULL, "\"host.parameters.thp\" = \"always\"", "\"vm.web.vcpus\" = 3"),
        "my.toml:39:8: vm.0.cpus: found 2 CPUs; expected one for each of the 3 vCPUs\n\
         in the run with pages = huge, memory = small"
    );
    assert_eq!(
        read(alone(), &["vm.web.vcpus=3"]).unwrap_err().to_string(),
        "my.toml:39:8: vm.0.cpus: found 2 CPUs; expected one for each of the 3 vCPUs\n\
         it has to fit --set vm.web.vcpus=3"
    );
}

/// What holds for no VM of a run is no error: a sweep may switch modes.
#[test]
fn settings_of_a_layer_that_no_vm_has_are_allowed() {
    assert_eq!(read(alone(), &["vm.mode=2d,native", "vm.hypervisor_memory=4 KiB"]).unwrap().len(), 2);
    assert_eq!(
        read(alone(), &["vm.mode=2d,nested", "vm.hypervisor_memory=4 KiB"]).unwrap_err().to_string(),
        "--set vm.hypervisor_memory=4 KiB: found 4 KiB; expected at least the 8 GiB of its guest\n\
         in the run with mode = nested"
    );
}

#[test]
fn a_scenario_is_found_by_name_or_path() {
    let builtin = [crate::Builtin { name: "least", text: LEAST }];
    let (workloads, systems) = (workloads(), systems());
    let vocabulary = Vocabulary { workloads: &workloads, systems: &systems, modes: &["2d"], limits: LIMITS };
    let find = |name: &str| crate::find(name, &builtin, &[], &vocabulary);
    let found = find("least").unwrap();
    assert_eq!((found.runs.len(), found.text.as_ref()), (1, LEAST));
    let path = std::env::temp_dir().join(format!("terrace-scenario-{}.toml", std::process::id()));
    std::fs::write(&path, LEAST).unwrap();
    let loaded = find(path.to_str().unwrap());
    std::fs::remove_file(&path).unwrap();
    let loaded = loaded.unwrap();
    assert_eq!((loaded.runs, loaded.text), (found.runs, found.text));
    assert_eq!(
        find("laest").unwrap_err().to_string(),
        "laest: found no built-in scenario and no file of this name; expected least, or the path of a scenario \
         file\ndid you mean least?"
    );
    assert_eq!(
        find("no/such.toml").unwrap_err().to_string(),
        "no/such.toml: found no such file; expected a scenario file"
    );
    let wrong = [crate::Builtin { name: "wrong", text: "name = 3" }];
    assert_eq!(
        crate::find("wrong", &wrong, &[], &vocabulary).unwrap_err().to_string(),
        "built-in scenario wrong:1:8: name: found integer `3`; expected a text"
    );
}

/// The error of the full file without its sweeps, with one piece of it replaced, as a run on its machine has it.
fn misfit(from: &str, to: &str, overrides: &[&str]) -> String {
    assert!(alone().contains(from), "{from}");
    let text = alone().replacen(from, to, 1);
    let (workloads, systems) = (workloads(), systems());
    let modes = ["native", "2d", "nested"];
    let vocabulary = Vocabulary { workloads: &workloads, systems: &systems, modes: &modes, limits: LIMITS };
    let overrides: Vec<Override> = overrides.iter().map(|text| text.parse().unwrap()).collect();
    let builtin = [crate::Builtin { name: "full", text: text.leak() }];
    let found = crate::find("full", &builtin, &overrides, &vocabulary).unwrap();
    let fits = |run| found.machine(run).and_then(|machine| found.fits(run, &machine.machine));
    match found.runs.iter().try_for_each(fits) {
        Ok(()) => "it fits".to_owned(),
        Err(error) => error.to_string().replace("built-in scenario full:", ""),
    }
}

#[test]
fn a_machine_has_what_is_named_of_it() {
    assert_eq!(misfit("[0, 1]", "[0, 31]", &[]), "it fits");
    let nodes = r#"nodes = ["dram0", "dram1"]"#;
    for (from, to, message) in [
        (
            r#"machine = "broadwell-e5-2620v4""#,
            r#"machine = "brodwell-e5-2620v4""#,
            "3:11: machine: found \"brodwell-e5-2620v4\"; expected one of broadwell-e5-2620v4, cascade-lake-6240, \
             champsim, drmemtrace, ice-lake-8360y, sapphire-rapids-8480, zen4-9554, or the path of a machine file\n\
             did you mean broadwell-e5-2620v4?",
        ),
        (
            r#"machine = "broadwell-e5-2620v4""#,
            r#"machine = { name = "no/such.toml", tlb.stlb.entries = 768 }"#,
            "3:20: machine.name: found no such file at \"no/such.toml\"; expected a machine file",
        ),
        (
            r#""broadwell-e5-2620v4""#,
            r#""no/such.toml""#,
            "3:11: machine: found no such file at \"no/such.toml\"; expected a machine file",
        ),
        (
            nodes,
            r#"nodes = ["dram0", "dram7"]"#,
            "32:19: host.nodes.1: found \"dram7\"; expected one of dram0, dram1\ndid you mean dram0?",
        ),
        (
            "cpus = [0, 1]",
            "cpus = [0, 999]",
            "39:12: vm.0.cpus.1: found the CPU 999; expected one of the 32 CPUs of broadwell-e5-2620v4, from 0",
        ),
        (
            "mode = \"nested\"",
            "mode = \"nested\"\ncpus = [1]",
            "54:9: vm.1.cpus.0: found the CPU 1, which another VM has; expected a CPU that is free",
        ),
        (
            "mode = \"nested\"",
            "mode = \"nested\"\nvcpus = 31",
            "54:9: vm.1.vcpus: found 33 vCPUs of all VMs up to this one; expected at most the 32 CPUs of \
             broadwell-e5-2620v4",
        ),
        (
            "vcpus = 2\ncpus = [0, 1]",
            "vcpus = 900",
            "38:9: vm.0.vcpus: found 900 vCPUs; expected at most the 32 CPUs of broadwell-e5-2620v4",
        ),
        (
            "mode = \"nested\"",
            "mode = \"native\"",
            "53:8: vm.1.mode: found native beside 2d; expected all of a run native, or none",
        ),
        (
            "memory = \"16 GiB\"",
            "memory = \"999 GiB\"",
            "33:10: host.memory: found 999 GiB; expected at most 128 GiB, what dram0, dram1 has\n\
             name more nodes in host.nodes (the machine has dram0, dram1), or make machine.memory.NODE.size larger",
        ),
    ] {
        assert_eq!(misfit(from, to, &[]), message);
    }
}

#[test]
fn what_does_not_fit_a_machine_is_where_an_override_or_a_sweep_put_it() {
    let below = misfit("", "", &["machine.name=brodwell-e5-2620v4"]);
    assert!(
        below.starts_with("--set machine.name=brodwell-e5-2620v4: found \"brodwell-e5-2620v4\"; "),
        "{below}"
    );
    let machine = misfit("", "", &["machine=brodwell-e5-2620v4"]);
    assert!(
        machine.starts_with("--set machine=brodwell-e5-2620v4: found \"brodwell-e5-2620v4\"; "),
        "{machine}"
    );
    assert_eq!(
        misfit("", "", &["seed=1,2", "vm.web.cpus=[0,1],[0,32]"]),
        "--set vm.web.cpus=[0,1],[0,32]: found the CPU 32; expected one of the 32 CPUs of broadwell-e5-2620v4, from 0\n\
         in the run with seed = 1, cpus = [0,32]"
    );
}
