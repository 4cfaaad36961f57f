//! Every decision about a page is an event, with its addresses in the layers that know it.

use terrace_machine::builtin;
use terrace_result::EventRow;
use terrace_sim::run::{Next, Passed, Watch, run};

use super::{registry, runs};

const NESTED: &str = r#"
name = "events"
data_lines = false
[time]
measure = "1 ms"
interval = "1 ms"
[record]
events = true
[host]
memory = "512 MiB"
[[vm]]
mode = "nested"
memory = "64 MiB"
[[vm.program]]
workload = "gups"
[vm.program.parameters]
bytes = "9 MiB"
"#;

#[derive(Default)]
struct Collected(Vec<EventRow>);

impl Watch for Collected {
    fn advance(&mut self, _: Passed) -> Next {
        Next::Go
    }

    fn event(&mut self, event: EventRow) {
        self.0.push(event);
    }
}

fn events(overrides: &[&str]) -> Vec<EventRow> {
    let run_of = runs(NESTED, overrides).remove(0);
    let mut collected = Collected::default();
    let machine = builtin(&run_of.scenario.machine.name, &[]).unwrap();
    run(&run_of, &machine, &registry(), &mut collected).unwrap();
    collected.0
}

#[test]
fn a_fault_is_an_event_at_each_layer_that_it_reaches() {
    let found = events(&[]);
    assert!(found.is_sorted_by(|one, next| one.time <= next.time));
    let of = |layer: &str| found.iter().filter(|event| event.layer == layer).collect::<Vec<_>>();
    // 9 MiB: four huge pages, and the last half of one in base pages.
    let guest = of("guest");
    assert_eq!(guest.iter().filter(|event| event.bytes.get() == 2 << 20).count(), 4);
    assert_eq!(guest.iter().filter(|event| event.bytes.get() == 4096).count(), 256);
    for event in guest {
        let (gva, gpa) = (event.gva.unwrap().get(), event.gpa.unwrap().get());
        assert_eq!((event.ghpa, event.hpa), (None, None));
        assert_eq!(event.offset, Some(i64::try_from(gva - gpa).unwrap()));
        // Linux does not ask for a huge page where none fits.
        let reason = if event.bytes.get() == 4096 { "any frame" } else { "a block for a huge page" };
        assert_eq!((event.kind.as_str(), event.reason.as_str()), ("fault", reason));
    }
    for event in of("hypervisor") {
        assert!(event.gpa.is_some() && event.ghpa.is_some() && event.hpa.is_none(), "{event:?}");
    }
    let host = of("host");
    assert!(!host.is_empty());
    for event in host {
        assert!(event.ghpa.is_some() && event.hpa.is_some() && event.gva.is_none(), "{event:?}");
        assert_eq!(event.vm, "vm0");
    }
}

#[test]
fn nothing_is_recorded_unless_it_is_asked_for() {
    assert_eq!(events(&["record.events=false"]), []);
}
