//! The text of a file that a user names.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use terrace_addr::convert;

use super::{Fault, Origin, Place};

/// The largest file that is read, in bytes.
pub(super) const MAX_FILE: usize = 1 << 20;

/// Whether this is the path of a file rather than a built-in name: it has a folder, ends in `.toml`, or exists.
pub fn looks_like_path(name_or_path: &str) -> bool {
    let path = Path::new(name_or_path);
    name_or_path.contains(['/', '\\']) || path.extension().is_some_and(|it| it == "toml") || path.exists()
}

/// The text of the file at `path`, which is to describe a `what`: a `machine`.
///
/// # Errors
/// If there is no readable file of UTF-8 text of at most 1 MiB.
pub fn read_text(path: &Path, what: &str) -> Result<String, Box<Fault>> {
    let origin = Origin::File(path.display().to_string());
    let failed = |error: std::io::Error| {
        let found = match error.kind() {
            std::io::ErrorKind::NotFound => "no such file".into(),
            std::io::ErrorKind::IsADirectory => "a directory".into(),
            _ => format!("an error on reading it ({error})"),
        };
        Fault::new(origin.clone(), found, format!("a {what} file")).caused_by(error)
    };
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(convert::count(MAX_FILE) + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > MAX_FILE {
        return Err(Fault::new(origin, "more than 1 MiB", format!("a {what} file of at most 1 MiB")));
    }
    String::from_utf8(bytes).map_err(|error| {
        let (valid, rest) = error.as_bytes().split_at(error.utf8_error().valid_up_to());
        let place = Place::of(&String::from_utf8_lossy(valid), valid.len());
        Fault::new(origin, format!("the byte 0x{:02x}", rest[0]), "a text in UTF-8").at(place)
    })
}
