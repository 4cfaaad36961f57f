//! `terrace walk`.

mod arguments;
mod report;

use terrace_addr::Access;
use terrace_machine::{Override, find};
use terrace_sim::walk::Walk;

use arguments::OutputFormat;
pub(crate) use arguments::WalkArguments;

use crate::{CliError, Ended, print};

/// Prints the steps of one translation, in each mode.
pub(crate) fn walk(arguments: &WalkArguments) -> Result<Ended, CliError> {
    let overrides: Vec<Override> = arguments.set.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
    let machine = find(&arguments.machine, &overrides)?.machine;
    let rule = arguments.rule()?;
    let access = Access { addr: arguments.address, size: 1, kind: arguments.kind };
    let mut walks = Vec::new();
    for &mode in &arguments.modes {
        let walk = Walk::new(&machine, mode, &rule, access, arguments.warm)
            .map_err(|error| CliError::Walk { address: arguments.address, error })?;
        walks.push((mode, walk));
    }
    let text = match arguments.format {
        OutputFormat::Table => report::render(&machine, arguments, &walks),
        OutputFormat::Json => report::json(&machine, arguments, &walks),
    };
    print(text.as_bytes())?;
    Ok(Ended::Complete)
}
