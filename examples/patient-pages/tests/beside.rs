//! The policy of the book, beside the built-in ones.

use std::process::Command;

/// Runs the program; what it printed.
fn patient_pages(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_patient-pages")).args(arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

const SCENARIO: &str = r#"
name = "beside"
description = "One system beside others"
machine = "broadwell-e5-2620v4"

[time]
warm_up = "50 ms"
measure = "20 ms"
interval = "10 ms"

[host]
memory = "512 MiB"
system = "linux"

[[vm]]
memory = "256 MiB"

[[vm.program]]
workload = "gups"

[vm.program.parameters]
bytes = "64 MiB"

[[sweep]]
name = "guest"
value = [
    { name = "base", set = { guest.system = "base-pages" } },
    { name = "patient", set = { guest.system = "patient" } },
    { name = "impatient", set = { guest.system = "patient", guest.parameters.patience = "1 ms" } },
    { name = "never", set = { guest.system = "patient", guest.parameters.patience = "1000 s" } },
]
"#;

#[test]
fn it_is_listed_with_its_parameters() {
    let list = patient_pages(&["list", "systems"]);
    assert!(list.contains("patient") && list.contains("xgemini"), "{list}");
    let one = patient_pages(&["list", "systems", "patient"]);
    assert!(one.contains("patience = 10 ms") && one.contains("assumed"), "{one}");
}

#[test]
fn it_makes_huge_pages_where_a_program_has_settled() {
    let folder = std::env::temp_dir().join(format!("patient-pages-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("beside.toml");
    std::fs::write(&path, SCENARIO).unwrap();
    let csv = patient_pages(&["run", path.to_str().unwrap(), "--format", "csv", "--quiet"]);
    std::fs::remove_dir_all(&folder).unwrap();
    let share = |guest: &str| {
        let row = csv.lines().find(|line| line.contains(&format!(",{guest},run,well_aligned_share,")));
        let value = row.and_then(|row| row.rsplit(',').next()).unwrap_or_else(|| panic!("{guest} in\n{csv}"));
        value.parse::<f64>().unwrap()
    };
    assert!(share("base") == 0.0 && share("never") == 0.0, "{csv}");
    assert!(share("patient") > 0.9 && share("impatient") > 0.9, "{csv}");
}
