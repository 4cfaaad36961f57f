//! What runs found, kept from one measurement to the next.
//!
//! The rule: a run is known by all that it depends on, which is kept beside what it found. What is there was found by
//! the same model on the same machine in the same scenario, or it is not that run's.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use terrace_result::{MODEL_VERSION, Sha256};

use super::found::Found;

/// A folder with what runs found: figures that were stopped go on where they were, and share their runs.
#[derive(Debug)]
pub struct Kept {
    folder: PathBuf,
    /// The first that could not be kept.
    failed: Mutex<Option<(PathBuf, io::Error)>>,
}

/// What a run depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Depends {
    model_version: u32,
    /// The digest of the machine file.
    machine: Sha256,
    /// The scenario, with all its values.
    scenario: String,
}

/// A file of the folder.
#[derive(Debug, Serialize, Deserialize)]
struct File {
    depends: Depends,
    found: Found,
}

impl Depends {
    pub(super) fn on(machine: &Sha256, scenario: String) -> Self {
        Self { model_version: MODEL_VERSION, machine: machine.clone(), scenario }
    }

    fn name(&self) -> String {
        let Self { model_version, machine, scenario } = self;
        let all = format!("{model_version}\n{}\n{scenario}", machine.as_str());
        format!("{}.json", Sha256::of(all.as_bytes()).as_str())
    }
}

impl Kept {
    /// The folder, which is made if it is not there.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(Self { folder: folder.to_owned(), failed: Mutex::new(None) })
    }

    /// What could not be kept, and why: the first of it.
    pub fn failure(&self) -> Option<String> {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.as_ref().map(|(path, error)| format!("{}: {error}", path.display()))
    }

    /// What a run found. A file that cannot be read is as none: the run is made again, and its file with it.
    pub(super) fn find(&self, depends: &Depends) -> Option<Found> {
        let text = fs::read(self.folder.join(depends.name())).ok()?;
        let file: File = serde_json::from_slice(&text).ok()?;
        (file.depends == *depends).then_some(file.found)
    }

    /// Keeps what a run found: the whole file, or none.
    pub(super) fn keep(&self, depends: Depends, found: Found) {
        let path = self.folder.join(depends.name());
        let file = File { depends, found };
        let write = || {
            let mut new = tempfile::NamedTempFile::new_in(&self.folder)?;
            serde_json::to_writer(&mut new, &file)?;
            new.persist(&path).map_err(|error| error.error)?;
            Ok(())
        };
        if let Err(error) = write() {
            self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert((path, error));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use terrace_result::Metrics;

    fn found(walks: u64) -> Found {
        let mut totals = Metrics::new();
        totals.set("walks", walks).unwrap();
        Found { totals, ..Found::default() }
    }

    #[test]
    fn what_is_kept_is_found_by_all_that_it_depends_on() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("new").join("kept");
        let kept = Kept::open(&place).unwrap();
        let on = |machine: &[u8], scenario: &str| Depends::on(&Sha256::of(machine), scenario.to_owned());
        let first = on(b"m", "a");
        assert!(kept.find(&first).is_none());
        kept.keep(first.clone(), found(7));
        let walks = |depends: &Depends| kept.find(depends).and_then(|found| found.metric(None, "walks"));
        assert_eq!(walks(&first), Some(7.0));
        assert!(kept.find(&on(b"m", "b")).is_none() && kept.find(&on(b"n", "a")).is_none());
        assert!(kept.find(&Depends { model_version: MODEL_VERSION + 1, ..first.clone() }).is_none());
        kept.keep(first.clone(), found(8));
        assert_eq!(walks(&first), Some(8.0));
        assert_eq!(fs::read_dir(&place).unwrap().count(), 1, "nothing half written is left");

        // A file of another run under its name, and one that was cut.
        fs::copy(place.join(first.name()), place.join(on(b"m", "b").name())).unwrap();
        assert!(kept.find(&on(b"m", "b")).is_none());
        fs::write(place.join(first.name()), "{\"depends\":").unwrap();
        assert!(kept.find(&first).is_none());
        assert_eq!(kept.failure(), None);
        fs::remove_dir_all(&place).unwrap();
        kept.keep(first, found(9));
        assert!(kept.failure().unwrap().contains("kept"), "{:?}", kept.failure());
    }
}
