//! Results of fleets as they lie in their folders.

use std::path::Path;

use serde_json::Value;
use terrace_fleet::result::{FleetResult, read_samples};
use terrace_result::{ResultError, SeriesRow, Sha256};

use crate::ReportError;
use crate::load::{circumstances, name, named};

/// A result with what lies beside it.
#[derive(Debug)]
pub struct LoadedFleet {
    /// How the page calls it: the name of its folder or file.
    pub name: String,
    /// The result.
    pub result: FleetResult,
    /// The digest of its text.
    pub sha256: Sha256,
    /// The samples, if there are any.
    pub samples: Vec<SeriesRow<&'static str>>,
    /// `run.json`, if there is one.
    pub circumstances: Option<Value>,
}

impl LoadedFleet {
    /// Reads a result folder, or the JSON of a result.
    ///
    /// # Errors
    /// If something that is there cannot be read, or is no result of `terrace fleet run`.
    pub fn read(path: &Path) -> Result<Self, ReportError> {
        let is_folder = path.is_dir();
        let file = if is_folder { path.join("result.json") } else { path.to_owned() };
        let bytes = std::fs::read(&file).map_err(|cause| ReportError::Read { path: file.clone(), cause })?;
        let origin = file.display().to_string();
        let result = FleetResult::read(&String::from_utf8_lossy(&bytes), &origin).map_err(advised)?;
        let series = path.join("series.parquet");
        let samples = if is_folder && series.is_file() {
            read_samples(&series).map_err(|error| named(&series, error))?
        } else {
            Vec::new()
        };
        Ok(Self {
            name: name(path, is_folder),
            sha256: Sha256::of(&bytes),
            circumstances: if is_folder { circumstances(path)? } else { None },
            samples,
            result,
        })
    }
}

/// Other kinds of results have other readers.
fn advised(error: ResultError) -> ResultError {
    match error {
        ResultError::NoResult { origin, found, expected } => {
            let readers = "Of runs of scenarios there is terrace report.";
            ResultError::NoResult { origin, found, expected: format!("{expected}\n  {readers}") }
        }
        other => other,
    }
}
