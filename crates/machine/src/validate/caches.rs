//! Caches for lines.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{Problem, arrays, counted, limits};
use crate::quantity::Size;
use crate::{Cache, SharedBy};

const LINE: u64 = 64;
/// References are counted for three levels and memory.
const MAX_LEVEL: u32 = 3;
/// The most lines of an instance (4 GiB): beyond any cache built so far, and small enough to allocate.
const MAX_LINES: u64 = 1 << 26;

pub(super) fn check(caches: &BTreeMap<String, Cache>) -> Result<(), Problem> {
    for (name, cache) in caches {
        shape(name, cache)?;
        arrays::tree_ways("cache", name, cache.ways, cache.replacement)?;
        limits::latency("cache", name, cache.latency)?;
    }
    order(caches)
}

fn shape(name: &str, cache: &Cache) -> Result<(), Problem> {
    let size = cache.size.bytes().get();
    for (key, count) in [("ways", cache.ways), ("slices", cache.slices)] {
        if count == 0 {
            return Err(Problem::new(&["cache", name, key], format!("0 {key}"), "at least 1"));
        }
    }
    if size == 0 {
        let problem =
            Problem::new(&["cache", name, "size"], cache.size.to_string(), "at least one set of lines");
        return Err(problem
            .with_help(format!("to have none, leave [cache.{name}] out, or give --set cache.{name}=none")));
    }
    let most = LINE * MAX_LINES;
    if size > most {
        let expected = format!("at most {}", Size::new(terrace_addr::Bytes::new(most)));
        return Err(Problem::new(&["cache", name, "size"], cache.size.to_string(), expected));
    }
    let shape = format!(
        "{} in {} and {}",
        cache.size,
        counted(cache.ways.into(), "way", "ways"),
        counted(cache.slices.into(), "slice", "slices")
    );
    // ways × slices × 64 is below 2^70: only in 128 bits does it fit.
    let row = u128::from(LINE) * u128::from(cache.ways) * u128::from(cache.slices);
    let sets = u128::from(size) / row;
    if !u128::from(size).is_multiple_of(row) {
        let expected = format!("a multiple of {row} B ({LINE} B × ways × slices)");
        return Err(Problem::new(&["cache", name, "size"], shape, expected));
    }
    if !sets.is_power_of_two() {
        let found = format!("{shape}: {sets} sets in each slice");
        return Err(Problem::new(&["cache", name, "size"], found, "a power of two of sets in each slice"));
    }
    Ok(())
}

/// Levels run from 1 without a gap, and what is shared by more lies further away.
fn order(caches: &BTreeMap<String, Cache>) -> Result<(), Problem> {
    let mut sorted: Vec<_> = caches.iter().collect();
    sorted.sort_by_key(|(_, cache)| cache.level);
    let mut nearer: Option<(&str, &Cache)> = None;
    for (name, cache) in sorted {
        let wanted = nearer.map_or(1, |(_, cache)| cache.level.saturating_add(1));
        if let Some((other, nearer)) = nearer {
            if cache.level == nearer.level {
                let found = format!("level {}, which cache.{other} has too", cache.level);
                return Err(Problem::new(&["cache", name, "level"], found, "one cache for each level"));
            }
            if nearer.shared_by == SharedBy::Socket && cache.shared_by == SharedBy::Core {
                let found = format!("core, beyond cache.{other}, which the socket shares");
                let expected = "socket: what lies beyond a shared cache is shared";
                return Err(Problem::new(&["cache", name, "shared_by"], found, expected));
            }
        }
        if cache.level != wanted {
            let found = format!("level {}", cache.level);
            let expected = format!("{wanted}: levels follow each other from 1 on");
            return Err(Problem::new(&["cache", name, "level"], found, expected));
        }
        if cache.level > MAX_LEVEL {
            let found = format!("level {}", cache.level);
            return Err(Problem::new(&["cache", name, "level"], found, "levels from 1 to 3"));
        }
        nearer = Some((name, cache));
    }
    Ok(())
}
