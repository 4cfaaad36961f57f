//! Frames of a lower space, handed out in the order of first touch.

use core::fmt;
use core::marker::PhantomData;
use core::str::FromStr;

use terrace_addr::{Addr, Bytes, PageSize, Space};
use terrace_table::FrameSource;

use super::InvalidRule;
use super::rule::mix;

/// Where the frames of pages that are touched one after the other lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// Scattered by a seeded permutation.
    Scattered,
    /// One after the other.
    Contiguous,
}

impl Placement {
    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scattered => "scattered",
            Self::Contiguous => "contiguous",
        }
    }
}

impl fmt::Display for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Placement {
    type Err = InvalidRule;

    fn from_str(text: &str) -> Result<Self, InvalidRule> {
        [Self::Scattered, Self::Contiguous]
            .into_iter()
            .find(|placement| placement.name() == text)
            .ok_or_else(|| InvalidRule { found: text.to_owned(), expected: "scattered or contiguous" })
    }
}

/// The share of a part that table pages lie in: enough for tables of 4K pages that fill the part.
const TABLE_SHARE: u64 = 256;

/// The frames of a lower space: four parts of equal length, for table pages and each page size. Of the first
/// only the beginning is used: kernels keep such pages together too (Linux groups what cannot be moved).
#[derive(Debug, Clone)]
pub struct Frames<L> {
    start: u64,
    memory: u64,
    placement: Placement,
    seed: u64,
    /// Frames handed out: table pages, then each page size.
    taken: [u64; 4],
    space: PhantomData<L>,
}

/// More was touched than there is memory for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryFull {
    /// The space.
    pub space: &'static str,
    /// The size of the frames that are used up; none for table pages.
    pub size: Option<PageSize>,
    /// The length of each part of the memory.
    pub memory: Bytes,
}

impl<L: Space> Frames<L> {
    /// No frame handed out. The parts begin at `start`.
    pub fn new(start: Addr<L>, memory: Bytes, placement: Placement, seed: u64) -> Self {
        debug_assert!(memory.get().is_power_of_two() && memory.get() >= PageSize::Size1G.bytes());
        Self {
            start: start.get(),
            memory: memory.get(),
            placement,
            seed: mix(seed ^ memory.get()),
            taken: [0; 4],
            space: PhantomData,
        }
    }

    /// The first address behind all parts.
    pub fn end(&self) -> Addr<L> {
        Addr::new(self.start + 4 * self.memory)
    }

    /// The next frame of this size.
    ///
    /// # Errors
    /// If all are handed out.
    pub fn take_page(&mut self, size: PageSize) -> Result<Addr<L>, MemoryFull> {
        self.next(1 + size.index(), size).ok_or(MemoryFull {
            space: L::NAME,
            size: Some(size),
            memory: Bytes::new(self.memory),
        })
    }

    fn next(&mut self, part: usize, size: PageSize) -> Option<Addr<L>> {
        let length = if part == 0 { self.memory / TABLE_SHARE } else { self.memory };
        let bits = length.trailing_zeros() - size.shift();
        let number = self.taken[part];
        if number >> bits != 0 {
            return None;
        }
        self.taken[part] += 1;
        let place = match self.placement {
            Placement::Contiguous => number,
            Placement::Scattered => permute(number, bits, self.seed),
        };
        let part_start = self.start + self.memory * terrace_addr::convert::count(part);
        Some(Addr::new(part_start + (place << size.shift())))
    }
}

impl<L: Space> FrameSource<L> for Frames<L> {
    fn take(&mut self) -> Option<Addr<L>> {
        self.next(0, PageSize::Size4K)
    }

    /// Replay gives no table page back.
    fn give_back(&mut self, _: Addr<L>) {
        debug_assert!(false, "replay never removes a table");
    }
}

/// A permutation of the numbers below 2^`bits`, chosen by `seed`: rounds of operations that are each invertible
/// there (odd multiples, additions, and folding the upper half into the lower).
fn permute(number: u64, bits: u32, seed: u64) -> u64 {
    let mask = (1_u64 << bits) - 1;
    let mut word = number;
    for round in 1..=3 {
        let key = mix(seed ^ round);
        word = word.wrapping_mul(key | 1).wrapping_add(key >> 32) & mask;
        word ^= word >> bits.div_ceil(2);
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use terrace_addr::Hpa;

    #[test]
    fn scattering_is_a_permutation() {
        for bits in [0, 1, 2, 7, 12] {
            for seed in 0..20 {
                let places: BTreeSet<_> =
                    (0..1_u64 << bits).map(|number| permute(number, bits, seed)).collect();
                assert!(places.iter().copied().eq(0..1 << bits), "{bits} bits, seed {seed}");
            }
        }
    }

    #[test]
    fn neighbours_are_scattered_apart() {
        let bits = 20;
        let near =
            (0..10_000).filter(|&n| permute(n, bits, 1).abs_diff(permute(n + 1, bits, 1)) < 512).count();
        // By chance about 2 × 512 / 2^20 of the pairs are that near.
        assert!(near < 30, "{near} of 10,000 neighbours stay within 2 MiB");
    }

    #[test]
    fn parts_do_not_overlap_and_end() {
        let memory = Bytes::new(1 << 30);
        let mut frames = Frames::<Hpa>::new(Addr::ZERO, memory, Placement::Scattered, 3);
        assert!(frames.take().unwrap().get() < 1 << 30);
        assert_eq!(frames.take_page(PageSize::Size4K).unwrap().get() >> 30, 1);
        assert_eq!(frames.take_page(PageSize::Size2M).unwrap().get() >> 30, 2);
        assert_eq!(frames.take_page(PageSize::Size1G), Ok(Addr::new(3 << 30)));
        let full = MemoryFull { space: "HPA", size: Some(PageSize::Size1G), memory };
        assert_eq!(frames.take_page(PageSize::Size1G), Err(full));
        assert_eq!(frames.end().get(), 4 << 30);
    }
}
