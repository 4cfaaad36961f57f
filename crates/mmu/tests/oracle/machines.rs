//! Random machines: small structures of every shape and policy, so that everything is replaced soon.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use terrace_addr::{AccessKind, Addr, Bytes, Hpa, PageSize, convert};
use terrace_machine::quantity::{Size, Time};
use terrace_machine::{
    Cache, Machine, MemoryNode, NestedTlbArray, PageSizeName, PerSocket, Replacement, Schemes, Serves,
    SharedBy, Source, TlbArray, Vendor, WalkCache, builtin,
};

use crate::draw::Draw;

static BASE: LazyLock<Machine> = LazyLock::new(|| builtin("drmemtrace", &[]).unwrap());

pub(crate) fn draw(draw: &mut Draw) -> Machine {
    let mut machine = BASE.clone();
    machine.vendor = draw.pick(&[Vendor::Intel, Vendor::Amd]);
    machine.topology.sockets = draw.pick(&[1, 1, 2]);
    machine.topology.cores = draw.pick(&[1, 2, 2]);
    machine.topology.threads = draw.pick(&[1, 2]);
    machine.paging.levels = draw.pick(&[4, 4, 5]);
    machine.paging.ept_levels = draw.pick(&[4, 4, 5]);
    machine.paging.accessed_dirty = draw.percent(70);
    machine.paging.ept_accessed_dirty = draw.percent(50);
    machine.memory = nodes(draw, machine.topology.sockets);
    machine.tlb = tlbs(draw);
    machine.walk_cache = walk_caches(draw);
    machine.nested_walk_cache = walk_caches(draw);
    machine.nested_tlb = nested_tlbs(draw);
    machine.cache = caches(draw);
    machine.validate().unwrap();
    machine
}

/// Any of the schemes that were proposed, for a machine whose tables have so many levels.
pub(crate) fn schemes(draw: &mut Draw, levels: u32) -> Schemes {
    let mut prefetch: Vec<_> = (1..levels).filter(|_| draw.percent(40)).collect();
    if draw.percent(50) {
        prefetch.reverse();
    }
    Schemes {
        third_level: draw.percent(50).then(|| draw.pick(&[4, 8, 16, 64])),
        switch_level: draw.percent(50).then(|| 1 + convert::low32(draw.below(levels.into()))),
        prefetch,
        source: source(),
    }
}

/// How many CPUs a machine has.
pub(crate) fn cpus(machine: &Machine) -> u64 {
    u64::from(machine.topology.sockets * machine.topology.cores * machine.topology.threads)
}

/// Parts of memory in its nodes: the first address behind each, and its node.
pub(crate) fn parts(draw: &mut Draw, machine: &Machine) -> Vec<(Addr<Hpa>, usize)> {
    let nodes = convert::count(machine.nodes().len());
    // Among the tables, among small pages, among large ones; and the end of all memory.
    let ends = [(1 << 20) + 0x6000, (4 << 30) + 0x2000, (8 << 30) + 0x1000, 33 << 30, 1 << 37];
    let kept = ends.into_iter().filter(|end| *end == 1 << 37 || draw.percent(50)).collect::<Vec<_>>();
    kept.into_iter().map(|end| (Addr::new(end), draw.index(nodes))).collect()
}

fn nodes(draw: &mut Draw, sockets: u32) -> BTreeMap<String, MemoryNode> {
    let pattern = BASE.memory.values().next().expect("a machine has memory");
    let time = |draw: &mut Draw| Time::from_picoseconds(50_000 + draw.below(100_000));
    let node = |number, draw: &mut Draw| {
        let latency = if draw.percent(50) {
            PerSocket::All(time(draw))
        } else {
            PerSocket::Each((0..sockets).map(|_| time(draw)).collect())
        };
        (format!("node{number}"), MemoryNode { latency, ..pattern.clone() })
    };
    (0..draw.pick(&[1, 2, 3])).map(|number| node(number, draw)).collect()
}

fn source() -> Source {
    Source::All("drawn".into())
}

/// (entries, ways, replacement)
fn shape(draw: &mut Draw) -> (u32, u32, Replacement) {
    let ways = draw.pick(&[1, 2, 3, 4, 5, 6, 12, 16, 17, 24]);
    let sets = if ways > 6 { 1 } else { draw.pick(&[1, 1, 2, 4]) };
    let replacement =
        draw.pick(&[Replacement::Lru, Replacement::Lru, Replacement::TreePlru, Replacement::Random]);
    (sets * ways, ways, replacement)
}

fn sizes(names: &[PageSize]) -> Vec<PageSizeName> {
    names.iter().copied().map(PageSizeName).collect()
}

const ALL: [PageSize; 3] = PageSize::ALL;

fn tlbs(draw: &mut Draw) -> BTreeMap<String, TlbArray> {
    use AccessKind::{Fetch, Load, Store};
    let mut arrays = BTreeMap::new();
    for level in [1, 2] {
        let kinds: &[&[AccessKind]] = match draw.below(3) {
            0 => &[&[Fetch], &[Load, Store]],
            1 => &[&[Fetch], &[Load], &[Store]],
            _ => &[&[Fetch, Load, Store]],
        };
        let pages: &[&[PageSize]] = match draw.below(5) {
            0 => &[&ALL],
            1 => &[&[PageSize::Size4K], &[PageSize::Size2M], &[PageSize::Size1G]],
            2 => &[&[PageSize::Size4K, PageSize::Size2M], &[PageSize::Size1G]],
            3 => &[&[PageSize::Size4K], &[PageSize::Size2M]],
            _ => &[&[PageSize::Size4K, PageSize::Size2M]],
        };
        for (number, kinds) in kinds.iter().enumerate() {
            for (part, pages) in pages.iter().enumerate() {
                if draw.percent(5) {
                    continue;
                }
                let (entries, ways, replacement) = shape(draw);
                let array = TlbArray {
                    level,
                    serves: kinds.iter().copied().map(Serves).collect(),
                    pages: sizes(pages),
                    entries,
                    ways,
                    replacement,
                    latency: if level == 2 { 5 + draw.below(5) } else { 0 },
                    source: source(),
                };
                arrays.insert(format!("level{level}_{number}_{part}"), array);
            }
        }
    }
    arrays
}

fn walk_caches(draw: &mut Draw) -> BTreeMap<String, WalkCache> {
    let mut caches = BTreeMap::new();
    for level in 2..=5 {
        if draw.percent(50) {
            let (entries, ways, replacement) = shape(draw);
            let cache = WalkCache { level, entries, ways, replacement, source: source() };
            caches.insert(format!("level{level}"), cache);
        }
    }
    caches
}

fn nested_tlbs(draw: &mut Draw) -> BTreeMap<String, NestedTlbArray> {
    let pages: &[&[PageSize]] = match draw.below(4) {
        0 => &[],
        1 => &[&ALL],
        2 => &[&[PageSize::Size4K]],
        _ => &[&[PageSize::Size4K], &[PageSize::Size2M, PageSize::Size1G]],
    };
    let array = |(number, pages): (usize, &&[PageSize]), draw: &mut Draw| {
        let (entries, ways, replacement) = shape(draw);
        let array = NestedTlbArray { pages: sizes(pages), entries, ways, replacement, source: source() };
        (format!("part{number}"), array)
    };
    pages.iter().enumerate().map(|part| array(part, draw)).collect()
}

fn caches(draw: &mut Draw) -> BTreeMap<String, Cache> {
    use AccessKind::{Fetch, Load, Store};
    let levels = draw.below(4);
    let private = draw.below(levels + 1);
    let mut caches = BTreeMap::new();
    for level in 1..=levels {
        // One for all, one for instructions apart, and levels that some kinds pass over.
        let kinds: &[&[AccessKind]] = match draw.below(8) {
            0 | 1 => &[&[Fetch], &[Load, Store]],
            2 => &[&[Load, Store]],
            3 => &[&[Fetch, Store], &[Load]],
            4 => &[&[Fetch]],
            _ => &[&[Fetch, Load, Store]],
        };
        for (part, kinds) in kinds.iter().enumerate() {
            let (entries, ways, replacement) = shape(draw);
            let slices = draw.pick(&[1, 1, 2, 3]);
            let cache = Cache {
                level: u32::try_from(level).unwrap(),
                serves: kinds.iter().copied().map(Serves).collect(),
                size: Size::new(Bytes::new(u64::from(entries * slices) * 64)),
                ways,
                slices,
                shared_by: if level <= private { SharedBy::Core } else { SharedBy::Socket },
                replacement,
                latency: level * 10 + convert::count(part),
                source: source(),
            };
            caches.insert(format!("l{level}_{part}"), cache);
        }
    }
    caches
}
