//! Reading machine files, with overrides from the command line.
//!
//! A file is parsed into a tree that knows the place of every key and value in the text. Overrides are applied to
//! that tree, each value keeping the override that it came from, and only then is the tree read into a
//! [`Machine`] and validated: so every error names the line of the file or the override at fault.

mod builtin;
mod document;
mod error;
mod explain;
mod keys;
mod nearest;
mod overrides;

use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use terrace_addr::convert;

pub use builtin::{BUILTIN, Builtin};
pub use error::{Fault, MachineError, Origin, Place};
pub use overrides::Override;

use crate::Machine;
use document::Document;

/// The largest machine file that is read, in bytes.
const MAX_FILE: usize = 1 << 20;

/// A machine, and the text that it was read from.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The machine, with the overrides applied.
    pub machine: Machine,
    /// The machine file as it was read, without the overrides, such as a digest of it is made from. A file may be
    /// one that can be read only once, so nobody has to read it again.
    pub text: Cow<'static, str>,
}

/// Reads the machine in `text`. `origin` is how errors name the text, such as a file's path.
///
/// ```
/// use terrace_machine::{builtin, parse};
/// let error = parse("name = 3", "my.toml", &[]).unwrap_err();
/// assert_eq!(error.to_string(), "my.toml:1:8: name: found integer `3`; expected a text");
///
/// let machine = builtin("drmemtrace", &["tlb.stlb.entries=768".parse()?])?;
/// assert_eq!(machine.tlb["stlb"].entries, 768);
/// # Ok::<(), terrace_machine::MachineError>(())
/// ```
///
/// # Errors
/// If the text is not TOML, is no machine, an override does not apply, or the machine cannot exist
/// ([`Machine::validate`]).
pub fn parse(text: &str, origin: &str, overrides: &[Override]) -> Result<Machine, MachineError> {
    read(text, Origin::File(origin.into()), overrides)
}

/// Reads the machine file at `path`.
///
/// # Errors
/// As [`parse`], and if there is no readable file of UTF-8 text of at most 1 MiB at `path`.
pub fn load(path: impl AsRef<Path>, overrides: &[Override]) -> Result<Found, MachineError> {
    let path = path.as_ref();
    let origin = Origin::File(path.display().to_string());
    let failed = |error: std::io::Error| {
        let found = match error.kind() {
            std::io::ErrorKind::NotFound => "no such file".into(),
            std::io::ErrorKind::IsADirectory => "a directory".into(),
            _ => format!("an error on reading it ({error})"),
        };
        MachineError::new(origin.clone(), found, "a machine file").caused_by(error)
    };
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(convert::count(MAX_FILE) + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > MAX_FILE {
        return Err(MachineError::new(origin, "more than 1 MiB", "a machine file of at most 1 MiB"));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let (valid, rest) = error.as_bytes().split_at(error.utf8_error().valid_up_to());
        let place = Place::of(&String::from_utf8_lossy(valid), valid.len());
        let found = format!("the byte 0x{:02x}", rest[0]);
        MachineError::new(origin.clone(), found, "a text in UTF-8").at(place)
    })?;
    let machine = read(&text, origin, overrides)?;
    Ok(Found { machine, text: Cow::Owned(text) })
}

/// Reads the built-in machine `name`.
///
/// # Errors
/// If there is none of that name, an override does not apply, or the machine that they make cannot exist.
pub fn builtin(name: &str, overrides: &[Override]) -> Result<Machine, MachineError> {
    let Some(builtin) = Builtin::named(name) else {
        return Err(builtin::unknown(name, "no built-in machine of this name", ""));
    };
    read(builtin.text, Origin::Builtin(builtin.name), overrides)
}

/// Reads the built-in machine of this name, or else the machine file at this path.
///
/// ```
/// let found = terrace_machine::find("champsim", &["paging.levels=4".parse()?])?;
/// assert_eq!(found.machine.paging.levels, 4);
/// assert!(found.text.contains("levels = 5"));
/// # Ok::<(), terrace_machine::MachineError>(())
/// ```
///
/// # Errors
/// As [`builtin()`] and [`load`]; if there is neither, the error lists the names and says which one is nearest.
pub fn find(name_or_path: &str, overrides: &[Override]) -> Result<Found, MachineError> {
    let looks_like_path = name_or_path.contains(['/', '\\'])
        || Path::new(name_or_path).extension().is_some_and(|it| it == "toml");
    if let Some(builtin) = Builtin::named(name_or_path) {
        let machine = read(builtin.text, Origin::Builtin(builtin.name), overrides)?;
        Ok(Found { machine, text: Cow::Borrowed(builtin.text) })
    } else if looks_like_path || Path::new(name_or_path).exists() {
        load(name_or_path, overrides)
    } else {
        let found = "no built-in machine and no file of this name";
        Err(builtin::unknown(name_or_path, found, ", or the path of a machine file"))
    }
}

fn read(text: &str, origin: Origin, overrides: &[Override]) -> Result<Machine, MachineError> {
    let mut document = Document::parse(text, origin)?;
    for given in overrides {
        document.apply(given)?;
    }
    document.machine()
}

#[cfg(test)]
mod tests;
