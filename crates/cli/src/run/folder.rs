//! The folder that holds a result.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;
use terrace_addr::convert;
use terrace_result::{Notation, ResultError, ResultFolder, RunsResult, SeriesWriter};

use super::series::Series;
use crate::CliError;
use crate::bench::processor;

/// What differs by nature from one run of the same scenario to the next.
pub(super) struct Circumstances {
    pub(super) started: SystemTime,
    pub(super) took: Duration,
    pub(super) threads: usize,
    pub(super) simulated: u64,
}

/// Whether a result can be put at `place`, before there is one.
pub(super) fn check(place: &Path) -> Result<(), ResultError> {
    ResultFolder::create(place).map(drop)
}

/// Writes the folder: all of it or nothing; with the series of each run, if one is recorded.
pub(super) fn write(
    place: &Path,
    result: &RunsResult,
    series: Option<&[Series]>,
    circumstances: &Circumstances,
) -> Result<(), CliError> {
    let folder = ResultFolder::create(place)?;
    let mut text = Vec::new();
    result.write(Notation::Json, &mut text).map_err(CliError::output)?;
    folder.write("result.json", &text)?;
    let configurations = &result.scenario.configurations;
    for (number, configuration) in configurations.iter().enumerate() {
        let name = if configurations.len() == 1 {
            "config.toml".to_owned()
        } else {
            format!("config-{number}.toml")
        };
        folder.write(&name, configuration.as_bytes())?;
    }
    if let Some(series) = series {
        let mut writer = SeriesWriter::new(folder.file("series.parquet")?)?;
        for (number, series) in (0..).zip(series) {
            series.write(number, &mut writer)?;
        }
        writer.finish()?;
    }
    folder.write("run.json", circumstances.text().as_bytes())?;
    folder.finish()?;
    Ok(())
}

impl Circumstances {
    fn text(&self) -> String {
        let started = self.started.duration_since(UNIX_EPOCH).unwrap_or_default();
        let command: Vec<_> =
            std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect();
        let cpus = std::thread::available_parallelism().map_or(1, |cpus| convert::count(cpus.get()));
        let document = json!({
            "command": command,
            "started_unix_seconds": started.as_secs(),
            "wall_seconds": self.took.as_secs_f64(),
            "threads": convert::count(self.threads),
            "simulated_accesses": self.simulated,
            "host": {
                "processor": processor(),
                "cpus": cpus,
                "system": std::env::consts::OS,
                "architecture": std::env::consts::ARCH,
            },
        });
        format!("{document:#}\n")
    }
}
