//! `terrace walk`.

mod arguments;
mod result;
mod setup;
mod table;

use terrace_result::WalkResult;
use terrace_sim::replay::ReplayError;
use terrace_sim::walk::Walk;

use arguments::OutputFormat;
pub(crate) use arguments::WalkArguments;

use crate::{CliError, Ended, print};

/// Prints the steps of one translation, in each mode.
pub(crate) fn walk(arguments: &WalkArguments) -> Result<Ended, CliError> {
    let WalkArguments { address, modes, kind, setup, .. } = arguments;
    let (machine, used) = setup.machine()?;
    let (rule, mapping) = setup.rule(modes)?;
    if let Some(twice) =
        (1..).zip(modes).find_map(|(behind, mode)| modes[behind..].contains(mode).then_some(*mode))
    {
        return Err(CliError::Twice { mode: twice });
    }
    let mut walks = Vec::new();
    for &mode in modes {
        let walk = Walk::new(&machine, mode, &rule, (*address, *kind), arguments.after());
        walks.push(result::mode_walk(
            machine.vendor,
            mode,
            &walk.map_err(|error| failed(&machine.name, error))?,
        ));
    }
    let result = WalkResult {
        schema: terrace_result::WALK_SCHEMA,
        schema_version: terrace_result::WALK_SCHEMA_VERSION,
        terrace_version: env!("CARGO_PKG_VERSION"),
        model_version: terrace_result::MODEL_VERSION,
        machine: used,
        mapping,
        seed: setup.seed,
        address: format!("{address}"),
        kind: kind.name(),
        after: arguments.after().map(|address| address.to_string()),
        modes: walks,
    };
    let mut text = Vec::new();
    match arguments.format {
        OutputFormat::Table => text.extend(table::render(&result, modes).bytes()),
        OutputFormat::Json => result.write_json(&mut text).map_err(CliError::output)?,
    }
    print(&text)?;
    Ok(Ended::Complete)
}

/// What ends the command: the machine cannot be built, or an address cannot be translated.
fn failed(machine: &str, error: ReplayError) -> CliError {
    match error {
        ReplayError::Reference { .. } => CliError::Walk(error),
        error => CliError::Build { machine: machine.to_owned(), error },
    }
}
