use std::collections::BTreeSet;

use terrace_addr::{Bytes, Lower, Upper};
use terrace_frames::NodeSpec;
use terrace_kernel::{Kernel, KernelCosts, Settings, Shadow};
use terrace_mmu::Cause;
use terrace_policy::{Action, Advice, Fault as Asked, Layer, NestedUse, Placement, Policy};
use terrace_table::{Ept, Levels};

use super::*;

/// The bytes of a block of 2M.
const BLOCK: u64 = 2 << 20;
/// Where the guest has its huge page.
const HUGE: u64 = BLOCK;
/// Where the host gathers the pages behind it.
const BEHIND: u64 = 6 * BLOCK;

/// A guest's kernel that takes one huge page.
#[derive(Debug, Clone)]
struct OneHuge;

impl Policy for OneHuge {
    fn requires(&self) -> Abilities {
        Abilities::empty()
    }

    fn on_fault(&mut self, _layer: &mut dyn Layer, _fault: &Asked) -> Placement {
        Placement::HugeAt(Addr::new(HUGE))
    }
}

/// A guest hypervisor that does nothing by itself.
#[derive(Debug, Clone)]
struct Stock;

impl Policy for Stock {
    fn requires(&self) -> Abilities {
        Abilities::empty()
    }
}

/// A host that brings the pages of the huge page to their places, and joins them.
#[derive(Debug, Clone, Default)]
struct Aligner {
    placed: BTreeSet<u64>,
}

impl Policy for Aligner {
    fn requires(&self) -> Abilities {
        Abilities::NESTED | Abilities::TRAP_TABLES
    }

    fn on_nested_use(&mut self, layer: &mut dyn Layer, used: &NestedUse) {
        let Some(offset) = used.nested.checked_sub(HUGE).filter(|&offset| offset < BLOCK) else { return };
        if !self.placed.insert(offset) {
            return;
        }
        let (space, page) = (used.space, Page::containing(used.addr, used.size));
        let to = Some(Addr::<Lower>::new(BEHIND + offset));
        let _charged = layer.apply(&Action::Migrate { space, page, to }).unwrap();
        if self.placed.len() == 512 {
            let _charged = layer.apply(&Action::Join { space, nested: HUGE }).unwrap();
        }
    }
}

fn kernel<U: terrace_addr::Space, L: terrace_addr::Space>(role: Role, blocks: u64) -> Kernel<U, L> {
    let (levels, costs) = (Levels::Four, KernelCosts::default());
    let memory = NodeSpec { start: Addr::ZERO, bytes: Bytes::new(blocks * BLOCK) };
    Kernel::new(Settings { role, levels, costs, areas_end: 0x7fff_f800_0000 }, &[memory]).unwrap()
}

struct World {
    stage: Nested,
    host: LayerState<Hva, Hpa>,
    bill: Bill,
}

impl World {
    /// The guest has touched its huge page, and all is settled.
    fn joined() -> Self {
        let mut kernel_of_host = kernel(Role::Host, 16);
        let mut kernel_of_hypervisor = kernel(Role::Hypervisor, 12);
        let bytes = |blocks| Bytes::new(blocks * BLOCK);
        let inner = Vm::new(&mut kernel_of_hypervisor, bytes(8), Bytes::ZERO, Levels::Four).unwrap();
        let outer = Vm::new(&mut kernel_of_host, bytes(12), Bytes::ZERO, Levels::Four).unwrap();
        let mut shadow = Shadow::new(&mut kernel_of_host, Ept::new(Levels::Four)).unwrap();
        let host = LayerState::new(kernel_of_host, Box::new(Aligner::default()));
        shadow.serve(host.policy.requires());
        let mut guest: Guest = LayerState::new(kernel(Role::Guest, 8), Box::new(OneHuge));
        let hypervisor = LayerState::new(kernel_of_hypervisor, Box::new(Stock));
        let space = guest.begin_space().unwrap();
        let start = Addr::new(0x4000_0000);
        guest.kernel.map_at(space, start, bytes(1), Advice::Default, None).unwrap();
        let stage = Nested { guest, hypervisor, inner, outer, shadow };
        let mut world = Self { stage, host, bill: Bill::new(None) };
        let fault = Fault::Page { addr: start, cause: Cause::NotPresent };
        world.stage.serve(&mut world.host, space, fault, AccessKind::Store, &mut world.bill).unwrap();
        world.settle();
        world
    }

    fn settle(&mut self) {
        self.stage.settle(&mut self.host, 0, &mut self.bill).unwrap();
    }

    fn size(&self) -> Option<PageSize> {
        self.stage.shadow.table.lookup(Addr::new(HUGE + 0x9000)).map(|leaf| leaf.page.size())
    }

    /// What the host's policy is told.
    fn told(&mut self) -> Vec<Event> {
        self.host.kernel.take_events()
    }

    /// The pages that back a page of the guest: of the hypervisor's process, and of the host's.
    fn behind(&self, addr: u64) -> [Page<Upper>; 2] {
        let Nested { hypervisor, inner, outer, .. } = &self.stage;
        let start = hypervisor.kernel.space(inner.space()).unwrap().areas().next().unwrap().start;
        let at = start.offset_by(addr);
        let middle = hypervisor.kernel.leaf(inner.space(), at).unwrap().frame;
        let start = self.host.kernel.space(outer.space()).unwrap().areas().next().unwrap().start;
        [at, start.offset_by(middle.get())].map(|at| Page::containing(at.reinterpret(), PageSize::Size4K))
    }
}

#[test]
fn pages_that_are_moved_as_they_are_heard_of_are_composed_once_and_joined() {
    let mut world = World::joined();
    assert_eq!(world.size(), Some(PageSize::Size2M));
    let leaf = world.stage.shadow.table.lookup(Addr::new(HUGE)).unwrap();
    assert_eq!(leaf.frame.get(), BEHIND);
    let counts = world.stage.shadow.counts();
    assert_eq!((counts.joined, counts.removed), (1, 0), "nothing that was right was removed");
    let maps = world.bill.exits[Exit::Nested.index()];
    assert_eq!(counts.composed, maps, "once for each page that the hypervisor mapped");
    // The first page of each of its two tables comes with the table, and is heard of when it is used.
    assert_eq!((counts.trapped, counts.emulated, counts.unsynced), (maps - 2, 1, 0));
    assert_eq!(world.bill.exits[Exit::WriteProtect.index()], counts.trapped + counts.emulated);
    let space = world.stage.outer.space();
    assert!(world.told().contains(&Event::Joined { space, nested: HUGE, joined: true }));
    assert!(world.bill.flushes.contains(&Flush::Extended { vm: 0 }));
    let pending = world.host.kernel.pending();
    assert!(pending.stale.is_empty() && pending.joins.is_empty());
}

#[test]
fn a_page_that_the_hypervisor_moves_parts_it() {
    let mut world = World::joined();
    world.told();
    let [page, _] = world.behind(HUGE + 0x3000);
    let (space, kernel) = (world.stage.inner.space(), &mut world.stage.hypervisor.kernel);
    let _charged = kernel.apply(&Action::Migrate { space, page, to: None }).unwrap();
    world.bill.flushes.clear();
    world.settle();
    assert_eq!(world.size(), Some(PageSize::Size4K));
    assert_eq!(world.stage.shadow.table.lookup(Addr::new(HUGE + 0x3000)), None);
    let space = world.stage.outer.space();
    assert_eq!(world.told(), [Event::Parted { space, nested: HUGE }]);
    assert!(world.bill.flushes.contains(&Flush::Extended { vm: 0 }));
}

#[test]
fn a_page_that_the_host_moves_parts_it_and_it_cannot_be_joined() {
    let mut world = World::joined();
    world.told();
    let [_, page] = world.behind(HUGE + 0x3000);
    let space = world.stage.outer.space();
    let _charged = world.host.kernel.apply(&Action::Migrate { space, page, to: None }).unwrap();
    for nested in [HUGE, HUGE + 4096] {
        let _charged = world.host.kernel.apply(&Action::Join { space, nested }).unwrap();
    }
    world.settle();
    assert_eq!(world.size(), Some(PageSize::Size4K));
    let refused = |nested| Event::Joined { space, nested, joined: false };
    assert_eq!(world.told(), [Event::Parted { space, nested: HUGE }, refused(HUGE), refused(HUGE + 4096)]);
}

#[test]
fn what_is_for_another_machine_is_left_to_it() {
    let mut world = World::joined();
    let space = SpaceId(world.stage.outer.space().0 + 1);
    let join = Join { space, nested: HUGE };
    let stale = terrace_kernel::Stale::entry(space, Span { start: Addr::new(0), bytes: BLOCK });
    world.host.kernel.pending().joins.push(join);
    world.host.kernel.pending().stale.push(stale);
    world.settle();
    let pending = world.host.kernel.pending();
    assert_eq!((&pending.joins[..], &pending.stale[..]), (&[join][..], &[stale][..]));
    assert_eq!(world.size(), Some(PageSize::Size2M));
}

/// A load whose walk sets bits in a table that nothing has written is stopped there, as the store that the walk makes.
#[test]
fn a_walk_that_writes_a_table_comes_by_though_the_program_only_loads() {
    let mut world = World::joined();
    let (at, space) = (Addr::<Gpa>::new(5 * BLOCK + 0x7000), SpaceId(0));
    let may_store = |world: &World| {
        let leaf = world.stage.shadow.table.lookup(at);
        leaf.map(|leaf| leaf.flags.contains(terrace_table::LeafFlags::WRITE))
    };
    let faults = [(AccessKind::Load, Cause::NotPresent, false), (AccessKind::Store, Cause::Protection, true)];
    for (kind, cause, allows) in faults {
        let fault = Fault::Extended { addr: at, kind, cause };
        world.stage.serve(&mut world.host, space, fault, AccessKind::Load, &mut world.bill).unwrap();
        world.settle();
        assert_eq!(may_store(&world), Some(allows), "{cause:?}");
    }
}
