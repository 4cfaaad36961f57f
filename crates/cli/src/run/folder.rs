//! The folder that holds a result.

use std::path::Path;

use terrace_result::{Notation, RUNS_KIND, ResultError, ResultFolder, RunsResult, SeriesWriter};

use super::series::Series;
use crate::CliError;
use crate::circumstances::Circumstances;

/// What was recorded beside the totals.
pub(super) struct Recorded<'a> {
    /// The series of each run, if any run records one.
    pub(super) series: Option<&'a [Series]>,
    /// The events of each run that records them, as they are written.
    pub(super) events: &'a [Option<Vec<u8>>],
}

/// Whether a result can be put at `place`, before there is one.
pub(super) fn check(place: &Path) -> Result<(), ResultError> {
    ResultFolder::create(place, RUNS_KIND).map(drop)
}

/// Writes the folder: all of it or nothing.
pub(super) fn write(
    place: &Path,
    result: &RunsResult,
    recorded: &Recorded<'_>,
    circumstances: &Circumstances,
) -> Result<(), CliError> {
    let folder = ResultFolder::create(place, RUNS_KIND)?;
    let mut text = Vec::new();
    result.write(Notation::Json, &mut text).map_err(CliError::output)?;
    folder.write("result.json", &text)?;
    let configurations = &result.scenario.configurations;
    for (number, configuration) in configurations.iter().enumerate() {
        folder.write(&of_run("config", "toml", number, configurations.len()), configuration.as_bytes())?;
    }
    if let Some(series) = recorded.series {
        let mut writer = SeriesWriter::new(folder.file("series.parquet")?)?;
        for (number, series) in (0..).zip(series) {
            series.write(number, &mut writer)?;
        }
        writer.finish()?;
    }
    for (number, events) in recorded.events.iter().enumerate() {
        if let Some(events) = events {
            folder.write(&of_run("events", "parquet", number, configurations.len()), events)?;
        }
    }
    folder.write("run.json", circumstances.text().as_bytes())?;
    folder.finish()?;
    Ok(())
}

/// The name of a file of one run: numbered where there are several.
fn of_run(name: &str, ending: &str, number: usize, runs: usize) -> String {
    if runs == 1 { format!("{name}.{ending}") } else { format!("{name}-{number}.{ending}") }
}
