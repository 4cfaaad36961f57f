//! Where a page goes: as a whole or not at all, and over nothing but an older page.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use terrace_report::MARK;

use crate::CliError;

/// Whether a page may be written to `place`.
pub(super) fn check(place: &Path) -> Result<(), CliError> {
    let no_place = |found| Err(CliError::NoPlaceForPage { path: place.to_owned(), found });
    if place.is_dir() {
        return no_place("a folder");
    }
    let mut file = match File::open(place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file.map_err(failed(place))?,
    };
    let mut begin = vec![0; MARK.len()];
    match file.read_exact(&mut begin) {
        Ok(()) if begin == MARK.as_bytes() => Ok(()),
        Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => Err(failed(place)(error)),
        _ => no_place("a file that is no page of terrace report"),
    }
}

/// Writes the page under another name, which becomes `place` when all of it is written.
pub(super) fn write(place: &Path, page: &[u8]) -> Result<(), CliError> {
    let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".terrace-");
    permit(&mut builder);
    let mut file = builder.tempfile_in(folder).map_err(failed(place))?;
    file.write_all(page).map_err(failed(place))?;
    file.persist(place).map_err(|error| failed(place)(error.error))?;
    Ok(())
}

/// Temporary files are their owner's alone; a page is as any file.
#[cfg(unix)]
fn permit(builder: &mut tempfile::Builder<'_, '_>) {
    use std::os::unix::fs::PermissionsExt;
    builder.permissions(std::fs::Permissions::from_mode(0o666));
}

#[cfg(not(unix))]
fn permit(_: &mut tempfile::Builder<'_, '_>) {}

fn failed(place: &Path) -> impl Fn(io::Error) -> CliError + use<> {
    let path = place.to_owned();
    move |error| CliError::Read { path: path.clone(), error }
}
