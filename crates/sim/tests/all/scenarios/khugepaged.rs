//! khugepaged's budget.

use terrace_addr::{AccessKind, Addr, Bytes, Gpa, Gva, Nanos};
use terrace_frames::NodeSpec;
use terrace_kernel::{Kernel, KernelCosts, Settings};
use terrace_policy::{Abilities, Advice, Budget, NextWake, Policy, Role, System, Values};
use terrace_table::{LeafFlags, Levels};

const SECOND: u64 = 1_000_000_000;

/// Base pages, whatever is asked.
#[derive(Debug, Clone)]
struct BasePages;

impl Policy for BasePages {
    fn requires(&self) -> Abilities {
        Abilities::empty()
    }
}

/// At Linux's defaults it looks at 4,096 pages, 8 blocks of 2M, every 10 s (mm/khugepaged.c): on 64 blocks of base pages
/// that were all used it makes exactly 8 huge pages in 10 s, until none is left.
#[test]
fn at_linuxs_defaults_khugepaged_makes_at_most_8_huge_pages_in_10_s() {
    let settings = Settings {
        role: Role::Guest,
        levels: Levels::Four,
        costs: KernelCosts::default(),
        areas_end: 1 << 46,
    };
    let memory = [NodeSpec { start: Addr::ZERO, bytes: Bytes::new(512 << 20) }];
    let mut kernel = Kernel::<Gva, Gpa>::new(settings, &memory).unwrap();
    let space = kernel.begin_space().unwrap();
    let start = Addr::<Gva>::new(1 << 40);
    kernel.map_at(space, start, Bytes::new(128 << 20), Advice::Default, None).unwrap();
    for page in 0..64 * 512 {
        let addr = start.offset_by(page * 4096);
        let leaf = kernel.fault(&mut BasePages, space, addr, AccessKind::Store).unwrap();
        let table = &mut kernel.space_mut(space).unwrap().table;
        let _stale = table.replace(leaf.page, leaf.frame, leaf.flags | LeafFlags::ACCESSED).unwrap();
    }
    let system: &System = terrace_systems::registry().iter().find(|system| system.name == "linux").unwrap();
    let mut linux = (system.build)(Role::Guest, &Values::defaults(system.parameters)).unwrap();
    let mut passes = Vec::new();
    let mut now = 0;
    for _ in 0..10 {
        let before = kernel.counts().collapses_copied;
        kernel.set_now(Nanos::new(now));
        let mut budget = Budget::new(terrace_addr::Cycles::new(u64::MAX));
        let NextWake::At(next) = linux.tick(&mut kernel, &mut budget) else { panic!("it sleeps for ever") };
        passes.push(kernel.counts().collapses_copied - before);
        assert_eq!(next, Nanos::new(now + 10 * SECOND));
        // Nothing happens before its time.
        kernel.set_now(Nanos::new(now + 5 * SECOND));
        let early = linux.tick(&mut kernel, &mut budget);
        assert_eq!(early, NextWake::At(next));
        now = next.get();
    }
    assert_eq!(passes, [8, 8, 8, 8, 8, 8, 8, 8, 0, 0]);
}
