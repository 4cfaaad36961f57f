//! Random machines: small structures of every shape and policy, so that everything is replaced soon.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use terrace_addr::{AccessKind, Bytes, PageSize};
use terrace_machine::quantity::Size;
use terrace_machine::{
    Cache, Machine, NestedTlbArray, PageSizeName, Replacement, Serves, SharedBy, Source, TlbArray, WalkCache,
    builtin,
};

use crate::case::Draw;

static BASE: LazyLock<Machine> = LazyLock::new(|| builtin("drmemtrace", &[]).unwrap());

pub(crate) fn draw(draw: &mut Draw) -> Machine {
    let mut machine = BASE.clone();
    machine.topology.cores = 2;
    machine.paging.levels = draw.pick(&[4, 4, 5]);
    machine.paging.ept_levels = draw.pick(&[4, 4, 5]);
    machine.paging.accessed_dirty = draw.percent(70);
    machine.paging.ept_accessed_dirty = draw.percent(50);
    machine.memory.latency = "100 ns".parse().unwrap();
    machine.tlb = tlbs(draw);
    machine.walk_cache = walk_caches(draw);
    machine.nested_walk_cache = walk_caches(draw);
    machine.nested_tlb = nested_tlbs(draw);
    machine.cache = caches(draw);
    machine.validate().unwrap();
    machine
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
    let levels = draw.below(4);
    let private = draw.below(levels + 1);
    let mut caches = BTreeMap::new();
    for level in 1..=levels {
        let (entries, ways, replacement) = shape(draw);
        let slices = draw.pick(&[1, 1, 2, 3]);
        let cache = Cache {
            level: u32::try_from(level).unwrap(),
            size: Size::new(Bytes::new(u64::from(entries * slices) * 64)),
            ways,
            slices,
            shared_by: if level <= private { SharedBy::Core } else { SharedBy::Socket },
            replacement,
            latency: level * 10,
            source: source(),
        };
        caches.insert(format!("l{level}"), cache);
    }
    caches
}
