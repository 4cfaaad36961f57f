//! A file that appears when it is whole.

use std::collections::BTreeSet;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::NamedTempFile;

use super::WriteError;

/// A file under a temporary name in the folder where it will be.
#[derive(Debug)]
pub(crate) struct Whole {
    path: PathBuf,
    file: BufWriter<NamedTempFile>,
    unfinished: Unfinished,
}

/// The temporary names of this process that are in use.
static UNFINISHED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn unfinished() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes all files that are being written: for a process that is about to end without dropping its writers.
pub fn remove_unfinished() {
    for path in core::mem::take(&mut *unfinished()) {
        // Whatever cannot be removed, stays; nobody is left to be told.
        let _ = std::fs::remove_file(path);
    }
}

/// A temporary name in use.
#[derive(Debug)]
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        unfinished().remove(&self.0);
    }
}

/// Bytes that are written at a time.
const BUFFER: usize = 1 << 20;

impl Whole {
    pub(crate) fn create(path: &Path) -> Result<Self, WriteError> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if path.is_dir() {
            return Err(WriteError::refused(path, io::ErrorKind::IsADirectory.into()));
        }
        let file = tempfile::Builder::new().prefix(".terrace-").tempfile_in(folder);
        let file = file.map_err(|error| WriteError::refused(path, error))?;
        unfinished().insert(file.path().to_owned());
        let unfinished = Unfinished(file.path().to_owned());
        Ok(Self { path: path.to_owned(), file: BufWriter::with_capacity(BUFFER, file), unfinished })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Puts the file into place, with the permissions that a new file has.
    pub(crate) fn finish(self) -> Result<(), WriteError> {
        let Self { path, file, unfinished } = self;
        let refused = |error| WriteError::refused(&path, error);
        let file = file.into_inner().map_err(|error| refused(error.into_error()))?;
        file.as_file().sync_all().map_err(refused)?;
        permit(file.as_file()).map_err(refused)?;
        file.persist(&path).map_err(|error| refused(error.error))?;
        drop(unfinished);
        Ok(())
    }
}

/// Temporary files are their owner's alone; a trace is as any file.
#[cfg(unix)]
fn permit(file: &std::fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn permit(_: &std::fs::File) -> io::Result<()> {
    Ok(())
}

impl Write for Whole {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for Whole {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_appears_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new");
        let mut whole = Whole::create(&path).unwrap();
        whole.write_all(b"all of it").unwrap();
        assert!(!path.exists());
        whole.finish().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"all of it");
        let mut abandoned = Whole::create(&folder.path().join("other")).unwrap();
        abandoned.write_all(&vec![0; 3 << 20]).unwrap();
        drop(abandoned);
        assert_eq!(names(folder.path()), ["new"]);
        let error = Whole::create(&folder.path().join("no/such/folder")).unwrap_err().to_string();
        assert!(error.contains("no/such/folder: found ") && error.contains(", expected "), "{error}");
    }
}
