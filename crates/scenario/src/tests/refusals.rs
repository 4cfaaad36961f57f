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
    let vocabulary = Vocabulary { workloads: &workloads, systems: &systems, modes: &["2d"] };
    let find = |name: &str| crate::find(name, &builtin, &[], &vocabulary);
    let found = find("least").unwrap();
    assert_eq!((found.runs.len(), found.text.as_ref()), (1, LEAST));
    let path = std::env::temp_dir().join(format!("terrace-scenario-{}.toml", std::process::id()));
    std::fs::write(&path, LEAST).unwrap();
    let loaded = find(path.to_str().unwrap());
    std::fs::remove_file(&path).unwrap();
    assert_eq!(loaded.unwrap(), found);
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

#[test]
fn a_machine_has_the_nodes_and_cpus_that_are_named() {
    let machine = terrace_machine::builtin("broadwell-e5-2620v4", &[]).unwrap();
    let misfit = |overrides: &[&str]| {
        let scenario = read(alone(), overrides).unwrap().remove(0).scenario;
        scenario.fits(&machine).map_err(|error| error.to_string())
    };
    assert_eq!(misfit(&["vm.web.cpus=0,31"]), Ok(()));
    assert_eq!(
        misfit(&["vm.web.cpus=0,32"]).unwrap_err(),
        "scenario quickstart: vm.0.cpus.1: found the CPU 32; expected one of the 32 CPUs of broadwell-e5-2620v4, from 0"
    );
    assert_eq!(
        misfit(&["host.nodes=dram1,dram2"]).unwrap_err(),
        "scenario quickstart: host.nodes.1: found \"dram2\"; expected one of dram0, dram1\ndid you mean dram0?"
    );
}
