//! Memory that does not suffice is an outcome, and memory that does is backed once.

use terrace_result::Outcome;

use super::{of_layer, result};

const VM: &str = r#"
name = "memory"
data_lines = false
[time]
measure = "2 ms"
interval = "1 ms"
[guest]
system = "base-pages"
[host]
system = "base-pages"
memory = "64 MiB"
[[vm]]
memory = "256 MiB"
[[vm.program]]
workload = "gups"
[vm.program.parameters]
bytes = "32 MiB"
"#;

#[test]
fn a_machine_larger_than_its_host_runs_as_long_as_it_touches_less() {
    let found = result(VM, &[]);
    assert_eq!(found.outcome, Outcome::Complete);
    let resident = of_layer(&found, "host", "resident_bytes");
    assert!((32.0..34.0).contains(&(resident / f64::from(1 << 20))), "{resident}");
}

#[test]
fn a_host_without_memory_left_is_an_outcome() {
    let found = result(VM, &["vm.program.parameters.bytes=128 MiB"]);
    let Outcome::OutOfMemory { at, layer, .. } = &found.outcome else { panic!("{:?}", found.outcome) };
    assert_eq!(layer, "host");
    assert!(at.get() > 0);
}

#[test]
fn a_guest_without_memory_left_is_an_outcome() {
    for mode in ["2d", "shadow", "nested"] {
        let mode = format!("vm.mode={mode}");
        let overrides = ["vm.memory=16 MiB", "vm.hypervisor_memory=60 MiB", mode.as_str()];
        let found = result(VM, &overrides);
        let Outcome::OutOfMemory { layer, .. } = &found.outcome else {
            panic!("{mode}: {:?}", found.outcome)
        };
        assert_eq!(layer, "vm0/guest", "{mode}");
    }
}

/// A guest's memory that begins between two multiples of 2M of its process has no huge page below it (KVM:
/// `kvm_arch_create_memslot`).
#[test]
fn a_slot_that_is_not_aligned_has_no_huge_pages_below() {
    let overrides = ["guest.system=linux", "host.system=linux", "host.memory=256 MiB", "vm.memory=128 MiB"];
    let aligned = result(VM, &overrides);
    let mut shifted = overrides.to_vec();
    shifted.push("vm.slot_offset=4 KiB");
    let shifted = result(VM, &shifted);
    let share = |result| super::total(result, "well_aligned_share");
    assert!(share(&aligned) > 0.9, "{}", share(&aligned));
    assert!(share(&shifted) < 1e-9, "{}", share(&shifted));
    // The host itself has huge pages all the same.
    assert!(of_layer(&shifted, "host", "huge_coverage") > 0.9);
}
