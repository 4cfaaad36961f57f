//! Gemini on real kernels: how much lines up, in a guest and its host, and with a guest hypervisor between them.

use crate::stack;

use stack::machines::{
    CLEAN, FRAGMENTED, GUEST, LONG, Memories, OFF, Set, ThreeLayers, checked, noise, program, two_layers,
};
use stack::{Ground, Guest, Half, Hypervisor, MIB, system};
use terrace_policy::{Role, Value};

/// The share that is aligned of a program, in a machine in which another one ran before it if it is `reused`.
fn share(name: &str, set: Set<'_>, memories: Memories, reused: bool) -> f64 {
    let mut machine = two_layers(system(name), set, memories);
    noise(&mut machine, 20);
    if reused {
        let (first, _) = program(&mut machine, 160 * MIB);
        machine.pass(60);
        machine.end(first);
        machine.pass(3);
    }
    program(&mut machine, 48 * MIB);
    machine.pass(LONG);
    checked(&machine)
}

#[test]
fn in_a_clean_machine_all_is_aligned() {
    for huge_faults in ["always", "unfragmented", "booked", "never"] {
        let set = [("huge_faults", Value::Word(huge_faults))];
        let mut machine = two_layers(system("gemini"), &set, CLEAN);
        program(&mut machine, 64 * MIB);
        machine.pass(LONG);
        assert!(checked(&machine) > 0.99, "{huge_faults}: {}", machine.aligned_share());
        let copied = machine.half.kernel.counts().collapses_copied;
        assert!(
            copied <= 1,
            "{huge_faults}: pages lie at their places, but in a block that tables are in: {copied}"
        );
    }
}

#[test]
fn where_memory_is_not_fragmented_it_is_not_behind_transparent_huge_pages() {
    let aligned = |name| {
        let mut machine = two_layers(system(name), &[], CLEAN);
        program(&mut machine, 64 * MIB);
        checked(&machine)
    };
    assert!(aligned("gemini") >= aligned("linux"));
}

#[test]
fn in_fragmented_machines_more_is_aligned_than_with_transparent_huge_pages() {
    let tight = Memories { guest: 0.8, host: 0.8, host_bytes: 320 * MIB };
    let reused = Memories { guest: 0.3, host: 0.7, host_bytes: 384 * MIB };
    for (memories, second) in [(tight, false), (FRAGMENTED, true), (reused, true)] {
        let (gemini, linux) = (share("gemini", &[], memories, second), share("linux", &[], memories, second));
        assert!(gemini > linux + 0.1, "{memories:?} {second}: gemini {gemini}, linux {linux}");
    }
}

#[test]
fn what_a_program_leaves_aligned_the_next_one_uses_again() {
    let reuse = |set: Set<'_>| {
        let mut machine = two_layers(system("gemini"), set, FRAGMENTED);
        let (first, _) = program(&mut machine, 64 * MIB);
        machine.pass(LONG);
        let aligned = machine.aligned_share();
        machine.end(first);
        let kept = machine.half.count("bucket_kept");
        machine.pass(2);
        program(&mut machine, 64 * MIB);
        assert!(aligned > 0.3, "{aligned}");
        (kept, machine.half.count("bucket_reused"), checked(&machine))
    };
    let (kept, reused, aligned) = reuse(&[]);
    assert!(kept >= 10 && reused * 100 >= kept * 88, "{reused} of {kept}; the paper has 88 %");
    let (none, _, without) = reuse(&[("bucket", OFF), ("booking", OFF)]);
    assert_eq!(none, 0);
    assert!(aligned > without, "{aligned} with the bucket at once, {without} without");
}

#[test]
fn each_mechanism_can_be_off() {
    let switches =
        ["booking", "adjust_timeout", "allocator", "preallocation", "promoter", "bucket", "demotion"];
    for off in switches {
        let share = share("gemini", &[(off, OFF)], FRAGMENTED, true);
        assert!(share >= 0.0, "{off}");
    }
    let all: Vec<_> = switches.iter().map(|&off| (off, OFF)).collect();
    let set: Vec<_> = all.into_iter().chain([("huge_faults", Value::Word("never"))]).collect();
    assert!(share("gemini", &set, FRAGMENTED, true).abs() < f64::EPSILON, "base pages only");
}

fn three_layers(name: &str, set: Set<'_>) -> ThreeLayers {
    let system = system(name);
    let host = Half::new(Role::Host, 512 * MIB, system, set);
    let hypervisor = Half::new(Role::Hypervisor, 384 * MIB, system, set);
    let guest = Half::new(Role::Guest, GUEST, system, set);
    Guest::new(guest, Hypervisor::new(hypervisor, GUEST, Hypervisor::new(host, 384 * MIB, Ground)))
}

#[test]
fn with_a_guest_hypervisor_that_takes_part_all_three_layers_line_up() {
    for huge_faults in ["unfragmented", "never"] {
        let mut machine = three_layers("dual-gemini", &[("huge_faults", Value::Word(huge_faults))]);
        let (space, start) = machine.begin(64 * MIB);
        machine.fill(space, start, 64 * MIB);
        machine.pass(LONG);
        assert!(machine.aligned_share() > 0.99, "{huge_faults}: {}", machine.aligned_share());
        machine.below.half.check();
        let both = machine.below.half.count("aligned_blocks");
        assert!(both >= 64, "32 with the guest and 32 with the host: {both}");
    }
}

#[test]
fn without_it_nothing_is_aligned() {
    let mut machine = three_layers("gemini", &[]);
    let (space, start) = machine.begin(16 * MIB);
    machine.fill(space, start, 16 * MIB);
    assert!(machine.aligned_share().abs() < f64::EPSILON, "a stock hypervisor has base pages here");
}
