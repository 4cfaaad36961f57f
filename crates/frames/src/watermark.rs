//! How much of a node is kept free.

use terrace_addr::{Bytes, PageSize};

/// How much free memory of a node is too little.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watermarks {
    /// Allocations for programs are refused below it.
    pub min: Bytes,
    /// Reclaim in the background starts below it.
    pub low: Bytes,
    /// Reclaim in the background ends above it.
    pub high: Bytes,
}

/// Parts in 10,000 of a node's memory that lie between two watermarks at least (`watermark_scale_factor` in
/// `mm/page_alloc.c`).
const SCALE: u64 = 10;

/// The smallest and the largest `min_free_kbytes` that the kernel chooses (`calculate_min_free_kbytes` in
/// `mm/page_alloc.c`).
const LEAST: u64 = 128;
const MOST: u64 = 262_144;

impl Watermarks {
    /// Those that Linux gives a node with `of_node` of the memory's `total` bytes (`mm/page_alloc.c`,
    /// `calculate_min_free_kbytes` and `__setup_per_zone_wmarks`): a node has one zone here, and all memory is "low".
    ///
    /// `min` is the node's share of √(16 × total KiB) KiB, at least 128 KiB and at most 256 MiB; `low` and `high` are
    /// one and two quarters of it above, or one and two thousandths of the node. Linux raises `min` further when huge
    /// pages are switched on (`set_recommended_min_free_kbytes` in `mm/khugepaged.c`), which is left to the caller.
    pub fn of_node(of_node: Bytes, total: Bytes) -> Self {
        let frame = PageSize::Size4K.bytes();
        let kibibytes = (total.get() / 1024 * 16).isqrt().clamp(LEAST, MOST);
        let (frames, all) = (of_node.get() / frame, (total.get() / frame).max(1));
        let min = kibibytes * 1024 / frame * frames / all;
        let step = (min / 4).max(frames * SCALE / 10_000);
        Self {
            min: Bytes::new(min * frame),
            low: Bytes::new((min + step) * frame),
            high: Bytes::new((min + 2 * step) * frame),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(of_node: u64, total: u64) -> [u64; 3] {
        let marks = Watermarks::of_node(Bytes::new(of_node), Bytes::new(total));
        [marks.min, marks.low, marks.high].map(|mark| mark.get() / 4096)
    }

    #[test]
    fn small_and_large_memories_are_at_the_bounds() {
        // 128 KiB are 32 frames, of 256 frames in all: a quarter of them is above a thousandth of the memory.
        assert_eq!(frames(1 << 20, 1 << 20), [32, 40, 48]);
        // 256 MiB are 65,536 frames, and a thousandth of 8 TiB is 2,147,483.
        assert_eq!(frames(1 << 43, 1 << 43), [65_536, 65_536 + 2_147_483, 65_536 + 2 * 2_147_483]);
    }

    #[test]
    fn between_them_the_square_root_decides() {
        // 16 GiB are 16,777,216 KiB; √(16 × that) = 16,384 KiB = 4,096 frames; a thousandth of 4,194,304 frames is
        // 4,194, above a quarter of 4,096.
        assert_eq!(frames(16 << 30, 16 << 30), [4_096, 8_290, 12_484]);
    }

    #[test]
    fn nodes_share_by_size() {
        assert_eq!(frames(12 << 30, 16 << 30)[0], 3_072);
        assert_eq!(frames(4 << 30, 16 << 30)[0], 1_024);
    }
}
