//! The folder that holds a result of fleets.

use std::path::Path;

use terrace_fleet::Outcome;
use terrace_fleet::result::{FLEET_KIND, FleetResult, write_series};
use terrace_result::{Notation, ResultError, ResultFolder};

use crate::CliError;
use crate::circumstances::Circumstances;

/// Whether a result can be put at `place`, before there is one.
pub(super) fn check(place: &Path) -> Result<(), ResultError> {
    ResultFolder::create(place, FLEET_KIND).map(drop)
}

/// Writes the folder: all of it or nothing.
pub(super) fn write(
    place: &Path,
    result: &FleetResult,
    outcomes: &[Outcome],
    circumstances: &Circumstances,
) -> Result<(), CliError> {
    let folder = ResultFolder::create(place, FLEET_KIND)?;
    let mut text = Vec::new();
    result.write(Notation::Json, &mut text).map_err(CliError::output)?;
    folder.write("result.json", &text)?;
    let samples: Vec<_> = outcomes.iter().map(|outcome| outcome.samples.as_slice()).collect();
    write_series(folder.file("series.parquet")?, &samples)?;
    folder.write("run.json", circumstances.text().as_bytes())?;
    folder.finish()?;
    Ok(())
}
