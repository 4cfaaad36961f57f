//! What explains that a value is faster or slower: the cycles of an access, by their causes.

use terrace_result::number::{percent, short};

use super::words::list;
use crate::cells::Cell;
use crate::figures::{CAUSES, TRANSLATION_CAUSES};

/// What explains that a value is faster or slower than the baseline: the cause of cycles that changed most.
pub(super) fn because(cell: &Cell, baseline: &Cell, base: &str) -> String {
    let (Some(mine), Some(its)) = (cell.causes, baseline.causes) else { return String::new() };
    let faster = cell.ratio().unwrap_or(1.0) >= 1.0;
    let sum =
        |causes: &[f64; CAUSES.len()], places: core::ops::Range<usize>| causes[places].iter().sum::<f64>();
    let mut groups: Vec<(&str, core::ops::Range<usize>)> = vec![("translation", TRANSLATION_CAUSES)];
    let single = (1..CAUSES.len()).filter(|cause| !TRANSLATION_CAUSES.contains(cause));
    groups.extend(single.map(|cause| (CAUSES[cause].0, cause..cause + 1)));
    let gained = |places: &core::ops::Range<usize>| {
        let less = sum(&its, places.clone()) - sum(&mine, places.clone());
        if faster { less } else { -less }
    };
    let Some((name, places)) =
        groups.into_iter().rev().max_by(|(_, a), (_, b)| gained(a).total_cmp(&gained(b)))
    else {
        return String::new();
    };
    // Programs that wait for requests, say, are not as fast as their cycles are few.
    let all = [&its, &mine].map(|causes| causes.iter().sum::<f64>());
    let explained = cell.cycles_ratio.unwrap_or(1.0) - 1.0;
    let change = cell.ratio().unwrap_or(1.0) - 1.0;
    let opposed = |part: f64| part * change <= 0.0;
    if opposed(explained) || opposed(all[0] - all[1]) || explained.abs() < 0.5 * change.abs() {
        return format!(
            ", which cycles do not explain (an access takes {} instead of {})",
            short(all[1]),
            short(all[0])
        );
    }
    let reason = if gained(&places) >= 0.5 * (all[0] - all[1]).abs() { "mainly" } else { "most of all" };
    let (now, before) = (sum(&mine, places.clone()), sum(&its, places));
    let what = match name {
        "data" => "waiting for data",
        other => other,
    };
    let verb = if what.ends_with('s') { "take" } else { "takes" };
    let mut said = format!(
        ", {reason} because {what} {verb} {} cycles of an access instead of {}",
        short(now),
        short(before)
    );
    let mut facts = Vec::new();
    if let (Some(aligned), Some(before)) = (cell.figure("aligned"), baseline.figure("aligned"))
        && (aligned - before).abs() >= 0.005
    {
        facts.push(format!("{} of memory is well aligned ({base}: {})", percent(aligned), percent(before)));
    }
    if let Some(ratio) = cell.misses_ratio {
        let alike = facts.is_empty() && (ratio - 1.0).abs() < 0.005;
        let length = if faster { "shorter" } else { "longer" };
        facts.push(if alike { format!("walks are {length}, and as many") } else { misses(ratio) });
    }
    if name == "translation" && !facts.is_empty() {
        said.push_str(": ");
        said.push_str(&list(&facts));
    }
    said
}

pub(super) fn misses(ratio: f64) -> String {
    let change = 100.0 * (1.0 - ratio);
    if change >= 99.95 {
        "TLB misses all but vanish".to_owned()
    } else if change.abs() < 0.5 {
        "TLB misses stay the same".to_owned()
    } else if change > 0.0 {
        format!("TLB misses fall by {change:.0} %")
    } else {
        format!("TLB misses rise by {:.0} %", -change)
    }
}

pub(super) fn misses_anyway(cell: &Cell, baseline: &Cell, name: &str) -> String {
    let differs = cell.misses_ratio.filter(|ratio| (1.0 - ratio).abs() >= 0.005);
    let known = differs.filter(|_| baseline.figure("misses").is_some());
    known.map_or_else(String::new, |ratio| format!(", though with {name} {}", misses(ratio)))
}
