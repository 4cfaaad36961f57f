//! Hot bloat: in each block of 2 MiB only some of the 512 base pages are hot (`HugeScope`, USENIX ATC 2024).

use terrace_addr::{Access, AccessKind, Bytes, PageSize, convert};

use super::common::{
    ADVICE, CHOICE, CONTENT, INITIALISE, OPERATIONS, PAGE, assumed, bytes, core_cycles, count, instructions,
    parallelism, part, touch,
};
use crate::plan::{Body, Plan, facts};
use crate::random::{Stream, mix};
use crate::registry::{Entry, Parameter, Settings, Source};
use crate::steps::LINE;
use crate::{Bases, Program, RegionId, RegionSpec, Steps, WorkloadError};

pub(crate) const ENTRY: Entry = Entry {
    name: "hot-in-huge",
    summary: "a stated number of hot base pages in each block of 2 MiB, so that huge pages look hot (HugeScope)",
    parameters: PARAMETERS,
    parts: &[],
    make,
};

const PARAMETERS: &[Parameter] = &[
    bytes(
        16 << 30,
        "size of the array; blocks are counted from its start",
        Source::Stated("HugeScope: 16 GB"),
    ),
    count(
        "hot_pages",
        64,
        1,
        BLOCK_PAGES,
        "hot base pages of the 512 in each block",
        Source::Stated("below 70, where HugeScope begins to split (SP_SPLITE_THRESHOLD)"),
    ),
    part(
        "hot_accesses",
        1.0,
        "the part of the accesses that goes to hot pages; the others go to cold ones",
        CHOICE,
    ),
    part("store_share", 0.5, "the part of the accesses that stores", CHOICE),
    INITIALISE,
    ADVICE,
    CONTENT,
    OPERATIONS,
    core_cycles(4.0, assumed("drawing an address, then a load or store", 2.0, 10.0)),
    parallelism(8.0, assumed("accesses do not depend on each other", 4.0, 12.0)),
    instructions(8.0, assumed("drawing an address, then a load or store", 4.0, 16.0)),
];

/// Base pages of a block.
const BLOCK_PAGES: u64 = PageSize::Size2M.base_pages();

fn make(settings: &Settings) -> Result<Box<dyn Program>, WorkloadError> {
    let mut plan = Plan::new(settings);
    let size = settings.whole("bytes");
    let blocks = size / PageSize::Size2M.bytes();
    if blocks == 0 {
        return Err(settings.conflict("bytes", "at least a block of 2 MiB"));
    }
    let array = plan.region(RegionSpec::new("array", Bytes::new(size)), touch(settings));
    let hot_pages = settings.whole("hot_pages");
    let hot_share = if hot_pages == BLOCK_PAGES { 1.0 } else { settings.real("hot_accesses") };
    let store_share = settings.real("store_share");
    let seed = plan.seed("hot-in-huge pages");
    let bodies = plan.bodies("hot-in-huge", |_, stream| Skewed {
        array,
        blocks,
        hot_pages,
        hot_share,
        store_share,
        seed,
        stream,
    });
    Ok(plan.program(facts(settings, None), settings.whole(OPERATIONS.name), bodies))
}

/// An operation is an access.
struct Skewed {
    array: RegionId,
    blocks: u64,
    hot_pages: u64,
    hot_share: f64,
    store_share: f64,
    seed: u64,
    stream: Stream,
}

/// The base page of block `block` that comes at `rank` in its order of heat: an odd multiplier makes the order a
/// permutation of the 512 pages, another one in each block.
const fn page_of(block: u64, rank: u64, seed: u64) -> u64 {
    let key = mix(seed ^ block);
    (rank.wrapping_mul(key | 1).wrapping_add(key >> 32)) % BLOCK_PAGES
}

impl Body for Skewed {
    fn run(&mut self, most: u64, bases: &Bases, out: &mut Steps) -> u64 {
        let array = bases.of(self.array);
        let accesses = most.min(convert::count(out.room()));
        for _ in 0..accesses {
            let block = self.stream.below(self.blocks);
            let rank = if self.stream.chance(self.hot_share) {
                self.stream.below(self.hot_pages)
            } else {
                self.hot_pages + self.stream.below(BLOCK_PAGES - self.hot_pages)
            };
            let page = block * BLOCK_PAGES + page_of(block, rank, self.seed);
            let addr = array.offset_by(page * PAGE + self.stream.below(PAGE / LINE) * LINE);
            let kind =
                if self.stream.chance(self.store_share) { AccessKind::Store } else { AccessKind::Load };
            out.push(Access { addr, size: 8, kind });
        }
        accesses
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::programs::run;
    use std::collections::BTreeMap;

    #[test]
    fn each_block_has_as_many_hot_pages_as_stated() {
        for hot in [1_u64, 64, 511, 512] {
            let arguments = run::arguments(1, hot)
                .with("bytes", "8 MiB")
                .with("hot_pages", hot)
                .with("operations", 40_000_u64);
            let mut blocks: BTreeMap<u64, std::collections::BTreeSet<u64>> = BTreeMap::new();
            for access in &run::steady("hot-in-huge", &arguments)[0] {
                blocks.entry(access.addr.get() >> 21).or_default().insert(access.addr.get() >> 12);
            }
            let pages: Vec<_> = blocks.values().map(|pages| convert::count(pages.len())).collect();
            assert_eq!(pages, [hot; 4]);
        }
    }

    #[test]
    fn cold_pages_get_the_rest() {
        let arguments = run::arguments(1, 5)
            .with("bytes", "2 MiB")
            .with("hot_pages", 8_u64)
            .with("hot_accesses", 0.75)
            .with("operations", 80_000_u64);
        let mut pages: BTreeMap<u64, u64> = BTreeMap::new();
        for access in &run::steady("hot-in-huge", &arguments)[0] {
            *pages.entry(access.addr.get() >> 12).or_default() += 1;
        }
        let mut counts: Vec<u64> = pages.into_values().collect();
        counts.sort_unstable_by(|a, b| b.cmp(a));
        let hot: u64 = counts[..8].iter().sum();
        // Four standard deviations of a binomial of 80,000 draws at 0.75 are 490.
        assert!(hot.abs_diff(60_000) < 490, "{hot}");
        assert_eq!(counts.len(), 512);
    }
}
