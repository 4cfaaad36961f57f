//! Result folders, which are there as a whole or not at all.
//!
//! The files are written into a new folder beside the place of the result, and the folder gets its name when all of
//! them are written. Until then, and after any failure, the place is as it was.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::ResultError;

/// The file by which a folder is known to be a result.
const MARK: &str = "result.json";

/// The kinds of results that have folders.
const KINDS: [&str; 2] = [crate::RUNS_KIND, crate::FLEET_KIND];

/// A result folder that is being written. Dropped before [`ResultFolder::finish`], it leaves nothing.
#[derive(Debug)]
pub struct ResultFolder {
    /// Where the result will be.
    place: PathBuf,
    /// Its kind, as `kind` in its `result.json` says.
    kind: &'static str,
    /// Where its files are until then; none once it is there.
    beside: Option<PathBuf>,
}

impl ResultFolder {
    /// Begins the folder of a result of this kind at `place`, where there is nothing yet, an empty folder, or a result
    /// of the same kind, which the new one replaces.
    ///
    /// # Errors
    /// If there is something else at `place`, or the folder beside it cannot be made.
    pub fn create(place: impl Into<PathBuf>, kind: &'static str) -> Result<Self, ResultError> {
        let place = place.into();
        check(&place, kind)?;
        let Some(name) = place.file_name() else {
            let expected = "a folder with a name";
            return Err(ResultError::NoPlace { path: place, found: "no name", expected });
        };
        let parent = place.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(failed(parent))?;
        let beside = parent.join(format!(".{}.{}.new", name.to_string_lossy(), std::process::id()));
        fs::create_dir(&beside).map_err(failed(&beside))?;
        Ok(Self { place, kind, beside: Some(beside) })
    }

    /// A new file of the result.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn file(&self, name: &str) -> Result<File, ResultError> {
        let path = self.beside.as_deref().unwrap_or(&self.place).join(name);
        File::create_new(&path).map_err(failed(&path))
    }

    /// A whole file of the result.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), ResultError> {
        self.file(name)?.write_all(bytes).map_err(failed(&self.place.join(name)))
    }

    /// Puts the result at its place.
    ///
    /// # Errors
    /// If it has no `result.json`, if there is by now something else at the place, or it cannot be moved there. Then
    /// what was at the place still is.
    pub fn finish(mut self) -> Result<PathBuf, ResultError> {
        let Some(beside) = self.beside.clone() else {
            return Ok(self.place.clone());
        };
        let mark = beside.join(MARK);
        fs::metadata(&mark).map_err(failed(&self.place.join(MARK)))?;
        check(&self.place, self.kind)?;
        let old = beside.with_extension("old");
        let replaces = self.place.exists();
        if replaces {
            fs::rename(&self.place, &old).map_err(failed(&self.place))?;
        }
        if let Err(cause) = fs::rename(&beside, &self.place) {
            if replaces {
                fs::rename(&old, &self.place).map_err(failed(&old))?;
            }
            return Err(failed(&self.place)(cause));
        }
        self.beside = None;
        if replaces {
            fs::remove_dir_all(&old).map_err(failed(&old))?;
        }
        Ok(self.place.clone())
    }
}

impl Drop for ResultFolder {
    fn drop(&mut self) {
        if let Some(beside) = &self.beside {
            // Nobody is left to hear of a failure.
            let _ = fs::remove_dir_all(beside);
        }
    }
}

/// Whether a result may be put at `place`.
fn check(place: &Path, kind: &str) -> Result<(), ResultError> {
    let no_place = |found| {
        let expected = "nothing, an empty folder, or a result folder of the same kind to replace";
        Err(ResultError::NoPlace { path: place.into(), found, expected })
    };
    let entries = match fs::read_dir(place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => return no_place("a file"),
        entries => entries.map_err(failed(place))?,
    };
    if entries.into_iter().next().is_none() {
        return Ok(());
    }
    match kind_of(place) {
        Some(found) if found == kind => Ok(()),
        Some(found) if KINDS.contains(&found.as_str()) => no_place("a result folder of another kind"),
        _ => no_place("a folder with other files"),
    }
}

/// The kind of the result that the folder holds, of whatever version.
fn kind_of(folder: &Path) -> Option<String> {
    let text = fs::read(folder.join(MARK)).ok()?;
    let head: serde_json::Value = serde_json::from_slice(&text).ok()?;
    head["schema_version"].as_u64()?;
    head["kind"].as_str().map(str::to_owned)
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> ResultError + use<> {
    let path = path.to_path_buf();
    move |cause| ResultError::Io { path, cause }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FLEET_KIND, RUNS_KIND};

    const RESULT: &[u8] = br#"{ "kind": "run", "schema_version": 1 }"#;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_result_is_there_when_it_is_finished() {
        let root = tempfile::tempdir().unwrap();
        let place = root.path().join("a/b");
        let folder = ResultFolder::create(&place, RUNS_KIND).unwrap();
        folder.write("result.json", RESULT).unwrap();
        folder.file("series.parquet").unwrap().write_all(b"x").unwrap();
        assert!(!place.exists());
        assert_eq!(folder.finish().unwrap(), place);
        assert_eq!(names(&place), ["result.json", "series.parquet"]);
        assert_eq!(names(&root.path().join("a")), ["b"]);
    }

    #[test]
    fn a_result_replaces_a_result_and_an_empty_folder() {
        let root = tempfile::tempdir().unwrap();
        let place = root.path().join("result");
        fs::create_dir(&place).unwrap();
        for file in ["one", "two"] {
            let folder = ResultFolder::create(&place, RUNS_KIND).unwrap();
            folder.write("result.json", RESULT).unwrap();
            folder.write(file, b"").unwrap();
            folder.finish().unwrap();
        }
        assert_eq!(names(&place), ["result.json", "two"]);
        assert_eq!(names(root.path()), ["result"]);
    }

    #[test]
    fn what_fails_leaves_everything_as_it_was() {
        let root = tempfile::tempdir().unwrap();
        let place = root.path().join("result");
        let folder = ResultFolder::create(&place, RUNS_KIND).unwrap();
        folder.write("series.parquet", b"").unwrap();
        drop(folder);
        assert!(names(root.path()).is_empty());
        // Without its result.json it is no result.
        let folder = ResultFolder::create(&place, RUNS_KIND).unwrap();
        folder.write("series.parquet", b"").unwrap();
        assert!(matches!(folder.finish(), Err(ResultError::Io { .. })));
        assert!(names(root.path()).is_empty());
        // Somebody else was faster.
        let folder = ResultFolder::create(&place, RUNS_KIND).unwrap();
        folder.write("result.json", RESULT).unwrap();
        fs::create_dir(&place).unwrap();
        fs::write(place.join("mine.txt"), "").unwrap();
        assert!(matches!(folder.finish(), Err(ResultError::NoPlace { .. })));
        assert_eq!(names(root.path()), ["result"]);
        assert_eq!(names(&place), ["mine.txt"]);
    }

    #[test]
    fn what_is_no_result_is_not_replaced() {
        let root = tempfile::tempdir().unwrap();
        let refused = |place: &Path| {
            let message = ResultFolder::create(place, RUNS_KIND).unwrap_err().to_string();
            message.replace(&*root.path().to_string_lossy(), "")
        };
        let expected = "expected nothing, an empty folder, or a result folder of the same kind to replace";
        let place = root.path().join("thesis");
        fs::create_dir(&place).unwrap();
        fs::write(place.join("result.json"), r#"{ "kind": "thesis", "schema_version": 1 }"#).unwrap();
        assert_eq!(refused(&place), format!("/thesis: found a folder with other files; {expected}"));
        let runs = root.path().join("runs");
        fs::create_dir(&runs).unwrap();
        fs::write(runs.join("result.json"), RESULT).unwrap();
        let error = ResultFolder::create(&runs, FLEET_KIND).unwrap_err().to_string();
        assert!(
            error.ends_with(&format!("runs: found a result folder of another kind; {expected}")),
            "{error}"
        );
        fs::remove_dir_all(runs).unwrap();
        let file = root.path().join("file");
        fs::write(&file, "").unwrap();
        assert_eq!(refused(&file), format!("/file: found a file; {expected}"));
        assert_eq!(names(root.path()), ["file", "thesis"]);
        let error = ResultFolder::create("/", RUNS_KIND).unwrap_err().to_string();
        assert_eq!(error, format!("/: found a folder with other files; {expected}"));
    }
}
