//! One cache: which lines it holds.

use terrace_addr::{Addr, Hpa, convert};
use terrace_machine::{Cache, Shape};
use terrace_raw::vector::Vector;

use super::LINE_SHIFT;
use crate::BuildError;
use crate::sets::{Policy, Sets};

/// The lines that a cache holds, by 32-bit tags that are exact: a line's number without its set bits, plus 1 (0
/// is an empty way). Memory that would need longer tags is refused when the cache is built.
#[derive(Debug, Clone)]
pub(super) struct LineSets {
    slices: u64,
    set_bits: u32,
    sets: Sets,
    /// Whether the sets are larger than the caches nearest to a core of the machine that simulates.
    far: bool,
}

/// What fits into the second-level cache of most machines, and leaves room there.
const NEAR_BYTES: usize = 128 << 10;

/// Tags, which are above 0, reach so far.
const LAST_TAG: u64 = 0xffff_ffff;

impl LineSets {
    pub(super) fn new(
        path: &str,
        cache: &Cache,
        policy: Policy,
        memory_end: Addr<Hpa>,
    ) -> Result<Self, BuildError> {
        let entries = cache.size.bytes().get() >> LINE_SHIFT;
        let invalid = |reason: String| BuildError::Cache { path: path.to_owned(), reason };
        let per_slice = u32::try_from(entries / u64::from(cache.slices.max(1)))
            .map_err(|_| invalid(format!("{entries} lines are more than 2^32")))?;
        let shape = Shape::new(per_slice, cache.ways).map_err(|error| invalid(error.to_string()))?;
        let set_bits = shape.sets().trailing_zeros();
        let last_line = memory_end.get().saturating_sub(1) >> LINE_SHIFT;
        if last_line >> set_bits >= LAST_TAG {
            return Err(BuildError::Memory {
                path: path.to_owned(),
                sets: shape.sets(),
                reach: Addr::new(LAST_TAG << set_bits << LINE_SHIFT),
                end: memory_end,
            });
        }
        let sets = convert::index32(shape.sets()) * convert::index32(cache.slices);
        let sets = Sets::new(sets, convert::index32(shape.ways()), policy);
        let far = sets.bytes() > NEAR_BYTES;
        Ok(Self { slices: u64::from(cache.slices), set_bits, sets, far })
    }

    #[inline(always)]
    fn place(&self, line: u64) -> (usize, u32) {
        let in_slice = line & ((1 << self.set_bits) - 1);
        let set =
            if self.slices == 1 { in_slice } else { slice(line, self.slices) << self.set_bits | in_slice };
        (convert::index(set), convert::low32(line >> self.set_bits) + 1)
    }

    /// Whether the line is here. It is afterwards.
    #[inline(always)]
    pub(super) fn access<V: Vector>(&mut self, vector: V, line: u64) -> bool {
        let (set, tag) = self.place(line);
        self.sets.access(vector, set, tag)
    }

    /// Whether the sets are too many to be near.
    pub(super) const fn is_far(&self) -> bool {
        self.far
    }

    /// Asks for the set of a line, if the sets are too many to be near anyway.
    #[inline(always)]
    pub(super) fn prefetch(&self, line: u64) {
        if self.far {
            let (set, _) = self.place(line);
            self.sets.prefetch(set);
        }
    }
}

/// The slice of a line: the upper half of a multiplicative hash, scaled.
#[inline(always)]
const fn slice(line: u64, slices: u64) -> u64 {
    ((line.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) * slices) >> 32
}
