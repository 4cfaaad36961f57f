//! Results of scenarios: a column for each run.

use std::path::Path;

use terrace_result::{Outcome, RunsResult};

use super::columns::{Column, Repetition};
use super::seeds::{COMPLETE, OUTCOME, SEED};
use crate::CliError;

/// The runs of a result.
pub(super) fn columns(text: &str, path: &Path) -> Result<Vec<Column>, CliError> {
    let result = RunsResult::read(text, &path.display().to_string())?;
    let configurations = result.scenario.configurations.iter().map(String::as_str);
    let mut columns = Vec::new();
    for (run, configuration) in result.runs.iter().zip(configurations.chain(std::iter::repeat(""))) {
        let machine = result.machines.iter().find(|machine| machine.name == run.machine);
        let mut depends = vec![("model".to_owned(), result.model_version.to_string())];
        // The name alone is in the configuration.
        depends.extend(machine.map(|it| ("machine file".to_owned(), it.sha256.as_str().to_owned())));
        depends.extend(settings(configuration));
        let complete = run.outcome == Outcome::Complete;
        let ended = if complete { COMPLETE.to_owned() } else { run.outcome.to_string() };
        depends.push((OUTCOME.to_owned(), ended));
        let seed = depends.iter().find(|(what, _)| what == SEED).map(|(_, seed)| seed.clone());
        let seed = seed.unwrap_or_default();
        let values = run.scopes().map(|(scope, metrics)| {
            (
                scope.to_string(),
                metrics.iter().map(|(metric, value)| (metric.name.to_owned(), value)).collect(),
            )
        });
        columns.push(Column {
            name: String::new(),
            subject: result.scenario.name.clone(),
            which: run.labels.clone(),
            repetitions: vec![Repetition { seed, values: values.collect() }],
            depends,
        });
    }
    Ok(columns)
}

/// The values of a configuration by their paths: a line is a table's head or a key with its value, as
/// [`Scenario::to_toml`](terrace_scenario::Scenario::to_toml) writes them.
fn settings(configuration: &str) -> Vec<(String, String)> {
    let mut settings: Vec<(String, String)> = Vec::new();
    let (mut table, mut vms, mut programs) = (String::new(), 0_usize, 0_usize);
    for line in configuration.lines() {
        if line == "[[vm]]" {
            (table, vms, programs) = (format!("vm.{vms}."), vms + 1, 0);
        } else if line == "[[vm.program]]" {
            table = format!("vm.{}.program.{programs}.", vms.saturating_sub(1));
            programs += 1;
        } else if line == "[vm.program.parameters]" {
            table.push_str("parameters.");
        } else if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            table = format!("{name}.");
        } else if let Some((key, value)) = line.split_once(" = ")
            && !(table.is_empty() && key == "description")
        {
            settings.push((format!("{table}{key}"), value.to_owned()));
        }
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_have_the_paths_of_set() {
        let text = "name = \"x\"\ndescription = \"a = b\"\n\n[guest.parameters]\nthp = \"never\"\n\n[[vm]]\nmode = \"2d\"\n\n\
                    [[vm.program]]\nworkload = \"gups\"\n\n[vm.program.parameters]\nbytes = \"1 GiB\"\n\n[[vm]]\nmode = \"native\"\n";
        let settings = settings(text);
        let settings: Vec<_> = settings.iter().map(|(path, value)| (path.as_str(), value.as_str())).collect();
        let expected = [
            ("name", "\"x\""),
            ("guest.parameters.thp", "\"never\""),
            ("vm.0.mode", "\"2d\""),
            ("vm.0.program.0.workload", "\"gups\""),
            ("vm.0.program.0.parameters.bytes", "\"1 GiB\""),
            ("vm.1.mode", "\"native\""),
        ];
        assert_eq!(settings, expected);
    }
}
