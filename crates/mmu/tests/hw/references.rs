//! How many table entries one miss reads, with no caches of any kind on the way.
//!
//! In two dimensions, with g guest levels and h host levels down to the leaf: g × (1 + h) + h (Bhargava et al.,
//! "Accelerating two-dimensional page walks for virtualized systems", ASPLOS 2008, section 2; Intel SDM vol. 3,
//! "The extended page-table mechanism").

use crate::world::{DATA, Native, Virtual, load, machine};
use terrace_addr::PageSize::{self, Size1G, Size2M, Size4K};
use terrace_machine::Machine;

fn with_levels(levels: u32, ept_levels: u32) -> Machine {
    let mut machine = machine("");
    machine.paging.levels = levels;
    machine.paging.ept_levels = ept_levels;
    machine
}

fn native(levels: u32, size: PageSize) -> u64 {
    let mut world = Native::new(&with_levels(levels, 4)).with_pages(1, size);
    world.run(load(DATA + 0x123)).unwrap();
    assert_eq!(world.counts().walks, 1);
    world.counts().walk_references
}

fn virtualized(levels: u32, ept_levels: u32, guest: PageSize, host: PageSize) -> u64 {
    let mut world = Virtual::new(&with_levels(levels, ept_levels), guest, host);
    world.run(load(DATA + 0x123)).unwrap();
    let counts = world.counts();
    assert_eq!(counts.walks, 1);
    let guest_levels = u64::from(levels - guest.level() + 1);
    assert_eq!(counts.walk_references - counts.nested_references, guest_levels);
    counts.walk_references
}

#[test]
fn native_walk_of_4_levels_reads_4_entries_for_a_4k_page() {
    assert_eq!(native(4, Size4K), 4);
}

#[test]
fn native_walk_of_4_levels_reads_3_entries_for_a_2m_page() {
    assert_eq!(native(4, Size2M), 3);
}

#[test]
fn native_walk_of_4_levels_reads_2_entries_for_a_1g_page() {
    assert_eq!(native(4, Size1G), 2);
}

#[test]
fn native_walk_of_5_levels_reads_5_entries_for_a_4k_page() {
    assert_eq!(native(5, Size4K), 5);
}

#[test]
fn two_dimensional_walk_reads_24_entries_for_4k_on_4k() {
    assert_eq!(virtualized(4, 4, Size4K, Size4K), 24);
}

#[test]
fn two_dimensional_walk_reads_19_entries_for_a_2m_guest_page_on_4k() {
    assert_eq!(virtualized(4, 4, Size2M, Size4K), 19);
}

#[test]
fn two_dimensional_walk_reads_19_entries_for_a_4k_guest_page_on_2m() {
    assert_eq!(virtualized(4, 4, Size4K, Size2M), 19);
}

#[test]
fn two_dimensional_walk_reads_15_entries_for_2m_on_2m() {
    assert_eq!(virtualized(4, 4, Size2M, Size2M), 15);
}

#[test]
fn two_dimensional_walk_reads_14_entries_for_a_1g_guest_page_on_4k() {
    assert_eq!(virtualized(4, 4, Size1G, Size4K), 14);
}

#[test]
fn two_dimensional_walk_reads_14_entries_for_a_4k_guest_page_on_1g() {
    assert_eq!(virtualized(4, 4, Size4K, Size1G), 14);
}

#[test]
fn two_dimensional_walk_reads_8_entries_for_1g_on_1g() {
    assert_eq!(virtualized(4, 4, Size1G, Size1G), 8);
}

#[test]
fn two_dimensional_walk_of_mixed_sizes_follows_the_general_rule() {
    // 2M guest leaves on 1G host leaves: 3 × (1 + 2) + 2; the other way round 2 × (1 + 3) + 3.
    assert_eq!(virtualized(4, 4, Size2M, Size1G), 11);
    assert_eq!(virtualized(4, 4, Size1G, Size2M), 11);
}

#[test]
fn two_dimensional_walk_reads_35_entries_for_5_levels_in_both() {
    assert_eq!(virtualized(5, 5, Size4K, Size4K), 35);
}

#[test]
fn two_dimensional_walk_reads_29_entries_for_5_levels_in_one() {
    assert_eq!(virtualized(5, 4, Size4K, Size4K), 29);
    assert_eq!(virtualized(4, 5, Size4K, Size4K), 29);
}
