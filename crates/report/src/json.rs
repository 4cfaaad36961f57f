//! The data that the page's script draws.

use serde_json::{Value, json};

use crate::Loaded;
use crate::cells::{Cell, View};
use crate::figures::{CAUSES, FIGURES, TRANSLATION_CAUSES};
use crate::series::lines;

/// A number with six digits that count: more than any picture shows, and shorter.
pub(crate) fn rounded(value: f64) -> Value {
    if value == 0.0 {
        return json!(0);
    }
    format!("{value:.5e}").parse::<f64>().map_or(Value::Null, |value| json!(value))
}

fn maybe(value: Option<f64>) -> Value {
    value.map_or(Value::Null, rounded)
}

/// Everything that pictures are drawn from.
pub(crate) fn data(view: &View<'_>, results: &[Loaded], answered: usize) -> Value {
    let panels = (0..view.panels.len())
        .map(|panel| json!({ "words": view.panel_words(panel), "at": view.panels[panel] }));
    let axes = view.panel_axes.iter().map(|&axis| {
        let axis = &view.runs.axes[axis];
        json!({ "name": axis.name, "values": axis.values })
    });
    let program_axis = view.program_axes.iter().map(|&axis| view.runs.axes[axis].name.as_str());
    json!({
        "axis": view.axis_name(),
        "values": view.values(),
        "compares": view.compared.is_some(),
        "panels": panels.collect::<Vec<_>>(),
        "answered": answered,
        "panelAxes": axes.collect::<Vec<_>>(),
        "programAxis": program_axis.collect::<Vec<_>>().join(" · "),
        "programs": view.programs,
        "causes": CAUSES.map(|(name, _)| name),
        "translation": [TRANSLATION_CAUSES.start, TRANSLATION_CAUSES.end],
        "cells": view.cells.iter().map(cell).collect::<Vec<_>>(),
        "lines": lines(view, results),
    })
}

fn cell(cell: &Cell) -> Value {
    let figures = FIGURES.iter().zip(&cell.figures);
    let figures = figures.filter_map(|(figure, value)| Some((figure.key.to_owned(), rounded((*value)?))));
    json!({
        "panel": cell.panel,
        "program": cell.program.map_or_else(|| json!(-1), |program| json!(program)),
        "value": cell.value,
        "rate": maybe(cell.throughput),
        "ratio": maybe(cell.ratio()),
        "within": maybe(cell.within()),
        "misses": maybe(cell.misses_ratio),
        "figures": figures.collect::<serde_json::Map<_, _>>(),
        "causes": cell.causes.map(|causes| causes.map(rounded)),
    })
}
