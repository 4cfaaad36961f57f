//! A comparison as text.

use std::cmp::Ordering;

use comfy_table::CellAlignment;
use terrace_addr::convert;
use terrace_result::{Better, Difference, MetricValue};

use super::columns::{Column, Compared, WHOLE};
use super::groups::Group;
use super::verdict::{said, words};
use crate::number::number;
use crate::style;

/// A group for people.
pub(super) fn table(group: &Group, part: &str, metrics: &[Compared]) -> String {
    let Group { heading, columns } = group;
    let mut table = style::table();
    let names = columns.iter().enumerate().flat_map(|(place, column)| {
        let seeds = column.repetitions.len();
        let name = if seeds > 1 { format!("{}\nmean of {seeds}", column.name) } else { column.name.clone() };
        let heading = if are_repeated(columns, column) { "difference" } else { "ratio" };
        [Some(name), (place > 0).then(|| heading.to_owned())].into_iter().flatten()
    });
    table.set_header([String::new()].into_iter().chain(names));
    for metric in metrics {
        let first = columns.first().and_then(|column| column.value(part, metric.name));
        let cells = columns.iter().enumerate().flat_map(|(place, column)| {
            let value = column.value(part, metric.name);
            let beside = (place > 0).then(|| {
                let difference = columns.first().and_then(|it| it.difference(column, part, metric.name));
                difference.map_or_else(
                    || judged(metric.better, value, first),
                    |difference| said(metric, difference),
                )
            });
            [Some(value.map_or_else(|| "-".to_owned(), shown)), beside].into_iter().flatten()
        });
        table.add_row([metric.name.to_owned()].into_iter().chain(cells));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let differences: String = columns
        .iter()
        .skip(1)
        .flat_map(|column| {
            let differences = columns.first().map(|first| first.differences(column)).unwrap_or_default();
            differences.into_iter().map(|difference| format!("{}: {difference}\n", column.name))
        })
        .collect();
    let part = if part == WHOLE { String::new() } else { format!(", {part}") };
    format!("{heading}{part}\n{table}\n{differences}")
}

/// Whether this column and the first one were measured with several seeds.
fn are_repeated(columns: &[Column], column: &Column) -> bool {
    [columns.first(), Some(column)].into_iter().flatten().all(|it| it.repetitions.len() > 1)
}

/// A value for people: a whole number, or three digits behind the point.
fn shown(value: MetricValue) -> String {
    match value {
        MetricValue::Count(count) => number(count),
        MetricValue::Number(value) if value >= 1000.0 => number(convert::floor(value + 0.5)),
        MetricValue::Number(value) => format!("{value:.3}"),
    }
}

/// A ratio, and which of the values is the better one.
fn judged(better: Better, value: Option<MetricValue>, first: Option<MetricValue>) -> String {
    let ratio = ratio(value, first);
    if ratio == "1.000" {
        return ratio;
    }
    let order = value.zip(first).and_then(|(value, first)| value.as_f64().partial_cmp(&first.as_f64()));
    match (better, order) {
        (Better::Lower, Some(Ordering::Less)) | (Better::Higher, Some(Ordering::Greater)) => {
            format!("{ratio} better")
        }
        (Better::Lower, Some(Ordering::Greater)) | (Better::Higher, Some(Ordering::Less)) => {
            format!("{ratio} worse")
        }
        _ => ratio,
    }
}

fn ratio(value: Option<MetricValue>, first: Option<MetricValue>) -> String {
    match (value.map(MetricValue::as_f64), first.map(MetricValue::as_f64)) {
        (Some(value), Some(first)) if first > 0.0 => format!("{:.3}", value / first),
        _ => "-".to_owned(),
    }
}

/// Groups for programs. The last columns are of means of several seeds: the difference and half of its interval in
/// percent, and what it says.
pub(super) fn csv(groups: &[Group], part: &str, metrics: &[Compared]) -> String {
    let mut text =
        String::from("compared,column,metric,value,ratio,seeds,difference_percent,within_percent,verdict\n");
    for Group { heading, columns } in groups {
        for (place, column) in columns.iter().enumerate() {
            for metric in metrics {
                let first = columns.first().and_then(|column| column.value(part, metric.name));
                let value = column.value(part, metric.name);
                let shown = value.map_or_else(String::new, |value| value.to_string());
                let first_column = columns.first().filter(|_| place > 0);
                let difference = first_column.and_then(|it| it.difference(column, part, metric.name));
                let percent = difference.and_then(Difference::percent);
                let number =
                    |number: Option<f64>| number.map_or_else(String::new, |number| number.to_string());
                let fields = [
                    quoted(heading),
                    quoted(&column.name),
                    metric.name.to_owned(),
                    shown,
                    ratio(value, first),
                    column.repetitions.len().to_string(),
                    number(percent.map(|(percent, _)| percent)),
                    number(percent.map(|(_, within)| within)),
                    difference.map_or_else(String::new, |difference| words(metric, difference).to_owned()),
                ];
                text.push_str(&fields.join(","));
                text.push('\n');
            }
        }
    }
    text
}

/// A field of CSV (RFC 4180).
fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_better_value_is_named_where_the_ratio_shows_a_difference() {
        let count = |value: u64| Some(MetricValue::Count(value));
        for (better, value, first, text) in [
            (Better::Lower, count(50), count(100), "0.500 better"),
            (Better::Lower, count(7), count(0), "- worse"),
            (Better::Higher, count(50), count(100), "0.500 worse"),
            (Better::Higher, count(100_001), count(100_000), "1.000"),
            (Better::Neither, count(50), count(100), "0.500"),
            (Better::Higher, None, count(100), "-"),
        ] {
            assert_eq!(judged(better, value, first), text, "{better:?} {value:?} {first:?}");
        }
    }
}
