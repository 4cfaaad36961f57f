use terrace_addr::{Bytes, PageSize, convert};
use terrace_machine::{Override, builtin};

use super::*;
use crate::mapping::{MapError, MemoryFull, PageRules, Placement};

const ADDRESS: u64 = 0x7f12_3456_7abc;

fn machine(overrides: &[&str]) -> Machine {
    let overrides: Vec<Override> = overrides.iter().map(|text| text.parse().unwrap()).collect();
    builtin("sapphire-rapids-8480", &overrides).unwrap()
}

fn rule(pages: &str) -> Rule {
    let memory = Bytes::new(1 << 32);
    Rule {
        pages: pages.parse::<PageRules>().unwrap(),
        placement: Placement::Scattered,
        memory,
        seed: 1,
        file: None,
    }
}

fn walk(machine: &Machine, mode: Mode, pages: &str, after: Option<u64>) -> Walk {
    let at = (Addr::new(ADDRESS), AccessKind::Load);
    Walk::new(machine, mode, &rule(pages), at, after.map(Addr::new)).unwrap()
}

fn read(step: &WalkStep) -> Option<&Read> {
    if let Action::Read(read) = &step.action { Some(read) } else { None }
}

fn reads(walk: &Walk) -> Vec<&Read> {
    walk.steps.iter().filter_map(read).collect()
}

fn lookups(walk: &Walk) -> Vec<(Structure, Option<Hit>)> {
    let lookup = |step: &WalkStep| match step.action {
        Action::Lookup { structure, hit } => Some((structure, hit)),
        _ => None,
    };
    walk.steps.iter().filter_map(lookup).collect()
}

/// What the steps say, and what the machine counted.
#[test]
fn steps_add_up_to_what_is_counted() {
    let machine = machine(&[]);
    for mode in Mode::ALL {
        for pages in ["4K", "guest=2M", "2M", "1G"] {
            for after in [None, Some(ADDRESS), Some(ADDRESS - 0x1000), Some(ADDRESS ^ 1 << 30)] {
                let walk = walk(&machine, mode, pages, after);
                let read = reads(&walk).len();
                assert_eq!(convert::count(read), walk.references, "{mode}, {pages}, {after:x?}");
                let last = walk.steps.last().unwrap();
                assert_eq!(last.cycles, walk.cycles, "{mode}, {pages}, {after:x?}");
                let sum = walk.steps.iter().map(|step| step.latency.get()).sum::<u64>();
                assert_eq!(sum, walk.cycles.get(), "{mode}, {pages}, {after:x?}");
            }
        }
    }
}

/// Each entry lies in the table that the one before it refers to, and the last one refers to the page.
#[test]
fn each_entry_lies_where_the_one_before_says() {
    let machine = machine(&[]);
    for mode in Mode::ALL {
        for pages in ["4K", "2M", "1G", "guest=2M,hypervisor=1G,host=4K"] {
            let walk = walk(&machine, mode, pages, None);
            let mut last: [Option<Found>; 2] = [None, None];
            for step in &walk.steps {
                let Action::Read(read) = &step.action else { continue };
                let own = read.lower.unwrap_or_else(|| read.at.into());
                let before = &mut last[usize::from(read.dimension == 2)];
                if let Some(Found::Table(table)) = *before {
                    assert_eq!(own.space(), table.space(), "{mode}, {pages}");
                    assert_eq!(own.get(), table.get() + 8 * u64::from(read.index), "{mode}, {pages}");
                }
                *before = Some(read.found);
                if let (2, Found::Page(page, size)) = (read.dimension, read.found) {
                    // A guest's table page or data, in memory.
                    let offset = step.translates.get() & (size.bytes() - 1);
                    assert!(page.get().is_multiple_of(size.bytes()) && offset < size.bytes());
                }
            }
            let Some(Found::Page(page, size)) = last[0] else { panic!("{mode}, {pages}: no leaf") };
            let data = page.get() + (ADDRESS & (size.bytes() - 1));
            let place = match (mode, last[1]) {
                (Mode::Segment, _) => data + (1 << 30),
                (_, Some(Found::Page(frame, size))) => frame.get() + (data & (size.bytes() - 1)),
                _ => data,
            };
            assert_eq!(walk.translation.addr.get(), place, "{mode}, {pages}");
        }
    }
}

/// The place in memory of an entry of the first table is what the table below says of its address there.
#[test]
fn the_table_below_leads_to_the_entry_that_is_read_next() {
    let machine = machine(&[]);
    for mode in [Mode::TwoDimensional, Mode::Nested, Mode::ShadowOnExtended] {
        for pages in ["4K", "host=2M", "1G"] {
            let mut below = None;
            let mut checked = 0;
            for step in walk(&machine, mode, pages, None).steps {
                let Action::Read(read) = step.action else { continue };
                if read.dimension == 2 {
                    let Found::Page(frame, size) = read.found else { continue };
                    below = Some((
                        step.translates,
                        step.held,
                        frame.get() + (step.translates.get() & (size.bytes() - 1)),
                    ));
                } else {
                    let held = Held::Entry { level: read.level };
                    assert_eq!(
                        below.take(),
                        Some((read.lower.unwrap(), held, read.at.get())),
                        "{mode}, {pages}"
                    );
                    checked += 1;
                }
            }
            assert_eq!(below.map(|(_, held, _)| held), Some(Held::Data), "{mode}, {pages}");
            assert!(checked >= 2, "{mode}, {pages}");
        }
    }
}

#[test]
fn a_segment_relocates_each_address_by_its_base() {
    let walk = walk(&machine(&[]), Mode::Segment, "4K", None);
    let mut held = Vec::new();
    for step in &walk.steps {
        let Action::Relocation { base, limit, to } = step.action else { continue };
        // Four parts of 4 GiB, above the host's own first gigabyte.
        assert_eq!((base.get(), limit.get()), (1 << 30, 16 << 30));
        assert_eq!(to.get(), step.translates.get() + base.get());
        held.push(step.held);
    }
    let entries = [4, 3, 2, 1].map(|level| Held::Entry { level });
    assert_eq!(held, [entries.as_slice(), &[Held::Data]].concat());
    assert_eq!(walk.translation.addr, {
        let Action::Relocation { to, .. } = walk.steps.last().unwrap().action else {
            panic!("not the last step")
        };
        to
    });
}

#[test]
fn spaces_are_named_for_whose_they_are() {
    let machine = machine(&[]);
    for (mode, lower) in [
        (Mode::Native, None),
        (Mode::TwoDimensional, Some("GPA")),
        (Mode::Shadow, None),
        (Mode::Nested, Some("GPA")),
        (Mode::Segment, Some("GPA")),
        (Mode::ShadowOnExtended, Some("GHPA")),
        (Mode::ShadowOnShadow, None),
    ] {
        let walk = walk(&machine, mode, "4K", None);
        for read in reads(&walk).iter().filter(|read| read.dimension == 1) {
            assert_eq!(read.lower.map(AnyAddr::space), lower, "{mode}");
            let (Found::Table(found) | Found::Page(found, _)) = read.found;
            assert_eq!(found.space(), lower.unwrap_or("HPA"), "{mode}");
        }
    }
}

#[test]
fn the_same_access_again_hits_the_first_level_and_costs_nothing() {
    for mode in Mode::ALL {
        let walk = walk(&machine(&[]), mode, "2M", Some(ADDRESS));
        assert_eq!(lookups(&walk), [(Structure::FirstLevelTlb, Some(Hit::Page(PageSize::Size2M)))], "{mode}");
        assert_eq!((walk.references, walk.cycles), (0, Cycles::ZERO));
    }
}

/// Without a first level the second one serves, with its latency; without a level there is no lookup of it.
#[test]
fn a_hit_of_the_second_level_takes_its_latency() {
    let machine = {
        let mut machine = machine(&[]);
        machine.tlb.retain(|_, array| array.level == 2);
        machine
    };
    let walk = walk(&machine, Mode::TwoDimensional, "4K", Some(ADDRESS));
    assert_eq!(lookups(&walk), [(Structure::SecondLevelTlb, Some(Hit::Page(PageSize::Size4K)))]);
    assert_eq!(walk.cycles.get(), machine.tlb["stlb"].latency);
}

/// The page beside one that was accessed: its walk starts from the page directory's entry, the nested TLB knows the
/// last table, and the lines are near.
#[test]
fn a_neighbour_of_what_was_accessed_walks_from_the_caches() {
    use Structure::{FirstLevelTlb, NestedTlb, NestedWalkCaches, SecondLevelTlb, WalkCaches};
    let walk = walk(&machine(&[]), Mode::TwoDimensional, "4K", Some(ADDRESS - 0x1000));
    let found = lookups(&walk);
    let structures: Vec<_> = found.iter().map(|(structure, _)| *structure).collect();
    assert_eq!(structures, [FirstLevelTlb, SecondLevelTlb, WalkCaches, NestedTlb, NestedWalkCaches]);
    assert_eq!(found[2].1, Some(Hit::Entry { level: 2 }));
    assert_eq!(found[3].1, None, "the data's own frame is new");
    let reads = reads(&walk);
    assert_eq!((reads[0].dimension, reads[0].level), (1, 1));
    assert!(reads[0].lower.is_some(), "known from the table, though nothing translated it");
    assert_eq!(reads[0].served_by, ServedBy::Cache("l1d".to_owned()), "a line holds eight entries");
}

#[test]
fn structures_that_the_machine_does_not_have_are_not_looked_up() {
    let whole = machine(&[]);
    let part = machine(&["nested_tlb=none", "walk_cache=none"]);
    let structures = |machine: &Machine, after: Option<u64>| -> Vec<Structure> {
        let walk = walk(machine, Mode::TwoDimensional, "4K", after);
        lookups(&walk).into_iter().map(|(structure, _)| structure).collect()
    };
    let other = Some(ADDRESS ^ 1 << 40);
    let gone = [Structure::NestedTlb, Structure::WalkCaches];
    assert!(gone.iter().all(|structure| structures(&whole, other).contains(structure)));
    assert!(gone.iter().all(|structure| !structures(&part, other).contains(structure)));
    assert!(structures(&part, other).contains(&Structure::NestedWalkCaches));
    assert_eq!(structures(&whole, None), []);
}

#[test]
fn what_cannot_be_mapped_or_translated_says_why() {
    let machine = machine(&[]);
    let error = |addr: u64, rule: &Rule, after: Option<u64>| {
        let at = (Addr::new(addr), AccessKind::Load);
        Walk::new(&machine, Mode::TwoDimensional, rule, at, after.map(Addr::new)).unwrap_err()
    };
    let failure = |failure| ReplayError::Reference { reference: 0, failure };
    let outside = Addr::new(1 << 50);
    let expected = failure(Failure::NotCanonical { addr: outside, levels: 4 });
    assert_eq!(error(1 << 50, &rule("4K"), None), expected);
    assert_eq!(error(ADDRESS, &rule("4K"), Some(1 << 50)), expected);
    // The access before has taken the only frame.
    let small = Rule { memory: Bytes::new(1 << 30), ..rule("1G") };
    let full = MemoryFull { space: "GPA", size: Some(PageSize::Size1G), memory: small.memory };
    assert_eq!(error(ADDRESS, &small, Some(0)), failure(Failure::Map(MapError::Full(full))));
}

#[test]
fn entries_are_named_as_vendors_name_them() {
    use terrace_machine::Vendor::{Amd, Intel};
    assert_eq!(
        [5, 4, 3, 2, 1].map(|level| entry_name(Intel, level)),
        ["PML5E", "PML4E", "PDPTE", "PDE", "PTE"]
    );
    assert_eq!((entry_name(Amd, 3), table_name(Amd), table_name(Intel)), ("PDPE", "nPT", "EPT"));
}
