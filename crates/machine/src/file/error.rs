//! What can be wrong with a machine file, or another file of its kind.

use std::fmt;
use std::ops::Deref;

use thiserror::Error;

/// Why there is no machine: where, what was found, what was expected, and what to do about it.
///
/// Its text is at most two lines, the second one being the help:
/// `my.toml:14:8: tlb.l1d.ways: found 0 ways; expected at least 1 that divides the 64 entries`.
///
/// The facts are fields: `error.path`, `error.found`, as of a [`Fault`].
#[derive(Debug, Error)]
#[error(transparent)]
pub struct MachineError(Box<Fault>);

/// The facts of a [`MachineError`], or of the error of another file of this kind.
#[derive(Debug, Error)]
pub struct Fault {
    /// The file, built-in text or override at fault.
    pub origin: Origin,
    /// Where in the file, if it is one place.
    pub place: Option<Place>,
    /// The keys that lead to the value at fault: `["tlb", "l1d", "ways"]`; empty if it is the whole file.
    pub path: Vec<String>,
    /// What is there.
    pub found: String,
    /// What has to be there.
    pub expected: String,
    /// What else helps to correct it.
    pub help: Option<String>,
    /// The error of the operating system, if reading failed.
    #[source]
    pub cause: Option<std::io::Error>,
}

/// What a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A file, by the path under which it was opened.
    File(String),
    /// A text that comes with the program.
    Builtin {
        /// What it describes: `machine`.
        what: &'static str,
        /// Its name.
        name: &'static str,
    },
    /// A name that is neither.
    Name(String),
    /// An override, as it was given: `tlb.l1d.ways=0`.
    Override(String),
}

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
}

impl Place {
    /// The place of the byte at `offset` of `text`; its end, if there are fewer bytes.
    pub fn of(text: &str, offset: usize) -> Self {
        let before = &text[..text.floor_char_boundary(offset)];
        let line = before.matches('\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self { line, column: before[start..].chars().count() + 1 }
    }
}

impl Fault {
    /// That `found` is in `origin` where `expected` has to be.
    pub fn new(origin: Origin, found: impl Into<String>, expected: impl Into<String>) -> Box<Self> {
        Box::new(Self {
            origin,
            place: None,
            path: Vec::new(),
            found: found.into(),
            expected: expected.into(),
            help: None,
            cause: None,
        })
    }

    /// The fault, with its place in the file.
    pub fn at(mut self: Box<Self>, place: Place) -> Box<Self> {
        self.place = Some(place);
        self
    }

    /// The fault, with the keys that lead to it.
    pub fn on(mut self: Box<Self>, path: Vec<String>) -> Box<Self> {
        self.path = path;
        self
    }

    /// The fault, with what helps to correct it.
    pub fn helped(mut self: Box<Self>, help: Option<String>) -> Box<Self> {
        self.help = help;
        self
    }

    /// The fault, with the operating system's error behind it.
    pub fn caused_by(mut self: Box<Self>, cause: std::io::Error) -> Box<Self> {
        self.cause = Some(cause);
        self
    }
}

impl From<Box<Fault>> for MachineError {
    fn from(fault: Box<Fault>) -> Self {
        Self(fault)
    }
}

impl From<MachineError> for Box<Fault> {
    fn from(error: MachineError) -> Self {
        error.0
    }
}

impl Deref for MachineError {
    type Target = Fault;

    fn deref(&self) -> &Fault {
        &self.0
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.origin)?;
        if let Some(Place { line, column }) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        // An override begins with its path.
        if !self.path.is_empty() && !matches!(self.origin, Origin::Override(_)) {
            write!(f, ": {}", self.path.join("."))?;
        }
        write!(f, ": found {}; expected {}", self.found, self.expected)?;
        self.help.as_ref().map_or(Ok(()), |help| write!(f, "\n{help}"))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.write_str(path),
            Self::Builtin { what, name } => write!(f, "built-in {what} {name}"),
            Self::Name(name) => f.write_str(name),
            Self::Override(given) => write!(f, "--set {given}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters_from_1() {
        let text = "a = 1\nµ = 2\n";
        assert_eq!(Place::of(text, 0), Place { line: 1, column: 1 });
        assert_eq!(Place::of(text, 6), Place { line: 2, column: 1 });
        assert_eq!(Place::of(text, 11), Place { line: 2, column: 5 });
        assert_eq!(Place::of(text, 1000), Place { line: 3, column: 1 });
    }
}
