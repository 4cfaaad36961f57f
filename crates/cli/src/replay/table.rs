//! A replay's result for people.

use std::fmt::Write as _;

use comfy_table::CellAlignment;
use terrace_addr::convert;
use terrace_result::{ModeCounts, ReplayResult, Time, WindowUsed};
use terrace_sim::mapping::LayerName;

use crate::number::number;
use crate::style;

/// Results as text, one after the other.
pub(super) fn render_all(results: &[ReplayResult]) -> String {
    results.iter().map(render).collect::<Vec<_>>().join("\n")
}

/// The result as text: what was replayed, a column for each mode, and what the rows mean.
fn render(result: &ReplayResult) -> String {
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
    if let Some(WindowUsed { skip, warmup, limit }) = result.window {
        let limit =
            limit.map_or_else(|| "all that follow".to_owned(), |limit| format!("at most {}", number(limit)));
        let _ = writeln!(
            text,
            "references: {} passed over, {} to warm up, counted: {limit}",
            number(skip),
            number(warmup)
        );
    }
    let mut table = style::table();
    let header = [String::new()].into_iter().chain(result.modes.iter().map(|counts| counts.mode.clone()));
    table.set_header(header);
    for row in ROWS {
        let cells = result.modes.iter().map(|counts| (row.value)(counts));
        table.add_row([row.name.to_owned()].into_iter().chain(cells));
        if let Some(metric) = row.mpki.filter(|_| result.instructions > 0) {
            let cells = result.modes.iter().map(|counts| {
                format!("{:.3}", 1000.0 * convert::ratio(get(counts, metric), result.instructions))
            });
            table.add_row(["  per 1,000 instructions".to_owned()].into_iter().chain(cells));
        }
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
    /// The metric that is also given for 1,000 instructions, where the trace has some.
    mpki: Option<&'static str>,
}

const fn row(name: &'static str, value: fn(&ModeCounts) -> String) -> Row {
    Row { name, value, mpki: None }
}

const fn misses(name: &'static str, value: fn(&ModeCounts) -> String, metric: &'static str) -> Row {
    Row { name, value, mpki: Some(metric) }
}

const ROWS: &[Row] = &[
    row("accesses", |counts| number(get(counts, "accesses"))),
    misses("instruction TLB misses", |counts| share(counts, "itlb_misses", "itlb_accesses"), "itlb_misses"),
    misses("data TLB misses", |counts| share(counts, "dtlb_misses", "dtlb_accesses"), "dtlb_misses"),
    row("STLB hits", |counts| share(counts, "stlb_hits", "accesses")),
    misses("STLB misses", |counts| share(counts, "stlb_misses", "accesses"), "stlb_misses"),
    row("walks", |counts| share(counts, "walks", "accesses")),
    row("table entries read", |counts| number(get(counts, "walk_references"))),
    row("  per walk", |counts| per(counts, "walk_references", "walks")),
    row("walk cycles", |counts| number(get(counts, "walk_cycles"))),
    row("  per walk", |counts| per(counts, "walk_cycles", "walks")),
    row("translation cycles", |counts| number(get(counts, "cycles"))),
    row("  per access", |counts| per(counts, "cycles", "accesses")),
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
