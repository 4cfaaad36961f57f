//! A replay's result for people.

use std::fmt::Write as _;

use comfy_table::CellAlignment;
use terrace_addr::convert;
use terrace_result::{ModeCounts, ReplayResult, Time};
use terrace_sim::mapping::LayerName;

use crate::style;

/// The result as text: what was replayed, a column for each mode, and what the rows mean.
pub(super) fn render(result: &ReplayResult) -> String {
    let mut text = String::new();
    for input in &result.inputs {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{} ({}), {} thread(s)", input.name, input.format, result.threads);
    }
    let overrides = result.machine.overrides.iter().map(|text| format!(" --set {text}"));
    let _ = writeln!(text, "on {}{}", result.machine.name, overrides.collect::<String>());
    let rule = |layer: LayerName| Some(format!("{layer} {}", result.mapping.pages.get(layer.name())?));
    let pages: Vec<_> = LayerName::ALL.into_iter().filter_map(rule).collect();
    let _ = writeln!(
        text,
        "pages: {}{}; frames: {}, {} GiB for each page size; accesses: {}; data lines: {}; seed {}",
        pages.join(", "),
        if result.mapping.file_sha256.is_some() { ", and a mapping file" } else { "" },
        result.mapping.frames,
        result.mapping.memory >> 30,
        result.kinds,
        if result.data_lines { "on" } else { "off" },
        result.seed
    );
    let mut table = style::table();
    let header = [String::new()].into_iter().chain(result.modes.iter().map(|counts| counts.mode.clone()));
    table.set_header(header);
    for row in ROWS {
        let cells = result.modes.iter().map(|counts| (row.value)(counts));
        table.add_row([row.name.to_owned()].into_iter().chain(cells));
    }
    if result.program.is_some() {
        for row in TIMES {
            let cells = result.modes.iter().map(|counts| time(counts, row.value));
            table.add_row([row.name.to_owned()].into_iter().chain(cells));
        }
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let _ = writeln!(text, "{table}");
    text.push_str(
        "Cycles are those of translation alone, as if none of them were hidden behind other work.\n",
    );
    if let Some(program) = result.program {
        let _ = writeln!(
            text,
            "The time is modelled: {} core cycles an access, {} misses at a time, as declared. Nothing of the additive \
             one is hidden or shared.",
            program.core_cycles, program.parallelism
        );
    }
    text
}

/// A part of the time.
struct TimeRow {
    name: &'static str,
    value: fn(&Time) -> f64,
}

const TIMES: &[TimeRow] = &[
    TimeRow { name: "time, cycles", value: |time| time.duration },
    TimeRow { name: "  program itself", value: |time| time.core },
    TimeRow { name: "  waiting for data", value: |time| time.data },
    TimeRow { name: "  for translation", value: |time| time.translation },
    TimeRow { name: "additive time, cycles", value: |time| time.additive },
];

/// A part of a mode's time, for each access.
fn time(counts: &ModeCounts, value: fn(&Time) -> f64) -> String {
    let accesses = convert::ratio(get(counts, "accesses"), 1);
    counts.time.as_ref().map_or_else(String::new, |time| format!("{:.2} an access", value(time) / accesses))
}

struct Row {
    name: &'static str,
    value: fn(&ModeCounts) -> String,
}

const ROWS: &[Row] = &[
    Row { name: "accesses", value: |counts| number(get(counts, "accesses")) },
    Row { name: "instruction TLB misses", value: |counts| share(counts, "itlb_misses", "itlb_accesses") },
    Row { name: "data TLB misses", value: |counts| share(counts, "dtlb_misses", "dtlb_accesses") },
    Row { name: "STLB hits", value: |counts| share(counts, "stlb_hits", "accesses") },
    Row { name: "STLB misses", value: |counts| share(counts, "stlb_misses", "accesses") },
    Row { name: "walks", value: |counts| share(counts, "walks", "accesses") },
    Row { name: "table entries read", value: |counts| number(get(counts, "walk_references")) },
    Row { name: "  per walk", value: |counts| per(counts, "walk_references", "walks") },
    Row { name: "walk cycles", value: |counts| number(get(counts, "walk_cycles")) },
    Row { name: "  per walk", value: |counts| per(counts, "walk_cycles", "walks") },
    Row { name: "translation cycles", value: |counts| number(get(counts, "cycles")) },
    Row { name: "  per access", value: |counts| per(counts, "cycles", "accesses") },
];

fn get(counts: &ModeCounts, name: &str) -> u64 {
    debug_assert!(terrace_result::metric(name).is_some(), "{name} is no metric");
    counts.get(name).unwrap_or(0)
}

/// A count, and what share it is of another.
fn share(counts: &ModeCounts, part: &str, whole: &str) -> String {
    let (part, whole) = (get(counts, part), get(counts, whole));
    if whole == 0 {
        number(part)
    } else {
        format!("{} ({:.3} %)", number(part), 100.0 * convert::ratio(part, whole))
    }
}

/// A ratio of two counts.
fn per(counts: &ModeCounts, part: &str, whole: &str) -> String {
    let (part, whole) = (get(counts, part), get(counts, whole));
    if whole == 0 { "-".to_owned() } else { format!("{:.2}", convert::ratio(part, whole)) }
}

/// A number with its thousands set apart.
fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        for (value, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(number(value), text);
        }
    }
}
