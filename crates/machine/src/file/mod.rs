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
mod text;
mod value;

use std::borrow::Cow;
use std::path::Path;

pub use builtin::{BUILTIN, Builtin};
pub use error::{Fault, MachineError, Origin, Place};
pub use overrides::Override;

/// What reading other files of this kind shares with machine files: TOML whose every value knows its place,
/// overrides, and errors that say where, what was found, what was expected, and which name was probably meant.
pub mod files {
    pub use super::explain::{Explained, explain};
    pub use super::nearest::nearest;
    pub use super::text::{looks_like_path, read_text};
    pub use super::value::value_of;
}

use crate::Machine;
use document::Document;
use text::{looks_like_path, read_text};

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
    Ok(read(text, Origin::File(origin.into()), overrides)?)
}

/// Reads the machine file at `path`.
///
/// # Errors
/// As [`parse`], and if there is no readable file of UTF-8 text of at most 1 MiB at `path`.
pub fn load(path: impl AsRef<Path>, overrides: &[Override]) -> Result<Found, MachineError> {
    let path = path.as_ref();
    let text = read_text(path, "machine")?;
    let machine = read(&text, Origin::File(path.display().to_string()), overrides)?;
    Ok(Found { machine, text: Cow::Owned(text) })
}

/// Reads the built-in machine `name`.
///
/// # Errors
/// If there is none of that name, an override does not apply, or the machine that they make cannot exist.
pub fn builtin(name: &str, overrides: &[Override]) -> Result<Machine, MachineError> {
    let Some(builtin) = Builtin::named(name) else {
        return Err(builtin::unknown(name, "no built-in machine of this name", "").into());
    };
    Ok(read(builtin.text, builtin.origin(), overrides)?)
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
    if let Some(builtin) = Builtin::named(name_or_path) {
        let machine = read(builtin.text, builtin.origin(), overrides)?;
        Ok(Found { machine, text: Cow::Borrowed(builtin.text) })
    } else if looks_like_path(name_or_path) {
        load(name_or_path, overrides)
    } else {
        let found = "no built-in machine and no file of this name";
        Err(builtin::unknown(name_or_path, found, ", or the path of a machine file").into())
    }
}

fn read(text: &str, origin: Origin, overrides: &[Override]) -> Result<Machine, Box<Fault>> {
    let mut document = Document::parse(text, origin)?;
    for given in overrides {
        document.apply(given)?;
    }
    document.machine()
}

#[cfg(test)]
mod tests;
