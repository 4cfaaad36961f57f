//! The trace of a run.

use std::path::Path;

use terrace_addr::convert;
use terrace_fleet::read::{self, BadRows, Reading};
use terrace_fleet::result::{InputUsed, SkippedUsed};
use terrace_fleet::synthetic::Synthetic;
use terrace_fleet::{FleetSpec, Trace};
use terrace_result::sha256_of;

use super::arguments::RunArguments;
use crate::CliError;
use crate::input::file_name;
use crate::number::number;
use crate::said::Said;

/// A trace, the servers for it, and how a result names it.
pub(super) struct Input {
    pub(super) trace: Trace,
    pub(super) fleet: FleetSpec,
    pub(super) used: InputUsed,
}

/// Reads or makes the trace.
pub(super) fn input(arguments: &RunArguments, said: Said) -> Result<Input, CliError> {
    let fleet = arguments.fleet();
    fleet.check()?;
    match &arguments.trace {
        Some(path) => from_file(path, arguments, &fleet, said),
        None => synthetic(arguments, fleet),
    }
}

fn synthetic(arguments: &RunArguments, fleet: FleetSpec) -> Result<Input, CliError> {
    let mut synthetic = Synthetic {
        days: arguments.days,
        running_share: arguments.running_share,
        seed: arguments.seed,
        ..Synthetic::default()
    };
    if let Some(vms) = arguments.vms {
        synthetic.vms = vms.get();
    }
    let trace = synthetic.trace()?;
    let used = InputUsed {
        name: "synthetic".to_owned(),
        format: "synthetic".to_owned(),
        sha256: None,
        vms: u64::from(trace.vms()),
        events: convert::count(trace.events().len()),
        synthetic: Some(synthetic),
        first_vms: None,
        skipped: SkippedUsed::default(),
    };
    Ok(Input { trace, fleet, used })
}

fn from_file(
    path: &Path,
    arguments: &RunArguments,
    fleet: &FleetSpec,
    said: Said,
) -> Result<Input, CliError> {
    let bad = if arguments.skip_bad { BadRows::Skip } else { BadRows::Refuse };
    let format = arguments.input_format.map(|format| format.0);
    let Reading { trace, fleet, format, skipped } = read::read(path, format, fleet, bad)?;
    if skipped.rows > 0 {
        said.note(format_args!(
            "{}: {} rows that cannot be were left out",
            path.display(),
            number(skipped.rows)
        ));
        for problem in &skipped.first {
            said.note(format_args!("  {problem}"));
        }
    }
    let failed = |error| CliError::Read { path: path.to_path_buf(), error };
    let digest = sha256_of(path).map_err(failed)?;
    let all = trace.vms();
    let first = arguments.vms.map(|vms| vms.get().min(all));
    let trace = match first {
        Some(first) => trace.first_vms(first),
        None => trace,
    };
    let used = InputUsed {
        name: file_name(path),
        format: format.name().to_owned(),
        sha256: Some(digest),
        synthetic: None,
        first_vms: first,
        vms: u64::from(first.unwrap_or(all)),
        events: convert::count(trace.events().len()),
        skipped: (&skipped).into(),
    };
    Ok(Input { trace, fleet, used })
}
