//! Results as they lie in their folders.

use std::io;
use std::path::Path;

use serde_json::Value;
use terrace_result::{EventRow, ResultError, RunsResult, SeriesRow, Sha256, read_events, read_series};

use crate::ReportError;

/// A result with what lies beside it.
#[derive(Debug)]
pub struct Loaded {
    /// How the page calls it: the name of its folder or file.
    pub name: String,
    /// The result.
    pub result: RunsResult,
    /// The digest of its text.
    pub sha256: Sha256,
    /// The series, if there is one.
    pub series: Vec<SeriesRow>,
    /// The decisions about pages of each run that recorded them, by its place in the result.
    pub events: Vec<(usize, Vec<EventRow>)>,
    /// `run.json`, if there is one.
    pub circumstances: Option<Value>,
}

impl Loaded {
    /// Reads a result folder, or the JSON of a result.
    ///
    /// # Errors
    /// If something that is there cannot be read, or is no result of `terrace run`.
    pub fn read(path: &Path) -> Result<Self, ReportError> {
        let is_folder = path.is_dir();
        let file = if is_folder { path.join("result.json") } else { path.to_owned() };
        let bytes = std::fs::read(&file).map_err(|cause| ReportError::Read { path: file.clone(), cause })?;
        let origin = file.display().to_string();
        let result = RunsResult::read(&String::from_utf8_lossy(&bytes), &origin).map_err(advised)?;
        let mut loaded = Self {
            name: name(path, is_folder),
            sha256: Sha256::of(&bytes),
            series: Vec::new(),
            events: Vec::new(),
            circumstances: None,
            result,
        };
        if is_folder {
            loaded.read_beside(path)?;
        }
        Ok(loaded)
    }

    fn read_beside(&mut self, folder: &Path) -> Result<(), ReportError> {
        let series = folder.join("series.parquet");
        if series.is_file() {
            self.series = read_series(&series).map_err(|error| named(&series, error))?;
        }
        let runs = self.result.runs.len();
        for run in 0..runs {
            let name = if runs == 1 { "events.parquet".to_owned() } else { format!("events-{run}.parquet") };
            let file = folder.join(name);
            if file.is_file() {
                self.events.push((run, read_events(&file).map_err(|error| named(&file, error))?));
            }
        }
        self.circumstances = circumstances(folder)?;
        Ok(())
    }
}

/// `run.json` of a folder, if there is one.
pub(crate) fn circumstances(folder: &Path) -> Result<Option<Value>, ReportError> {
    let path = folder.join("run.json");
    match std::fs::read(&path) {
        Ok(bytes) => {
            let read = serde_json::from_slice(&bytes);
            Ok(Some(read.map_err(|cause| ReportError::Circumstances { path, cause })?))
        }
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(ReportError::Read { path, cause }),
    }
}

/// Other kinds of results have other readers.
fn advised(error: ResultError) -> ResultError {
    match error {
        ResultError::NoResult { origin, found, expected } => {
            let readers = "Of fleets there is terrace fleet report, of replays terrace compare.";
            ResultError::NoResult { origin, found, expected: format!("{expected}\n  {readers}") }
        }
        other => other,
    }
}

/// An error of a Parquet file does not say which.
pub(crate) fn named(path: &Path, error: ResultError) -> ReportError {
    match error {
        ResultError::Parquet { cause, .. } => {
            let expected = "a Parquet file that `terrace run --out` has written".to_owned();
            let origin = path.display().to_string();
            ResultError::NoResult { origin, found: cause.to_string(), expected }.into()
        }
        other => other.into(),
    }
}

/// A result in a folder is called as the folder is: files in them have one name.
pub(crate) fn name(path: &Path, is_folder: bool) -> String {
    let of = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let folder = path.parent().filter(|_| !is_folder && of(path).is_some_and(|name| name == "result.json"));
    let found = folder.and_then(of).or_else(|| of(path));
    // Such as `.` and `..`: their own name says nothing.
    found
        .or_else(|| path.canonicalize().ok().and_then(|path| of(&path)))
        .unwrap_or_else(|| "result".to_owned())
}
