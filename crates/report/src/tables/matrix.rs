//! Which system ran at which layer, with its parameters.

use core::fmt::Write;

use terrace_result::LayerRow;

use crate::axes::Run;
use crate::cells::View;
use crate::figures::LAYERS;
use crate::html::{Align, Table, escaped};

/// What a TLB miss walks in each mode.
const MODES: [(&str, &str); 7] = [
    ("native", "one page table"),
    ("2d", "the guest’s page table, and EPT for every guest-physical address on the way (EPT)"),
    ("shadow", "one page table, composed by the host of the guest’s and its own (shadow paging)"),
    (
        "nested",
        "the guest’s page table, and for every guest-physical address on the way one EPT, composed by the host of the \
         guest hypervisor’s and its own (EPT on EPT)",
    ),
    ("segment", "the guest’s page table, and a base and a limit for every guest-physical address on the way"),
    (
        "shadow-on-ept",
        "one page table, composed by the guest hypervisor of the guest’s and its own, and the host’s EPT",
    ),
    ("shadow-on-shadow", "one page table, composed of all three layers’"),
];

/// The matrix: a row for each virtual machine under each combination of values that decides about it. Parameters that
/// are not the same wherever a system runs at a layer are shown, the others when asked for.
pub(crate) fn matrix(view: &View<'_>) -> String {
    let axes = view.runs.deciding(|run| run.result.matrix.clone());
    let several_vms = view.runs.all.iter().any(|run| vms(run).len() > 1);
    let mut table = Table::default();
    for &axis in &axes {
        table.column(&view.runs.axes[axis].name, "", Align::Left);
    }
    if several_vms {
        table.column("VM", "", Align::Left);
    }
    table.column("mode", "how addresses are translated", Align::Left);
    for layer in LAYERS {
        table.column(layer, "", Align::Left);
    }
    let mut modes: Vec<&str> = Vec::new();
    for combination in view.runs.combinations(&axes) {
        let is_it =
            |run: &&Run<'_>| axes.iter().zip(&combination).all(|(&axis, &value)| run.at[axis] == value);
        let Some(run) = view.runs.all.iter().find(is_it) else { continue };
        for vm in vms(run) {
            table.row("");
            for (&axis, &value) in axes.iter().zip(&combination) {
                table.head_cell(&view.runs.axes[axis].values[value]);
            }
            if several_vms {
                table.head_cell(vm);
            }
            let rows = || run.result.matrix.iter().filter(|row| row.vm == vm);
            let mode = rows().next().map_or("", |row| row.mode.as_str());
            if !modes.contains(&mode) {
                modes.push(mode);
            }
            table.raw_cell(&format!("<code>{}</code>", escaped(mode)));
            for layer in LAYERS {
                let row = rows().find(|row| row.layer == layer);
                table.raw_cell(&row.map_or_else(|| "–".to_owned(), |row| cell(view, row)));
            }
        }
    }
    let said = modes.iter().filter_map(|mode| MODES.iter().find(|(name, _)| name == mode));
    let said =
        said.map(|(mode, meaning)| format!("<li><code>{mode}</code>: a TLB miss walks {meaning}.</li>"));
    format!("{}<ul class=\"small\">{}</ul>\n", table.finish(""), said.collect::<String>())
}

fn vms<'a>(run: &Run<'a>) -> Vec<&'a str> {
    let mut vms: Vec<&str> = Vec::new();
    for row in &run.result.matrix {
        if !vms.contains(&row.vm.as_str()) {
            vms.push(&row.vm);
        }
    }
    vms
}

fn cell(view: &View<'_>, row: &LayerRow) -> String {
    let differs = |name: &str, value: &str| {
        let others = view.runs.all.iter().flat_map(|run| &run.result.matrix);
        let mut alike = others.filter(|it| it.layer == row.layer && it.system == row.system);
        alike.any(|it| it.parameters.iter().any(|(its, other)| its == name && other != value))
    };
    let line = |(name, value): &(String, String)| format!("{} = {}\n", escaped(name), escaped(value));
    let own: String = row.parameters.iter().filter(|(name, value)| differs(name, value)).map(line).collect();
    let all: String = row.parameters.iter().map(line).collect();
    let mut html = format!("<strong>{}</strong>", escaped(&row.system));
    if !own.is_empty() {
        // Writing to a string cannot fail.
        let _ = write!(html, "<pre>{own}</pre>");
    }
    let count = match row.parameters.len() {
        0 => return html,
        1 => "1 parameter".to_owned(),
        count => format!("{count} parameters"),
    };
    html + &format!("<details><summary>{count}</summary><pre>{all}</pre></details>")
}
