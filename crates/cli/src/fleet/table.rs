//! A result of fleets for people.

use std::fmt::Write as _;

use comfy_table::CellAlignment;
use terrace_fleet::result::{FleetResult, FleetRun, Metrics};
use terrace_fleet::{CostsFrom, WalkCosts};
use terrace_result::MetricValue;

use crate::number::{number, percent, short};
use crate::style;

const MEANING: &str = "\
One, two, more: VMs that were placed, by the blocks of memory that they got when they arrived. In one block over time: of
the time that VMs lived. Servers: those that ever had a VM. Free extent: the largest of a server, in the mean over time and
over the servers used. Every count: --format json or csv.
";
const SAVED: &str = "\
Walk cycles saved: of what all walks would cost with EPT, what VMs in one block do not spend; as a share, and in cycles.
";

/// A column of the table.
struct Figure {
    name: &'static str,
    value: fn(&Metrics) -> Option<String>,
}

const FIGURES: [Figure; 11] = [
    Figure { name: "one\nblock", value: |it| share(it, "one_block_share") },
    Figure { name: "two", value: |it| share(it, "two_blocks_share") },
    Figure { name: "more", value: |it| share(it, "more_blocks_share") },
    Figure { name: "in one block\nover time", value: |it| share(it, "contiguous_time_share") },
    Figure { name: "servers", value: |it| count(it, "servers_used") },
    Figure { name: "of all", value: |it| it.get("servers_used_share").map(|value| percent(value.as_f64())) },
    Figure { name: "failed", value: |it| count(it, "failed") },
    Figure { name: "free extent\nGiB", value: |it| gibibytes(it, "mean_largest_extent_bytes") },
    Figure { name: "repaired\nGiB", value: |it| gibibytes(it, "repair_bytes").filter(|text| text != "0.0") },
    Figure {
        name: "resizes\nrefused",
        value: |it| {
            it.get("resizes").filter(|it| it.as_f64() > 0.0).and_then(|_| count(it, "resized_refused"))
        },
    },
    Figure {
        name: "walk cycles\nsaved",
        value: |it| {
            let (share, cycles) = it.get("walk_cycles_saved_share").zip(it.get("walk_cycles_saved"))?;
            Some(format!("{}\n{:.2e}", percent(share.as_f64()), cycles.as_f64()))
        },
    },
];

/// The result as text.
pub(super) fn render(result: &FleetResult) -> String {
    let mut text = head(result);
    let shown = |figure: &&Figure| result.runs.iter().any(|run| (figure.value)(&run.metrics).is_some());
    let figures: Vec<&Figure> = FIGURES.iter().filter(shown).collect();
    let mut table = style::table();
    table.set_header(["policy"].into_iter().chain(figures.iter().map(|figure| figure.name)));
    for run in &result.runs {
        let cells =
            figures.iter().map(|figure| (figure.value)(&run.metrics).unwrap_or_else(|| "-".to_owned()));
        table.add_row([run.name()].into_iter().chain(cells));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    // Writing to a string cannot fail.
    let saved = if result.costs.is_some() { SAVED } else { "" };
    let _ = write!(text, "{table}\n{MEANING}{saved}");
    for run in result.runs.iter().filter(|run| !run.complete) {
        text.push_str(&cut_short(run));
    }
    text
}

/// What was simulated.
pub(super) fn head(result: &FleetResult) -> String {
    let input = &result.input;
    let kinds = result.servers.iter().map(|kind| {
        format!(
            "{} of {} cores and {} GiB",
            number(u64::from(kind.count)),
            kind.cores,
            short(gib(kind.memory_bytes))
        )
    });
    let kinds: Vec<_> = kinds.collect();
    let name = if input.name == input.format {
        input.name.clone()
    } else {
        format!("{} ({})", input.name, input.format)
    };
    let mut text =
        style::wrap(&format!("{name}: {} VMs, {} events", number(input.vms), number(input.events)), "");
    text.push_str(&style::wrap(&format!("Servers: {}", kinds.join(", ")), "  "));
    if let Some(costs) = &result.costs {
        text.push_str(&style::wrap(&walks(costs, result.costs_from.as_ref()), "  "));
    }
    if input.skipped.rows > 0 {
        let values = input.skipped.by_value.iter().map(|(what, rows)| format!("{} {what}", number(*rows)));
        let values: Vec<_> = values.collect();
        let line =
            format!("Left out {} rows that cannot be: {}", number(input.skipped.rows), values.join(", "));
        text.push_str(&style::wrap(&line, "  "));
    }
    text
}

/// What walks cost, and who says so.
fn walks(costs: &WalkCosts, from: Option<&CostsFrom>) -> String {
    let WalkCosts { walks_per_core_second, ept_cycles, segment_cycles, busy_share } = costs;
    let said = format!(
        "{} of a busy core in a second, {} cycles each with EPT, {} in one block; cores busy for {} of the time",
        short(*walks_per_core_second),
        short(*ept_cycles),
        short(*segment_cycles),
        percent(*busy_share)
    );
    let Some(from) = from else {
        return format!("Walks: {said} (given on the command line)");
    };
    let kinds = match from.kinds.len() {
        1 => String::new(),
        kinds => format!(", in the mean over {kinds} kinds of VMs"),
    };
    let native = from
        .native_cycles_of_walk()
        .map_or_else(String::new, |cycles| format!(", {} natively", short(cycles)));
    let digest: String = from.sha256.as_str().chars().take(12).collect();
    format!(
        "Walks: {said}{native}{kinds} (measured by {}, SHA-256 {digest}: scenario {} on {}, {} = {} against {})",
        from.name, from.scenario, from.machine, from.axis, from.ept, from.segment
    )
}

/// Until when a run went that did not come to its end.
pub(super) fn cut_short(run: &FleetRun) -> String {
    let hours = terrace_addr::convert::ratio(run.end_ns, 3_600_000_000_000);
    format!(
        "{}: interrupted after {hours:.1} hours of the trace: the counts are those until then\n",
        run.name()
    )
}

/// Shares near to all or nothing are what is compared: three digits behind the point.
fn share(metrics: &Metrics, name: &str) -> Option<String> {
    metrics.get(name).map(|value| format!("{:.3} %", 100.0 * value.as_f64()))
}

fn count(metrics: &Metrics, name: &str) -> Option<String> {
    metrics.get(name).map(|value| match value {
        MetricValue::Count(count) => number(count),
        MetricValue::Number(value) => short(value),
    })
}

fn gibibytes(metrics: &Metrics, name: &str) -> Option<String> {
    metrics.get(name).map(|value| format!("{:.1}", value.as_f64() / 1_073_741_824.0))
}

fn gib(bytes: u64) -> f64 {
    terrace_addr::convert::ratio(bytes, 1 << 30)
}
