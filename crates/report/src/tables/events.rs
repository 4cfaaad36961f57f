//! The decisions of runs about pages: how often each was made and why, and the first of them.

use std::collections::BTreeMap;

use terrace_addr::{Addr, convert};
use terrace_result::EventRow;
use terrace_result::number::number;

use super::{begin_row, bytes, which_columns};
use crate::Loaded;
use crate::axes::Run;
use crate::cells::View;
use crate::figures::LAYERS;
use crate::html::{Align, Table, details};

/// So many decisions are shown one by one, of all runs together.
const MOST_ROWS: usize = 400;
/// So many kinds of decisions are shown of a run.
const MOST_SUMS: usize = 60;

/// The tables; empty if no run recorded events.
pub(crate) fn events(view: &View<'_>, results: &[Loaded]) -> String {
    let find = |run: &Run<'_>| {
        let of_result = &results[run.input].events;
        of_result.iter().find(|(number, _)| *number == run.number).map(|(_, rows)| rows.as_slice())
    };
    let recorded: Vec<(&Run<'_>, &[EventRow])> =
        view.runs.all.iter().filter_map(|run| find(run).map(|rows| (run, rows))).collect();
    if recorded.is_empty() {
        return String::new();
    }
    let mut sums = Table::default();
    let axes = which_columns(view, &mut sums);
    for (title, align) in [
        ("layer", Align::Left),
        ("what", Align::Left),
        ("how often", Align::Right),
        ("memory", Align::Right),
        ("why", Align::Left),
    ] {
        sums.column(title, "", align);
    }
    for (run, rows) in &recorded {
        for ((_, layer, kind, reason), (count, memory)) in summed(rows).into_iter().take(MOST_SUMS) {
            begin_row(view, &mut sums, &axes, run);
            sums.head_cell(layer);
            sums.head_cell(kind);
            sums.cell(&number(count), Align::Right);
            sums.cell(&bytes(convert::ratio(memory, 1)), Align::Right);
            sums.cell(reason, Align::Left);
        }
    }
    let each = (MOST_ROWS / recorded.len()).max(5);
    let mut first = Table::default();
    let axes = which_columns(view, &mut first);
    for title in ["ms", "VM", "layer", "what", "size", "GVA", "GPA", "GHPA", "HPA", "offset", "why"] {
        let is_number = ["ms", "size"].contains(&title);
        first.column(title, "", if is_number { Align::Right } else { Align::Left });
    }
    for (run, rows) in &recorded {
        for event in rows.iter().take(each) {
            begin_row(view, &mut first, &axes, run);
            decision(event, &mut first);
        }
    }
    let cut = recorded.iter().any(|(_, rows)| rows.len() > each);
    let title =
        if cut { format!("The first {each} of each run, one by one") } else { "One by one".to_owned() };
    let more = if cut {
        "<p class=\"small\">All of them: <code>terrace events RESULT --run NUMBER --most 0 --kind KIND</code>.</p>\n"
    } else {
        ""
    };
    let sums = details("How often, and why", &sums.finish(""));
    format!("{sums}{}{more}", details(&title, &first.finish("")))
}

/// How often each decision was made and over how much memory; the innermost layer first.
type Sums<'a> = BTreeMap<(usize, &'a str, &'a str, &'a str), (u64, u64)>;

fn summed(rows: &[EventRow]) -> Sums<'_> {
    let mut sums = Sums::new();
    for row in rows {
        let depth = LAYERS.iter().position(|&layer| layer == row.layer).unwrap_or(LAYERS.len());
        let sum = sums.entry((depth, &row.layer, &row.kind, &row.reason)).or_default();
        *sum = (sum.0 + 1, sum.1.saturating_add(row.bytes.get()));
    }
    sums
}

fn decision(event: &EventRow, table: &mut Table) {
    let address = |addr: Option<u64>| addr.map_or_else(String::new, |addr| format!("{addr:#x}"));
    let offset = event.offset.map_or_else(String::new, |offset| {
        let sign = if offset < 0 { "-" } else { "" };
        format!("{sign}{:#x}", offset.unsigned_abs())
    });
    table.cell(&format!("{:.3}", convert::ratio(event.time.get(), 1_000_000)), Align::Right);
    for text in [&event.vm, &event.layer, &event.kind] {
        table.cell(text, Align::Left);
    }
    table.cell(&bytes(convert::ratio(event.bytes.get(), 1)), Align::Right);
    let addresses = [
        event.gva.map(Addr::get),
        event.gpa.map(Addr::get),
        event.ghpa.map(Addr::get),
        event.hpa.map(Addr::get),
    ];
    for text in addresses.map(address) {
        table.cell(&text, Align::Left);
    }
    table.cell(&offset, Align::Left);
    table.cell(&event.reason, Align::Left);
}
