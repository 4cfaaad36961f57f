//! Which system ran at which layer of which machine.

use comfy_table::ContentArrangement;
use terrace_result::{LayerRow, RunsResult};
use terrace_scenario::Vocabulary;

use super::figures::LAYERS;
use crate::style;

/// The matrix of layers and systems as text, with those parameters that are not at their defaults.
pub(super) fn render(result: &RunsResult, vocabulary: &Vocabulary<'_>) -> String {
    let mut table = style::table();
    table.set_content_arrangement(ContentArrangement::Disabled);
    let axes = result.runs.first().map(|run| run.labels.as_slice()).unwrap_or_default();
    let axes = axes.iter().map(|(axis, _)| axis.as_str());
    table.set_header(axes.chain(["VM", "translation"]).chain(LAYERS));
    for run in &result.runs {
        let mut vms: Vec<&str> = run.matrix.iter().map(|row| row.vm.as_str()).collect();
        vms.dedup();
        for vm in vms {
            let rows = || run.matrix.iter().filter(|row| row.vm == vm);
            let mode = rows().next().map(|row| row.mode.as_str()).unwrap_or_default();
            let labels = run.labels.iter().map(|(_, value)| value.clone());
            let layers = LAYERS.iter().map(|layer| {
                rows()
                    .find(|row| row.layer == *layer)
                    .map_or_else(|| "-".to_owned(), |row| system(row, vocabulary))
            });
            table.add_row(labels.chain([vm.to_owned(), mode.to_owned()]).chain(layers));
        }
    }
    format!("\nSystems, with the parameters that are not at their defaults\n{table}\n")
}

/// A system, and what is special about it here.
fn system(row: &LayerRow, vocabulary: &Vocabulary<'_>) -> String {
    let word = vocabulary.systems.iter().find(|word| word.name == row.system);
    let default = |name: &str| Some(word?.parameter(name)?.default.to_string());
    let special = row.parameters.iter().filter(|(name, value)| default(name).as_ref() != Some(value));
    let special = special.map(|(name, value)| format!("{name} {value}"));
    [row.system.clone()].into_iter().chain(special).collect::<Vec<_>>().join("\n")
}
