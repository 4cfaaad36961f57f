//! Invalidations: every row of both tables, by what is left in eight contexts that were filled before.

mod amd;
mod intel;
mod invlpgb;
mod pages;

use terrace_addr::Gva;
use terrace_addr::PageSize::Size4K;
use terrace_machine::Vendor;
use terrace_table::{LeafFlags, Levels::Four};

use super::*;

/// The addresses that every context has used, each below a PDE of its own. [`G`] is global.
const A: Addr<Gva> = Addr::new(0);
const B: Addr<Gva> = Addr::new(0x20_0000);
const G: Addr<Gva> = Addr::new(0x40_0000);

/// The context that executes, on CPU 0.
const NOW: Tag = Tag { pcid: 1, vpid: 1, root: 1 };
/// The CPUs and contexts that are filled, and whose rest is looked at. CPU 2 is the other thread of CPU 0's core,
/// CPU 1 the other core.
const FILLED: [(usize, Tag); 8] = [
    (0, NOW),
    (0, Tag { pcid: 2, ..NOW }),
    (0, Tag { vpid: 2, ..NOW }),
    (0, Tag { root: 2, ..NOW }),
    (0, Tag { vpid: 0, root: 0, ..NOW }),
    (0, Tag { vpid: 2, root: 0, ..NOW }),
    (2, NOW),
    (1, NOW),
];

/// All that a context has: the translations of the three addresses, their prefixes, and guest-physical entries.
const ALL: &str = "ABG abg n";

/// Tables in which each of the three addresses is followed by two pages with the same frame that are not global.
fn tables() -> TwoDimensional {
    let mut tables = TwoDimensional::new(Four, Four, Size4K);
    tables.map_host(0x5000, Size4K);
    for addr in [A, B, G] {
        let flags = if addr == G { LeafFlags::GLOBAL } else { LeafFlags::empty() };
        tables.map_guest_with(addr.get(), 0x5000, Size4K, LeafFlags::everything() | flags);
        for page in [0x1000, 0x2000] {
            tables.map_guest(addr.get() + page, 0x5000, Size4K);
        }
    }
    tables
}

/// The eight contexts, filled, after `invalidation`.
fn after(vendor: Vendor, invalidation: Invalidation) -> (Oracle, TwoDimensional) {
    let structure = |name: &str, holds: &str| format!("[{name}]\n{holds}\n{}", lru(128, 128));
    let arrays = [
        tlb("l1", 1, &["4K"], 128, 128),
        structure("walk_cache.level2", "level = 2"),
        structure("nested_tlb.all", "pages = [\"4K\"]"),
        structure("nested_walk_cache.level2", "level = 2"),
    ];
    let mut machine = machine(&arrays.concat());
    (machine.topology.cores, machine.topology.threads) = (2, 2);
    machine.vendor = vendor;
    let mut oracle = Oracle::new(&machine, 0, &MEMORY);
    let mut tables = tables();
    for (cpu, tag) in FILLED {
        for addr in [A, B, G] {
            // A context that finds a global translation still has its own prefix, by the page behind.
            for page in [0, 0x2000] {
                let load = access(addr.get() + page, 8, AccessKind::Load);
                oracle.access(cpu, tag, &mut tables.tables(), load).unwrap();
            }
        }
    }
    oracle.invalidate(0, NOW, invalidation);
    (oracle, tables)
}

/// What is left of [`ALL`] in one context.
fn left_in(vendor: Vendor, invalidation: Invalidation, (cpu, tag): (usize, Tag)) -> String {
    // What a load adds to two counts; each begins anew, so that none finds what another has brought back.
    let costs = |addr: u64, names: [&str; 2]| {
        let (mut oracle, mut tables) = after(vendor, invalidation);
        let before = oracle.counts(cpu);
        oracle.access(cpu, tag, &mut tables.tables(), access(addr, 8, AccessKind::Load)).unwrap();
        names.map(|name| oracle.counts(cpu)[name] - before[name])
    };
    let names = ["walks", "walk_cache_hits"];
    let translation = |(addr, name): (Addr<Gva>, char)| match costs(addr.get(), names) {
        [0, _] => name,
        _ => '-',
    };
    // The page behind was never used: it is walked for.
    let prefix = |(addr, name): (Addr<Gva>, char)| match costs(addr.get() + 0x1000, names) {
        [1, 1] => name,
        _ => '-',
    };
    let guest_physical = match costs(A.get() + 0x1000, ["nested_references", "walk_cache_hits"]) {
        [0, _] => 'n',
        // The data alone, by all levels of EPT; or four tables, the first by all levels.
        [4, 1] | [8, 0] => '-',
        references => panic!("some guest-physical entries are left, not all: {references:?}"),
    };
    let translations: String = [(A, 'A'), (B, 'B'), (G, 'G')].map(translation).iter().collect();
    let prefixes: String = [(A, 'a'), (B, 'b'), (G, 'g')].map(prefix).iter().collect();
    format!("{translations} {prefixes} {guest_physical}")
}

/// What is left in each context.
fn left(vendor: Vendor, invalidation: Invalidation) -> [String; 8] {
    FILLED.map(|context| left_in(vendor, invalidation, context))
}

/// What should be left: [`ALL`] in the contexts that are not listed by their places in [`FILLED`].
fn except(listed: &[(usize, &str)]) -> [String; 8] {
    let mut expected = FILLED.map(|_| ALL.to_owned());
    for (place, left) in listed {
        expected[*place] = (*left).to_owned();
    }
    expected
}

#[test]
fn everything_is_removed_from_all_threads_of_the_core() {
    let expected = except(&[0, 1, 2, 3, 4, 5, 6].map(|place| (place, "--- --- -")));
    for vendor in [Vendor::Intel, Vendor::Amd] {
        assert_eq!(left(vendor, Invalidation::Everything), expected);
    }
}
