//! Schemes that were proposed.

use alloc::format;
use alloc::string::ToString;

use super::{Problem, arrays, counted};
use crate::{Paging, Schemes, Shape};

/// Page tables have at least so many levels; levels of larger numbers are those of some only.
const LOWEST: u32 = 1;

pub(super) fn check(schemes: Option<&Schemes>, paging: &Paging) -> Result<(), Problem> {
    let Some(Schemes { third_level, switch_level, prefetch, .. }) = schemes else { return Ok(()) };
    if let Some(entries) = *third_level {
        let ways = Schemes::THIRD_LEVEL_WAYS;
        if entries > arrays::MAX_ENTRIES || Shape::new(entries, ways).is_err() {
            let expected = format!("a power of two from {ways} to {}", arrays::MAX_ENTRIES);
            let found = counted(entries.into(), "entry", "entries");
            return Err(Problem::new(&["scheme", "third_level"], found, expected));
        }
    }
    let levels = LOWEST..=paging.levels;
    let expected = || format!("a level from {LOWEST} to {}", paging.levels);
    if let Some(level) = switch_level.filter(|level| !levels.contains(level)) {
        return Err(Problem::new(&["scheme", "switch_level"], level.to_string(), expected()));
    }
    for (at, level) in prefetch.iter().enumerate() {
        // The root's entry is the first one to be read: there is nothing to ask for before it.
        if !(LOWEST..paging.levels).contains(level) {
            let expected = format!("levels from {LOWEST} to {}", paging.levels - 1);
            return Err(Problem::new(&["scheme", "prefetch"], format!("level {level}"), expected));
        }
        if prefetch[..at].contains(level) {
            return Err(Problem::new(
                &["scheme", "prefetch"],
                format!("level {level} twice"),
                "each level once",
            ));
        }
    }
    Ok(())
}
