//! One cache: which lines it holds.

use terrace_addr::{Addr, Hpa, convert};
use terrace_machine::{Cache, Shape};
use terrace_raw::vector::Vector;

use super::LINE_SHIFT;
use super::line::{Kinds, Line};
use super::servers::ServerNumber;
use super::waiting::OnTheWay;
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

/// What stays in the nearest cache of most machines. More than that is somewhere behind it, and farther away the more
/// cores are simulated: each has as much.
const NEAR_BYTES: usize = 48 << 10;

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

    const fn places(&self) -> Places {
        Places { slices: self.slices, set_bits: self.set_bits }
    }

    /// Asks for the sets of references, if they are far away.
    #[inline(always)]
    pub(super) fn prefetch(&self, lines: &[Line]) {
        if self.far {
            let places = self.places();
            for line in lines {
                let (set, _) = places.of(line.number());
                self.sets.prefetch(set);
            }
        }
    }

    /// The references in order, but for those of kinds that are not served here. Those that are served no nearer than
    /// beyond it are moved to the front; how many they are is returned. `number` is written for all others.
    #[inline(always)]
    pub(super) fn access_all<V: Vector>(
        &mut self,
        vector: V,
        serves: Kinds,
        waiting: OnTheWay<'_>,
        number: ServerNumber,
    ) -> usize {
        let OnTheWay { lines, kinds, servers } = waiting;
        if !serves.any_of(kinds) {
            return lines.len();
        }
        let places = self.places();
        if places.slices == 1 && serves.all_of(kinds) {
            let place = |line: Line| {
                servers[line.place()] = number;
                Some(places.of_only_slice(line.number()))
            };
            self.sets.access_all(vector, lines, place)
        } else {
            let place = |line: Line| {
                servers[line.place()] = number;
                serves.has(line.kind()).then(|| places.of(line.number()))
            };
            self.sets.access_all(vector, lines, place)
        }
    }
}

/// Where lines belong.
#[derive(Clone, Copy)]
struct Places {
    slices: u64,
    set_bits: u32,
}

impl Places {
    /// The set and the tag of a line.
    #[inline(always)]
    fn of(self, line: u64) -> (usize, u32) {
        let (set, tag) = self.of_only_slice(line);
        if self.slices == 1 {
            (set, tag)
        } else {
            (convert::index(slice(line, self.slices) << self.set_bits) | set, tag)
        }
    }

    /// The same where there is one slice.
    #[inline(always)]
    fn of_only_slice(self, line: u64) -> (usize, u32) {
        let set = line & ((1 << self.set_bits) - 1);
        (convert::index(set), convert::low32(line >> self.set_bits) + 1)
    }
}

/// The slice of a line: the upper half of a multiplicative hash, scaled.
#[inline(always)]
const fn slice(line: u64, slices: u64) -> u64 {
    ((line.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) * slices) >> 32
}
