//! A virtual machine at its hypervisor: the extended page table follows what the hypervisor's kernel does.

use crate::world;

use std::collections::BTreeMap;

use proptest::prelude::*;
use terrace_addr::{AccessKind, Addr, Bytes, Gpa, Hpa, Hva, PageSize, Span};
use terrace_kernel::{Hypervisor, KernelError, Outside, Vm};
use terrace_policy::{AccessedOp, Effort, FlushScope, Layer, Placement};
use terrace_table::{LeafFlags, Levels};
use world::change::{Change, change, make, placement};
use world::check::consistent;
use world::{BLOCK, Host, Told, base, fault, kernel, number, pages};

type Machine = Vm<Gpa, Hpa>;

/// A host and a machine with so many pages, which lie at this offset (in pages) in its process.
fn machine(guest_pages: u64, offset: u64) -> (Host, Machine) {
    let mut host: Host = kernel(10 * BLOCK);
    let vm = Vm::new(&mut host, pages(guest_pages), pages(offset), Levels::Four).unwrap();
    host.pending().clear();
    (host, vm)
}

fn violation(host: &mut Host, vm: &mut Machine, page: u64, placement: Placement) -> PageSize {
    let served = vm.violation(host, &mut Told::fault(placement), base(page), AccessKind::Store);
    let backed = served.unwrap().unwrap();
    let leaf = vm.ept.lookup(base(page)).unwrap();
    assert_eq!((leaf.page, leaf.frame), (backed.page, backed.frame));
    leaf.page.size()
}

/// Where the process of a machine has its memory.
fn start(host: &Host, vm: &Machine) -> Addr<Hva> {
    let area = host.space(vm.space()).unwrap().areas().next().unwrap();
    assert_eq!((area.bytes, area.guest_start), (vm.bytes(), Some(0)));
    area.start
}

/// What the kernel changed is taken out of the extended page table.
fn notify(host: &mut Host, vm: &mut Machine) {
    let pending = std::mem::take(host.pending());
    for stale in pending.stale {
        assert_eq!(stale.space, vm.space());
        vm.invalidate(stale.span);
    }
    host.pending().clear();
}

/// Each base page that the extended page table maps: its frame, and the size of the leaf.
type Mapped = BTreeMap<u64, (u64, PageSize)>;

/// Every leaf is what the process has there, and not larger than it may be.
fn follows(host: &Host, vm: &Machine, memory: Addr<Hva>) -> Mapped {
    let mut mapped = Mapped::new();
    for leaf in vm.ept.all_leaves() {
        let size = leaf.page.size();
        assert!(
            memory.is_aligned(size) || size == PageSize::Size4K,
            "a leaf of {size} at a slot at {memory:?}"
        );
        assert!(leaf.page.next().start().get() <= vm.bytes().get());
        assert_eq!(leaf.flags, LeafFlags::everything());
        for part in 0..size.base_pages() {
            let page = number(leaf.page.start()) + part;
            let at = memory.offset_by(page << 12);
            let below = host.leaf(vm.space(), at).expect("nothing backs what is mapped");
            assert!(size <= below.page.size());
            assert_eq!(number(leaf.frame) + part, number(below.translate(at)));
            assert_eq!(mapped.insert(page, (number(leaf.frame) + part, size)), None);
        }
    }
    mapped
}

/// Frames of the extended page table.
fn tables(vm: &Machine) -> u64 {
    terrace_addr::convert::count(vm.ept.memory().nodes())
}

#[test]
fn a_leaf_is_as_large_as_the_page_below() {
    let (mut host, mut vm) = machine(3 * BLOCK, 0);
    assert_eq!(violation(&mut host, &mut vm, 3, Placement::Default), PageSize::Size4K);
    assert_eq!(violation(&mut host, &mut vm, BLOCK, Placement::Huge(Effort::Light)), PageSize::Size2M);
    // Another access to the same page finds the leaf there.
    assert_eq!(violation(&mut host, &mut vm, BLOCK, Placement::Default), PageSize::Size2M);
    assert_eq!(vm.counts(), (3, 0));
    assert_eq!(follows(&host, &vm, start(&host, &vm)).len(), 513);
    assert_eq!(vm.take_stale(), [], "an absent entry is cached nowhere");
    consistent(&host, tables(&vm));
}

#[test]
fn a_slot_that_is_not_aligned_has_no_large_leaf() {
    let (mut host, mut vm) = machine(3 * BLOCK, 7);
    let memory = start(&host, &vm);
    assert_eq!(violation(&mut host, &mut vm, BLOCK, Placement::Huge(Effort::Light)), PageSize::Size4K);
    let below = host.leaf(vm.space(), memory.offset_by(BLOCK << 12)).unwrap();
    assert_eq!(below.page.size(), PageSize::Size2M, "the process has a huge page there");
    assert_eq!(follows(&host, &vm, start(&host, &vm)).len(), 1);
}

#[test]
fn an_aligned_offset_is_as_good_as_none() {
    let (mut host, mut vm) = machine(3 * BLOCK, BLOCK);
    assert_eq!(violation(&mut host, &mut vm, BLOCK, Placement::Huge(Effort::Light)), PageSize::Size2M);
    follows(&host, &vm, start(&host, &vm));
}

#[test]
fn no_leaf_reaches_beyond_the_slot() {
    let (mut host, mut vm) = machine(BLOCK + 9, 0);
    assert_eq!(violation(&mut host, &mut vm, BLOCK + 8, Placement::Huge(Effort::Light)), PageSize::Size4K);
    for outside in [BLOCK + 9, 5 * BLOCK] {
        let served = vm.violation(&mut host, &mut Told::nothing(), base(outside), AccessKind::Load);
        assert_eq!(served, Ok(Err(Outside)));
        assert_eq!(vm.backing(&host, base(outside)), None);
    }
    follows(&host, &vm, start(&host, &vm));
}

#[test]
fn what_backs_an_address_need_not_be_mapped() {
    let (mut host, mut vm) = machine(2 * BLOCK, 0);
    let memory = start(&host, &vm);
    assert_eq!(vm.backing(&host, base(5)), None);
    let below = fault(&mut host, vm.space(), memory.offset_by(5 << 12), Placement::Default).unwrap();
    assert_eq!(vm.backing(&host, base(5)).map(|leaf| leaf.frame), Some(below.frame));
    let backed = vm.back(&mut host, &mut Told::nothing(), base(6), AccessKind::Store).unwrap().unwrap();
    assert_eq!(backed.page.start(), base(6));
    assert_eq!(vm.ept.all_leaves().count(), 0);
}

#[test]
fn a_host_without_memory_is_an_error() {
    let mut host: Host = kernel(8);
    let mut vm: Machine = Vm::new(&mut host, pages(BLOCK), Bytes::ZERO, Levels::Four).unwrap();
    let mut policy = Told::nothing();
    let mut page = 0;
    let error = loop {
        match vm.violation(&mut host, &mut policy, base(page), AccessKind::Store) {
            Ok(served) => served.unwrap(),
            Err(error) => break error,
        };
        page += 1;
    };
    assert!(matches!(error, KernelError::OutOfMemory { free: Bytes::ZERO, .. }), "{error}");
    follows(&host, &vm, start(&host, &vm));
}

#[test]
fn entries_that_were_written_are_listed_with_their_level() {
    let (mut host, mut vm) = machine(2 * BLOCK, 0);
    violation(&mut host, &mut vm, 3, Placement::Default);
    violation(&mut host, &mut vm, 4, Placement::Default);
    violation(&mut host, &mut vm, BLOCK, Placement::Huge(Effort::Light));
    // The root's entry; then one of a level-1 table that is there; then one of a level-2 table.
    assert_eq!(vm.take_written(), [(base(3), 4), (base(4), 1), (base(BLOCK), 2)]);
    assert_eq!(vm.take_written(), []);
}

#[derive(Debug, Clone)]
enum Operation {
    Violation {
        page: u64,
        placement: Placement,
    },
    /// The process itself touches its memory.
    Touch {
        page: u64,
        placement: Placement,
    },
    Change(Change),
    /// The process gives back a part of it (a balloon): it stays mapped, and is cleared memory again.
    GiveBack {
        from: u64,
        count: u64,
    },
}

/// Pages of the machine.
const PAGES: u64 = 4 * BLOCK + 17;

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        8 => (0..PAGES, placement()).prop_map(|(page, placement)| Operation::Violation { page, placement }),
        2 => (0..PAGES, placement()).prop_map(|(page, placement)| Operation::Touch { page, placement }),
        8 => change().prop_map(Operation::Change),
        1 => (0..PAGES, 1..BLOCK).prop_map(|(from, count)| Operation::GiveBack { from, count }),
    ]
}

fn apply(host: &mut Host, vm: &mut Machine, memory: Addr<Hva>, operation: &Operation) {
    match *operation {
        Operation::Violation { page, placement } => {
            violation(host, vm, page, placement);
            // The kernel may have moved other pages to make room.
            notify(host, vm);
        }
        Operation::Touch { page, placement } => {
            let _leaf = fault(host, vm.space(), memory.offset_by(page << 12), placement);
        }
        Operation::Change(ref change) => {
            make(host, vm.space(), change);
        }
        Operation::GiveBack { from, count } => {
            let start = memory.offset_by(from << 12);
            let count = count.min(PAGES - from);
            let span = Span { start, bytes: count << 12 };
            host.unmap(&mut Told::nothing(), vm.space(), span).unwrap();
            host.map_at(vm.space(), start, pages(count), terrace_policy::Advice::Default, Some(from << 12))
                .unwrap();
        }
    }
    notify(host, vm);
}

fn covers(spans: &[Span<Gpa>], page: u64) -> bool {
    spans.iter().any(|span| (page << 12).wrapping_sub(span.start.get()) < span.bytes)
}

proptest! {
    #![proptest_config(world::config(64))]

    #[test]
    fn the_extended_page_table_follows_the_process(
        operations in prop::collection::vec(operation(), 1..60),
        offset in prop_oneof![Just(0), Just(BLOCK), 1..BLOCK],
    ) {
        let (mut host, mut vm) = machine(PAGES, offset);
        let memory = start(&host, &vm);
        let mut before = Mapped::new();
        for operation in &operations {
            apply(&mut host, &mut vm, memory, operation);
            let after = follows(&host, &vm, memory);
            consistent(&host, tables(&vm));
            let (stale, written) = (vm.take_stale(), vm.take_written());
            let is_written = |page: u64| written.iter().any(|&(at, level)| {
                let reach = 9 * (level - 1);
                number(at) >> reach == page >> reach
            });
            for (&page, place) in &before {
                if after.get(&page) != Some(place) {
                    prop_assert!(covers(&stale, page), "page {:#x} changed and is not stale", page);
                    prop_assert!(is_written(page), "page {:#x} changed without a write", page);
                }
            }
            prop_assert!(after.keys().all(|page| before.contains_key(page) || is_written(*page)));
            prop_assert!(offset % BLOCK == 0 || after.values().all(|&(_, size)| size == PageSize::Size4K));
            before = after;
        }
    }
}

/// Pages of the guest that the hypervisor's policy is told are used, by number; afterwards none is.
fn used(host: &mut Host, vm: &mut Machine, memory: Addr<Hva>, count: u64) -> Vec<u64> {
    let space = vm.space();
    let span = Span { start: memory.reinterpret(), bytes: count << 12 };
    let mut said = Vec::new();
    let mut layer = Hypervisor { kernel: host, tables: vec![Box::new(vm)] };
    let (op, flush) = (AccessedOp::ReadAndClear, FlushScope::Pages);
    let _charged = layer.accessed(space, span, op, flush, &mut said).unwrap();
    let page = |leaf: &terrace_policy::Leaf| (leaf.page.start().get() - memory.get()) >> 12;
    said.iter().map(page).collect()
}

/// A walk for a page sets the bit of the leaf that it comes to.
fn walk(vm: &mut Machine, page: u64) {
    let leaf = vm.ept.lookup(base(page)).unwrap();
    let flags = leaf.flags | LeafFlags::ACCESSED;
    let _nothing_stale = vm.ept.replace(leaf.page, leaf.frame, flags).unwrap();
}

#[test]
fn what_walks_of_the_extended_page_table_use_the_hypervisor_sees_used() {
    let (mut host, mut vm) = machine(2 * BLOCK, 0);
    let memory = start(&host, &vm);
    let huge = Placement::Huge(Effort::Light);
    for page in [3, 5, 7] {
        violation(&mut host, &mut vm, page, Placement::Default);
    }
    violation(&mut host, &mut vm, BLOCK, huge);
    // The violations were uses.
    assert_eq!(used(&mut host, &mut vm, memory, 2 * BLOCK), [3, 5, 7, BLOCK]);
    vm.settle();
    assert_eq!(used(&mut host, &mut vm, memory, 2 * BLOCK), []);
    assert!(!vm.settle(), "nothing was cleared, and nothing is flushed");
    walk(&mut vm, 5);
    walk(&mut vm, BLOCK + 77);
    assert_eq!(used(&mut host, &mut vm, memory, BLOCK), [5]);
    assert_eq!(vm.take_stale(), [base_page(5)]);
    assert_eq!(used(&mut host, &mut vm, memory, 2 * BLOCK), [BLOCK]);
    // What is cached is forgotten, and what is mapped stays.
    assert!(vm.settle());
    assert!(vm.ept.lookup(base(BLOCK)).is_some());
    assert!(host.pending().stale.is_empty());
}

#[test]
fn a_huge_page_of_the_process_is_used_where_one_of_its_base_pages_is() {
    // Not at a multiple of 2M of the guest's addresses: the extended page table has base pages over a huge page.
    let (mut host, mut vm) = machine(3 * BLOCK, 1);
    let memory = start(&host, &vm);
    let page = BLOCK + 9;
    assert_eq!(violation(&mut host, &mut vm, page, Placement::Huge(Effort::Light)), PageSize::Size4K);
    assert_eq!(violation(&mut host, &mut vm, page + 1, Placement::Huge(Effort::Light)), PageSize::Size4K);
    let first = BLOCK - 1;
    assert_eq!(used(&mut host, &mut vm, memory, 3 * BLOCK), [first]);
    assert_eq!(used(&mut host, &mut vm, memory, 3 * BLOCK), []);
    walk(&mut vm, page + 1);
    vm.settle();
    assert_eq!(used(&mut host, &mut vm, memory, 3 * BLOCK), [first]);
    assert_eq!(vm.take_stale(), [base_page(page + 1)]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Many leaves are asked about in one pass over both tables: of each it says what the part of the extended page table
    /// within it says, whatever lies before and behind.
    #[test]
    fn one_pass_says_of_each_leaf_what_its_own_part_says(
        offset in 0..2_u64,
        touched in prop::collection::vec((0..3 * BLOCK, any::<bool>()), 1..40),
        walked in prop::collection::vec(0..40_usize, 0..20),
    ) {
        let (mut host, mut vm) = machine(3 * BLOCK, offset);
        let memory = start(&host, &vm);
        for &(page, huge) in &touched {
            let placement = if huge { Placement::Huge(Effort::Light) } else { Placement::Default };
            violation(&mut host, &mut vm, page, placement);
        }
        used(&mut host, &mut vm, memory, 3 * BLOCK);
        vm.settle();
        for place in walked {
            walk(&mut vm, touched[place % touched.len()].0);
        }
        let accessed: Vec<_> = vm
            .ept
            .all_leaves()
            .filter(|leaf| leaf.flags.contains(LeafFlags::ACCESSED))
            .map(|leaf| number(leaf.page.start()))
            .collect();
        let leaves = host.space(vm.space()).unwrap().table.all_leaves();
        let expected: Vec<u64> = leaves
            .map(|leaf| ((leaf.page.start().get() - memory.get()) >> 12, leaf.page.size().base_pages()))
            .filter(|&(first, pages)| accessed.iter().any(|page| (first..first + pages).contains(page)))
            .map(|(first, _)| first)
            .collect();
        prop_assert_eq!(used(&mut host, &mut vm, memory, 3 * BLOCK), expected);
        prop_assert_eq!(used(&mut host, &mut vm, memory, 3 * BLOCK), Vec::<u64>::new(), "bits that were cleared");
    }
}

fn base_page(number: u64) -> Span<Gpa> {
    Span { start: base(number), bytes: 4096 }
}
