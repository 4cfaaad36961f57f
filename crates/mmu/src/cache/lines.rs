//! One cache: which lines it holds.

use terrace_addr::{Addr, Hpa, convert};
use terrace_machine::{Cache, Shape};
use terrace_raw::tags::{LANES, matches};
use terrace_raw::{Buffer, prefetch};

use super::LINE_SHIFT;
use crate::BuildError;
use crate::array::{Policy, Replace};

/// The lines that a cache holds, by 32-bit tags that are exact: a line's number without its set bits, plus 1 (0
/// is an empty way). Memory that would need longer tags is refused when the cache is built.
#[derive(Debug, Clone)]
pub(super) struct Lines {
    slices: u64,
    set_bits: u32,
    groups: usize,
    tags: Buffer<[u32; LANES]>,
    replace: Replace,
    empty: usize,
    /// Whether the tags are larger than the caches nearest to a core of the machine that simulates.
    far: bool,
}

/// What fits into the first-level cache of most machines, and leaves room there.
const NEAR_BYTES: usize = 16 << 10;

/// In the lanes behind the last way: no line's tag.
const NO_WAY: u32 = u32::MAX;

impl Lines {
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
        if last_line >> set_bits >= u64::from(NO_WAY - 1) {
            return Err(invalid(format!(
                "{} sets reach memory below {:#x}, but it ends at {memory_end}: give the cache more sets",
                shape.sets(),
                u64::from(NO_WAY - 1) << set_bits << LINE_SHIFT,
            )));
        }
        let sets = convert::index32(shape.sets()) * convert::index32(cache.slices);
        let ways = convert::index32(shape.ways());
        let groups = ways.div_ceil(LANES);
        let mut tags = Buffer::<[u32; LANES]>::zeroed(sets * groups);
        for set in 0..sets {
            for lane in ways..groups * LANES {
                tags[set * groups + lane / LANES][lane % LANES] = NO_WAY;
            }
        }
        Ok(Self {
            slices: u64::from(cache.slices),
            set_bits,
            groups,
            tags,
            replace: Replace::new(sets, ways, policy),
            empty: sets * ways,
            far: sets * groups * size_of::<[u32; LANES]>() > NEAR_BYTES,
        })
    }

    #[inline(always)]
    fn place(&self, line: u64) -> (usize, u32) {
        let in_slice = line & ((1 << self.set_bits) - 1);
        let set =
            if self.slices == 1 { in_slice } else { slice(line, self.slices) << self.set_bits | in_slice };
        (convert::index(set), convert::low32(line >> self.set_bits) + 1)
    }

    #[inline(always)]
    fn find(&self, set: usize, tag: u32) -> Option<usize> {
        for group in 0..self.groups {
            let ways = matches(&self.tags[set * self.groups + group], tag);
            if ways != 0 {
                return Some(group * LANES + convert::index32(ways.trailing_zeros()));
            }
        }
        None
    }

    /// Whether the line is here. It is afterwards.
    #[inline(always)]
    pub(super) fn access(&mut self, line: u64) -> bool {
        let (set, tag) = self.place(line);
        if let Some(way) = self.find(set, tag) {
            self.replace.touch(set, way);
            return true;
        }
        let way = if self.empty == 0 { None } else { self.find(set, 0) };
        let way = if let Some(way) = way {
            self.empty -= 1;
            way
        } else {
            self.replace.victim(set)
        };
        self.tags[set * self.groups + way / LANES][way % LANES] = tag;
        self.replace.touch(set, way);
        false
    }

    /// Asks for the set of a line, if the tags are too many to be near anyway.
    #[inline(always)]
    pub(super) fn prefetch(&self, line: u64) {
        if !self.far {
            return;
        }
        let (set, _) = self.place(line);
        prefetch(&self.tags[set * self.groups]);
        if self.groups * LANES > 16 {
            prefetch(&self.tags[(set + 1) * self.groups - 1]);
        }
        self.replace.prefetch(set);
    }
}

/// The slice of a line: the upper half of a multiplicative hash, scaled.
#[inline(always)]
const fn slice(line: u64, slices: u64) -> u64 {
    ((line.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) * slices) >> 32
}
