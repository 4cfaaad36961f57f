//! What walks cost: from a result of `terrace run`, or as numbers on the command line.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use terrace_fleet::{CostsFrom, FleetError, Measured, Selection, WalkCosts};
use terrace_machine::builtin;
use terrace_machine::quantity::Frequency;
use terrace_result::{MachineUsed, RunsResult, Sha256};

use super::compare::name;
use crate::CliError;

/// What walks cost: a result that says it, all of the numbers, or nothing.
#[derive(Debug, Args)]
pub(super) struct Costs {
    /// Count the cycles that segment mode saves, by a result of terrace run: the folder or the JSON of runs of the same
    /// programs on EPT and in one block, such as those of `terrace run contiguous`
    #[arg(long, value_name = "RESULT", group = "walks")]
    walks_from: Option<PathBuf>,

    /// The value of that result's axis that stands for EPT; without this, the one that costs least
    #[arg(long, value_name = "VALUE", requires = "walks_from")]
    walks_ept: Option<String>,

    /// The value that stands for one block; without this, the first whose runs were in segments
    #[arg(long, value_name = "VALUE", requires = "walks_from")]
    walks_block: Option<String>,

    /// Only runs with this value of another axis, as a kind of VM; all kinds have the same share
    #[arg(long, value_name = "AXIS=VALUE", requires = "walks_from")]
    walks_only: Vec<Label>,

    /// The clock of that result's machine, where that is none of the built-in ones
    #[arg(long, value_name = "FREQUENCY", requires = "walks_from")]
    walks_clock: Option<Frequency>,

    /// Walks of a busy core in a second, instead of a result
    #[arg(long, value_name = "NUMBER", group = "walks", requires_all = ["ept_cycles", "segment_cycles"])]
    walks_per_core_second: Option<f64>,

    /// Cycles of a walk with EPT
    #[arg(long, value_name = "CYCLES", requires = "walks_per_core_second")]
    ept_cycles: Option<f64>,

    /// Cycles of a walk in segment mode
    #[arg(long, value_name = "CYCLES", requires = "walks_per_core_second")]
    segment_cycles: Option<f64>,

    /// The share of their time in which the VMs' cores are busy
    #[arg(long, value_name = "SHARE", default_value_t = 1.0, requires = "walks")]
    busy_share: f64,
}

/// The value of an axis.
#[derive(Debug, Clone)]
struct Label(String, String);

impl std::str::FromStr for Label {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('=').filter(|(axis, value)| !axis.is_empty() && !value.is_empty());
        let (axis, value) =
            parts.ok_or_else(|| format!("found {text:?}; expected AXIS=VALUE, such as guest=base"))?;
        Ok(Self(axis.to_owned(), value.to_owned()))
    }
}

/// The costs, if any were asked for, and the result that they are from.
pub(super) fn costs(costs: &Costs) -> Result<Option<(WalkCosts, Option<CostsFrom>)>, CliError> {
    if let Some(path) = &costs.walks_from {
        let Measured { costs, from } = measured(path, costs)?;
        return Ok(Some((costs, Some(from))));
    }
    let all = costs.walks_per_core_second.zip(costs.ept_cycles).zip(costs.segment_cycles);
    let Some(((walks_per_core_second, ept_cycles), segment_cycles)) = all else {
        return Ok(None);
    };
    let given = WalkCosts { walks_per_core_second, ept_cycles, segment_cycles, busy_share: costs.busy_share };
    if given.are_possible() {
        return Ok(Some((given, None)));
    }
    let found =
        format!("walks of {walks_per_core_second}, {ept_cycles}, {segment_cycles} and {}", costs.busy_share);
    let expected = "numbers from 0, and a busy share of at most 1";
    Err(FleetError::Fleet { found, expected }.into())
}

fn measured(path: &Path, costs: &Costs) -> Result<Measured, CliError> {
    if !(0.0..=1.0).contains(&costs.busy_share) {
        let found = format!("a busy share of {}", costs.busy_share);
        return Err(FleetError::Fleet { found, expected: "a share from 0 to 1" }.into());
    }
    let file = if path.is_dir() { path.join("result.json") } else { path.to_path_buf() };
    let text = fs::read_to_string(&file).map_err(|error| CliError::Read { path: file.clone(), error })?;
    let result = RunsResult::read(&text, &file.display().to_string())?;
    let only = costs.walks_only.iter().map(|Label(axis, value)| (axis.clone(), value.clone()));
    let selection =
        Selection { ept: costs.walks_ept.clone(), segment: costs.walks_block.clone(), only: only.collect() };
    let clock = |machine: &str| match costs.walks_clock {
        Some(clock) => Some(clock.hertz()),
        None => clock_of(machine, &result.machines),
    };
    let (called, digest) = (name(path), Sha256::of(text.as_bytes()));
    Ok(Measured::of(&result, (&called, &digest), &selection, costs.busy_share, clock)?)
}

/// The clock of a built-in machine; none if the result changed it.
fn clock_of(machine: &str, used: &[MachineUsed]) -> Option<u64> {
    let used = used.iter().find(|used| used.name == machine)?;
    let changed = used.overrides.iter().any(|value| value.contains("clock"));
    let machine = builtin(machine, &[]).ok().filter(|_| !changed)?;
    Some(machine.clock.frequency.hertz())
}
