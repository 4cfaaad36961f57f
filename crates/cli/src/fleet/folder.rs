//! The folder that holds a result of fleets.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use terrace_addr::convert;
use terrace_fleet::result::{FLEET_KIND, FleetResult, write_series};
use terrace_fleet::{FleetError, Outcome};
use terrace_result::{Notation, ResultError, ResultFolder};

use crate::CliError;
use crate::bench::processor;

/// What differs by nature from one run to the next.
pub(super) struct Circumstances {
    pub(super) started: SystemTime,
    pub(super) took: Duration,
    pub(super) threads: usize,
}

/// Whether a result can be put at `place`, before there is one.
pub(super) fn check(place: &Path) -> Result<(), ResultError> {
    if is_fleet_result(place) { Ok(()) } else { ResultFolder::create(place).map(drop) }
}

/// Writes the folder: all of it or nothing.
pub(super) fn write(
    place: &Path,
    result: &FleetResult,
    outcomes: &[Outcome],
    circumstances: &Circumstances,
) -> Result<(), CliError> {
    let before = Before::put_aside(place)?;
    let folder = ResultFolder::create(place)?;
    let mut text = Vec::new();
    result.write(Notation::Json, &mut text).map_err(CliError::output)?;
    folder.write("result.json", &text)?;
    let samples: Vec<_> = outcomes.iter().map(|outcome| outcome.samples.as_slice()).collect();
    write_series(folder.file("series.parquet")?, &samples).map_err(FleetError::from)?;
    folder.write("run.json", circumstances.text().as_bytes())?;
    folder.finish()?;
    before.forget()
}

/// An older result of fleets at the place of the new one: back at its place unless it is forgotten.
struct Before {
    place: PathBuf,
    aside: Option<PathBuf>,
}

impl Before {
    fn put_aside(place: &Path) -> Result<Self, CliError> {
        let mut before = Self { place: place.to_path_buf(), aside: None };
        if is_fleet_result(place) {
            let name = place.file_name().unwrap_or_default().to_string_lossy();
            let aside = place.with_file_name(format!(".{name}.{}.before", std::process::id()));
            fs::rename(place, &aside).map_err(failed(place))?;
            before.aside = Some(aside);
        }
        Ok(before)
    }

    /// The new one is there.
    fn forget(mut self) -> Result<(), CliError> {
        match self.aside.take() {
            Some(aside) => fs::remove_dir_all(&aside).map_err(failed(&aside)),
            None => Ok(()),
        }
    }
}

impl Drop for Before {
    fn drop(&mut self) {
        if let Some(aside) = &self.aside {
            // Nobody is left to hear of a failure.
            let _ = fs::rename(aside, &self.place);
        }
    }
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> CliError + use<> {
    let path = path.to_path_buf();
    move |error| CliError::Read { path, error }
}

fn is_fleet_result(folder: &Path) -> bool {
    let text = fs::read(folder.join("result.json")).unwrap_or_default();
    let head: Result<Value, _> = serde_json::from_slice(&text);
    head.is_ok_and(|head| head["kind"] == FLEET_KIND && head["schema_version"].is_u64())
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
