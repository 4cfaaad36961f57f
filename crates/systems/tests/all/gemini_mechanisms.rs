//! Gemini on real kernels, mechanism by mechanism.

use crate::stack;

use stack::machines::{
    CLEAN, FRAGMENTED, LONG, OFF, TwoLayers, checked, is_huge, over, program, second, two_layers,
};
use stack::{BASE, Below, HUGE, Half, MIB, system};
use terrace_addr::{AccessKind, Addr, Bytes, Cycles, Gpa, Gva, Hpa, Hva, Nanos, Page, PageSize, Span};
use terrace_policy::{Action, Budget, Event, Layer, Message, Role, SpaceId, Value};

#[test]
fn the_bucket_holds_for_its_time_and_no_longer() {
    let set = [("bucket_hold", second(30)), ("booking", OFF)];
    let mut machine = two_layers(system("gemini"), &set, CLEAN);
    let (first, _) = program(&mut machine, 32 * MIB);
    machine.pass(60);
    machine.end(first);
    let kept = machine.half.count("bucket_kept");
    assert_eq!((kept, machine.half.reserved()), (16, 16 * 512));
    machine.pass(25);
    assert_eq!(machine.half.reserved(), 16 * 512);
    machine.pass(10);
    assert_eq!((machine.half.count("bucket_expired"), machine.half.reserved()), (kept, 0));
}

#[test]
fn a_fragmented_guest_gives_its_bucket_back() {
    let set = [("bucket_fragmentation", Value::Share(0.2)), ("booking", OFF)];
    let mut machine = two_layers(system("gemini"), &set, FRAGMENTED);
    let (first, _) = program(&mut machine, 32 * MIB);
    machine.pass(LONG);
    machine.end(first);
    assert!(machine.half.count("bucket_kept") > 0);
    machine.pass(10);
    assert!(machine.half.count("bucket_emptied") > 0);
    assert_eq!(machine.half.reserved(), 0);
}

#[test]
fn a_block_that_is_huge_below_is_booked_and_serves_the_next_program() {
    let set = [("bucket", OFF), ("huge_faults", Value::Word("never"))];
    let mut machine = two_layers(system("gemini"), &set, CLEAN);
    let (first, _) = program(&mut machine, 32 * MIB);
    machine.pass(LONG);
    // Of what was only copied away from, a block may be huge below already.
    let before = machine.half.reserved();
    assert!(before <= 512, "{before}");
    machine.end(first);
    assert_eq!(machine.half.reserved(), before);
    machine.pass(11);
    let booked = machine.half.count("type_1_blocks");
    // Those of the program, and what the host promoted of what lies around them.
    assert!(booked >= 16, "{booked}");
    assert_eq!(machine.half.reserved(), booked * 512);
    let (space, start) = program(&mut machine, 8 * MIB);
    assert_eq!(machine.half.count("bookings_consumed"), 4);
    for block in 0..4 {
        let leaf = machine.half.kernel.leaf(space, start.offset_by(block * HUGE)).unwrap();
        assert!(leaf.frame.is_aligned(PageSize::Size2M));
        assert_eq!(machine.below.size(leaf.frame), PageSize::Size2M, "{leaf:?}");
    }
}

/// Says to a guest that its host is huge there, and waits for its scan.
fn huge_below(machine: &mut TwoLayers, words: Vec<u64>) {
    let message = Message { peer: Role::Host, space: SpaceId(0), kind: 1, words };
    machine.half.kernel.tell(Event::Message(message));
    machine.pass(1);
}

fn block_of(machine: &TwoLayers, space: SpaceId, at: Addr<Gva>) -> u64 {
    machine.half.kernel.leaf(space, at).unwrap().frame.get() / HUGE
}

#[test]
fn two_programs_do_not_get_the_same_booked_run() {
    let set = [("huge_faults", Value::Word("never")), ("timeout", second(1000))];
    let mut machine = two_layers(system("gemini"), &set, CLEAN);
    huge_below(&mut machine, (60..68).collect());
    let (first, one) = machine.begin(4 * HUGE);
    machine.touch(first, one).unwrap();
    let (second, other) = machine.begin(4 * HUGE);
    machine.touch(second, other).unwrap();
    for nth in 1..4 {
        machine.touch(first, one.offset_by(nth * HUGE)).unwrap();
        machine.touch(second, other.offset_by(nth * HUGE)).unwrap();
    }
    let blocks = |space, start: Addr<Gva>| {
        (0..4).map(|nth| block_of(&machine, space, start.offset_by(nth * HUGE))).collect::<Vec<_>>()
    };
    assert_eq!((blocks(first, one), blocks(second, other)), (vec![60, 61, 62, 63], vec![64, 65, 66, 67]));
    assert_eq!(machine.half.count("offsets_opened"), 2);
}

#[test]
fn what_a_program_had_booked_is_for_the_next_one() {
    let set = [("huge_faults", Value::Word("never")), ("timeout", second(1000))];
    let mut machine = two_layers(system("gemini"), &set, CLEAN);
    huge_below(&mut machine, vec![70]);
    for _ in 0..3 {
        let (space, start) = machine.begin(2 * HUGE);
        machine.touch(space, start).unwrap();
        assert_eq!(block_of(&machine, space, start), 70);
        machine.end(space);
    }
    assert_eq!(machine.half.count("bookings_consumed"), 3);
}

/// Of a block that was begun without a place no page goes to one that is found later: it would break that one.
#[test]
fn a_block_that_was_begun_anywhere_goes_on_anywhere() {
    let set = [("huge_faults", Value::Word("never")), ("promoter", OFF), ("booking", OFF), ("bucket", OFF)];
    let mut machine = two_layers(system("gemini"), &set, CLEAN);
    // All blocks but a few frames of each are somebody's, until he ends.
    let (most, start) = machine.begin(250 * MIB);
    machine.fill(most, start, 250 * MIB);
    let free: u64 = machine.half.kernel.memory().free_bytes(stack::NODE).get() / HUGE;
    let (rest, at) = machine.begin((free + 1) * HUGE);
    for nth in 0..=free {
        machine.touch(rest, at.offset_by(nth * HUGE)).unwrap();
    }
    let (space, start) = machine.begin(4 * HUGE);
    machine.touch(space, start).unwrap();
    assert!(machine.half.count("faults_no_extent") > 0);
    machine.end(most);
    machine.pass(11);
    let before = machine.half.count("faults_in_place");
    machine.touch(space, start.offset_by(BASE)).unwrap();
    assert_eq!(machine.half.count("faults_in_place"), before, "the block is begun");
    machine.touch(space, start.offset_by(HUGE)).unwrap();
    machine.touch(space, start.offset_by(HUGE + 300 * BASE)).unwrap();
    assert_eq!(machine.half.count("faults_in_place"), before + 2, "this one is not");
    // The next look at the begun block goes anywhere, too, now that an offset covers what is behind it.
    machine.touch(space, start.offset_by(2 * BASE)).unwrap();
    assert_eq!(machine.half.count("faults_in_place"), before + 2);
}

/// Frames that are named are taken below the watermarks, and a page table raises no pressure.
#[test]
fn kept_memory_goes_back_before_free_memory_is_used_up() {
    let set = [
        ("huge_faults", Value::Word("never")),
        ("timeout", second(100_000)),
        ("kept_share", Value::Share(1.0)),
    ];
    let mut machine = two_layers(system("gemini"), &set, CLEAN);
    huge_below(&mut machine, (100..110).collect());
    // One page of each is used: the others are for this program.
    let (sparse, at) = machine.begin(10 * HUGE);
    for nth in 0..10 {
        machine.touch(sparse, at.offset_by(nth * HUGE)).unwrap();
    }
    assert_eq!(machine.half.reserved(), 10 * 511);
    let (space, at) = machine.begin(512 * MIB);
    let mut page = 0;
    while machine.touch(space, at.offset_by(page * BASE)).is_ok() {
        page += 1;
        let memory = machine.half.kernel.memory();
        let free = memory.free_bytes(stack::NODE).get();
        assert!(free > 3 * MIB || memory.reservations().next().is_none(), "{free} free, and memory is kept");
    }
    assert_eq!(machine.half.reserved(), 0);
    assert!(page * BASE > 250 * MIB, "{page}");
}

#[test]
fn more_than_half_of_a_booked_block_is_completed_before_the_booking_ends() {
    let set =
        [("bucket", OFF), ("promoter", OFF), ("huge_faults", Value::Word("never")), ("adjust_timeout", OFF)];
    let mut machine = two_layers(system("gemini"), &set, CLEAN);
    // The host is told to be huge where the test says.
    let booked = Message { peer: Role::Host, space: SpaceId(0), kind: 1, words: vec![20, 21] };
    machine.half.kernel.tell(Event::Message(booked));
    machine.pass(1);
    assert_eq!(machine.half.reserved(), 2 * 512);
    let (space, start) = machine.begin(4 * MIB);
    machine.fill(space, start, 257 * BASE);
    machine.fill(space, start.offset_by(HUGE), 256 * BASE);
    assert_eq!(machine.half.reserved(), 2 * 512 - 513);
    machine.pass(10);
    assert_eq!(machine.half.count("preallocated"), 1);
    let size = |at| machine.half.kernel.leaf(space, at).map(|leaf| leaf.page.size().bytes());
    assert_eq!((size(start), size(start.offset_by(HUGE))), (Some(HUGE), Some(BASE)));
}

/// One block a scan: which becomes huge first, second, ...
#[test]
fn type_2_blocks_come_first_then_those_in_place_then_the_rest() {
    let never = Value::Word("never");
    let set = [("huge_faults", never), ("pages_to_scan", Value::Count(512)), ("scan_period", second(1))];
    // The host is huge where the test says it is, and nowhere else.
    let below = [("huge_faults", never), ("promoter", OFF)];
    let mut machine = over(system("gemini"), &set, &below, CLEAN);
    let (space, start) = machine.begin(16 * MIB);
    let block = |nth: u64| start.offset_by(nth * HUGE);
    // Block 0 stays scattered, because two of its pages change places; of the others each is in place.
    machine.fill(space, start, 4 * HUGE);
    let page = |at: Addr<Gva>| {
        let at = Addr::new(at.get());
        Page::containing(at, PageSize::Size4K)
    };
    for nth in [0, 2] {
        let pages = [page(block(nth)), page(block(nth).offset_by(BASE))];
        let _charged = machine.half.kernel.apply(&Action::Exchange { space, pages }).unwrap();
    }
    // The host is huge where block 2 has its pages, which are not in place, and where block 3 has.
    let words =
        [2, 3].map(|nth| machine.half.kernel.leaf(space, block(nth)).unwrap().frame.get() / HUGE).to_vec();
    let message = Message { peer: Role::Host, space: SpaceId(0), kind: 1, words };
    machine.half.kernel.tell(Event::Message(message));
    let mut order = Vec::new();
    for _ in 0..50 {
        machine.pass(1);
        for nth in 0..4 {
            if is_huge(&machine, space, block(nth)) && !order.contains(&nth) {
                order.push(nth);
            }
        }
    }
    assert_eq!(order, [2, 3, 1, 0]);
    let count = |name| machine.half.count(name);
    assert_eq!((count("promoted_by_copy_type_2"), count("promoted_in_place_type_2")), (1, 1));
    assert_eq!((count("promoted_by_copy_other"), count("promoted_in_place_other")), (1, 1));
}

#[test]
fn what_has_to_be_copied_goes_where_the_host_is_huge() {
    let set = [("huge_faults", Value::Word("never")), ("allocator", OFF), ("timeout", second(1000))];
    let mut machine = two_layers(system("gemini"), &set, CLEAN);
    let words = vec![77, 90];
    let message = Message { peer: Role::Host, space: SpaceId(0), kind: 1, words };
    machine.half.kernel.tell(Event::Message(message));
    machine.pass(1);
    let (space, start) = program(&mut machine, 3 * HUGE);
    // Without offsets pages lie as the buddy allocator hands them out; these do not lie at their places.
    for nth in 0..3 {
        let at = Addr::new(start.get() + nth * HUGE);
        let first = Page::containing(at, PageSize::Size4K);
        let _charged =
            machine.half.kernel.apply(&Action::Exchange { space, pages: [first, first.next()] }).unwrap();
    }
    machine.pass(30);
    let blocks: Vec<_> = (0..3)
        .map(|nth| machine.half.kernel.leaf(space, start.offset_by(nth * HUGE)).unwrap().frame.get() / HUGE)
        .collect();
    assert_eq!(blocks[..2], [77, 90], "the third has no such block left: {}", blocks[2]);
    assert_eq!(machine.half.count("bookings_consumed"), 2);
}

#[test]
fn a_booking_ends_when_the_host_is_huge_there_no_longer() {
    let mut machine = two_layers(system("gemini"), &[("timeout", second(1000))], CLEAN);
    let say = |machine: &mut TwoLayers, kind| {
        let space = SpaceId(0);
        let message = Message { peer: Role::Host, space, kind, words: vec![30, 31, 1 << 40, u64::MAX] };
        machine.half.kernel.tell(Event::Message(message));
        machine.pass(11);
    };
    say(&mut machine, 1);
    assert_eq!(machine.half.reserved(), 2 * 512, "and none where there is no memory");
    say(&mut machine, 2);
    assert_eq!(machine.half.reserved(), 0);
}

/// The host half of booking: the guest is huge where the host has nothing.
#[test]
fn a_host_books_a_block_for_a_huge_page_of_its_guest() {
    let set = [("huge_faults", Value::Word("booked")), ("timeout", second(1000))];
    let mut machine = two_layers(system("gemini"), &set, CLEAN);
    let message = Message { peer: Role::Guest, space: SpaceId(0), kind: 1, words: vec![40] };
    machine.below.half.kernel.tell(Event::Message(message));
    machine.pass(1);
    assert_eq!(machine.below.half.count("type_1_blocks"), 1);
    assert_eq!(machine.below.half.reserved(), 512);
    let touched = Span { start: Addr::new(40 * HUGE + 5 * BASE), bytes: BASE };
    machine.below.back(touched).unwrap();
    assert_eq!(machine.below.size(touched.start), PageSize::Size2M);
    machine.pass(11);
    assert_eq!((machine.below.half.count("aligned_blocks"), machine.below.half.reserved()), (1, 0));
}

#[test]
fn the_aligner_gives_a_region_all_of_its_last_huge_page() {
    let mut machine = two_layers(system("gemini"), &[("aligner", Value::Word("on"))], CLEAN);
    let (space, start) = machine.begin(3 * MIB);
    let area = *machine.half.kernel.space(space).unwrap().area(start).unwrap();
    assert_eq!((area.bytes, area.start.get() % HUGE), (Bytes::new(4 * MIB), 0));
    machine.fill(space, start, 3 * MIB);
    machine.pass(LONG);
    assert!(checked(&machine) > 0.99);
}

#[test]
fn huge_pages_that_are_misaligned_and_unused_are_split_under_pressure_and_no_others() {
    let set = [("huge_faults", Value::Word("always")), ("promoter", OFF)];
    let mut machine = two_layers(system("gemini"), &set, CLEAN);
    let (space, start) = program(&mut machine, 16 * MIB);
    machine.pass(21);
    assert_eq!(machine.half.count("aligned_blocks"), 8);
    // Two of them are huge below no longer.
    let frame = |machine: &TwoLayers, nth: u64| {
        let leaf = machine.half.kernel.leaf(space, start.offset_by(nth * HUGE)).unwrap();
        leaf.frame.get() / HUGE
    };
    let words = vec![frame(&machine, 2), frame(&machine, 5)];
    let message = Message { peer: Role::Host, space: SpaceId(0), kind: 2, words };
    machine.half.kernel.tell(Event::Message(message));
    machine.half.kernel.tell(Event::Pressure(Bytes::new(100 * HUGE)));
    machine.pass(15);
    machine.fill(space, start.offset_by(5 * HUGE), HUGE);
    machine.pass(30);
    assert_eq!(machine.half.count("demoted"), 1);
    let sizes: Vec<_> = (0..8)
        .filter(|nth| {
            let leaf = machine.half.kernel.leaf(space, start.offset_by(nth * HUGE)).unwrap();
            leaf.page.size().bytes() == BASE
        })
        .collect();
    assert_eq!(sizes, [2], "one was used meanwhile, the others are aligned");
}

#[test]
fn a_scan_looks_at_what_changed_and_at_nothing_else() {
    let mut machine = two_layers(system("gemini"), &[("promoter", OFF)], CLEAN);
    let (space, start) = program(&mut machine, 64 * MIB);
    machine.pass(21);
    let before = machine.half.count("scanned_blocks");
    assert!(before >= 32);
    machine.pass(40);
    assert_eq!(machine.half.count("scanned_blocks"), before, "nothing changed");
    for block in [3, 9, 20] {
        let page = Page::containing(start.offset_by(block * HUGE), PageSize::Size2M);
        let page = Page::containing(page.start().reinterpret(), page.size());
        let _charged = machine.half.kernel.apply(&Action::Split { space, page }).unwrap();
    }
    machine.pass(10);
    assert_eq!(machine.half.count("scanned_blocks"), before + 3);
}

#[test]
fn what_was_before_the_first_scan_is_found_by_one_that_its_budget_spreads() {
    let mut machine = two_layers(system("gemini"), &[("promoter", OFF)], CLEAN);
    program(&mut machine, 32 * MIB);
    // No cost is set here, so that only a budget of nothing stops a scan.
    let Half { kernel, policy, .. } = &mut machine.half;
    for _ in 0..40 {
        kernel.set_now(Nanos::new(kernel.now().get() + 10_000_000_000));
        policy.tick(kernel, &mut Budget::new(Cycles::ZERO));
    }
    assert_eq!(machine.half.count("scanned_blocks"), 16);
    assert_eq!(machine.half.count("alone_blocks"), 16);
}

#[test]
fn the_timeout_follows_the_counters() {
    let mut machine = two_layers(system("gemini"), &[], CLEAN);
    program(&mut machine, 8 * MIB);
    for step in 0..20 {
        // Always fewer misses than in the period before.
        machine.counters.accesses += 1_000_000;
        machine.counters.walks += 100_000 - 2_000 * step;
        machine.pass(10);
    }
    assert!(machine.half.count("timeout_steps") >= 8);
    assert!(machine.half.count("timeout_ns") > 20_000_000_000);
    assert_eq!(machine.below.half.count("timeout_steps"), 0, "the host saw no access");
}

/// What is not congruent cannot be huge for both, and nothing is said about it.
#[test]
fn a_host_says_nothing_about_memory_that_is_not_congruent() {
    let system = system("gemini");
    let mut host: Half<Hva, Hpa> = Half::new(Role::Host, 64 * MIB, system, &[]);
    let vm = terrace_kernel::Vm::<Gpa, Hpa>::new(
        &mut host.kernel,
        Bytes::new(16 * MIB),
        Bytes::new(7 * BASE),
        terrace_table::Levels::Four,
    );
    let space = vm.unwrap().space();
    host.tell();
    let area = host.kernel.space(space).unwrap().areas().next().unwrap().start;
    for page in 0..8 * 512 {
        let at = area.offset_by(page * BASE);
        let Half { kernel, policy, .. } = &mut host;
        kernel.fault(policy.as_mut(), space, at, AccessKind::Store).unwrap();
    }
    let mut budget = Budget::new(Cycles::new(1 << 40));
    host.policy.tick(&mut host.kernel, &mut budget);
    let huge = host.kernel.space(space).unwrap().mapped().leaves(PageSize::Size2M);
    assert!(huge > 0);
    assert_eq!(host.kernel.take_messages(), []);
}
