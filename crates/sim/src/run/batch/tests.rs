use super::*;

const SCENARIO: &str = r#"
name = "batch"
[guest]
system = "base-pages"
[host]
system = "base-pages"
memory = "64 MiB"
[[vm]]
memory = "32 MiB"
[[vm.program]]
workload = "gups"
[[sweep]]
name = "memory"
value = [
    { name = "fragmented", set = { guest.fragmentation = 0.5 } },
    { name = "used", set = { guest.used = true } },
    { name = "clean", set = { guest.used = false } },
]
[[sweep]]
name = "bytes"
value = [
    { name = "1", set = { vm.program.parameters.bytes = "4 MiB" } },
    { name = "2", set = { vm.program.parameters.bytes = "8 MiB", time.weight = 2 } },
    { name = "3", set = { vm.program.parameters.bytes = "8 MiB", vm.memory = "40 MiB" } },
]
"#;

fn registry() -> Registry {
    Registry::new(terrace_systems::registry().iter().copied())
}

#[test]
fn runs_whose_programs_and_times_differ_begin_alike_where_memory_takes_work() {
    let registry = registry();
    let runs = terrace_scenario::parse(SCENARIO, "test", &[], &registry.vocabulary()).unwrap();
    let machine = terrace_machine::builtin(&runs[0].scenario.machine.name, &[]).unwrap();
    let batch = Batch::new(&runs, vec![&machine; runs.len()], &registry, 2);
    let (fragmented, used) = (batch.groups[0], batch.groups[3]);
    assert!(fragmented.is_some() && used.is_some() && fragmented != used, "{:?}", batch.groups);
    let alone = [None; 3];
    assert_eq!(batch.groups[..6], [fragmented, fragmented, None, used, used, None]);
    assert_eq!(batch.groups[6..], alone, "clean memory takes no work");
    assert_eq!(batch.together((0..9).rev()), [8, 7, 6, 5, 4, 3, 2, 1, 0]);
    assert_eq!(batch.together([4, 0, 2, 3, 1].into_iter()), [4, 3, 0, 1, 2]);

    let other = terrace_machine::builtin("ice-lake-8360y", &[]).unwrap();
    let mut machines = vec![&machine; runs.len()];
    machines[1] = &other;
    assert_eq!(Batch::new(&runs, machines, &registry, 2).groups[..2], [None, None], "other machines");
}

#[test]
fn what_is_kept_goes_with_the_last_run_that_wants_it_or_when_there_are_more() {
    let mut state = State { left: vec![3, 2, 2], kept: VecDeque::new(), most: 1 };
    let kept = |state: &State| state.kept.iter().map(|&(group, _)| group).collect::<Vec<_>>();
    let (first, last) = state.slot(0);
    assert_eq!((kept(&state), last), (vec![0], false));
    let (again, last) = state.slot(0);
    assert!(Arc::ptr_eq(&first, &again) && !last);
    let (_, last) = state.slot(1);
    assert_eq!((kept(&state), last), (vec![1], false), "one at most");
    let (anew, last) = state.slot(0);
    assert!(!Arc::ptr_eq(&first, &anew) && last, "the other is gone");
    assert_eq!(kept(&state), [1], "what nobody else wants is not kept");
    let (_, last) = state.slot(1);
    assert_eq!((kept(&state), last), (vec![], true));
}
