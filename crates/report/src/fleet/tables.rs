//! Every count, and what it depends on.

use core::fmt::Write;

use terrace_fleet::result::FleetMetric;
use terrace_result::MetricValue;
use terrace_result::number::number;

use super::LoadedFleet;
use super::page::Column;
use crate::html::{Align, Table, escaped};
use crate::tables::{circumstances_of, digest};

/// A row for each metric that any run has.
pub(super) fn metrics(columns: &[Column<'_>]) -> String {
    let mut table = Table::default();
    table.column("metric", "", Align::Left);
    for column in columns {
        table.column(&column.name, "", Align::Right);
    }
    table.column("meaning", "", Align::Left);
    for metric in FleetMetric::ALL {
        let value = |column: &Column<'_>| column.run.metrics.get(metric.name);
        if columns.iter().all(|column| value(column).is_none()) {
            continue;
        }
        table.row("");
        table.head_cell(&format!("{} ({})", metric.name, metric.unit));
        for column in columns {
            let shown = match value(column) {
                Some(MetricValue::Count(count)) => number(count),
                Some(MetricValue::Number(value)) => value.to_string(),
                None => "-".to_owned(),
            };
            table.cell(&shown, Align::Right);
        }
        table.cell(metric.meaning, Align::Left);
    }
    table.finish("")
}

pub(super) fn provenance(loaded: &LoadedFleet) -> String {
    let result = &loaded.result;
    let input = &result.input;
    let mut list = String::new();
    let mut entry = |name: &str, value: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(list, "<dt>{name}</dt><dd>{value}</dd>");
    };
    entry("result", &format!("{}, SHA-256 {}", escaped(&loaded.name), digest(loaded.sha256.as_str())));
    let of_file =
        input.sha256.as_ref().map_or_else(String::new, |it| format!(", SHA-256 {}", digest(it.as_str())));
    let events = format!("{} VMs, {} events", number(input.vms), number(input.events));
    entry("trace", &format!("{} ({}), {events}{of_file}", escaped(&input.name), escaped(&input.format)));
    if let Some(it) = &input.synthetic {
        let said = format!(
            "seed {}, {} days, {} of the VMs running at the start, daily amplitude {}, batches of {} on average, a GB of {} \
             bytes",
            it.seed, it.days, it.running_share, it.daily_amplitude, it.mean_batch, it.gigabyte_bytes
        );
        entry("synthetic", &said);
    }
    if input.skipped.rows > 0 {
        let first: Vec<String> = input.skipped.first.iter().map(|problem| escaped(problem)).collect();
        let said = format!("{} rows that cannot be: {}", number(input.skipped.rows), first.join("; "));
        entry("left out", &said);
    }
    for kind in &result.servers {
        let said = format!(
            "{} `{}` of {} cores and {} bytes",
            number(u64::from(kind.count)),
            escaped(&kind.name),
            kind.cores,
            number(kind.memory_bytes)
        );
        entry("servers", &said);
    }
    entry("memory", &format!("given out in multiples of {} bytes", number(result.granule_bytes)));
    if let Some(costs) = &result.costs {
        let said = format!(
            "{} of a busy core in a second, {} cycles each with EPT, {} in one block for the same work, cores busy for {} of \
             the time",
            costs.walks_per_core_second, costs.ept_cycles, costs.segment_cycles, costs.busy_share
        );
        entry("walks", &said);
    }
    if let Some(from) = &result.costs_from {
        let said = format!(
            "{}, SHA-256 {}: scenario {} on {} ({} Hz), {} = {} against {}, Terrace {}, model version {}",
            escaped(&from.name),
            digest(from.sha256.as_str()),
            escaped(&from.scenario),
            escaped(&from.machine),
            number(from.clock_hz),
            escaped(&from.axis),
            escaped(&from.ept),
            escaped(&from.segment),
            escaped(&from.terrace_version),
            from.model_version
        );
        entry("measured by", &said);
    }
    let version = format!("{}, model version {}", escaped(&result.terrace_version), result.model_version);
    entry("Terrace", &version);
    for (name, value) in loaded.circumstances.iter().flat_map(circumstances_of) {
        entry(name, &value);
    }
    format!("<dl>\n{list}</dl>\n")
}

/// What walks cost each kind of VMs of the results that were measured.
pub(super) fn kinds(results: &[LoadedFleet]) -> String {
    let mut table = Table::default();
    table.column("kind of VMs", "", Align::Left);
    for name in ["walks of a busy core in a second", "cycles with EPT", "in one block", "natively"] {
        table.column(name, "", Align::Right);
    }
    for kind in results.iter().filter_map(|it| it.result.costs_from.as_ref()).flat_map(|from| &from.kinds) {
        let labels: Vec<String> = kind.labels.iter().map(|(axis, value)| format!("{axis}={value}")).collect();
        table.row("");
        table.head_cell(&if labels.is_empty() { "all".to_owned() } else { labels.join(" ") });
        let native = kind.native_cycles_per_core_second;
        let cycles = [kind.ept_cycles_per_core_second, kind.segment_cycles_per_core_second];
        for value in [kind.walks_per_core_second].into_iter().chain(cycles).map(Some).chain([native]) {
            let shown = value.map_or_else(|| "-".to_owned(), terrace_result::number::short);
            table.cell(&shown, Align::Right);
        }
    }
    if table.is_empty() { String::new() } else { table.finish("") }
}
