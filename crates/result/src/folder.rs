//! Result folders, which are there as a whole or not at all.
//!
//! The files are written into a new folder beside the place of the result, and the folder gets its name when all of
//! them are written. Until then, and after any failure, the place is as it was.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::{RUNS_KIND, ResultError};

/// The file by which a folder is known to be a result.
const MARK: &str = "result.json";

/// A result folder that is being written. Dropped before [`ResultFolder::finish`], it leaves nothing.
#[derive(Debug)]
pub struct ResultFolder {
    /// Where the result will be.
    place: PathBuf,
    /// Where its files are until then; none once it is there.
    beside: Option<PathBuf>,
}

impl ResultFolder {
    /// Begins a result folder at `place`, where there is nothing yet, an empty folder, or a result, which the new
    /// one replaces.
    ///
    /// # Errors
    /// If there is something else at `place`, or the folder beside it cannot be made.
    pub fn create(place: impl Into<PathBuf>) -> Result<Self, ResultError> {
        let place = place.into();
        check(&place)?;
        let Some(name) = place.file_name() else {
            let expected = "a folder with a name";
            return Err(ResultError::NoPlace { path: place, found: "no name", expected });
        };
        let parent = place.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(failed(parent))?;
        let beside = parent.join(format!(".{}.{}.new", name.to_string_lossy(), std::process::id()));
        fs::create_dir(&beside).map_err(failed(&beside))?;
        Ok(Self { place, beside: Some(beside) })
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
        check(&self.place)?;
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
fn check(place: &Path) -> Result<(), ResultError> {
    let no_place = |found| {
        let expected = "nothing, an empty folder, or a result folder to replace";
        Err(ResultError::NoPlace { path: place.into(), found, expected })
    };
    let entries = match fs::read_dir(place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => return no_place("a file"),
        entries => entries.map_err(failed(place))?,
    };
    if entries.into_iter().next().is_none() || is_result(place) {
        return Ok(());
    }
    no_place("a folder with other files")
}

/// Whether the folder holds a result of any version.
fn is_result(folder: &Path) -> bool {
    let text = fs::read(folder.join(MARK)).unwrap_or_default();
    let head: Result<serde_json::Value, _> = serde_json::from_slice(&text);
    head.is_ok_and(|head| head["kind"] == RUNS_KIND && head["schema_version"].is_u64())
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> ResultError + use<> {
    let path = path.to_path_buf();
    move |cause| ResultError::Io { path, cause }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let folder = ResultFolder::create(&place).unwrap();
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
            let folder = ResultFolder::create(&place).unwrap();
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
        let folder = ResultFolder::create(&place).unwrap();
        folder.write("series.parquet", b"").unwrap();
        drop(folder);
        assert!(names(root.path()).is_empty());
        // Without its result.json it is no result.
        let folder = ResultFolder::create(&place).unwrap();
        folder.write("series.parquet", b"").unwrap();
        assert!(matches!(folder.finish(), Err(ResultError::Io { .. })));
        assert!(names(root.path()).is_empty());
        // Somebody else was faster.
        let folder = ResultFolder::create(&place).unwrap();
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
            let message = ResultFolder::create(place).unwrap_err().to_string();
            message.replace(&*root.path().to_string_lossy(), "")
        };
        let expected = "expected nothing, an empty folder, or a result folder to replace";
        let place = root.path().join("thesis");
        fs::create_dir(&place).unwrap();
        fs::write(place.join("result.json"), r#"{ "kind": "thesis", "schema_version": 1 }"#).unwrap();
        assert_eq!(refused(&place), format!("/thesis: found a folder with other files; {expected}"));
        let file = root.path().join("file");
        fs::write(&file, "").unwrap();
        assert_eq!(refused(&file), format!("/file: found a file; {expected}"));
        assert_eq!(names(root.path()), ["file", "thesis"]);
        let error = ResultFolder::create("/").unwrap_err().to_string();
        assert_eq!(error, format!("/: found a folder with other files; {expected}"));
    }
}
