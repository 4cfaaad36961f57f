//! Random histories of a guest and its host under Gemini, with peers that say anything: nothing is lost, no frame is
//! behind two pages, and kept memory is never stranded.

use crate::stack;

use std::collections::BTreeSet;

use proptest::prelude::*;
use stack::{BASE, Ground, Guest, HUGE, Half, Hypervisor, MIB, system};
use terrace_addr::{Addr, Bytes, Gpa, Gva, Hpa, convert};
use terrace_kernel::KernelError;
use terrace_policy::{Event, Message, Role, SpaceId, Value};

type Machine = Guest<Gpa, Hypervisor<Gpa, Hpa, Ground>>;

const GUEST: u64 = 24 * MIB;
const HOST: u64 = 32 * MIB;

#[derive(Debug, Clone)]
enum Step {
    /// A program with a region of so many pages.
    Begin(u64),
    /// So many pages from one on, each so far from the last.
    Touch {
        program: usize,
        from: u64,
        pages: u64,
        stride: u64,
    },
    End(usize),
    Pass(u64),
    /// Somebody says this, to the guest or to the host.
    Say {
        guest: bool,
        peer: Role,
        space: u32,
        kind: u32,
        words: Vec<u64>,
    },
    Pressure {
        guest: bool,
    },
    Misses(u64),
    Ended {
        guest: bool,
        number: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let word = prop_oneof![4 => 0_u64..16, 1 => any::<u64>()];
    let role = prop_oneof![Just(Role::Guest), Just(Role::Hypervisor), Just(Role::Host)];
    prop_oneof![
        3 => (1_u64..3000).prop_map(Step::Begin),
        6 => (any::<usize>(), 0_u64..3000, 1_u64..1200, 1_u64..4)
            .prop_map(|(program, from, pages, stride)| Step::Touch { program, from, pages, stride }),
        2 => any::<usize>().prop_map(Step::End),
        6 => (1_u64..40).prop_map(Step::Pass),
        4 => (any::<bool>(), role, 0_u32..4, 0_u32..4, prop::collection::vec(word, 0..20))
            .prop_map(|(guest, peer, space, kind, words)| Step::Say { guest, peer, space, kind, words }),
        1 => any::<bool>().prop_map(|guest| Step::Pressure { guest }),
        1 => (0_u64..1000).prop_map(Step::Misses),
        1 => (any::<bool>(), any::<u64>()).prop_map(|(guest, number)| Step::Ended { guest, number }),
    ]
}

struct Program {
    space: SpaceId,
    start: Addr<Gva>,
    pages: u64,
    touched: BTreeSet<u64>,
}

fn machine(huge_faults: &'static str, share: f64) -> Machine {
    let system = system("gemini");
    let set = [("huge_faults", Value::Word(huge_faults)), ("kept_share", Value::Share(share))];
    let host = Half::new(Role::Host, HOST, system, &set);
    Guest::new(Half::new(Role::Guest, GUEST, system, &set), Hypervisor::new(host, GUEST, Ground))
}

/// What fails for want of memory must not have left any of it put aside.
fn nothing_was_kept(machine: &Machine, error: &KernelError) {
    assert!(matches!(error, KernelError::OutOfMemory { .. }), "{error}");
    let of_guest = error.to_string().contains(&format!("of {}", Bytes::new(GUEST)));
    let reserved = if of_guest { machine.half.reserved() } else { machine.below.half.reserved() };
    assert_eq!(reserved, 0, "{error}");
}

fn act(machine: &mut Machine, programs: &mut Vec<Program>, step: &Step) {
    match *step {
        Step::Begin(pages) if programs.len() < 6 => match machine.try_begin(pages * BASE) {
            Ok((space, start)) => {
                programs.push(Program { space, start, pages, touched: BTreeSet::new() });
            }
            Err(error) => nothing_was_kept(machine, &error),
        },
        Step::Touch { program, from, pages, stride } if !programs.is_empty() => {
            let count = programs.len();
            let program = &mut programs[program % count];
            for page in (0..pages).map(|nth| (from + nth * stride) % program.pages) {
                match machine.touch(program.space, program.start.offset_by(page * BASE)) {
                    Ok(()) => {
                        program.touched.insert(page);
                    }
                    Err(error) => return nothing_was_kept(machine, &error),
                }
            }
        }
        Step::End(program) if !programs.is_empty() => {
            let program = programs.swap_remove(program % programs.len());
            machine.end(program.space);
        }
        Step::Pass(seconds) => machine.pass(seconds),
        Step::Say { guest, peer, space, kind, ref words } => {
            let message = Event::Message(Message { peer, space: SpaceId(space), kind, words: words.clone() });
            tell(machine, guest, message);
        }
        Step::Pressure { guest } => {
            tell(machine, guest, Event::Pressure(Bytes::new(HUGE)));
            // Whoever is told gives everything back before anything else happens.
            if guest {
                machine.half.tell();
                assert_eq!(machine.half.reserved(), 0);
            } else {
                machine.below.half.tell();
                assert_eq!(machine.below.half.reserved(), 0);
            }
        }
        Step::Misses(walks) => {
            machine.counters.accesses += 1000;
            machine.counters.walks += walks;
        }
        Step::Ended { guest, number } => tell(machine, guest, Event::ReservationEnded(number)),
        Step::Begin(_) | Step::Touch { .. } | Step::End(_) => {}
    }
}

fn tell(machine: &mut Machine, guest: bool, event: Event) {
    if guest {
        machine.half.kernel.tell(event);
    } else {
        machine.below.half.kernel.tell(event);
    }
}

fn check(machine: &Machine, programs: &[Program]) {
    machine.half.check();
    machine.below.half.check();
    for program in programs {
        for &page in &program.touched {
            let at = program.start.offset_by(page * BASE);
            assert!(machine.half.kernel.leaf(program.space, at).is_some(), "page {page} is lost");
        }
    }
    // What the policy keeps is what the layer has put aside, at least before the layer's own end.
    let reservations = convert::count(machine.half.kernel.memory().reservations().count());
    assert_eq!(reservations, machine.half.count("booked_now"));
}

proptest! {
    #![proptest_config(proptest::test_runner::Config {
        cases: 64,
        failure_persistence: Some(Box::new(
            proptest::test_runner::FileFailurePersistence::WithSource("regressions")
        )),
        ..Default::default()
    })]

    #[test]
    fn nothing_is_lost_and_nothing_stranded(
        huge_faults in prop_oneof![Just("always"), Just("unfragmented"), Just("booked"), Just("never")],
        share in prop_oneof![Just(1.0), Just(0.8)],
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut machine = machine(huge_faults, share);
        let mut programs = Vec::new();
        for step in &steps {
            act(&mut machine, &mut programs, step);
            check(&machine, &programs);
        }
        // Programs get all that is free, whatever was kept.
        let error = match machine.try_begin(2 * GUEST) {
            Ok((space, start)) => (0..)
                .find_map(|page| machine.touch(space, start.offset_by(page * BASE)).err())
                .expect("memory ends"),
            Err(error) => error,
        };
        nothing_was_kept(&machine, &error);
        check(&machine, &programs);
    }
}
