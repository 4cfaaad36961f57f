//! How often each decision was made, and why.

use std::collections::BTreeMap;

use terrace_addr::Bytes;
use terrace_result::EventRow;

use crate::style;

/// What a line is about: the layer's depth and name, the machine, what was done, and why.
type Line<'a> = (usize, &'a str, &'a str, &'a str, &'a str);

/// A line for each layer, kind and reason, with how often and over how much memory.
pub(super) fn summary(rows: &[EventRow]) -> String {
    let mut sums: BTreeMap<Line<'_>, (u64, Bytes)> = BTreeMap::new();
    for row in rows {
        // The innermost layer first.
        let depth = ["guest", "hypervisor", "host"].iter().position(|&layer| layer == row.layer).unwrap_or(3);
        let sum = sums.entry((depth, &row.layer, &row.vm, &row.kind, &row.reason)).or_default();
        sum.0 += 1;
        sum.1 += row.bytes;
    }
    let mut table = style::table();
    table.set_header(["layer", "vm", "what", "how often", "memory", "why"]);
    for ((_, layer, vm, kind, reason), (count, bytes)) in sums {
        table.add_row([layer, vm, kind, &count.to_string(), &bytes.to_string(), reason]);
    }
    format!("{table}\n")
}
