//! What a hypervisor's policy hears of the pages of a nested guest, and what it may do there.

use crate::world;

use terrace_addr::{AccessKind, Gpa, Gva, Hpa, Page, PageSize};
use terrace_kernel::{Content, Shadow, Synchronised, Trap, Vm};
use terrace_policy::{Abilities, Action, CollapseInto, Effort, Heard, Layer, NestedUse, Placement};
use terrace_table::{FrameSource, LeafFlags, Levels, SimulatedMemory, Table, X86};
use world::pseudo::{Layers, Mover, To, huge, scattered, small};
use world::{BLOCK, Host, base, free, kernel, number, pages};

fn serve(layers: &mut Layers, policy: &mut Mover, page: u64, kind: AccessKind) {
    let came = layers.serve(policy, page, kind);
    assert!(matches!(came, Some(Synchronised::Mapped(_))), "{came:?}");
}

/// Writes an upper leaf for a page, and lets the host hear of it as a driver does.
fn write(layers: &mut Layers, policy: &mut Mover, page: u64, middle: u64) -> Trap {
    let trap = layers.replace(page, middle, LeafFlags::everything());
    let Layers { host, vm, shadow, upper, .. } = layers;
    if trap == Trap::Emulated {
        shadow.heard(host, policy, upper, vm, base(page), 1);
    }
    trap
}

#[test]
fn a_fault_says_for_which_page_of_the_nested_guest_it_is() {
    let mut layers = Layers::mapped(1);
    let mut policy = Mover::new(None);
    serve(&mut layers, &mut policy, 9, AccessKind::Store);
    assert_eq!(policy.faults, [Some(9 << 12)]);
    // What the guest hypervisor touches itself is for no page of a nested guest.
    let Layers { host, vm, .. } = &mut layers;
    vm.violation(host, &mut policy, base(3 * BLOCK), AccessKind::Store).unwrap().unwrap();
    assert_eq!(policy.faults, [Some(9 << 12), None]);
}

#[test]
fn under_shadow_paging_there_is_no_nested_guest() {
    let mut host: Host = kernel(4 * BLOCK);
    let mut vm: Vm<Gpa, Hpa> =
        Vm::new(&mut host, pages(BLOCK), terrace_addr::Bytes::ZERO, Levels::Four).unwrap();
    let mut shadow: Shadow<Gva, Gpa, X86, Hpa> = Shadow::new(&mut host, X86::new(Levels::Four)).unwrap();
    let mut frames = Counter(0);
    let mut upper: Table<Gva, X86, SimulatedMemory<Gpa>> =
        Table::new(X86::new(Levels::Four), SimulatedMemory::new(), &mut frames).unwrap();
    let page = Page::containing(base(9), PageSize::Size4K);
    let _nothing_is_stale = upper.map(page, base(7), LeafFlags::everything(), &mut frames).unwrap();
    let mut policy = Mover::new(None);
    shadow.violation(&mut host, &mut policy, &mut upper, &mut vm, base(9), AccessKind::Load).unwrap();
    assert_eq!((policy.faults, policy.heard), (vec![None], vec![]));
}

struct Counter(u64);

impl FrameSource<Gpa> for Counter {
    fn take(&mut self) -> Option<terrace_addr::Addr<Gpa>> {
        self.0 += 1;
        Some(base(100 + self.0))
    }

    fn give_back(&mut self, _: terrace_addr::Addr<Gpa>) {}
}

#[test]
fn a_policy_hears_of_uses_of_what_is_backed_if_it_asked_to() {
    let mut layers = Layers::mapped(1);
    let mut policy = Mover::new(None);
    serve(&mut layers, &mut policy, 9, AccessKind::Load);
    serve(&mut layers, &mut policy, 9, AccessKind::Store);
    assert_eq!(policy.heard, [], "it did not ask");
    layers.shadow.serve(Abilities::NESTED);
    serve(&mut layers, &mut policy, 10, AccessKind::Load);
    assert_eq!(policy.heard, [], "it was not backed: that was a fault");
    serve(&mut layers, &mut policy, 10, AccessKind::Store);
    let (space, addr) = (layers.vm.space(), layers.process_page(scattered(10)).start());
    let used = NestedUse { space, addr, nested: 10 << 12, size: PageSize::Size4K, heard: Heard::Use };
    assert_eq!(policy.heard, [used]);
    assert_eq!(policy.faults.len(), 2);
}

#[test]
fn of_a_huge_page_a_policy_hears_the_start_and_the_size() {
    let mut layers = Layers::empty();
    layers.shadow.serve(Abilities::NESTED);
    layers.map(huge(1), 2 * BLOCK, LeafFlags::everything());
    let mut policy = Mover::new(None);
    for kind in [AccessKind::Load, AccessKind::Store] {
        serve(&mut layers, &mut policy, BLOCK + 9, kind);
    }
    let addr = layers.process_page(2 * BLOCK).start();
    let [used] = policy.heard[..] else { panic!("{:?}", policy.heard) };
    assert_eq!((used.addr, used.nested, used.size), (addr, BLOCK << 12, PageSize::Size2M));
    // A write of that leaf is trapped.
    let trap = layers.replace(BLOCK, 2 * BLOCK, LeafFlags::everything());
    assert_eq!(trap, Trap::Emulated);
    let Layers { host, vm, shadow, upper, .. } = &mut layers;
    shadow.heard(host, &mut policy, upper, vm, base(BLOCK), 2);
    assert_eq!(policy.heard, [used], "its first base page is not backed");
    shadow.heard(host, &mut policy, upper, vm, base(BLOCK + 9), 2);
    assert_eq!(policy.heard[1], NestedUse { heard: Heard::Write, ..used });
}

#[test]
fn a_policy_hears_of_writes_that_were_emulated() {
    let mut layers = Layers::mapped(1);
    layers.shadow.serve(Abilities::NESTED | Abilities::TRAP_TABLES);
    let mut policy = Mover::new(None);
    for page in [9, 10] {
        serve(&mut layers, &mut policy, page, AccessKind::Store);
    }
    policy.heard.clear();
    // Page 11 goes to what was backed for page 9.
    assert_eq!(write(&mut layers, &mut policy, 11, scattered(9)), Trap::Emulated);
    let (space, addr) = (layers.vm.space(), layers.process_page(scattered(9)).start());
    let used = NestedUse { space, addr, nested: 11 << 12, size: PageSize::Size4K, heard: Heard::Write };
    assert_eq!(policy.heard, [used]);
    // What is not backed is for the fault that will come, and what is absent is no mapping.
    assert_eq!(write(&mut layers, &mut policy, 11, 3 * BLOCK), Trap::Emulated);
    assert_eq!(layers.unmap(small(11)), Trap::Emulated);
    let Layers { host, vm, shadow, upper, .. } = &mut layers;
    shadow.heard(host, &mut policy, upper, vm, base(11), 1);
    // An entry that refers to a table is no leaf.
    shadow.heard(host, &mut policy, upper, vm, base(9), 2);
    assert_eq!(policy.heard, [used]);
}

#[test]
fn who_did_not_ask_hears_of_no_write() {
    let mut layers = Layers::mapped(1);
    layers.shadow.trap_tables();
    let mut policy = Mover::new(None);
    serve(&mut layers, &mut policy, 9, AccessKind::Store);
    assert_eq!(write(&mut layers, &mut policy, 11, scattered(9)), Trap::Emulated);
    assert_eq!(policy.heard, []);
}

#[test]
fn where_tables_are_trapped_every_write_takes_its_leaf_at_once() {
    let mut layers = Layers::mapped(2);
    layers.shadow.serve(Abilities::TRAP_TABLES);
    for page in [9, 10] {
        layers.access(page, AccessKind::Store, Placement::Default);
    }
    for round in 1..4 {
        assert_eq!(layers.reflag(9, |flags| flags), Trap::Emulated);
        assert_eq!((layers.leaf(9), layers.leaf(10).is_some()), (None, true));
        assert_eq!(layers.shadow.take_stale().len(), 1);
        let counts = layers.shadow.counts();
        assert_eq!((counts.trapped, counts.removed, counts.unsynced), (round, round, 0));
        layers.access(9, AccessKind::Store, Placement::Default);
        layers.shadow.take_stale();
    }
    assert_eq!(layers.synchronise(), 0);
    assert_eq!(layers.reflag(BLOCK, |flags| flags), Trap::None, "a table that is not shadowed");
}

#[test]
fn a_table_that_is_unsync_already_is_protected_when_it_is_compared() {
    let mut layers = Layers::mapped(1);
    layers.access(9, AccessKind::Store, Placement::Default);
    assert_eq!(layers.reflag(9, |flags| flags), Trap::Unsynced);
    layers.shadow.trap_tables();
    assert_eq!(layers.reflag(9, |flags| flags), Trap::None);
    layers.synchronise();
    assert_eq!(layers.reflag(9, |flags| flags), Trap::Emulated);
}

#[test]
fn what_a_policy_moves_at_a_use_is_composed_where_it_is_then() {
    let mut layers = Layers::mapped(1);
    layers.shadow.serve(Abilities::NESTED);
    let mut policy = Mover::new(None);
    // Page 10 has the same frame.
    layers.replace(10, scattered(9), LeafFlags::everything());
    for page in [9, 10] {
        serve(&mut layers, &mut policy, page, AccessKind::Store);
    }
    layers.lower_changed();
    layers.shadow.take_stale();
    policy.to = Some(To::Block(5));
    serve(&mut layers, &mut policy, 9, AccessKind::Store);
    assert_eq!(layers.leaf(9), Some((5 * BLOCK + 9, PageSize::Size4K)));
    assert!(!layers.shadow.take_stale().is_empty(), "it was elsewhere");
    // The change is told afterwards: the leaf that is right stays, the other one goes.
    layers.follow_lower();
    assert_eq!(layers.leaf(9), Some((5 * BLOCK + 9, PageSize::Size4K)));
    assert_eq!((layers.leaf(10), layers.shadow.take_stale().len()), (None, 1));
    // Whoever does not look removes it, too.
    policy.to = Some(To::Block(6));
    serve(&mut layers, &mut policy, 9, AccessKind::Store);
    layers.lower_changed();
    assert_eq!(layers.leaf(9), None);
}

#[test]
fn a_block_whose_pages_were_moved_one_by_one_can_be_joined() {
    let mut layers = Layers::mapped(1);
    layers.shadow.serve(Abilities::NESTED | Abilities::TRAP_TABLES);
    let mut policy = Mover::new(None);
    // In falling order, as frames are not handed out.
    for page in (0..BLOCK).rev() {
        serve(&mut layers, &mut policy, page, AccessKind::Store);
    }
    layers.join(0).unwrap_err();
    policy.to = Some(To::Block(5));
    for page in 0..BLOCK {
        write(&mut layers, &mut policy, page, scattered(page));
        layers.follow_lower();
        serve(&mut layers, &mut policy, page, AccessKind::Store);
        assert_eq!(layers.leaf(page), Some((5 * BLOCK + page, PageSize::Size4K)));
    }
    layers.join(0).unwrap();
    assert_eq!(layers.leaf(9), Some((5 * BLOCK + 9, PageSize::Size2M)));
    // Uses of it still are heard of, and change nothing.
    let heard = policy.heard.len();
    serve(&mut layers, &mut policy, 9, AccessKind::Store);
    layers.follow_lower();
    assert_eq!(policy.heard.len(), heard + 1);
    assert_eq!(layers.leaf(9), Some((5 * BLOCK + 9, PageSize::Size2M)));
}

#[test]
fn content_is_noted_where_it_is_asked_for() {
    let mut host: Host = kernel(6 * BLOCK);
    let space = host.begin_space().unwrap();
    let start = base::<terrace_addr::Hva>(4 * BLOCK);
    host.map_at(space, start, pages(2 * BLOCK), terrace_policy::Advice::Default, None).unwrap();
    let mut policy = Mover::new(None);
    let small_page = |page| Page::containing(base(4 * BLOCK + page), PageSize::Size4K);
    let mut fault = |host: &mut Host, page: u64| {
        let leaf = host.fault(&mut policy, space, start.offset_by(page << 12), AccessKind::Store).unwrap();
        (leaf.frame, std::mem::take(host.pending()).contents)
    };
    assert_eq!(fault(&mut host, 0).1, [], "nobody asked");
    host.record_contents();
    let bytes = PageSize::Size4K.size();
    let (frame, contents) = fault(&mut host, 1);
    assert_eq!(contents, [Content::Clear { at: frame, bytes }]);
    let other = host.leaf(space, start).unwrap().frame;

    let pages = [small_page(0), small_page(1)];
    let _charged = host.apply(&Action::Exchange { space, pages }).unwrap();
    let contents = std::mem::take(host.pending()).contents;
    assert_eq!(contents, [Content::Exchange { at: [other, frame], bytes }]);

    let to = base(5 * BLOCK);
    let _charged =
        host.apply(&Action::Migrate { space, page: small_page(0), to: Some(to.reinterpret()) }).unwrap();
    assert_eq!(std::mem::take(host.pending()).contents, [Content::Copy { from: frame, to, bytes }]);

    let page = Page::containing(base(4 * BLOCK), PageSize::Size2M);
    let _charged = host.apply(&Action::Collapse { space, page, into: CollapseInto::Any }).unwrap();
    let contents = std::mem::take(host.pending()).contents;
    let block = host.leaf(space, start).unwrap().frame;
    let clears = contents.iter().filter(|content| matches!(content, Content::Clear { .. })).count();
    assert_eq!((clears, contents.len()), (510, 512));
    let copied = Content::Copy { from: other, to: block.offset_by(4096), bytes };
    assert!(contents.contains(&copied), "{contents:?}");
}

#[test]
fn compaction_notes_what_it_copies() {
    let mut host: Host = kernel(4 * BLOCK);
    host.record_contents();
    let space = host.begin_space().unwrap();
    let start = base::<terrace_addr::Hva>(4 * BLOCK);
    host.map_at(space, start, pages(2 * BLOCK), terrace_policy::Advice::Default, None).unwrap();
    let blocks = free(&host) / BLOCK;
    // A page in each free block.
    for page in 0..=blocks {
        let frame = Placement::Frame(base(page * BLOCK + 100));
        world::fault(&mut host, space, start.offset_by(page << 12), frame).unwrap();
    }
    let before: Vec<_> = host.space(space).unwrap().table.all_leaves().map(|leaf| leaf.frame).collect();
    host.pending().clear();
    world::fault(&mut host, space, start.offset_by(BLOCK << 12), Placement::Huge(Effort::Direct)).unwrap();
    let moved: Vec<_> = host
        .space(space)
        .unwrap()
        .table
        .all_leaves()
        .zip(&before)
        .filter(|(leaf, before)| leaf.frame != **before)
        .map(|(leaf, &from)| Content::Copy { from, to: leaf.frame, bytes: PageSize::Size4K.size() })
        .collect();
    assert!(!moved.is_empty());
    let contents = &host.pending().contents;
    assert!(moved.iter().all(|copy| contents.contains(copy)), "{contents:?}");
    let copies = contents.iter().filter(|content| matches!(content, Content::Copy { .. })).count();
    assert_eq!(copies, moved.len());
    assert_eq!(number(host.leaf(space, start).unwrap().page.start()), 4 * BLOCK);
}
