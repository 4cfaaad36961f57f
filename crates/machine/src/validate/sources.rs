//! Whether every number has a source.

use alloc::format;
use alloc::vec::Vec;

use super::Problem;
use crate::{Costs, Machine, Source};

/// A key of a table, as its source must or may name it.
type Key = (&'static str, Need);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    /// A claim about the hardware.
    Must,
    /// What the structure is; a source may say more about it.
    May,
}
use Need::{May, Must};

pub(super) fn check(machine: &Machine) -> Result<(), Problem> {
    let counts = [("sockets", Must), ("cores", Must), ("threads", Must)];
    covers(&["topology"], &machine.topology.source, &counts)?;
    covers(&["clock"], &machine.clock.source, &[("frequency", Must)])?;
    let paging =
        [("levels", Must), ("ept_levels", Must), ("accessed_dirty", Must), ("ept_accessed_dirty", Must)];
    covers(&["paging"], &machine.paging.source, &paging)?;
    for (name, array) in &machine.tlb {
        // A level-1 array without latency states nothing: it is looked up beside the cache.
        let latency = if array.level == 1 && array.latency == 0 { May } else { Must };
        let keys = [
            ("entries", Must),
            ("ways", Must),
            ("replacement", Must),
            ("latency", latency),
            ("level", May),
            ("serves", May),
            ("pages", May),
        ];
        covers(&["tlb", name], &array.source, &keys)?;
    }
    let array = [("entries", Must), ("ways", Must), ("replacement", Must), ("level", May)];
    for (name, cache) in &machine.walk_cache {
        covers(&["walk_cache", name], &cache.source, &array)?;
    }
    for (name, cache) in &machine.nested_tlb {
        let array = [("entries", Must), ("ways", Must), ("replacement", Must), ("pages", May)];
        covers(&["nested_tlb", name], &cache.source, &array)?;
    }
    for (name, cache) in &machine.nested_walk_cache {
        covers(&["nested_walk_cache", name], &cache.source, &array)?;
    }
    for (name, cache) in &machine.cache {
        let keys = [
            ("size", Must),
            ("ways", Must),
            ("slices", Must),
            ("replacement", Must),
            ("latency", Must),
            ("level", May),
            ("serves", May),
            ("shared_by", May),
        ];
        covers(&["cache", name], &cache.source, &keys)?;
    }
    for (name, node) in &machine.memory {
        let keys = [("size", Must), ("latency", Must), ("bandwidth", Must), ("kind", May)];
        covers(&["memory", name], &node.source, &keys)?;
    }
    if let Some(core) = &machine.core {
        covers(&["core"], &core.source, &[("walkers", Must), ("window", Must)])?;
    }
    if let Some(scheme) = &machine.scheme {
        let third_level = if scheme.third_level.is_some() { Must } else { May };
        covers(
            &["scheme"],
            &scheme.source,
            &[("third_level", third_level), ("switch_level", May), ("prefetch", May)],
        )?;
    }
    machine.cost.as_ref().map_or(Ok(()), costs)
}

fn costs(costs: &Costs) -> Result<(), Problem> {
    covers(&["cost"], &costs.source, &costs.cycles().map(|(key, _)| (key, Must)))?;
    // What a processor does not have may have a source that says so.
    let need = |(key, cycles): (_, Option<u64>)| (key, if cycles.is_some() { Must } else { May });
    covers(&["cost", "exit"], &costs.exit.source, &costs.exit.cycles().map(need))?;
    covers(&["cost", "flush"], &costs.flush.source, &costs.flush.cycles().map(need))
}

/// The table at `path` has a source for each key that needs one, and for no key that it does not have.
fn covers(path: &[&str], source: &Source, keys: &[Key]) -> Result<(), Problem> {
    let at = |last: &[&'static str]| -> Vec<&str> {
        path.iter().copied().chain(core::iter::once("source")).chain(last.iter().copied()).collect()
    };
    match source {
        Source::All(text) if text.trim().is_empty() => Err(Problem::new(
            &at(&[]),
            "an empty text",
            "where the numbers come from, or \"assumed: <reason>\"",
        )),
        Source::All(_) => Ok(()),
        Source::Each(texts) => {
            let missing = keys.iter().find(|(key, need)| {
                *need == Must && texts.get(*key).is_none_or(|text| text.trim().is_empty())
            });
            if let Some((key, _)) = missing {
                let expected = format!("where `{key}` comes from, or \"assumed: <reason>\"");
                return Err(Problem::new(&at(&[]), format!("no text for `{key}`"), expected));
            }
            let Some(stray) = texts.keys().find(|text| keys.iter().all(|(key, _)| key != text)) else {
                return Ok(());
            };
            let known: Vec<_> = keys.iter().map(|(key, _)| *key).collect();
            let mut path = at(&[]);
            path.push(stray);
            Err(Problem::new(
                &path,
                format!("a source for `{stray}`"),
                format!("one of {}", known.join(", ")),
            ))
        }
    }
}
