//! The order in which walks read tables: `g` an entry of the first dimension, `n` one of EPT, with its level.

use crate::world::{DATA, Native, Virtual, load, machine};
use terrace_addr::{PageSize, PageSize::Size1G, PageSize::Size2M, PageSize::Size4K};
use terrace_mmu::Step;

/// The entries that the steps read, in order.
fn order(steps: &[Step]) -> String {
    let entry = |step: &Step| match step {
        Step::Entry { entry, .. } => Some(format!("g{}", entry.level)),
        Step::NestedEntry { entry, .. } => Some(format!("n{}", entry.level)),
        _ => None,
    };
    steps.iter().filter_map(entry).collect::<Vec<_>>().join(" ")
}

fn native(levels: u32, size: PageSize) -> String {
    let mut machine = machine("");
    machine.paging.levels = levels;
    let mut world = Native::new(&machine).with_pages(1, size);
    order(&world.mmu.explain(0, &mut world.stack, load(DATA)).0)
}

fn two_dimensional(levels: u32, guest: PageSize, host: PageSize) -> String {
    let mut machine = machine("");
    machine.paging.levels = levels;
    machine.paging.ept_levels = levels;
    let mut world = Virtual::new(&machine, guest, host);
    order(&world.mmu.explain(0, &mut world.stack, load(DATA)).0)
}

#[test]
fn natively_from_the_root_down() {
    assert_eq!(native(4, Size4K), "g4 g3 g2 g1");
    assert_eq!(native(4, Size2M), "g4 g3 g2");
    assert_eq!(native(4, Size1G), "g4 g3");
    assert_eq!(native(5, Size4K), "g5 g4 g3 g2 g1");
}

/// Before each entry of the guest the EPT entries for its table, and at the end those for the data.
#[test]
fn in_two_dimensions_ept_before_each_entry_and_for_the_data() {
    let four = "n4 n3 n2 n1";
    assert_eq!(two_dimensional(4, Size4K, Size4K), format!("{four} g4 {four} g3 {four} g2 {four} g1 {four}"));
    assert_eq!(two_dimensional(4, Size2M, Size4K), format!("{four} g4 {four} g3 {four} g2 {four}"));
    assert_eq!(
        two_dimensional(4, Size4K, Size2M),
        "n4 n3 n2 g4 n4 n3 n2 g3 n4 n3 n2 g2 n4 n3 n2 g1 n4 n3 n2"
    );
    assert_eq!(two_dimensional(4, Size2M, Size2M), "n4 n3 n2 g4 n4 n3 n2 g3 n4 n3 n2 g2 n4 n3 n2");
    assert_eq!(two_dimensional(4, Size1G, Size1G), "n4 n3 g4 n4 n3 g3 n4 n3");
    let five = "n5 n4 n3 n2 n1";
    assert_eq!(
        two_dimensional(5, Size4K, Size4K),
        format!("{five} g5 {five} g4 {five} g3 {five} g2 {five} g1 {five}")
    );
}
