//! TLB arrays and paging-structure caches.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use terrace_addr::{AccessKind, PageSize};

use super::{Problem, counted, limits};
use crate::{NestedTlbArray, PageSizeName, Replacement, Serves, Shape, ShapeError, TlbArray, WalkCache};

/// The most entries of an array: beyond any hardware proposed so far, and small enough to allocate.
pub(super) const MAX_ENTRIES: u32 = 1 << 24;

pub(super) fn tlbs(arrays: &BTreeMap<String, TlbArray>) -> Result<(), Problem> {
    let mut owners = BTreeMap::<(u32, AccessKind, PageSize), &str>::new();
    for (name, array) in arrays {
        if !matches!(array.level, 1 | 2) {
            let expected = "1, or 2 for the second-level TLB";
            return Err(Problem::new(&["tlb", name, "level"], format!("level {}", array.level), expected));
        }
        serves("tlb", name, &array.serves)?;
        pages("tlb", name, &array.pages)?;
        shape("tlb", name, array.entries, array.ways, array.replacement)?;
        limits::cycles(&["tlb", name, "latency"], array.latency)?;
        for serves in &array.serves {
            for size in &array.pages {
                let (kind, size) = (serves.0, size.0);
                if let Some(other) = owners.insert((array.level, kind, size), name) {
                    let found = format!(
                        "{size} pages for {kind}, which tlb.{other} holds at level {} too",
                        array.level
                    );
                    let expected = "at most one array of a level for each kind of access and page size";
                    return Err(Problem::new(&["tlb", name, "pages"], found, expected));
                }
            }
        }
    }
    Ok(())
}

pub(super) fn nested_tlbs(arrays: &BTreeMap<String, NestedTlbArray>) -> Result<(), Problem> {
    let mut owners = BTreeMap::<PageSize, &str>::new();
    for (name, array) in arrays {
        pages("nested_tlb", name, &array.pages)?;
        shape("nested_tlb", name, array.entries, array.ways, array.replacement)?;
        for size in &array.pages {
            if let Some(other) = owners.insert(size.0, name) {
                let found = format!("{} pages, which nested_tlb.{other} holds too", size.0);
                let expected = "at most one array for each page size";
                return Err(Problem::new(&["nested_tlb", name, "pages"], found, expected));
            }
        }
    }
    Ok(())
}

/// Caches of levels that the tables do not have are allowed and stay empty, so that `--set paging.levels=4` works
/// on a machine with a cache of level 5.
pub(super) fn walk_caches(table: &str, caches: &BTreeMap<String, WalkCache>) -> Result<(), Problem> {
    let mut owners = BTreeMap::<u32, &str>::new();
    for (name, cache) in caches {
        let level = cache.level;
        if !(2..=5).contains(&level) {
            let expected = "2 (PDE), 3 (PDPTE), 4 (PML4E) or 5 (PML5E)";
            return Err(Problem::new(&[table, name, "level"], format!("level {level}"), expected));
        }
        if let Some(other) = owners.insert(level, name) {
            let found = format!("level {level}, which {table}.{other} has too");
            return Err(Problem::new(&[table, name, "level"], found, "at most one cache for each level"));
        }
        shape(table, name, cache.entries, cache.ways, cache.replacement)?;
    }
    Ok(())
}

pub(super) fn serves(table: &str, name: &str, serves: &[Serves]) -> Result<(), Problem> {
    let kinds: Vec<_> = serves.iter().map(|serves| serves.0.name()).collect();
    distinct(table, name, "serves", &kinds, "fetch, load, store")
}

fn pages(table: &str, name: &str, pages: &[PageSizeName]) -> Result<(), Problem> {
    let names: Vec<_> = pages.iter().map(|page| page.0.name()).collect();
    distinct(table, name, "pages", &names, "4K, 2M, 1G")
}

/// A list that is neither empty nor repeats an item.
fn distinct(table: &str, name: &str, key: &str, items: &[&str], all: &str) -> Result<(), Problem> {
    let expected = format!("one or more of {all}, each once");
    if items.is_empty() {
        return Err(Problem::new(&[table, name, key], "an empty list", expected));
    }
    for (position, item) in items.iter().enumerate() {
        if items[..position].contains(item) {
            return Err(Problem::new(&[table, name, key], format!("{item} twice"), expected));
        }
    }
    Ok(())
}

fn shape(table: &str, name: &str, entries: u32, ways: u32, replacement: Replacement) -> Result<(), Problem> {
    let all = counted(entries.into(), "entry", "entries");
    if entries > MAX_ENTRIES {
        let expected = format!("at most {MAX_ENTRIES}");
        return Err(Problem::new(&[table, name, "entries"], all, expected));
    }
    Shape::new(entries, ways).map_err(|error| match error {
        ShapeError::NoEntries => Problem::new(&[table, name, "entries"], all, "at least 1").with_help(
            format!("to have none, leave [{table}.{name}] out, or give --set {table}.{name}=none"),
        ),
        ShapeError::NoWays => {
            let expected = format!("at least 1 that divides the {all}");
            Problem::new(&[table, name, "ways"], "0 ways", expected)
        }
        ShapeError::Ragged { .. } => {
            let expected = format!("ways that divide the {all}");
            Problem::new(&[table, name, "ways"], counted(ways.into(), "way", "ways"), expected)
        }
        ShapeError::SetsNoPowerOfTwo { sets, .. } => {
            let found = format!("{all} in {}: {sets} sets", counted(ways.into(), "way", "ways"));
            Problem::new(&[table, name, "ways"], found, "a power of two of sets")
        }
    })?;
    tree_ways(table, name, ways, replacement)
}

pub(super) fn tree_ways(table: &str, name: &str, ways: u32, replacement: Replacement) -> Result<(), Problem> {
    if replacement == Replacement::TreePlru && ways > Replacement::TREE_PLRU_WAYS {
        let expected = format!("at most {} for tree-plru", Replacement::TREE_PLRU_WAYS);
        let problem = Problem::new(&[table, name, "ways"], format!("{ways} ways"), expected);
        return Err(problem.with_help("lru and random have no such limit"));
    }
    Ok(())
}
