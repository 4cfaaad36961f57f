//! Names, places and numbers as parts of sentences.

use terrace_result::number::short;

use crate::cells::{Cell, View};

/// The compared values in quotation marks, which the page shows as emphasis: many are words of the language too.
pub(super) fn quoted_values(view: &View<'_>) -> Vec<String> {
    view.values().iter().map(|value| format!("“{value}”")).collect()
}

/// The names of some cells' values, in the order of the sweep.
pub(super) fn names_of(cells: &[&Cell], values: &[String]) -> Vec<String> {
    let mut places: Vec<usize> = cells.iter().map(|cell| cell.value).collect();
    places.sort_unstable();
    places.into_iter().map(|place| values[place].clone()).collect()
}

/// Where, as the beginning of a sentence; empty if there is one panel.
pub(super) fn place_words(view: &View<'_>, panel: usize) -> String {
    let parts: Vec<String> = view
        .panel_axes
        .iter()
        .zip(&view.panels[panel])
        .map(|(&axis, &value)| {
            let axis = &view.runs.axes[axis];
            format!("{} is “{}”", axis.name, axis.values[value])
        })
        .collect();
    if parts.is_empty() { String::new() } else { format!("where {}", parts.join(" and ")) }
}

pub(super) fn over_programs(view: &View<'_>, cell: &Cell) -> String {
    if view.programs.len() > 1 {
        format!(" in the mean over {} programs", cell.programs)
    } else {
        String::new()
    }
}

/// Throughput relative to a baseline, in words.
pub(super) fn beside(ratio: f64, base: &str) -> String {
    if ratio >= 2.0 {
        format!("{} times the throughput of {base}", short(ratio))
    } else if ratio >= 1.0 {
        format!("{:.1} % more throughput than {base}", 100.0 * (ratio - 1.0))
    } else {
        format!("{:.1} % less throughput than {base}", 100.0 * (1.0 - ratio))
    }
}

/// The same as a number.
pub(crate) fn change(ratio: f64) -> String {
    if ratio >= 2.0 { format!("× {}", short(ratio)) } else { format!("{:+.1} %", 100.0 * (ratio - 1.0)) }
}

pub(super) fn open(all: impl Iterator<Item = f64>) -> String {
    let most = all.fold(0.0, f64::max);
    if most > 0.0 { format!("±{:.1} %", 100.0 * most) } else { "a ten-thousandth".to_owned() }
}

/// `a, b and c`.
pub(super) fn list(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}

pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + letters.as_str())
}
