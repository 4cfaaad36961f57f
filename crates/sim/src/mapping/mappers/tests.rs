//! What the hardware walks leads where the layers lead one by one.

use std::fmt::Write;

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use terrace_addr::{Access, AccessKind, Addr, Bytes, Gpa, Gva, Hpa, PageSize, Space};
use terrace_machine::builtin;
use terrace_mmu::{Below, Extended, Identity, Layout, Mmu, Segment, Stack};
use terrace_table::{Format, Levels, SimulatedMemory, Table};

use super::super::{LayerName, MappingFile, PageRule, PageRules, Placement, Rule};
use super::*;

/// Where an address is, and the smallest page on the way.
type Place = (Addr<Hpa>, PageSize);

/// Where the layers lead, one by one, by their own tables and nothing composed.
trait Follow<B: Below> {
    fn follow(&self, stack: &Stack<B>, addr: Addr<Gva>) -> Place;
}

/// One layer on.
fn through<U: Space, F: Format, L: Space>(
    table: &Table<U, F, SimulatedMemory<L>>,
    (addr, size): (Addr<U>, PageSize),
) -> (Addr<L>, PageSize) {
    let leaf = table.lookup(addr).unwrap();
    (leaf.translate(addr), size.min(leaf.page.size()))
}

const START: PageSize = PageSize::Size1G;

impl Follow<Identity> for OneLayer<Hpa> {
    fn follow(&self, stack: &Stack<Identity>, addr: Addr<Gva>) -> Place {
        through(&stack.first, (addr, START))
    }
}

impl Follow<Segment> for OneLayer<Gpa> {
    fn follow(&self, stack: &Stack<Segment>, addr: Addr<Gva>) -> Place {
        let (addr, size) = through(&stack.first, (addr, START));
        let Segment { base, size: length } = stack.below;
        assert!(base.is_aligned(PageSize::Size1G) && addr.get() < length.get());
        (base.offset_by(addr.get()), size)
    }
}

impl Follow<Extended> for TwoDimensional {
    fn follow(&self, stack: &Stack<Extended>, addr: Addr<Gva>) -> Place {
        through(&stack.below, through(&stack.first, (addr, START)))
    }
}

impl Follow<Identity> for Shadow {
    fn follow(&self, _: &Stack<Identity>, addr: Addr<Gva>) -> Place {
        through(&self.host.table, through(&self.guest.table, (addr, START)))
    }
}

impl Follow<Extended> for Nested {
    fn follow(&self, stack: &Stack<Extended>, addr: Addr<Gva>) -> Place {
        let place = through(&stack.first, (addr, START));
        through(&self.host.table, through(&self.hypervisor.table, place))
    }
}

impl Follow<Extended> for ShadowOnExtended {
    fn follow(&self, stack: &Stack<Extended>, addr: Addr<Gva>) -> Place {
        let place = through(&self.guest.table, (addr, START));
        let (addr, size) = through(&self.hypervisor.table, place);
        through(&stack.below, (addr.reinterpret(), size))
    }
}

impl Follow<Identity> for ShadowOnShadow {
    fn follow(&self, _: &Stack<Identity>, addr: Addr<Gva>) -> Place {
        let place = through(&self.guest.table, (addr, START));
        through(&self.host.table, through(&self.hypervisor.table, place))
    }
}

/// What the layers of a mode say, held against what an MMU finds when it walks, when it uses what it walked
/// before, and when it has forgotten that.
fn places<B: Below, M: Mapper<B> + Follow<B>>(
    (mut stack, mut mapper): (Stack<B>, M),
    addresses: &[Addr<Gva>],
) -> Vec<Place> {
    let machine = builtin("drmemtrace", &[]).unwrap();
    let new_mmu = || Mmu::new(&machine, 1, &Layout::single(mapper.memory_end())).unwrap();
    let (mut mmu, mut other) = (new_mmu(), new_mmu());
    let mut places = Vec::new();
    for &addr in addresses {
        let access = Access { addr, size: 1, kind: AccessKind::Store };
        mmu.run(0, &mut stack, &[access], &mut mapper).unwrap();
        let place = mapper.follow(&stack, addr);
        let found = mmu.access(0, &mut stack, access).unwrap();
        assert_eq!((found.addr, found.size), place, "{addr:?}");
        places.push(place);
    }
    for (&addr, &place) in addresses.iter().zip(&places) {
        assert_eq!(mapper.follow(&stack, addr), place, "what is mapped stays as it is");
        let found = other.access(0, &mut stack, Access { addr, size: 1, kind: AccessKind::Fetch }).unwrap();
        assert_eq!((found.addr, found.size), place, "{addr:?}");
    }
    places
}

/// All modes.
fn check(rule: &Rule, levels: TableLevels, addresses: &[Addr<Gva>]) {
    places(OneLayer::native(rule, levels).unwrap(), addresses);
    places(OneLayer::segment(rule, levels).unwrap(), addresses);
    places(ShadowOnExtended::new(rule, levels).unwrap(), addresses);
    let walked = places(TwoDimensional::new(rule, levels).unwrap(), addresses);
    let shadowed = places(Shadow::new(rule, levels).unwrap(), addresses);
    assert_eq!(walked, shadowed, "who composes maps as who does not");
    let nested = places(Nested::new(rule, levels).unwrap(), addresses);
    let shadowed = places(ShadowOnShadow::new(rule, levels).unwrap(), addresses);
    assert_eq!(nested, shadowed, "whoever composes, the layers are the same");
}

fn size() -> impl Strategy<Value = PageSize> {
    prop_oneof![
        4 => Just(PageSize::Size4K),
        4 => Just(PageSize::Size2M),
        1 => Just(PageSize::Size1G),
    ]
}

fn page_rule() -> impl Strategy<Value = PageRule> {
    prop_oneof![
        size().prop_map(PageRule::All),
        (0..=1_000_000_u32).prop_map(|millionths| PageRule::Share { millionths })
    ]
}

fn levels() -> impl Strategy<Value = Levels> {
    prop_oneof![Just(Levels::Four), Just(Levels::Five)]
}

/// Of the part of the virtual space that is touched.
const BASE: u64 = 1 << 40;
const TOUCHED: u64 = 3 << 30;

/// Of the beginning, which is touched often, and in which ranges are often given.
const NEAR: u64 = 16 << 20;

/// A line of a mapping file: (layer, number of the first page, pages, size, number of the lower frame,
/// whether both are near the beginning).
type Line = (usize, u64, u64, PageSize, Option<u64>, bool);

fn line() -> impl Strategy<Value = Line> {
    (0..3_usize, any::<u64>(), 1..4_u64, size(), prop::option::of(any::<u64>()), any::<bool>())
}

/// A file of those lines that do not overlap earlier ones.
fn file(lines: &[Line]) -> Option<MappingFile> {
    let mut text = String::new();
    for &(layer, first, pages, size, lower, near) in lines {
        let layer = LayerName::ALL[layer];
        let bytes = size.bytes();
        let within = (if near { NEAR } else { TOUCHED }).div_ceil(bytes);
        let start = first % within * bytes + if layer == LayerName::Guest { BASE } else { 0 };
        let lower = lower.map(|lower| format!("{:x}", lower % (2 * within) * bytes)).unwrap_or_default();
        let before = text.len();
        writeln!(text, "{layer} {start:x} {:x} {size} {lower}", start + pages * bytes).unwrap();
        if MappingFile::parse(&text).is_err() {
            text.truncate(before);
        }
    }
    (!text.is_empty()).then(|| MappingFile::parse(&text).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 60,
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_the_hardware_walks_leads_where_the_layers_lead(
        (guest, hypervisor, host) in (page_rule(), page_rule(), page_rule()),
        scattered: bool,
        seed: u64,
        (paging, extended) in (levels(), levels()),
        lines in prop::collection::vec(line(), 0..6),
        offsets in prop::collection::vec((any::<u64>(), any::<bool>()), 1..60),
    ) {
        let rule = Rule {
            pages: PageRules { guest, hypervisor, host },
            placement: if scattered { Placement::Scattered } else { Placement::Contiguous },
            memory: Bytes::new(4 << 30),
            seed,
            file: file(&lines),
        };
        // Anywhere in what is touched, or near its beginning, where pages are shared.
        let addresses: Vec<_> = offsets
            .into_iter()
            .map(|(offset, near)| Addr::new(BASE + offset % if near { NEAR } else { TOUCHED }))
            .collect();
        check(&rule, TableLevels { paging, extended }, &addresses);
    }
}
