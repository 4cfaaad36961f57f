//! Caches for lines.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use terrace_addr::AccessKind;

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
        arrays::serves("cache", name, &cache.serves)?;
        shape(name, cache)?;
        arrays::tree_ways("cache", name, cache.ways, cache.replacement)?;
        limits::cycles(&["cache", name, "latency"], cache.latency)?;
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

/// Levels run from 1 without a gap, one cache of a level serves a kind, and what lies beyond a shared cache is shared.
fn order(caches: &BTreeMap<String, Cache>) -> Result<(), Problem> {
    let mut sorted: Vec<_> = caches.iter().collect();
    sorted.sort_by_key(|(_, cache)| cache.level);
    let mut owners = BTreeMap::<(u32, AccessKind), &str>::new();
    let mut level = 0;
    for (place, (name, cache)) in sorted.iter().enumerate() {
        if cache.level != level && cache.level != level + 1 {
            let found = format!("level {}", cache.level);
            let expected = format!("{}: levels follow each other from 1 on", level + 1);
            return Err(Problem::new(&["cache", name, "level"], found, expected));
        }
        level = cache.level;
        if !(1..=MAX_LEVEL).contains(&level) {
            let found = format!("level {level}");
            return Err(Problem::new(&["cache", name, "level"], found, "levels from 1 to 3"));
        }
        for kind in &cache.serves {
            if let Some(other) = owners.insert((level, kind.0), name) {
                let found = format!("{}, which cache.{other} serves at level {level} too", kind.0);
                let expected = "at most one cache of a level for each kind of access";
                return Err(Problem::new(&["cache", name, "serves"], found, expected));
            }
        }
        let nearer = &sorted[..place];
        let shared =
            |(_, nearer): &&(&String, &Cache)| nearer.level < level && nearer.shared_by == SharedBy::Socket;
        if cache.shared_by == SharedBy::Core
            && let Some((other, _)) = nearer.iter().find(shared)
        {
            let found = format!("core, beyond cache.{other}, which the socket shares");
            let expected = "socket: what lies beyond a shared cache is shared";
            return Err(Problem::new(&["cache", name, "shared_by"], found, expected));
        }
    }
    Ok(())
}
