//! How many table entries a miss reads, for every mode, when nothing is cached. The figures are those of the
//! walk's definition: in two dimensions each level of the first costs one reference and those of translating
//! its address, and the data's address is translated last.

use terrace_addr::{Access, AccessKind, Addr, Bytes, PageSize};
use terrace_machine::{Override, builtin};
use terrace_sim::Mode;
use terrace_sim::mapping::{PageRule, PageRules, Placement, Rule};
use terrace_sim::replay::{Replay, Settings};
use terrace_trace::{Batch, ThreadIndex};

use PageSize::{Size1G, Size2M, Size4K};

/// The references of one miss: tables of so many levels, and the page sizes of guest, guest hypervisor and
/// host.
fn references(mode: Mode, (levels, ept_levels): (u32, u32), [guest, hypervisor, host]: [PageSize; 3]) -> u64 {
    let overrides: Vec<Override> =
        [format!("paging.levels={levels}"), format!("paging.ept_levels={ept_levels}")]
            .map(|text| text.parse().unwrap())
            .into();
    let machine = builtin("drmemtrace", &overrides).unwrap();
    let pages = PageRules {
        guest: PageRule::All(guest),
        hypervisor: PageRule::All(hypervisor),
        host: PageRule::All(host),
    };
    let memory = Bytes::new(1 << 30);
    let rule = Rule { pages, placement: Placement::Scattered, memory, seed: 1, file: None };
    let mut replay = Replay::new(&machine, &[mode], &rule, Settings::default()).unwrap();
    let mut batch = Batch::new();
    batch.start(ThreadIndex::new(0), 0, 0);
    batch.push(Access { addr: Addr::new(0x7f12_3456_7abc), size: 1, kind: AccessKind::Store });
    replay.feed(&mut batch).unwrap();
    let counts = replay.counters().unwrap()[0].1;
    assert_eq!((counts.walks, counts.stlb_misses), (1, 1));
    counts.walk_references
}

const ONE_DIMENSION: [Mode; 4] = [Mode::Native, Mode::Shadow, Mode::Segment, Mode::ShadowOnShadow];
const TWO_DIMENSIONS: [Mode; 3] = [Mode::TwoDimensional, Mode::Nested, Mode::ShadowOnExtended];

#[test]
fn one_dimension_reads_an_entry_a_level() {
    for mode in ONE_DIMENSION {
        for (size, expected) in [(Size4K, 4), (Size2M, 3), (Size1G, 2)] {
            assert_eq!(references(mode, (4, 4), [size; 3]), expected, "{mode}, {size} pages");
        }
        assert_eq!(references(mode, (5, 4), [Size4K; 3]), 5, "{mode}, 5 levels");
        assert_eq!(references(mode, (4, 5), [Size4K; 3]), 4, "{mode}, 5 levels that it does not walk");
    }
}

#[test]
fn two_dimensions_read_up_to_24_entries() {
    for mode in TWO_DIMENSIONS {
        for (pages, expected) in
            [([Size4K, Size4K, Size4K], 24), ([Size2M, Size2M, Size2M], 15), ([Size1G, Size1G, Size1G], 8)]
        {
            assert_eq!(references(mode, (4, 4), pages), expected, "{mode}, {pages:?}");
        }
        for (levels, expected) in [((5, 5), 35), ((5, 4), 29), ((4, 5), 29)] {
            assert_eq!(references(mode, levels, [Size4K; 3]), expected, "{mode}, {levels:?} levels");
        }
    }
    for mode in [Mode::TwoDimensional, Mode::Nested] {
        for (large, expected) in [(Size2M, 19), (Size1G, 14)] {
            assert_eq!(references(mode, (4, 4), [large, Size4K, Size4K]), expected, "{mode}, guest {large}");
            assert_eq!(references(mode, (4, 4), [Size4K, large, large]), expected, "{mode}, host {large}");
        }
    }
    // Whatever the first table is composed of, it is the host's page size that shortens the second dimension.
    for (large, expected) in [(Size2M, 19), (Size1G, 14)] {
        let mode = Mode::ShadowOnExtended;
        assert_eq!(references(mode, (4, 4), [large, large, Size4K]), expected, "guests {large}");
        assert_eq!(references(mode, (4, 4), [Size4K, large, large]), expected, "{large} but in the guest");
        assert_eq!(references(mode, (4, 4), [large, Size4K, large]), expected, "{large} but in the middle");
    }
}

/// Every combination of page sizes, by the general rule.
#[test]
fn composed_leaves_are_as_large_as_the_smallest_they_are_composed_of() {
    let read = |size: PageSize| u64::from(4 - size.level()) + 1;
    let two = |first: PageSize, second: PageSize| read(first) * (1 + read(second)) + read(second);
    for guest in PageSize::ALL {
        for hypervisor in PageSize::ALL {
            for host in PageSize::ALL {
                let pages = [guest, hypervisor, host];
                for (mode, expected) in [
                    (Mode::Native, read(guest)),
                    (Mode::Segment, read(guest)),
                    (Mode::Shadow, read(guest.min(host))),
                    (Mode::ShadowOnShadow, read(guest.min(hypervisor).min(host))),
                    (Mode::TwoDimensional, two(guest, host)),
                    (Mode::Nested, two(guest, hypervisor.min(host))),
                    (Mode::ShadowOnExtended, two(guest.min(hypervisor), host)),
                ] {
                    assert_eq!(references(mode, (4, 4), pages), expected, "{mode}, {pages:?}");
                }
            }
        }
    }
}
